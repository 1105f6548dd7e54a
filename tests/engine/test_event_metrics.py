"""Events found and missed, delays, false alarms; and how far point adjustment inflates an F1."""

import numpy as np
import pytest

from engine.errors import DataError
from engine.scoring.event_metrics import event_metrics
from engine.scoring.metrics import best_f1


def marks(text):
    """x flagged (score 1), . not (0), ? not judged."""
    return np.array([{"x": 1.0, ".": 0.0, "?": np.nan}[mark] for mark in text])


def metrics(scores, labels, **more):
    return event_metrics(marks(scores), marks(labels), 0.5, **more)


def test_events_and_detections_are_counted_by_touch():
    told = metrics(
        "..xx.....x.xx.....",
        "...xxx........xx..",
    )
    assert (told.events, told.found, told.detections, told.false_alarms) == (2, 1, 3, 2)
    assert told.recall == 0.5
    assert told.precision == pytest.approx(1 / 3)
    assert told.f1 == pytest.approx(0.4)
    assert told.point_precision == pytest.approx(1 / 5)
    assert told.composite_f1 == pytest.approx(2 * 0.5 * 0.2 / 0.7)


def test_the_delay_runs_from_the_start_of_an_event_to_its_first_flagged_reading():
    told = metrics(
        "..x.x....xx...x.",
        "..xxx..xxxx...xx",
        seconds=np.arange(16) * 60.0,
    )
    assert told.delays.tolist() == [0, 2, 0]
    assert told.delay_seconds.tolist() == [0, 120, 0]
    assert (told.delay, told.median_delay_seconds) == (0, 0)


def test_an_early_flag_is_no_part_of_an_event_but_its_detection_is_not_false():
    told = metrics("..xx....", "...xxx..")
    assert (told.false_alarms, told.delays.tolist()) == (0, [0])


def test_false_alarms_are_counted_over_the_time_of_normal_readings():
    hours = np.arange(100) * 3_600.0
    scores, labels = np.zeros(100), np.zeros(100)
    scores[[5, 20, 21, 60]] = 1
    labels[50:76] = 1
    scores[76:78] = np.nan
    told = event_metrics(scores, labels, 0.5, seconds=hours)
    assert told.normal_days == pytest.approx(3), "26 readings are anomalous, 2 were not judged"
    assert told.false_alarms_per_day == pytest.approx(2 / 3)
    assert event_metrics(scores, labels, 0.5).false_alarms_per_day is None
    assert event_metrics(scores, labels, 0.5, seconds=np.zeros(100)).false_alarms_per_day is None


def test_a_gap_adds_no_time_and_ends_events_and_detections():
    seconds = np.r_[np.arange(10), 1e6 + np.arange(10)] * 60.0
    told = metrics(
        "x.......xxxx........",
        "........xxxx........",
        seconds=seconds,
        segments=np.repeat([0, 1], 10),
    )
    assert (told.events, told.detections, told.false_alarms) == (2, 3, 1)
    assert told.normal_days == pytest.approx(16 / 1_440)


def test_readings_that_were_not_judged_or_have_no_label_count_for_nothing():
    told = metrics(
        "?x?..x..xx.x?.x..",
        "xxx....x.....????",
    )
    assert (told.events, told.found) == (2, 1)
    assert told.delays.tolist() == [1], "what was not judged does not split an event, and takes time"
    assert (told.detections, told.false_alarms) == (4, 3), "one lies among unknown labels alone"
    left_out = metrics("??.x.", "xx.x.")
    assert (left_out.events, left_out.found) == (1, 1)


def test_nothing_flagged_has_no_precision_and_no_delay():
    told = metrics("....", ".x..")
    assert (told.precision, told.point_precision, told.delay, told.median_delay_seconds) == (None,) * 4
    assert (told.recall, told.f1, told.composite_f1, told.inflated_point_adjusted_f1) == (0, 0, 0, 0)


def test_point_adjustment_credits_a_whole_event_for_one_flag():
    told = metrics(
        "x....x....",
        "...xxxxx..",
    )
    assert told.inflated_point_adjusted_f1 == pytest.approx(2 * 5 / (2 * 5 + 1 + 0))
    assert told.composite_f1 == pytest.approx(2 / 3)


def test_point_adjustment_gives_random_scores_a_high_f1():
    rng = np.random.default_rng(0)
    labels = np.zeros(20_000)
    for start in range(500, 20_000, 2_000):
        labels[start : start + 200] = 1
    scores = rng.random(20_000)
    told = event_metrics(scores, labels, 0.98)
    assert told.inflated_point_adjusted_f1 > 0.8
    assert best_f1(scores, labels).f1 < 0.2


def test_one_class_only_says_so():
    with pytest.raises(DataError, match="no labelled anomaly among 3 judged rows with a label"):
        metrics("x..", "...")


def test_detections_that_were_bridged_or_chosen_count_as_they_are():
    scores, labels = marks("x.x....x"), marks("....x..x")
    told = event_metrics(scores, labels, 0.5, flags=marks("xxx.....") > 0)
    assert (told.detections, told.false_alarms, told.found, told.events) == (1, 1, 0, 2)
    bridged = event_metrics(scores, labels, 0.5, flags=marks("xxxxxxxx") > 0)
    assert (bridged.detections, bridged.false_alarms, bridged.found) == (1, 0, 2)


def test_a_detection_bridged_over_readings_that_were_not_judged_is_one():
    told = event_metrics(marks("x?x....."), marks("..x....."), 0.5, flags=marks("xxx.....") > 0)
    assert (told.detections, told.found, told.point_precision) == (1, 1, 0.5)
