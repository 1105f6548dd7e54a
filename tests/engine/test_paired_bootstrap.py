"""Resampled figures are those of the rows drawn, pairs are drawn together, and what hangs together stays together."""

import numpy as np
import pytest
import sklearn.metrics

from engine.errors import DataError
from engine.scoring import paired_bootstrap as module
from engine.scoring.paired_bootstrap import event_blocks, paired_bootstrap
from tests import naive

RNG = np.random.default_rng(0)
LABELS = (np.arange(200) % 10 == 0).astype(float)
GOOD = RNG.normal(size=200) + 2 * LABELS
WORSE = RNG.normal(size=200) + 0.5 * LABELS


@pytest.mark.parametrize("seed", range(8))
def test_weighted_figures_are_those_of_rows_repeated(seed):
    rng = np.random.default_rng(seed)
    truth = np.r_[True, False, rng.random(40) < 0.3]
    scores = rng.normal(size=42) + truth
    scores = np.round(scores) if seed % 2 else scores
    weights = rng.integers(0, 4, 42)
    weights[:2] = 1
    found = module._Ranked.of(scores, truth).figures(weights)
    repeated, labels = np.repeat(scores, weights), np.repeat(truth.astype(int), weights)
    assert found[0] == pytest.approx(naive.average_precision(repeated, labels))
    assert found[1] == pytest.approx(naive.roc_auc(repeated, labels))
    assert found[0] == pytest.approx(sklearn.metrics.average_precision_score(labels, repeated))
    assert found[1] == pytest.approx(sklearn.metrics.roc_auc_score(labels, repeated))


def test_the_better_one_is_better_nearly_always_and_equals_are_equal():
    found = paired_bootstrap({"good": GOOD, "worse": WORSE, "again": GOOD}, LABELS, resamples=200)
    assert found.better("good", "worse") > 0.95
    assert found.better("worse", "good") == pytest.approx(1 - found.better("good", "worse"))
    assert found.better("good", "again") == 0.5
    assert found.better("good", "worse", "roc_auc") > 0.95


def test_an_interval_holds_the_figure_of_all_rows():
    found = paired_bootstrap({"good": GOOD}, LABELS, resamples=200)
    low, high = found.interval("good", "roc_auc")
    assert low < naive.roc_auc(GOOD, LABELS) < high
    assert high - low < 0.3


def test_the_same_seed_draws_the_same_rows():
    once, again = (paired_bootstrap({"good": GOOD}, LABELS, resamples=20) for _ in range(2))
    np.testing.assert_array_equal(once.average_precision["good"], again.average_precision["good"])


def test_only_rows_that_all_judge_count():
    scores = GOOD.copy()
    scores[:50] = np.nan
    found = paired_bootstrap({"good": scores, "worse": WORSE}, LABELS, resamples=20)
    assert (found.rows, found.of_rows, found.anomalous_units) == (150, 150, 15)


def test_of_many_rows_a_sample_stands_for_all(monkeypatch):
    monkeypatch.setattr(module, "MOST", 300)
    rng = np.random.default_rng(2)
    labels = (rng.random(20_000) < 0.01).astype(float)
    scores = rng.normal(size=20_000) + 2 * labels
    found = paired_bootstrap({"one": scores}, labels, resamples=100)
    assert found.rows == labels.sum() + 150 + 300 < found.of_rows == 20_000
    assert found.average_precision["one"].mean() == pytest.approx(
        sklearn.metrics.average_precision_score(labels, scores), abs=0.06
    )


@pytest.mark.parametrize("block", [1, 5])
def test_few_normal_rows_among_the_anomalies_are_never_left_out(monkeypatch, block):
    rng = np.random.default_rng(7)
    labels = np.zeros(20_000)
    labels[:60] = 1
    units = np.r_[np.arange(60), 60 + np.arange(19_940) // block]
    for _ in range(4):
        scores = rng.normal(size=20_000)
        scores[:60] = rng.normal(10, 1, 60)
        scores[60 : 60 + 25 * block : block] = rng.normal(10, 1, 25)
        other = scores + rng.normal(size=20_000) / 10
        whole = paired_bootstrap({"one": scores, "two": other}, labels, units=units, resamples=200)
        monkeypatch.setattr(module, "MOST", 600)
        found = paired_bootstrap({"one": scores, "two": other}, labels, units=units, resamples=200)
        monkeypatch.undo()
        assert 60 + 900 <= found.rows <= 60 + 1_200 < whole.rows
        low, high = found.interval("one")
        assert low < sklearn.metrics.average_precision_score(labels, scores) < high
        assert (low, high) == pytest.approx(whole.interval("one"), abs=0.04)
        assert found.better("one", "two") == pytest.approx(whole.better("one", "two"), abs=0.12)
        assert found.interval("one", "roc_auc") == pytest.approx(whole.interval("one", "roc_auc"), abs=2e-4)


def test_events_are_drawn_whole_and_no_block_reaches_across_a_gap():
    labels = np.array([0.0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0])
    segments = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    units = event_blocks(labels, segments, 3)
    assert units.tolist() == [0, 0, 0, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6]


def test_readings_of_few_events_are_less_sure_than_as_many_rows_by_themselves():
    labels = np.repeat([0.0, 1, 0, 1, 0, 1, 0], [100, 20, 100, 20, 100, 20, 40])
    level = np.repeat([0.0, 4, 0, 0.3, 0, 2, 0], [100, 20, 100, 20, 100, 20, 40])
    scores = {"one": level + np.random.default_rng(3).normal(size=400)}
    units = event_blocks(labels, np.zeros(400, dtype=np.int64), 50)
    apart, together = (paired_bootstrap(scores, labels, units=u, resamples=100) for u in (None, units))
    assert together.anomalous_units == 3
    widths = [np.subtract(*found.interval("one")[::-1]) for found in (apart, together)]
    assert widths[1] > 1.5 * widths[0]


def test_one_class_only_says_so():
    with pytest.raises(DataError, match="no labelled anomaly among 200"):
        paired_bootstrap({"good": GOOD}, np.zeros(200))
