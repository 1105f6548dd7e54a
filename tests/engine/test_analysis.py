"""The verbs: what judging and evaluating count, what training refuses, and what the card remembers."""

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.analysis import earliest, evaluate, judge, train
from engine.data.roles import Roles
from engine.detectors import CATALOGUE
from engine.errors import DataError, UsageError
from engine.model import Model
from engine.scoring.rules import RULES
from engine.scoring.thresholds import severity
from engine.store import ModelStore
from tests import naive
from tests.engine.checks import TABULAR, shortened

SCORES = np.array([0.1, 0.9, np.nan, 0.5, 0.95, np.nan])


def numbers(n=60, **more):
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: rng.normal(size=n) for name in "abc"} | more)


def features(frame, kind="table", **given):
    return Roles({c: given.get(c, "feature") for c in frame.columns}, kind)


@pytest.fixture
def card(table, model_of):
    return model_of("isolation_forest", table).card


def test_judging_flags_what_lies_strictly_above_and_counts_judged_rows_only(card):
    judgement = judge(SCORES, card, RULES["fixed"](0.5))
    assert judgement.flags.tolist() == [False, True, False, False, True, False]
    assert (judgement.rows, judgement.judged, judgement.flagged) == (6, 4, 2)
    assert judgement.share == 0.5


def test_judging_nothing_flags_nothing(card):
    for scores in (np.full(3, np.nan), np.array([])):
        judgement = judge(scores, card, RULES["percentile"](95))
        assert (judgement.judged, judgement.flagged, judgement.share) == (0, 0, 0.0)


@pytest.mark.parametrize("percentile", [0, 0.01, 12.34, 50, 90, 99, 99.9, 99.99, 99.999, 100])
def test_the_percentile_and_the_share_in_training_belong_together(card, percentile):
    judgement = judge(SCORES, card, RULES["percentile"](percentile))
    assert judgement.percentile == pytest.approx(percentile, abs=1e-9)
    assert judgement.share_in_training == pytest.approx(1 - percentile / 100, abs=1e-11)
    alike = severity(np.array([judgement.threshold]), card.reference_scores)[0]
    assert judgement.percentile == pytest.approx(alike, abs=1e-9)


def test_a_line_beyond_every_training_row_is_at_the_end_of_the_scale(card):
    lowest, highest = card.reference_scores[[0, -1]]
    for threshold, percentile in ((lowest - 1, 0), (lowest, 0), (highest, 100), (highest + 1, 100)):
        judgement = judge(SCORES, card, RULES["fixed"](float(threshold)))
        assert (judgement.percentile, judgement.share_in_training) == (percentile, 1 - percentile / 100)


def test_training_rows_with_equal_scores_at_the_line_lie_below_it(card):
    """Of rows of which the upper half have one score none is above it."""
    reference = np.r_[np.linspace(0, 1, 1_001), np.ones(1_000)].tolist()
    judgement = judge(SCORES, replace(card, reference=reference), RULES["percentile"](75))
    assert (judgement.threshold, judgement.percentile, judgement.share_in_training) == (1.0, 100.0, 0.0)


def test_a_rule_with_hindsight_gets_the_labels(card):
    labels = np.array([0, 1, 1, 0, 1, 0.0])
    assert judge(SCORES, card, RULES["best_f1"](), labels).flags.tolist() == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]
    with pytest.raises(UsageError, match="label"):
        judge(SCORES, card, RULES["best_f1"]())


def test_evaluating_equals_the_twins_and_counts_labelled_judged_rows():
    labels = np.array([0, 1, 1, 1, np.nan, 0.0])
    found = evaluate(SCORES, labels, 0.3)
    assert found.labelled == 3
    known = [0, 1, 3]
    assert found.curve.roc_auc == naive.roc_auc(SCORES[known], labels[known])
    counts = (found.confusion.true_positives, found.confusion.false_positives)
    assert counts == naive.confusion(SCORES[known], labels[known], 0.3)[:2]


def test_evaluating_with_one_class_only_says_so():
    with pytest.raises(DataError, match="there is no labelled anomaly among 4 judged rows"):
        evaluate(SCORES, np.zeros(6), 0.5)
    with pytest.raises(DataError, match="there is no labelled normal row"):
        evaluate(SCORES, np.ones(6), 0.5)


# Networks take long to train: one share tells whether theirs is kept to.
SHARES = [(d, share) for d in TABULAR for share in ((0.1,) if CATALOGUE[d].mixed else (0.02, 0.1, 0.3))]


@pytest.mark.parametrize(("detector", "share"), SHARES)
def test_the_expected_share_of_the_training_rows_is_flagged(detector, share, table):
    model = train(table.frame, table.roles, detector, {"contamination": share} | shortened(detector))
    judgement = judge(model.score(table.frame).values, model.card, model.card.default_rule)
    # A network's threshold comes from rows it did not learn from, here sixty: they rank the others less finely.
    near = {"autoencoder": 0.03, "masked_table": 0.05}.get(detector, 0.01)
    assert judgement.share == pytest.approx(share, abs=near)
    assert judgement.threshold == model.card.threshold


def test_rows_that_cannot_be_judged_are_counted_with_their_obstacles():
    frame = numbers(80)
    frame.loc[3, "a"] = np.inf
    frame.loc[[4, 5], ["a", "b"]] = np.nan
    model = train(frame, features(frame))
    scores = model.score(frame)
    assert np.flatnonzero(np.isnan(scores.values)).tolist() == [3, 4, 5]
    assert scores.obstacles == {
        3: "'a' is impossibly large (inf)",
        4: "2 of 3 values are missing",
        5: "2 of 3 values are missing",
    }
    assert (model.card.rows, model.card.judged) == (80, 77)
    assert "3 of 80 training rows could not be judged and were left out" in model.card.notes


def test_too_few_rows_that_can_be_judged_are_refused_with_the_commonest_obstacle():
    frame = numbers(30)
    frame.loc[5:, "a"] = 1e300
    with pytest.raises(
        DataError, match=r"only 5 of 30 rows can be judged, training needs 10; .*'a' is impossibly large"
    ):
        train(frame, features(frame))


def test_a_table_that_does_not_tell_rows_apart_is_refused():
    frame = pd.DataFrame({"a": [0.0, 1.0] * 20})
    with pytest.raises(DataError, match="every row gets the same score"):
        train(frame, features(frame))


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"detector": "isolation_tree"}, "did you mean 'isolation_forest'"),
        ({"hyperparameters": {"n_trees": 5}}, "'n_trees' is not a hyperparameter of Isolation Forest"),
        ({"hyperparameters": {"contamination": 0}}, "contamination must lie between"),
        (
            {"scaling": "robst"},
            "scaling must be one of standard, robust, minmax, quantile, none, got 'robst'",
        ),
    ],
)
def test_a_wrong_choice_is_refused_before_the_data_are_looked_at(choice, words):
    with pytest.raises(UsageError, match=words):
        train(pd.DataFrame(), Roles({}), **choice)


def test_a_window_too_short_or_too_long_is_refused(series):
    with pytest.raises(UsageError, match="at least 2 readings, got 1"):
        train(series.frame, series.roles, window=1)
    with pytest.raises(DataError, match="fewer than 999 readings in a row came before"):
        train(series.frame, series.roles, window=999)


def test_the_card_remembers_what_was_done(table):
    model = train(
        table.frame, table.roles, "neighbours", {"n_neighbors": "7"}, name="pump", dataset="pump.csv"
    )
    card = model.card
    assert (card.name, card.detector, card.dataset, card.title) == (
        "pump",
        "neighbours",
        "pump.csv",
        "Nearest Neighbours",
    )
    assert card.hyperparameters["n_neighbors"] == 7
    assert card.hyperparameters.keys() == CATALOGUE["neighbours"]().get_params().keys()
    assert list(card.columns) == list(table.roles.features)
    assert card.columns["made"] == "datetime"
    assert "faulty" not in card.columns
    assert "order_no" not in card.columns
    assert len(card.features) == len(model.recipe.encoder.encoded_names) == 9
    assert Roles.from_dict(card.roles) == table.roles
    assert len(card.reference) == 2_001


def test_few_rows_and_many_columns_are_noted():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(15, 20)), columns=[f"c{i}" for i in range(20)])
    notes = train(frame, features(frame), "neighbours").card.notes
    assert notes == [
        "trained on only 15 rows: the scores are shaky",
        "15 rows for 20 features: leave out columns that do not matter",
    ]


@pytest.mark.parametrize("detector", TABULAR)
def test_a_trained_and_a_loaded_model_flag_the_same_rows(detector, table, tmp_path):
    model = train(table.frame, table.roles, detector, {"contamination": 0.07} | shortened(detector))
    loaded = Model.load(ModelStore(tmp_path), model.save(ModelStore(tmp_path)).id)
    assert model.detector.threshold_ == loaded.detector.threshold_ == model.card.threshold
    X = model.encode(table.frame).encoded.values
    np.testing.assert_array_equal(model.detector.predict(X), loaded.detector.predict(X))
    assert model.detector.labels_.sum() == (model.score(table.frame).values > model.card.threshold).sum()


def test_columns_may_be_numbered(tmp_path):
    """As of a matrix made into a table: trained, kept and read again."""
    frame = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 3)))
    model = train(frame, Roles({0: "feature", 1: "feature", 2: "ignore"}), "neighbours")
    assert model.card.columns == {"0": "number", "1": "number"}
    loaded = Model.load(ModelStore(tmp_path), model.save(ModelStore(tmp_path)).id)
    before = model.score(frame).values
    np.testing.assert_array_equal(loaded.score(frame).values, before)
    np.testing.assert_array_equal(loaded.score(frame.rename(columns=str)).values, before)


def test_a_column_that_is_empty_in_new_data_counts_as_typical(table, model_of):
    model = model_of("neighbours", table)
    empty = table.frame.assign(pressure=pd.Series([None] * 300, dtype=object))
    scores = model.score(empty)
    assert scores.judged.all()
    assert "'pressure' holds no value here and counts as typical" in scores.notes


def test_the_commonest_obstacle_of_many_rows_is_found_at_once():
    frame = numbers(40_000)
    frame.loc[9:, "a"] = np.arange(1, 39_992) * 1e299
    started = time.perf_counter()
    with pytest.raises(DataError, match="most often: "):
        train(frame, features(frame))
    assert time.perf_counter() - started < 20, "every row has an obstacle of its own"


def test_the_index_of_a_table_does_not_matter(table, model_of):
    frame = table.frame.set_axis(np.arange(len(table.frame))[::-1] * 3)
    before = model_of("neighbours", table).score(table.frame).values
    np.testing.assert_array_equal(train(frame, table.roles, "neighbours").score(frame).values, before)


def test_a_series_needs_only_the_columns_it_uses(series):
    frame = series.frame.assign(dull=1.0, empty=np.nan)
    roles = Roles({**series.roles.columns, "dull": "feature", "empty": "feature"}, "series")
    model = train(frame, roles, "neighbours")
    assert list(model.card.columns) == ["time", "current", "oil_temperature"]
    assert set(model.card.left_out) == {"dull", "empty"}
    assert model.score(series.frame).judged.sum() == model.card.judged


def test_a_sensor_that_is_only_on_or_off_in_another_file_is_still_judged(series):
    frame = series.frame.assign(valve=np.arange(400) % 3)
    model = train(frame, Roles({**series.roles.columns, "valve": "feature"}, "series"), "neighbours")
    as_number = model.score(frame.assign(valve=np.arange(400) % 2))
    as_switch = model.score(frame.assign(valve=np.arange(400) % 2 == 1))
    np.testing.assert_array_equal(as_number.values, as_switch.values)


# ---- learning from the first rows


def test_learning_from_the_first_rows_is_learning_from_a_table_of_them():
    frame = numbers(80)
    first, alone = (
        train(data, features(frame), "neighbours", dataset_hash="h", first=n)
        for data, n in ((frame, 30), (frame.head(30), None))
    )
    assert (first.card.rows, first.card.threshold) == (30, alone.card.threshold)
    np.testing.assert_array_equal(first.score(frame).values, alone.score(frame).values)
    assert first.card.notes[0] == "learned from the first 30 rows"
    assert first.card.dataset_hash == "h"


@pytest.mark.parametrize("kind", ["table", "series"])
def test_the_first_rows_are_the_earliest_where_there_is_a_time(kind):
    frame = numbers(80, t=pd.Timestamp("2024-05-06") + pd.to_timedelta(np.arange(80), unit="min"))
    roles = features(frame, kind, t="time")
    shuffled = frame.sample(frac=1, random_state=3)
    ordered, mixed = (train(data, roles, "neighbours", first=40) for data in (frame, shuffled))
    np.testing.assert_array_equal(ordered.score(frame).values, mixed.score(frame).values)


def test_rows_without_a_time_come_last():
    moments = pd.Series(pd.Timestamp("2024-05-06") + pd.to_timedelta(np.arange(20), unit="min"))
    moments[3] = pd.NaT
    frame = numbers(20, t=moments)
    assert earliest(frame, features(frame, t="time"), 19).index.tolist() == [*range(3), *range(4, 20)]


@pytest.mark.parametrize("n", [0, 9, 81])
def test_more_first_rows_than_there_are_or_too_few_to_learn_from_are_refused(n):
    frame = numbers(80)
    with pytest.raises(UsageError, match=f"the first rows to learn from must be 10 to 80, .* got {n}"):
        train(frame, features(frame), first=n)
