"""Curves and confusions equal slow twins and scikit-learn, ties, unknown labels and unjudged rows included."""

import numpy as np
import pytest
import sklearn.metrics

from engine.errors import DataError
from engine.scoring.metrics import best_f1, confusion, curve
from tests import naive


def made_up():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(5, 80))
        labels = (rng.random(n) < 0.3).astype(float)
        labels[:2] = [0, 1]
        scores = rng.normal(size=n) + labels
        # Every other case has many equal scores.
        yield pytest.param(np.round(scores) if seed % 2 else scores, labels, id=f"seed {seed}")


CASES = list(made_up())


@pytest.mark.parametrize(("scores", "labels"), CASES)
def test_areas_equal_their_twins_and_scikit_learn(scores, labels):
    points = curve(scores, labels)
    assert points.roc_auc == pytest.approx(naive.roc_auc(scores, labels), abs=1e-12)
    assert points.roc_auc == pytest.approx(sklearn.metrics.roc_auc_score(labels, scores), abs=1e-12)
    assert points.average_precision == pytest.approx(naive.average_precision(scores, labels), abs=1e-12)
    assert points.average_precision == pytest.approx(
        sklearn.metrics.average_precision_score(labels, scores), abs=1e-12
    )


@pytest.mark.parametrize(("scores", "labels"), CASES)
def test_every_point_of_a_curve_is_a_confusion(scores, labels):
    points = curve(scores, labels)
    for i, threshold in enumerate(points.threshold):
        tp, fp, _, _ = naive.confusion(scores, labels, np.nextafter(threshold, -np.inf))
        assert (points.true_positives[i], points.false_positives[i]) == (tp, fp)
    precision, recall, _ = sklearn.metrics.precision_recall_curve(labels, scores)
    np.testing.assert_allclose(points.precision, precision[::-1])
    np.testing.assert_allclose(points.recall, recall[::-1])


@pytest.mark.parametrize(("scores", "labels"), CASES)
def test_a_confusion_counts_what_lies_strictly_above(scores, labels):
    points = curve(scores, labels)
    for threshold in (-np.inf, scores.min(), np.median(scores), scores[3], 0.123, scores.max(), np.inf):
        found = confusion(scores, labels, threshold)
        twin = naive.confusion(scores, labels, threshold)
        counted = (found.true_positives, found.false_positives, found.false_negatives, found.true_negatives)
        assert counted == twin
        assert found.recall == pytest.approx(twin[0] / labels.sum())
        assert found.f1 == pytest.approx(naive.f1(scores, labels, threshold))
        assert found.mcc == pytest.approx(naive.mcc(scores, labels, threshold), abs=1e-12)
        assert found.mcc == pytest.approx(
            sklearn.metrics.matthews_corrcoef(labels, scores > threshold), abs=1e-12
        )
        assert points.mcc[points.at(threshold)] == pytest.approx(found.mcc, abs=1e-12)
        assert points.cost(7.0, 2.0)[points.at(threshold)] == pytest.approx(
            naive.cost(scores, labels, threshold, 7.0, 2.0)
        )
        flagged = twin[0] + twin[1]
        assert found.precision == (twin[0] / flagged if flagged else None)


@pytest.mark.parametrize(("scores", "labels"), CASES)
def test_the_best_f1_is_beaten_by_no_threshold(scores, labels):
    best = best_f1(scores, labels)
    assert best.f1 == pytest.approx(naive.best_f1(scores, labels))
    assert naive.f1(scores, labels, best.threshold) == pytest.approx(best.f1), (
        "its threshold does what it says"
    )


@pytest.mark.parametrize(("scores", "labels"), CASES)
@pytest.mark.parametrize("count", [0, 1, 3, 1_000])
def test_a_budget_is_spent_as_far_as_equal_scores_let_it(scores, labels, count):
    points = curve(scores, labels)
    i, flags = points.within_budget(count), naive.budget_flags(scores, count)
    assert points.true_positives[i] + points.false_positives[i] == sum(flags) <= count
    assert points.true_positives[i] == labels[np.array(flags)].sum()


def test_perfect_inverted_and_blind_scores():
    labels = np.array([0.0, 0, 0, 1, 1])
    assert curve(np.arange(5.0), labels).roc_auc == 1
    assert curve(-np.arange(5.0), labels).roc_auc == 0
    assert curve(np.zeros(5), labels).roc_auc == 0.5
    assert curve(np.zeros(5), labels).average_precision == pytest.approx(0.4)
    assert best_f1(np.arange(5.0), labels).f1 == 1


def test_rows_without_a_label_or_a_score_are_left_out():
    scores = np.array([3.0, np.nan, 1.0, 2.0, 5.0, np.inf])
    labels = np.array([1.0, 1.0, 0.0, np.nan, 0.0, 1.0])
    points = curve(scores, labels)
    assert (points.positives, points.negatives) == (1, 2)
    assert points.roc_auc == 0.5


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 0, 0], "no labelled anomaly among 3 judged rows"),
        ([1, 1, np.nan], "no labelled normal row among 2 judged rows"),
        ([np.nan] * 3, "no labelled anomaly among 0 judged rows"),
    ],
)
def test_one_class_only_says_so(labels, words):
    for ask in (curve, best_f1, lambda scores, truth: confusion(scores, truth, 0.5)):
        with pytest.raises(DataError, match=words):
            ask(np.arange(3.0), np.array(labels, dtype=float))


def test_nothing_flagged_has_no_precision():
    assert confusion(np.arange(4.0), np.array([0.0, 0, 1, 1]), 99.0).precision is None
