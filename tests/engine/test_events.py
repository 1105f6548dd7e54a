"""Flagged readings become events: merged over short gaps, never from one entity into another, with what is to blame."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.scoring.events import blamed, counted, events, labelled_events, runs
from tests import naive


def flags(text):
    return np.array([mark == "x" for mark in text], dtype=bool)


def spans(found):
    return [(event.start, event.end) for event in found]


FLAT = np.ones(30)


@pytest.mark.parametrize(
    ("text", "segments", "expected"),
    [
        ("", None, []),
        ("....", None, []),
        ("xx..x", None, [(0, 2), (4, 5)]),
        (".xxxx.", [0, 0, 0, 5, 5, 5], [(1, 3), (3, 5)]),
        ("xx", [4, 3], [(0, 1), (1, 2)]),
    ],
)
def test_a_run_ends_where_flags_or_a_segment_end(text, segments, expected):
    starts, stops = runs(flags(text), None if segments is None else np.array(segments))
    assert list(zip(starts.tolist(), stops.tolist(), strict=True)) == expected
    assert counted(flags(text), starts, stops).tolist() == [stop - start for start, stop in expected]


def test_a_labelled_event_without_a_known_reading_is_left_out():
    starts, stops = labelled_events(flags("xx..xx"), flags(".x...."))
    assert (starts.tolist(), stops.tolist()) == ([0], [2])


def test_runs_of_random_flags_are_what_a_loop_finds():
    rng = np.random.default_rng(0)
    marks, segments = rng.random(500) < 0.6, np.cumsum(rng.random(500) < 0.1)
    expected = []
    for row, mark in enumerate(marks):
        if mark and expected and expected[-1][1] == row and segments[row] == segments[row - 1]:
            expected[-1][1] += 1
        elif mark:
            expected.append([row, row + 1])
    assert np.stack(runs(marks, segments), axis=1).tolist() == expected


@pytest.mark.parametrize(
    ("bridge", "expected"),
    [
        (0, [(0, 1), (3, 3), (6, 6)]),
        (1, [(0, 3), (6, 6)]),
        (2, [(0, 6)]),
    ],
)
def test_events_with_few_readings_between_them_are_one(bridge, expected):
    assert spans(events(flags("xx.x..x"), FLAT, bridge=bridge)) == expected


def test_events_are_not_merged_over_a_gap_or_from_one_entity_into_the_next():
    segments = np.array([0, 0, 0, 1, 1, 1, 1])
    found = events(flags(".xxx.x."), FLAT, segments=segments, bridge=5)
    assert spans(found) == [(1, 2), (3, 5)]


def test_short_events_are_dropped_after_merging_and_faint_ones_too():
    marks = flags("x.x....xxx..x")
    severity = np.array([1, 0, 9, 0, 0, 0, 0, 5, 5, 5, 0, 0, 99.0])
    assert spans(events(marks, severity, bridge=1, shortest=2)) == [(0, 2), (7, 9)]
    assert spans(events(marks, severity, bridge=1, shortest=2, above=5)) == [(0, 2)]
    assert len(events(marks, severity, shortest=4)) == 0


def test_an_event_knows_its_times_its_length_and_its_peak_among_flagged_readings():
    severity = np.array([0, 90, 99, 100, 99, 0.0])
    (event,) = events(flags(".xx.x."), severity, bridge=1, times=np.arange(6) * 60.0)
    assert (event.start, event.end, event.length, event.flagged) == (1, 4, 4, 3)
    assert (event.peak, event.severity) == (2, 99), "the bridged reading is no part of it"
    assert (event.start_time, event.end_time) == (60, 240)
    assert events(flags("x"), FLAT)[0].start_time is None


def test_scores_tell_readings_of_equal_severity_apart():
    severity, scores = np.array([0, 100, 100, 0, 100.0]), np.array([0, 5, 7, 0, 6.0])
    found = events(flags(".xx.x"), severity, scores=scores)
    assert [(event.peak, event.score) for event in found] == [(2, 7), (4, 6)]
    assert found.worst().tolist() == [0, 1]
    assert events(flags(".xx.x"), severity)[0].peak == 1, "without scores, the first"


def test_events_of_random_flags_are_what_a_loop_finds():
    rng = np.random.default_rng(1)
    marks, scores = rng.random(3_000) < 0.3, rng.random(3_000).round(2)
    found = events(marks, 100 * scores, scores=scores, bridge=2, shortest=3, above=90)
    expected = [
        event
        for event in naive.events(marks, scores, bridge=2)
        if event["end"] - event["start"] >= 2 and event["score"] > 0.9
    ]
    assert len(expected) > 50
    assert [
        {"start": e.start, "end": e.end, "peak": e.peak, "score": e.score, "flagged": e.flagged}
        for e in found
    ] == expected
    worst = [found[number].score for number in found.worst().tolist()]
    assert worst == sorted((event["score"] for event in expected), reverse=True)
    assert [found[number].score for number in found.worst(9).tolist()] == worst[:9]
    assert spans(found[2:4]) == spans(list(found)[2:4])


def test_a_reading_without_a_severity_does_not_disturb_the_others():
    severity = np.array([np.nan, 3, np.nan, 4, np.nan])
    (event,) = events(flags(".x.x."), severity, bridge=1)
    assert (event.peak, event.severity) == (3, 4)


def test_choices_that_make_no_sense_are_refused():
    for wrong in ({"bridge": -1}, {"shortest": 0}):
        with pytest.raises(UsageError, match="bridged over 0 readings or more and have at least 1 reading"):
            events(flags("x"), FLAT, **wrong)


CHANNELS = ("flow", "level", "noise")


def test_the_channels_that_contribute_most_are_named_with_their_shares():
    contributions = np.array([[9, 0, 0], [1, 2, 0], [0, 5, 0], [9, 0, 0.0]])
    (event,) = blamed(events(flags(".xx."), FLAT), CHANNELS, contributions)
    assert event.channels == (("level", 0.875), ("flow", 0.125)), (
        "a channel that contributes nothing is not named"
    )
    assert event.direction is None
    (event,) = blamed(events(flags(".xx."), FLAT), CHANNELS, contributions, most=1)
    assert event.channels == (("level", 0.875),)


@pytest.mark.parametrize(
    ("value", "direction"), [(7.0, "higher"), (2.0, "lower"), (5.0, None), (np.nan, None)]
)
def test_the_direction_is_that_of_the_first_channel(value, direction):
    contributions = np.array([[0, 1, 0], [0, 4, 0.0]])
    values = np.array([[0, 5, 0], [0, value, 0]])
    found = events(flags("xx"), FLAT)
    median, expectation = np.array([0, 5, 0.0]), np.full((2, 3), 5.0)
    for expected in (median, expectation):
        (event,) = blamed(found, CHANNELS, contributions, values=values, expected=expected)
        assert event.direction == direction


def test_a_spike_gives_the_direction_though_the_reading_after_it_contributes_more():
    contributions = np.array([[3.0], [4.0]])
    values = np.array([[9.0], [0.99]])
    (event,) = blamed(
        events(flags("xx"), FLAT), ["flow"], contributions, values=values, expected=np.array([1.0])
    )
    assert event.direction == "higher"


def test_contributions_of_some_readings_go_to_the_events_they_lie_in():
    contributions = np.array([[1, 0, 0], [0, 0, 1.0]])
    found = blamed(events(flags("xx..xx.x"), FLAT), CHANNELS, contributions, rows=np.array([1, 5]))
    assert [event.channels for event in found] == [(("flow", 1.0),), (("noise", 1.0),), ()]
