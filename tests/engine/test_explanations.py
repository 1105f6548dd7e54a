"""Reasons name the column that was tampered with, in words, and taking it back takes the score back."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from engine.analysis import explain_worst, train
from engine.data.column_codes import KEPT_LEVELS, ColumnCode
from engine.data.roles import Roles
from engine.scoring.explanations import ablation, nearest, shares
from engine.scoring.reasons import explain, in_plain_words, sentence, usual_in_words, value_in_words
from engine.scoring.wording import moment_in_words, number_in_words
from tests import naive
from tests.engine.checks import TABULAR, shortened

NUMBERS = [f"sensor {i}" for i in range(8)]


def tampered(n=600, n_planted=40, seed=5):
    """A table of eight correlated sensors and a category, and which one column of some rows was made strange."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(n, 2))
    frame = pd.DataFrame(shared @ rng.normal(size=(2, 8)) * 0.5 + rng.normal(size=(n, 8)), columns=NUMBERS)
    frame["kind"] = rng.choice(["usual", "common", "known"], n)
    planted = dict(
        zip(rng.choice(n, n_planted, replace=False), rng.choice([*NUMBERS, "kind"], n_planted), strict=True)
    )
    for row, column in planted.items():
        strange = (
            "odd one"
            if column == "kind"
            else frame[column].mean() + rng.choice([-9, 9]) * frame[column].std()
        )
        frame.loc[row, column] = strange if column != "kind" else f"odd {row}"
    return frame, planted


FRAME, PLANTED = tampered()
ROWS = np.array(list(PLANTED))


@cache
def explained(detector):
    model = train(FRAME, Roles(dict.fromkeys(FRAME.columns, "feature")), detector, shortened(detector))
    prepared = model.encode(FRAME)
    return model, prepared, explain(model, prepared, ROWS)


@pytest.mark.parametrize("detector", TABULAR)
def test_the_tampered_column_is_named_first(detector):
    _, _, found = explained(detector)
    places = [
        [r.column for r in reasons].index(column)
        for reasons, column in zip(found.reasons, PLANTED.values(), strict=True)
    ]
    assert np.mean([place == 0 for place in places]) >= 0.9
    assert np.mean([place < 3 for place in places]) >= 0.97


@pytest.mark.parametrize("detector", TABULAR)
def test_reasons_are_faithful(detector):
    """A typical value in place of the first reason lowers the score, and further than one for the last reason."""
    model, prepared, found = explained(detector)
    before = model.judge(prepared).values[ROWS]

    def without(place):
        frame = FRAME.loc[ROWS].reset_index(drop=True)
        for i, reasons in enumerate(found.reasons):
            column = reasons[place].column
            code = next(code for code in model.recipe.encoder.codes if code.name == column)
            frame.loc[i, column] = code.usual_level if code.kind == "category" else code.fill
        return model.score(frame).values

    falls = before - without(0)
    assert (falls > 0).mean() >= 0.97
    assert (falls > before - without(-1)).mean() >= 0.95


@pytest.mark.parametrize("detector", TABULAR)
def test_contributions_and_shares_add_up(detector):
    model, _, found = explained(detector)
    assert found.contributions.shape == (len(ROWS), 9)
    assert (found.contributions >= 0).all()
    np.testing.assert_allclose(shares(found.contributions).sum(axis=1), 1)
    assert found.columns == model.recipe.channels
    for reasons in found.reasons:
        parts = [reason.share for reason in reasons]
        assert parts == sorted(parts, reverse=True)


def test_a_reason_reads_as_a_sentence():
    _, _, found = explained("neighbours")
    row = next(row for row, column in PLANTED.items() if column == "kind")
    assert found.sentences()[row].startswith(f"kind 'odd {row}' (0.17 % of training rows)")
    row = next(row for row, column in PLANTED.items() if column == "sensor 3")
    text = found.sentences()[row]
    assert text.startswith(f"sensor 3 {number_in_words(FRAME.loc[row, 'sensor 3'])} (usually ")
    assert " to " in text


@pytest.mark.parametrize("detector", ["neighbours", "isolation_forest"])
def test_yes_and_no_are_said_as_such(detector):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"amount": rng.normal(size=300), "urgent": np.arange(300) == 7})
    model = train(frame, Roles(dict.fromkeys(frame.columns, "feature")), detector, shortened(detector))
    found = explain(model, model.encode(frame), np.array([7]))
    assert found.sentences()[7].startswith("urgent true (usually false)")
    assert in_plain_words([reason.as_dict() for reason in found.reasons[0]]).startswith(
        ("Mostly because urgent is true (usually false)", "Only because urgent is true (usually false)")
    )


@pytest.mark.parametrize("detector", TABULAR)
def test_the_channel_of_a_series_is_named_with_what_it_did(detector, series, model_of):
    model = model_of(detector, series)
    prepared = model.encode(series.frame)
    found = explain_worst(model, prepared, model.judge(prepared), most=8)
    assert found.columns == ["current", "oil_temperature"]
    for reasons in found.reasons:
        assert {r.column for r in reasons} <= set(found.columns)
        assert any("reading" in reason.measure for reason in reasons), "a window is described in words"


@pytest.mark.parametrize("detector", TABULAR)
def test_the_worst_rows_are_explained_worst_first_and_only_judged_ones(detector, table, model_of):
    model = model_of(detector, table)
    frame = table.frame.copy()
    frame.loc[5, "pressure"] = np.inf
    prepared = model.encode(frame)
    scores = model.judge(prepared)
    found = explain_worst(model, prepared, scores, most=20)
    assert len(found.rows) == len(found.reasons) == 20
    assert (np.diff(scores.values[found.rows]) <= 0).all()
    assert scores.values[found.rows[-1]] >= np.sort(scores.values[scores.judged])[-20]
    assert 5 not in explain_worst(model, prepared, scores, most=10_000).rows


@pytest.mark.parametrize("detector", TABULAR)
def test_a_table_of_which_no_row_can_be_judged_has_nothing_to_explain(detector, table, model_of):
    model = model_of(detector, table)
    frame = table.frame.convert_dtypes()
    frame[list(table.roles.features)] = frame[list(table.roles.features)].mask(frame["order_no"] > 0)
    prepared = model.encode(frame)
    found = explain_worst(model, prepared, model.judge(prepared))
    assert len(found.rows) == 0
    assert found.sentences() == {}


def test_ablation_equals_its_twin():
    rng = np.random.default_rng(0)
    X, typical, groups = rng.normal(size=(12, 5)), rng.normal(size=5), np.array([0, 1, 1, 2, 0])

    def score(rows):
        return (rows**2).sum(axis=1) + rows[:, 0] * rows[:, 3]

    found = ablation(score, X, typical, groups)
    twin = [naive.ablation(lambda row: score(row[None])[0], row, typical, groups) for row in X]
    np.testing.assert_allclose(found, twin, atol=1e-12)
    assert ablation(score, X[:0], typical, groups).shape == (0, 3)


def test_of_many_values_some_are_tried_and_the_others_lie_between_them():
    rng = np.random.default_rng(1)
    X, typical, groups = rng.normal(size=(2_000, 3)) ** 3, np.zeros(3), np.array([0, 1, 2])
    asked = []

    def score(rows):
        asked.append(len(rows))
        return np.sqrt((rows**2).sum(axis=1))

    found = ablation(score, X, typical, groups)
    alone = [ablation(score, X[i : i + 1], typical, groups)[0] for i in range(0, 2_000, 50)]
    np.testing.assert_allclose(found[::50], alone, rtol=0.02, atol=0.05)
    assert max(asked[2:5]) <= 128


def test_shares_of_nothing_are_zeros():
    np.testing.assert_array_equal(shares(np.array([[0.0, 0.0], [1.0, 3.0]])), [[0, 0], [0.25, 0.75]])


def test_the_most_similar_rows_come_nearest_first():
    numbers, distances = nearest(np.zeros(2), np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), k=3)
    assert numbers.tolist() == [2, 1, 3]
    assert distances.tolist() == [0, 1, 1]


def test_no_reason_is_said_too():
    assert sentence([]) == "no single column stands out"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0.0, "0"), (9800.0, "9,800"), (0.01234567, "0.01235"), (1.2e9, "1.2e+09"), (-5.0, "-5"),
        (1234567.8, "1,234,568"), (3e-7, "3e-07"), (float("inf"), "infinite"), (float("nan"), "missing"),
        (0.1 + 0.2, "0.3"),
    ],
)  # fmt: skip
def test_numbers_are_written_with_four_digits(number, words):
    assert number_in_words(number) == words


def test_cells_are_written_as_a_person_would():
    category = ColumnCode(name="c", kind="category", levels={"a": 0.9, "7": 0.1}, n_rows=10)
    number = ColumnCode(name="n", kind="number", typical=[0, 1, 2, 3, 4, 5, 6])
    still = ColumnCode(name="s", kind="number", typical=[0, 3, 3, 3, 3, 3, 6])
    moment = ColumnCode(name="t", kind="moment", typical=[0.0, 0, 0, 0, 0, 0, 86_400.0 * 31])
    assert value_in_words(category, None) == "is missing"
    assert usual_in_words(category, None) == "usually 'a'"
    assert usual_in_words(category, "z") == "never seen in training"
    assert usual_in_words(category, 7.0) == "10 % of training rows"
    category.n_missing = 30
    assert usual_in_words(category, 7.0) == "2.5 % of training rows", "rows without a value are rows, too"
    assert usual_in_words(number, 99.0) == "usually 1 to 5"
    assert usual_in_words(still, 99.0) == "usually 3"
    assert moment_in_words(pd.Timestamp("2024-05-06")) == "2024-05-06"
    assert moment_in_words(pd.Timestamp("2024-05-06 07:08:10.500")) == "2024-05-06 07:08:10.5"
    assert moment_in_words(pd.Timestamp("2024-05-06 07:08:10.5", tz="UTC")).endswith("10.500000+00:00")
    assert value_in_words(moment, pd.Timestamp("2024-05-06 07:08")) == "2024-05-06 07:08"
    assert usual_in_words(moment, pd.Timestamp("2024-05-06")) == "training ran 1970-01-01 to 1970-02-01"


def test_a_level_of_very_many_is_not_called_never_seen():
    few = ColumnCode(name="kind", kind="category", levels={"a": 0.5, "7": 0.25})
    assert usual_in_words(few, "b") == "never seen in training"
    assert usual_in_words(few, 7.0) == "25 % of training rows"
    many = ColumnCode(name="name", kind="category", levels={f"n{i}": 1e-5 for i in range(KEPT_LEVELS)})
    assert usual_in_words(many, "b") == "not among the 5,000 commonest in training"
    assert usual_in_words(many, "n3") == "0.001 % of training rows"
