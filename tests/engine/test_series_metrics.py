"""VUS equals TSB-AD and a slow twin; it forgives a few readings, and keeps entities apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataError, UsageError
from engine.scoring.metrics import curve
from engine.scoring.series_metrics import vus
from tests import naive

REFERENCE = json.loads((Path(__file__).parent / "vus_reference.json").read_text())["cases"]


def labelled(n, *events):
    labels = np.zeros(n)
    for start, end in events:
        labels[start:end] = 1
    return labels


@pytest.mark.parametrize(
    "case", REFERENCE, ids=lambda case: f"{len(case['ranks'])} readings, {case['window']}"
)
def test_the_volumes_equal_those_of_tsb_ad(case):
    scores = np.array(case["ranks"], dtype=float)
    found = vus(scores, labelled(len(scores), *case["events"]), case["window"])
    assert found.roc == pytest.approx(case["vus_roc"], abs=1e-9)
    assert found.pr == pytest.approx(case["vus_pr"], abs=1e-9)


def random_case(seed):
    """Few readings, many of equal score, events of any length at any distance, at the ends too; some unknown."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(20, 90))
    labels = (np.repeat(rng.random(n), int(rng.integers(1, 9)))[:n] < 0.25).astype(float)
    labels[seed % 2 : seed % 2 + 2] = [1, 0]
    scores = np.round(rng.normal(size=n) + labels, int(rng.integers(0, 3)))
    return scores, labels, rng


@pytest.mark.parametrize("seed", range(20))
def test_the_volumes_equal_a_slow_twin(seed):
    scores, labels, rng = random_case(seed)
    window = int(rng.integers(0, 15))
    if seed >= 10:
        scores[rng.random(len(scores)) < 0.2] = np.nan
        labels[rng.random(len(scores)) < 0.1] = np.nan
        scores[:3], labels[:3] = [0, 1, 2], [1, 0, 1]
    found = vus(scores, labels, window)
    assert (found.roc, found.pr) == pytest.approx(naive.vus(scores, labels, window), abs=1e-12)


def test_a_window_of_0_has_curves_at_ranks_of_plain_points():
    rng = np.random.default_rng(3)
    labels = labelled(200, (90, 120))
    scores = rng.normal(size=200) + labels
    found, points = vus(scores, labels, 0), curve(scores, labels)
    assert found.roc == pytest.approx(points.roc_auc, abs=1e-12), (
        "one event, and a threshold for every reading"
    )
    assert found.pr == pytest.approx(points.average_precision, abs=1e-12)


def test_scores_that_only_keep_their_order_keep_their_volumes():
    scores, labels, _ = random_case(5)
    assert vus(np.exp(scores) * 1e-6, labels, 9) == vus(scores, labels, 9)


def test_a_detector_that_is_a_few_readings_late_is_forgiven():
    labels = labelled(500, (200, 220))
    late = np.random.default_rng(0).random(500) + 5 * np.roll(labels, 8)
    assert vus(late, labels, 40).pr > vus(late, labels, 0).pr + 0.1


def test_the_sides_of_an_event_do_not_reach_into_another_entity():
    labels = labelled(400, (180, 200))
    scores = np.random.default_rng(1).random(400)
    scores[200:210] += 2  # the first readings of the next entity
    entities = np.repeat([7, 3], 200)
    one, apart = vus(scores, labels, 40), vus(scores, labels, 40, segments=entities)
    assert apart.pr < one.pr
    spaced = np.r_[scores[:200], np.full(100, np.nan), scores[200:]]
    assert apart == vus(spaced, np.r_[labels[:200], np.zeros(100), labels[200:]], 40), "as if far away"


def test_an_event_that_goes_on_in_the_next_entity_is_two_events():
    labels = labelled(100, (40, 60))
    scores = np.where(np.arange(100) < 50, labels, -labels)
    entities = np.repeat([0, 1], 50)
    assert vus(scores, labels, 0, segments=entities).pr < vus(scores, labels, 0).pr, (
        "the second one was missed"
    )


@pytest.mark.parametrize(("label", "words"), [(0.0, "no labelled anomaly"), (1.0, "no labelled normal row")])
def test_one_class_only_says_so(label, words):
    with pytest.raises(DataError, match=f"{words} among 2 judged rows with a label"):
        vus(np.array([1.0, 2.0, np.nan]), np.full(3, label), 5)


def test_a_window_below_0_is_refused():
    with pytest.raises(UsageError, match="must be 0 readings or more, got -1"):
        vus(np.arange(3.0), np.array([0.0, 1, 0]), -1)
