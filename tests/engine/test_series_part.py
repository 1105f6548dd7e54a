"""A few rows of a series: judged as in the whole, and read without the rest of the table."""

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.data.dataset import DatasetStore
from engine.data.roles import Roles
from engine.series_part import SeriesPart
from engine.window_view import window_view

ROLES = {"at": "time", "machine": "entity", "power": "feature", "heat": "feature"}
QUICK = {"lengths": (16, 32), "references": 100}


def fleet(step, n=900, seed=0):
    """Two machines, a reading every ``step`` seconds (n,), their rows shuffled; one row without a reading."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "at": np.tile(pd.Timestamp("2024-05-06") + pd.to_timedelta(np.cumsum(step), unit="s"), 2),
            "machine": np.repeat(["west", "east"], n),
            "power": 500 + 40 * np.sin(np.arange(2 * n) / 6.4) + 4 * rng.normal(size=2 * n),
            "heat": 20 + np.cos(np.arange(2 * n) / 6.4) + 0.1 * rng.normal(size=2 * n),
        }
    )
    frame = frame.sample(frac=1, random_state=0, ignore_index=True)
    frame.loc[11, ["power", "heat"]] = np.nan
    frame.loc[12, "at"] = pd.NaT
    return frame


def even(n=900):
    return np.full(n, 60.0)


def with_pauses_and_gaps(n=900):
    step = even(n)
    step[np.arange(0, n, 50)] = 150.0  # two readings left out: filled
    step[[300, 600]] = 5_000.0
    return step


def uneven(n=900):
    return np.random.default_rng(5).uniform(20, 100, n)


@pytest.fixture
def bring(tmp_path):
    def bring(frame):
        frame.to_parquet(tmp_path / "brought.parquet")
        return DatasetStore(tmp_path / "datasets").add(tmp_path / "brought.parquet", "brought.parquet")

    return bring


@pytest.mark.parametrize("steps", [even, with_pauses_and_gaps, uneven])
def test_a_row_is_seen_among_few_as_it_is_in_the_whole(bring, steps):
    frame = fleet(steps())
    model = train(frame, Roles(ROLES, "series"), "nearest_windows", QUICK)
    part, whole = SeriesPart.of(model, bring(frame), {}), model.encode(frame)
    origins = []
    for row in [0, 1, 2, 3, int(frame["at"].argmin()), int(frame["at"].argmax())]:
        few, place = part.around(row)
        assert len(few.table) < len(frame) / 4
        here = window_view(model, few, place, at_reading=part.at_reading)
        assert here.as_bytes() == window_view(model, whole, row).as_bytes()
        origins.append(here.normal.origin)
    assert np.isfinite(origins).all(), "of readings it learned from it is known when they were taken"


def test_a_row_that_cannot_be_judged_says_why(bring):
    frame = fleet(even())
    model = train(frame, Roles(ROLES, "series"), "nearest_windows", QUICK)
    part, whole = SeriesPart.of(model, bring(frame), {}), model.encode(frame)
    for row in (11, 12):
        few, place = part.around(row)
        assert not few.encoded.judged[place]
        assert few.encoded.obstacles.get(place) == whole.encoded.obstacles.get(row)


def test_a_series_the_model_never_saw_is_not_said_to_hold_its_normal_windows(bring):
    known, strange = fleet(even()), fleet(even(300), n=300, seed=1)
    model = train(known, Roles(ROLES, "series"), "nearest_windows", QUICK)
    part = SeriesPart.of(model, bring(strange), {})
    few, place = part.around(5)
    assert np.isnan(window_view(model, few, place, at_reading=part.at_reading).normal.origin)


def test_rows_judged_by_themselves_are_no_part_of_a_series(bring):
    frame = fleet(even())
    model = train(frame, Roles(ROLES, "series"), "isolation_forest", {"n_estimators": 5})
    assert SeriesPart.of(model, bring(frame), {}) is None
