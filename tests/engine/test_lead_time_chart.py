"""The chart of lead times as data: a row a detector, its alarms where they were raised, and the same in words."""

import numpy as np
import pytest

from engine import charts
from engine.charts.chart import MAX_MARKS
from engine.charts.lead_time import RIDGE

N = 6_000
TIMES = 1_700_000_000 + 600.0 * np.arange(N)
RNG = np.random.default_rng(9)
FAILURE = TIMES[-1]


def severities(names):
    rising = np.r_[RNG.random(N - 1_000) * 90, np.full(1_000, 100.0)]
    return dict.fromkeys(names, rising)


def chart(names=("A", "B"), **more):
    given = {"alarms": {"A": TIMES[-721]}, "failure": FAILURE, "theme": "light", **more}
    return charts.lead_time_chart(TIMES, severities(names), **given)


def table(drawn, name):
    return drawn.spec["datasets"][name]


def test_each_detector_has_a_row_of_its_own_from_the_top():
    line = table(chart(), "severity")
    heights = {name: [row["y"] for row in line if row["detector"] == name] for name in "AB"}
    assert 1 <= min(heights["A"]) <= max(heights["A"]) == pytest.approx(1 + RIDGE)
    assert 0 <= min(heights["B"]) <= max(heights["B"]) == pytest.approx(RIDGE)


def test_the_first_alarm_stands_where_it_was_raised_and_says_how_early():
    (alarm,) = table(chart(), "alarms")
    assert (alarm["time"], alarm["detector"], alarm["lead"]) == (TIMES[-721] * 1000, "A", "120.0 h")
    labels = [row["label"] for row in table(chart(), "names")]
    assert labels == ["A: alarm 120.0 h before the failure", "B: no alarm"]
    assert "A: alarm 120.0 h before the failure; B: no alarm." in chart().alt


def test_the_failure_is_marked_and_the_onset_only_if_it_is_known():
    assert [row["time"] for row in table(chart(), "failure")] == [FAILURE * 1000]
    assert table(chart(), "onset") == []
    assert [row["time"] for row in table(chart(onset=TIMES[9]), "onset")] == [TIMES[9] * 1000]


def test_what_lies_above_the_level_is_a_band_in_the_row_of_its_detector():
    bands = table(chart(level=99), "above")
    assert [(band["time"], band["end"]) for band in bands] == [(TIMES[-1_000] * 1000, FAILURE * 1000)] * 2
    assert [band["y"] for band in bands] == [1, 0]


@pytest.mark.parametrize("n", [1, 4, 12])
def test_however_many_detectors_there_are_a_browser_can_draw_them(n):
    names = [f"detector {i}" for i in range(n)]
    noisy = {name: RNG.random(N) * 100 for name in names}
    drawn = charts.lead_time_chart(
        TIMES, noisy, dict.fromkeys(names, TIMES[5]), failure=FAILURE, onset=TIMES[1], level=50, theme="dark"
    )
    assert sum(len(rows) for rows in drawn.spec["datasets"].values()) <= MAX_MARKS
    assert {row["detector"] for row in table(drawn, "severity")} == set(names)


def test_readings_that_could_not_be_judged_break_the_line():
    values = np.full(100, 50.0)
    values[40:60] = np.nan
    drawn = charts.lead_time_chart(TIMES[:100], {"A": values}, {}, failure=TIMES[99], theme="light")
    assert [row["y"] for row in table(drawn, "severity")][40:60] == [None] * 20


def test_without_detectors_the_chart_says_so():
    assert (
        "there are no detectors" in charts.lead_time_chart(TIMES, {}, {}, failure=FAILURE, theme="light").alt
    )


def test_a_chart_becomes_a_page_with_its_sentence():
    page = charts.html_page(chart(), width=640)
    assert page.lstrip().startswith("<!DOCTYPE html>")
    assert '"width": 640' in page
    assert "A: alarm 120.0 h before the failure" in page
    assert "<script src" not in page, "it needs no network"
