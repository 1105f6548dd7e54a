"""Rolling features equal a slow twin, and never reach across a gap, into another entity or out of their window."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from engine.data.features import FeatureRecipe
from engine.data.roles import Roles
from engine.data.windows import SEPARATOR, Windows, dominant_period
from engine.errors import DataError, UsageError
from tests import naive

ROLES = Roles({"t": "time", "x": "feature"}, kind="series")


def sampled(values, start=0.0):
    return pd.DataFrame(
        {"t": start + np.arange(len(values), dtype=float), "x": np.asarray(values, dtype=float)}
    )


def measured(frame, length, roles=ROLES, column="x"):
    features, full = Windows.fit(frame, roles, length).transform(frame, roles)
    return (
        features,
        full,
        {n.rpartition(SEPARATOR)[2]: features[n] for n in features if n.startswith(column + SEPARATOR)},
    )


@pytest.mark.parametrize("length", [2, 3, 8])
@pytest.mark.parametrize("holes", [0.0, 0.25])
def test_features_equal_their_twin(length, holes):
    rng = np.random.default_rng(length)
    values = np.where(rng.random(60) < holes, np.nan, rng.normal(size=60))
    _, full, found = measured(sampled(values), length)
    assert full.tolist() == [False] * (length - 1) + [True] * (60 - length + 1)
    for row, twin in enumerate(naive.window_features(values, length)):
        for what, column in found.items():
            if twin is None:
                assert np.isnan(column[row])
            else:
                assert column[row] == pytest.approx(twin[what], abs=1e-12)


def test_a_reading_gets_the_same_features_in_any_longer_slice():
    rng = np.random.default_rng(1)
    frame = sampled(np.where(rng.random(200) < 0.2, np.nan, rng.normal(size=200)))
    windows = Windows.fit(frame, ROLES, 8)
    whole, _ = windows.transform(frame, ROLES)
    for start in (1, 50, 133):
        part, full = windows.transform(frame.iloc[start:].reset_index(drop=True), ROLES)
        assert full.sum() == len(part) - 7
        pd.testing.assert_frame_equal(
            part[full], whole.iloc[start:].reset_index(drop=True)[full], check_exact=True
        )


def test_a_window_never_reaches_across_a_gap():
    frame = pd.concat([sampled(np.ones(20)), sampled(np.full(20, 100.0), start=60)], ignore_index=True)
    _, full, found = measured(frame, 5)
    assert np.flatnonzero(~full).tolist() == [0, 1, 2, 3, 20, 21, 22, 23]
    assert found["range"][full].eq(0).all()


def test_a_short_pause_is_no_gap():
    frame = sampled(np.arange(20)).drop(index=[9, 10]).reset_index(drop=True)
    _, full, _ = measured(frame, 5)
    assert full.sum() == 14


def test_a_window_never_reaches_into_another_entity():
    roles = Roles({"t": "time", "machine": "entity", "x": "feature"}, kind="series")
    one, two = sampled(np.ones(15)).assign(machine="a"), sampled(np.full(15, 9.0)).assign(machine="b")
    mixed = pd.concat([one, two]).sort_values("t", kind="stable").reset_index(drop=True)
    _, full, found = measured(mixed, 4, roles)
    assert (~full).sum() == 6
    assert found["range"][full].eq(0).all()
    assert found["level"][full].tolist() == mixed["x"][full].tolist()


def test_readings_are_taken_in_the_order_of_time_and_answered_in_the_order_of_the_file():
    frame = sampled(np.random.default_rng(2).normal(size=50))
    order = np.random.default_rng(3).permutation(50)
    straight, full, _ = measured(frame, 6)
    shuffled, shuffled_full, _ = measured(frame.iloc[order].reset_index(drop=True), 6)
    np.testing.assert_array_equal(shuffled_full, full[order])
    pd.testing.assert_frame_equal(shuffled, straight.iloc[order].reset_index(drop=True), check_exact=True)


def test_readings_without_a_time_are_not_judged():
    frame = sampled(np.arange(30.0))
    frame.loc[12, "t"] = np.nan
    _, full, _ = measured(frame, 4)
    assert not full[12]
    assert full[20:].all()


def test_an_impossible_reading_spoils_no_other_window():
    values = np.random.default_rng(4).normal(size=40)
    values[[10, 20, 30]] = [1e300, np.inf, -np.inf]
    features, _, found = measured(sampled(values), 5)
    assert np.isfinite(
        np.array([found[what] for what in found])[:, np.delete(np.arange(4, 40), [6, 16, 26])]
    ).all()
    assert features["x"][10] == 1e300, "the reading itself stays, so that its row is not judged"


def test_the_window_is_the_rhythm_when_that_is_short():
    rng = np.random.default_rng(5)
    rhythm = np.sin(2 * np.pi * np.arange(600) / 24) + 0.1 * rng.normal(size=600)
    assert dominant_period(rhythm) in (23, 24, 25)
    assert Windows.fit(sampled(rhythm), ROLES).length == dominant_period(rhythm)
    assert dominant_period(rng.normal(size=600)) is None
    assert dominant_period(np.ones(600)) is None
    assert dominant_period(np.array([1.0, 2.0])) is None
    assert Windows.fit(sampled(rng.normal(size=600)), ROLES).length == 32


def test_a_long_rhythm_is_no_window_and_a_short_series_has_a_short_one():
    day = np.sin(2 * np.pi * np.arange(3_000) / 500)
    assert Windows.fit(sampled(day), ROLES).length == 32
    assert Windows.fit(sampled(np.random.default_rng(6).normal(size=60)), ROLES).length == 6


def test_the_window_leaves_most_readings_of_short_entities_judged():
    """A hundred machines of twenty readings each; a window of 32 would judge none of them."""
    roles = Roles({"t": "time", "machine": "entity", "x": "feature"}, kind="series")
    values = np.random.default_rng(8).normal(size=(100, 20))
    frame = pd.concat(
        [sampled(row).assign(machine=f"m{i}") for i, row in enumerate(values)], ignore_index=True
    )
    windows = Windows.fit(frame, roles)
    assert windows.length == 5
    _, full = windows.transform(frame, roles)
    assert full.mean() == 16 / 20


def test_the_window_is_short_where_gaps_come_often_and_not_for_a_few_readings_on_their_own():
    values = np.random.default_rng(9).normal(size=600)
    days = sampled(values).assign(t=np.arange(600) + 100.0 * (np.arange(600) // 24))
    assert Windows.fit(days, ROLES).length == 6
    lonely = sampled(values)
    lonely.loc[550:, "t"] = 1_000 + 100.0 * np.arange(50)
    assert Windows.fit(lonely, ROLES).length == 32
    tiny = sampled(values).assign(t=np.arange(600) + 100.0 * (np.arange(600) // 3))
    assert Windows.fit(tiny, ROLES).length == 4


def test_memory_does_not_grow_with_the_window():
    frame = sampled(np.random.default_rng(10).normal(size=6_000))
    windows = Windows.fit(frame, ROLES, 3_000)
    tracemalloc.start()
    _, full = windows.transform(frame, ROLES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert full.sum() == 3_001
    assert peak < 100_000_000, "not 3,001 windows of 3,000 readings at once, several times over"


def test_the_order_of_channels_does_not_matter():
    frame = sampled(np.random.default_rng(11).normal(size=80)).assign(y=np.arange(80) % 7, word="a")
    given = [Roles({"t": "time", **dict.fromkeys(order, "feature")}, "series") for order in ("xyw", "wyx")]
    frame = frame.rename(columns={"word": "w"})
    one, two = (Windows.fit(frame, roles, 5).transform(frame, roles)[0] for roles in given)
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize("length", [1, 0, -3])
def test_a_window_of_fewer_than_two_readings_is_refused(length):
    with pytest.raises(UsageError, match=f"at least 2 readings, got {length}"):
        Windows.fit(sampled(np.arange(30)), ROLES, length)


def test_a_series_shorter_than_the_window_has_no_full_one():
    _, full, _ = measured(sampled(np.arange(5.0)), 9)
    assert not full.any()


def test_features_say_what_they_measure():
    windows = Windows(length=12, step_seconds=60.0)
    assert windows.describe("oil") == ("oil", "")
    assert windows.describe(f"oil{SEPARATOR}level") == ("oil", "mean of the last 12 readings")
    assert windows.describe(f"a{SEPARATOR}b{SEPARATOR}jump") == (
        f"a{SEPARATOR}b",
        "change from the reading before",
    )
    assert Windows.from_dict(windows.as_dict()) == windows


def test_early_readings_are_counted_as_unjudged_with_the_reason():
    frame = sampled(np.random.default_rng(7).normal(size=50))
    _, encoded = FeatureRecipe.fit(frame, ROLES, window=10).transform(frame)
    assert np.flatnonzero(~encoded.judged).tolist() == list(range(9))
    assert set(encoded.obstacles.values()) == {"fewer than 10 readings in a row came before"}


def test_a_series_without_any_usable_channel_is_refused_in_words():
    with pytest.raises(DataError, match="no column is left to learn from"):
        FeatureRecipe.fit(sampled(np.ones(50)), ROLES)
