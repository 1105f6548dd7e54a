"""Columns of any kind become finite numbers, the same way at training and at scoring."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from engine.data.column_codes import TYPICAL, as_levels
from engine.data.encoding import Encoder
from engine.errors import DataError
from tests import naive

rng = np.random.default_rng(0)


def fitted(scaling="standard", **columns):
    frame = pd.DataFrame(columns)
    return Encoder.fit(frame, tuple(columns), scaling), frame


def levels(column):
    """The name of each cell's level."""
    numbers, names = as_levels(column)
    return [names[number] if number >= 0 else None for number in numbers]


def encoded(scaling="standard", **columns):
    encoder, frame = fitted(scaling, **columns)
    return encoder.transform(frame).values


def test_standard_scaling_has_mean_0_and_deviation_1():
    values = encoded(x=rng.normal(5, 3, 200))
    assert values.mean() == pytest.approx(0)
    assert values.std() == pytest.approx(1)


def test_robust_scaling_is_not_moved_by_a_far_value():
    x = rng.normal(5, 3, 2_000)
    plain, moved = encoded("robust", x=x), encoded("robust", x=np.r_[x[:-1], 1e9])
    assert plain.std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(plain[:-1], moved[:-1], atol=0.02)


def test_minmax_scaling_runs_from_0_to_1_and_none_changes_nothing():
    x = rng.normal(5, 3, 50)
    values = encoded("minmax", x=x)
    assert (values.min(), values.max()) == (0, 1)
    np.testing.assert_array_equal(encoded("none", x=x)[:, 0], x)


def test_robust_scaling_survives_quartiles_that_coincide():
    values = encoded("robust", x=np.r_[np.zeros(90), np.arange(1.0, 11)])
    assert np.isfinite(values).all()
    assert np.ptp(values) > 0


def test_a_category_becomes_how_rare_it_is():
    cells = ["a"] * 60 + ["b"] * 30 + ["c"] * 10
    encoder, _ = fitted(kind=cells)
    code = encoder.codes[0]
    for level in ("a", "b", "c", "never seen"):
        assert code.rarity(level) == pytest.approx(naive.rarity(level, cells))
    a, b, c, new, missing = encoder.transform(
        pd.DataFrame({"kind": ["a", "b", "c", "never seen", None]})
    ).values[:, 0]
    assert a < b < c < new
    assert missing == 0, "a missing cell has mean rarity"
    assert encoder.typical_row[0] == a, "typical is the commonest level"


def test_unseen_categories_are_counted_and_missing_ones_are_not():
    encoder, _ = fitted(kind=["a", "b", "b", None], x=[1.0, 2.0, 3.0, 4.0])
    new = pd.DataFrame({"kind": ["z", "y", "a", None], "x": [1.0, 2, 3, 4]})
    assert encoder.transform(new).unseen == {"kind": 2}


def test_a_date_becomes_seconds_hour_and_weekday():
    moments = pd.date_range("2024-05-06 00:00", periods=14 * 24, freq="h")  # a Monday
    encoder, frame = fitted(made=moments)
    assert encoder.encoded_names == ["made", "made (hour)", "made (weekday)"]
    seconds, hour, weekday = encoder.transform(frame).values.T
    assert (np.diff(seconds) > 0).all()
    np.testing.assert_allclose(hour, np.tile((np.arange(24) - 12) / (24 / np.sqrt(12)), 14))
    np.testing.assert_allclose(weekday, np.repeat((np.arange(14) % 7 - 3) / (7 / np.sqrt(12)), 24))


def test_dates_before_1970_and_with_a_zone_are_understood():
    before = encoded(made=pd.date_range("1969-12-29", periods=7))
    np.testing.assert_allclose(before[:, 2] * 7 / np.sqrt(12), np.arange(7) - 3)
    zoned = pd.date_range("2024-05-06 02:00", periods=9, freq="h", tz="Europe/Berlin")
    np.testing.assert_array_equal(encoded(made=zoned), encoded(made=zoned.tz_convert(None)))


def test_a_missing_number_counts_as_the_training_median():
    encoder, _ = fitted(x=[1.0, 2.0, 9.0], y=[1.0, 2.0, 4.0])
    values = encoder.transform(pd.DataFrame({"x": [np.nan, 2.0], "y": [3.0, 3.0]})).values
    assert values[0, 0] == values[1, 0]


def test_a_row_with_more_than_half_of_its_cells_missing_is_not_judged():
    columns = {name: rng.normal(size=20) for name in "abcd"}
    encoder, frame = fitted(**columns)
    frame.loc[3, ["a", "b"]] = np.nan
    frame.loc[4, ["a", "b", "c"]] = np.nan
    answer = encoder.transform(frame)
    assert np.flatnonzero(~answer.judged).tolist() == [4]
    assert answer.obstacles == {4: "3 of 4 values are missing"}


@pytest.mark.parametrize("cell", [np.inf, -np.inf, 1e300, -1.1e15])
def test_an_impossible_number_makes_its_row_unjudged_and_teaches_nothing(cell):
    x = rng.normal(size=30)
    clean, _ = fitted(x=x[1:])
    spoiled, frame = fitted(x=np.r_[cell, x[1:]])
    assert spoiled.codes[0].center == clean.codes[0].center
    assert spoiled.codes[0].scale == clean.codes[0].scale
    answer = spoiled.transform(frame)
    assert np.flatnonzero(~answer.judged).tolist() == [0]
    assert answer.obstacles == {0: f"'x' is impossibly large ({cell:g})"}
    assert np.isfinite(answer.values).all()


def test_a_number_far_beyond_a_column_of_tiny_ones_stays_finite_in_single_precision():
    encoder, _ = fitted("minmax", x=np.r_[np.zeros(9), 1e-310])
    with np.errstate(all="raise"):
        values = encoder.transform(pd.DataFrame({"x": [1e14, -1e14]})).values
    assert np.isfinite(values.astype(np.float32) ** 2).all()


def test_empty_and_constant_columns_are_left_out_and_named():
    encoder, _ = fitted(
        x=[1.0, 2.0], dull=[3, 3], void=[np.nan, np.nan], word=["a", "a"], wild=[np.inf, 1e300]
    )
    assert encoder.columns == ["x"]
    assert encoder.left_out == {
        "dull": "has the same value in every row",
        "void": "is empty",
        "word": "has the same value in every row",
        "wild": "holds no possible number",
    }


def test_nothing_left_to_learn_from_names_every_column():
    with pytest.raises(DataError, match="'dull' has the same value in every row; 'void' is empty"):
        fitted(dull=[3, 3], void=[None, None])
    with pytest.raises(DataError, match="every column has another role"):
        Encoder.fit(pd.DataFrame({"x": [1, 2]}), ())


def test_whole_numbers_are_the_same_level_with_and_without_a_point():
    assert levels(pd.Series([7.0, 8.0, np.nan])) == ["7", "8", None]
    assert levels(pd.Series([7, 8])) == ["7", "8"]


def test_the_name_of_a_level_does_not_depend_on_the_rows_beside_it():
    assert levels(pd.Series([7.0]))[0] == levels(pd.Series([7.0, 7.5]))[0] == "7"
    day = pd.Timestamp("2024-05-06")
    assert levels(pd.Series([day]))[0] == levels(pd.Series([day, pd.Timestamp("2024-05-06 07:30")]))[0]


def test_cells_that_python_calls_equal_are_different_levels():
    """In a column of mixed kinds; its levels are the same whichever row comes first."""
    cells = pd.Series([1, True, "1", 2.5, None, "True"], dtype=object)
    assert levels(cells) == ["1", "True", "1", "2.5", None, "True"]
    assert levels(cells[::-1]) == levels(cells)[::-1]


@pytest.mark.parametrize("kind", ["str", "object", "category"])
def test_one_long_text_among_many_rows_costs_its_own_length_only(kind):
    cells = ["a", "b"] * 10_000 + ["x" * 20_000]
    frame = pd.DataFrame({"note": pd.Series(cells, dtype=kind)})
    tracemalloc.start()
    encoder = Encoder.fit(frame, ("note",))
    answer = encoder.transform(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.values[-1, 0] > answer.values[0, 0]
    assert peak < 20_000_000, "not 20,001 rows times 20,000 characters"


def test_absurd_numbers_can_be_levels():
    assert levels(pd.Series([np.inf, 1e300, -0.0, 2.5])) == ["inf", "1e+300", "0", "2.5"]


def test_an_encoder_survives_being_written_down():
    encoder, frame = fitted(
        x=rng.normal(size=20), kind=["a", "b"] * 10, made=pd.date_range("2024", periods=20), d=[1] * 20
    )
    again = Encoder.from_dict(encoder.as_dict())
    np.testing.assert_array_equal(again.transform(frame).values, encoder.transform(frame).values)
    np.testing.assert_array_equal(again.typical_row, encoder.typical_row)
    assert again.left_out == encoder.left_out


def test_every_matrix_column_knows_its_source():
    encoder, frame = fitted(x=[1.0, 2.0], made=pd.date_range("2024", periods=2), kind=["a", "b"])
    assert encoder.sources.tolist() == [0, 1, 1, 1, 2]
    assert (
        len(encoder.encoded_names)
        == encoder.transform(frame).values.shape[1]
        == len(encoder.typical_row)
        == 5
    )


def test_what_is_usual_is_kept_in_the_unit_of_the_column():
    x = rng.normal(50, 5, 400)
    np.testing.assert_allclose(fitted(x=x)[0].codes[0].typical, np.quantile(x, TYPICAL))


def test_commonest_levels_do_not_depend_on_the_order_of_rows():
    cells = list("abcabcabd")
    one, _ = fitted(kind=cells)
    two, _ = fitted(kind=cells[::-1])
    assert list(one.codes[0].levels.items()) == list(two.codes[0].levels.items())


def test_what_is_learned_does_not_depend_on_the_order_of_rows():
    frame = pd.DataFrame(
        {
            "x": rng.normal(size=501) * 1e3,
            "made": pd.Timestamp("2024") + pd.to_timedelta(rng.integers(0, 10**7, 501), unit="s"),
            "kind": rng.choice(list("abcdefg"), 501),
        }
    )
    for scaling in ("standard", "robust", "minmax"):
        one, two = (
            Encoder.fit(each, ("x", "made", "kind"), scaling)
            for each in (frame, frame.sample(frac=1, random_state=1))
        )
        assert one.as_dict() == two.as_dict()


def test_the_rows_learned_from_are_those_that_will_be_judged():
    """Without row 4, which is mostly missing, 'c' is constant and falls out; then rows 2 and 3 are judged no more."""
    frame = pd.DataFrame(
        {
            "a": [1.0, 2.0, np.nan, np.nan, np.nan, 3.0, 4.0],
            "b": [1.0, 2.0, np.nan, 90.0, np.nan, 3.0, 4.0],
            "c": [5.0, 5.0, 5.0, 5.0, 6.0, 5.0, 5.0],
            "d": [1.0, 2.0, 80.0, np.nan, np.nan, 3.0, 4.0],
        }
    )
    encoder = Encoder.fit(frame, tuple(frame))
    judged = encoder.transform(frame).judged
    assert encoder.columns == ["a", "b", "d"]
    assert encoder.left_out == {"c": "has the same value in every row"}
    assert np.flatnonzero(judged).tolist() == [0, 1, 5, 6]
    assert encoder.codes == Encoder.fit(frame[judged], ("a", "b", "d")).codes


def test_booleans_are_numbers_and_fifty_thousand_levels_are_a_column():
    assert encoded(flag=[True, False, True]).shape == (3, 1)
    encoder, frame = fitted(name=[f"n{i}" for i in range(50_000)] + ["n0"])
    assert len(encoder.codes[0].levels) == 5_000
    assert encoder.transform(frame).unseen == {}, "levels beyond those remembered are not called new"
