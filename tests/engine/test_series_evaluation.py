"""Every metric of a series in one place, whatever the order of its rows and however many entities it has."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from engine import DataError, Roles, Timeline, evaluate, evaluate_series
from engine.scoring.affiliation import affiliation
from engine.scoring.event_metrics import event_metrics
from engine.scoring.series_metrics import vus

N = 300


@pytest.fixture(scope="module")
def series():
    """Two machines of 300 readings a minute apart, one with a gap, each with a labelled event."""
    rng = np.random.default_rng(2)
    minutes = np.r_[np.arange(N), np.arange(N) + np.where(np.arange(N) >= 200, 500, 0)]
    labels = np.zeros(2 * N)
    labels[[*range(100, 130), *range(N + 190, N + 210)]] = 1
    frame = pd.DataFrame(
        {
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(minutes, unit="min"),
            "machine": np.repeat(["a", "b"], N),
            "value": rng.normal(size=2 * N),
            "label": labels,
            "score": rng.normal(size=2 * N) + 2 * labels,
        }
    )
    kept = {"when": "time", "machine": "entity", "value": "feature", "label": "label", "score": "ignore"}
    roles = Roles(kept, "series")
    return frame, roles


def told(frame, roles, threshold=1.5):
    timeline = Timeline.of(frame, roles)
    return evaluate_series(
        frame["score"].to_numpy(), frame["label"].to_numpy(), threshold, window=40, timeline=timeline
    )


def test_a_timeline_orders_by_entity_and_time_and_ends_a_segment_at_a_gap(series):
    frame, roles = series
    timeline = Timeline.of(frame.sample(frac=1, random_state=0), roles)
    np.testing.assert_array_equal(timeline.segments, np.repeat([0, 1, 2], [300, 200, 100]))
    steps = np.diff(timeline.seconds)
    assert (steps[np.diff(timeline.segments) == 0] == 60).all()


def test_the_order_of_rows_makes_no_difference(series):
    frame, roles = series
    assert told(frame.sample(frac=1, random_state=3), roles).figures() == told(frame, roles).figures()


def test_every_part_is_what_its_own_function_says(series):
    frame, roles = series
    scores, labels = frame["score"].to_numpy(), frame["label"].to_numpy()
    segments = np.repeat([0, 1, 2], [300, 200, 100])
    found, rows = told(frame, roles), evaluate(scores, labels, 1.5)
    assert (found.confusion, found.labelled, found.window) == (rows.confusion, rows.labelled, 40)
    assert found.curve.roc_auc == rows.curve.roc_auc
    assert found.volumes == vus(scores, labels, 40, segments=segments)
    assert found.events.events == 3, "an event that goes on after a gap is another one"
    assert found.events.found == event_metrics(scores, labels, 1.5, segments=segments).found
    near = affiliation(scores > 1.5, labels > 0, np.isfinite(scores), segments=segments)
    np.testing.assert_array_equal(found.affiliation.recalls, near.recalls)
    assert found.events.false_alarms_per_day == found.events.false_alarms / (550 / 1_440)


def test_without_a_timeline_rows_are_one_entity_in_order(series):
    frame, _ = series
    scores, labels = frame["score"].to_numpy()[:N], frame["label"].to_numpy()[:N]
    found = evaluate_series(scores, labels, 1.5, window=40)
    assert found.volumes == vus(scores, labels, 40)
    assert found.events.events == 1
    assert found.events.false_alarms_per_day is None


def test_figures_name_every_metric_and_call_point_adjustment_inflated(series):
    figures = told(*series).figures()
    assert all(value is None or np.isfinite(value) for value in figures.values())
    (adjusted,) = (name for name in figures if "adjusted" in name)
    assert "inflated" in adjusted
    assert next(iter(figures)) == "VUS-PR"


def test_perfect_scores_are_perfect_in_every_figure_but_those_of_counts(series):
    frame, roles = series
    figures = told(frame.assign(score=frame["label"]), roles, threshold=0.5).figures()
    for name in ("ROC-AUC", "average precision", "event F1", "affiliation precision", "affiliation recall"):
        assert figures[name] == 1
    assert (figures["false alarms a day"], figures["median delay (readings)"]) == (0, 0)


def test_one_class_only_says_so(series):
    frame, roles = series
    with pytest.raises(DataError, match="no labelled anomaly among 600 judged rows"):
        told(frame.assign(label=0.0), roles)


def test_an_evaluation_cannot_be_changed(series):
    with pytest.raises(dataclasses.FrozenInstanceError):
        told(*series).window = 3
