"""An alarm is several flags in a row, raised when it is known; what came before the fault is a false one."""

import numpy as np
import pytest

from engine.errors import UsageError
from engine.scoring.alarms import lead_time, sustained, sustained_alarms


def flags(text):
    return np.array([mark == "x" for mark in text])


def naive_alarms(marks, length):
    found, run = [], 0
    for row, mark in enumerate(marks):
        run = run + 1 if mark else 0
        if run == length:
            found.append(row)
    return found


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("", []),
        ("....", []),
        ("xx.xx.", []),
        ("xxx...", [2]),
        ("xxxxxx", [2]),
        (".xxx.xxxx", [3, 7]),
        ("...xxx", [5]),
    ],
)
def test_an_alarm_is_raised_at_the_third_flag_in_a_row_and_once(text, rows):
    assert sustained_alarms(flags(text), 3).tolist() == rows


def test_alarms_equal_a_naive_count_on_random_flags():
    rng = np.random.default_rng(4)
    for length in (1, 2, 5):
        marks = rng.random(2_000) < 0.6
        assert sustained_alarms(marks, length).tolist() == naive_alarms(marks, length)


def test_the_sustained_severity_is_above_the_line_just_when_an_alarm_lasts():
    severity = np.random.default_rng(6).random(500) * 100
    severity[[50, 51]] = np.nan
    with np.errstate(invalid="ignore"):
        above = sustained(severity, 3) > 40
        run = sustained_alarms(severity > 40, 3)
    assert np.flatnonzero(above & ~np.r_[False, above[:-1]]).tolist() == run.tolist()
    assert np.isnan(sustained(severity, 3)[[0, 1, 50, 51, 52, 53]]).all()
    assert np.isnan(sustained(severity[:2], 3)).all()


TIMES = np.arange(12) * 10.0


def test_the_lead_runs_from_the_first_alarm_after_the_onset_to_the_failure():
    found = lead_time(TIMES, flags(".......xxxx."), onset=60, failure=110, length=2)
    assert (found.alarm, found.lead, found.false_alarms) == (80, 30, 0)


def test_alarms_before_the_onset_are_false_and_give_no_lead():
    found = lead_time(TIMES, flags("xx.xx....xx."), onset=60, failure=110, length=2)
    assert (found.alarm, found.lead, found.false_alarms) == (100, 10, 2)


def test_an_alarm_that_lasts_from_before_the_onset_told_nothing_of_the_fault():
    found = lead_time(TIMES, flags("xxxxxxxxxxxx"), onset=60, failure=110, length=2)
    assert (found.alarm, found.lead, found.false_alarms) == (None, None, 1)


def test_an_alarm_after_the_failure_came_too_late():
    found = lead_time(TIMES, flags("..........xx"), onset=60, failure=100, length=2)
    assert (found.alarm, found.lead) == (None, None)


def test_an_alarm_of_no_readings_and_an_onset_after_the_failure_are_refused():
    with pytest.raises(UsageError, match="an alarm needs at least 1 flagged reading, got 0"):
        sustained_alarms(flags("x"), 0)
    with pytest.raises(UsageError, match="the onset of a fault must come before the failure, got 90 and 80"):
        lead_time(TIMES, flags("." * 12), onset=90, failure=80)
