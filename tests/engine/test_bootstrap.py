"""Bands hold the curve they are of, grow where rows are few, and are the same every time."""

import numpy as np
import pytest
from scipy.stats import norm

from engine.scoring.bootstrap import bands
from engine.scoring.metrics import curve


def drawn(positives, negatives, seed=0, distance=2.0):
    rng = np.random.default_rng(seed)
    labels = np.r_[np.ones(positives), np.zeros(negatives)]
    return rng.normal(size=positives + negatives) + distance * labels, labels


def width(band):
    return float((band.high - band.low).mean())


@pytest.mark.parametrize("ties", [False, True], ids=["smooth", "many ties"])
def test_areas_lie_within_their_intervals(ties):
    scores, labels = drawn(60, 900)
    scores = np.round(scores) if ties else scores
    points = curve(scores, labels)
    found = bands(scores, labels, points)
    assert found.roc_auc[0] < points.roc_auc < found.roc_auc[1]
    assert found.average_precision[0] < points.average_precision < found.average_precision[1]
    assert (found.roc.low <= found.roc.high).all()


def test_about_95_in_100_intervals_hold_the_area_of_the_law():
    truth, held = norm.cdf(2 / np.sqrt(2)), 0
    for seed in range(20):
        scores, labels = drawn(60, 300, seed)
        low, high = bands(scores, labels, curve(scores, labels), seed=seed).roc_auc
        held += low <= truth <= high
    assert 16 <= held <= 20


def test_fewer_anomalies_make_wider_bands():
    few, many = (
        bands(scores, labels, curve(scores, labels)) for scores, labels in (drawn(10, 900), drawn(400, 900))
    )
    assert width(few.roc) > 2 * width(many.roc)
    assert width(few.precision_recall) > 2 * width(many.precision_recall)


def test_readings_of_one_event_are_no_independent_rows():
    scores, labels = drawn(200, 800)
    scores[:200] = np.repeat(scores[:200:20], 20)  # ten events of twenty readings alike
    points = curve(scores, labels)
    alone, together = bands(scores, labels, points), bands(scores, labels, points, np.arange(1_000) // 20)
    assert width(together.roc) > 2 * width(alone.roc)


def test_rare_anomalies_far_above_the_rest_are_not_lost_in_a_bin():
    scores, labels = drawn(40, 100_000, distance=5.0)
    points = curve(scores, labels)
    low, high = bands(scores, labels, points).average_precision
    assert high - low < 0.5
    assert low < points.average_precision < high


def test_the_same_rows_give_the_same_bands_and_unknown_ones_change_nothing():
    scores, labels = drawn(30, 200)
    points = curve(scores, labels)
    one = bands(scores, labels, points)
    more = bands(np.r_[scores, np.nan, 1.0], np.r_[labels, 1.0, np.nan], points)
    np.testing.assert_array_equal(one.roc.low, more.roc.low)
    assert one.roc_auc == more.roc_auc
