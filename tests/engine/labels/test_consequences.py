"""What follows from labels, in numbers checked by hand."""

import numpy as np
import pytest

from engine import Label, rows_to_label, same_reasons
from engine.labels.consequences import precision_so_far, rows_like, threshold_from_labels

NAN = np.nan
SCORES = np.array([9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, NAN])


def test_precision_counts_flagged_rows_with_an_answer():
    found = precision_so_far(SCORES, np.array([1, 1, NAN, 0, 1, 0, NAN, 1]), 4.5, flagged=50)
    assert (found.flagged, found.anomalies, found.normal, found.share) == (50, 3, 1, 0.75)
    low, high = found.interval
    assert (round(low, 3), round(high, 3)) == (0.301, 0.954)  # Wilson's interval of 3 of 4


def test_without_an_answer_there_is_no_precision():
    found = precision_so_far(SCORES, np.full(8, NAN), 4.5, flagged=5)
    assert found.share is None
    assert found.interval == (0.0, 1.0)


def test_the_threshold_lies_halfway_between_the_labels_it_parts():
    best = threshold_from_labels(SCORES, np.array([1, 1, NAN, NAN, 0, 0, NAN, NAN]))
    assert best.threshold == 6.5
    assert (best.caught, best.anomalies, best.false_alarms, best.normal) == (2, 2, 0, 2)


def test_the_threshold_gives_a_false_alarm_for_an_anomaly_where_f1_gains():
    best = threshold_from_labels(SCORES, np.array([1, 0, 1, 1, 0, 0, 0, NAN]))
    assert best.threshold == 5.5
    assert (best.caught, best.false_alarms) == (3, 1)


def test_a_threshold_below_all_labels_flags_them_all():
    best = threshold_from_labels(SCORES[:2], np.array([0.0, 1.0]))
    assert best.threshold < 8
    assert best.caught == 1


@pytest.mark.parametrize("answer", [0.0, 1.0, NAN])
def test_one_kind_of_label_suggests_no_threshold(answer):
    assert threshold_from_labels(SCORES, np.full(8, answer)) is None


def test_rows_like_one_are_near_it_and_not_nearer_to_an_anomaly():
    ordinary = np.random.default_rng(0).normal(size=(500, 2))
    row = np.array([20.0, 0.0])
    candidates = np.array([[21.0, 1.0], [20.0, 30.0], [12.0, 0.0], [23.0, 0.0], [3.0, 0.0]])
    none = np.zeros((0, 2))
    assert rows_like(row, candidates, ordinary, none).tolist() == [True, False, True, True, False]
    anomalies = np.array([[24.0, 0.0]])
    assert rows_like(row, candidates, ordinary, anomalies).tolist() == [True, False, True, False, False]
    assert not rows_like(row, candidates, none, none).any(), "without ordinary rows nobody knows what near is"


def test_reasons_are_the_same_in_proportion():
    contributions = np.array([[2.0, 0.0, 0.1], [20.0, 0.5, 1.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    assert same_reasons(contributions, 0).tolist() == [True, True, False, False]
    assert not same_reasons(contributions, 3).any(), "a row without reasons is like none"


def suggested(severity, labelled=(), others=(), count=3, threshold=95.0):
    places = np.linspace(0, 1, len(severity))[:, None]
    return rows_to_label(
        np.asarray(severity, dtype=float),
        threshold,
        labelled=np.array(labelled, dtype=np.int64),
        others=others,
        points=lambda rows: places[rows],
        count=count,
    )


def test_the_row_at_the_threshold_teaches_most_and_a_labelled_one_nothing_more():
    severity = [10.0, 99.9, 95.1, 50.0, 94.0, NAN]
    assert suggested(severity)[0].row == 2
    assert suggested(severity)[0].why.startswith("near the threshold")
    assert 2 not in [found.row for found in suggested(severity, labelled=[2])]
    assert 5 not in [found.row for found in suggested(severity, count=9)], "a row that was not judged"


def test_models_that_disagree_make_a_row_worth_a_label():
    severity = [10.0, 99.0, 20.0, 99.0]
    other = np.array([10.0, 99.0, 99.0, 99.0])
    best = suggested(severity, others=[other])[0]
    assert (best.row, best.disagreement) == (2, 1.0)
    assert "models disagree" in best.why


def test_rows_suggested_together_lie_apart():
    severity = np.full(101, 94.9)
    rows = sorted(found.row for found in suggested(severity))
    assert min(np.diff(rows)) > 20


def test_nothing_is_suggested_where_everything_is_labelled():
    assert suggested([95.0, 94.0], labelled=[0, 1]) == []


def test_not_sure_is_no_answer():
    assert np.isnan(Label(verdict="unsure").answer)
