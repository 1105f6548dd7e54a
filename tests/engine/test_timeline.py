"""A series in the order of time: gaps end a segment, entities stay apart, the step is the usual one."""

import numpy as np
import pandas as pd
import pytest

from engine import Roles, Timeline
from engine.data.roles import sampling


def readings(seed=0):
    """Three machines, read about once a minute with gaps and repeats, shuffled; a reading of nobody, one of no time."""
    rng = np.random.default_rng(seed)
    steps = rng.choice([0, 60, 60, 60, 61, 600], 300)
    frame = pd.DataFrame(
        {
            "at": pd.Timestamp("2024-05-06") + pd.to_timedelta(np.cumsum(steps), unit="s"),
            "machine": rng.choice(["b", "a", "c"], 300),
            "load": rng.normal(size=300),
        }
    )
    frame.loc[7, "machine"] = None
    frame.loc[9, "at"] = pd.NaT
    return frame.sample(frac=1, random_state=seed, ignore_index=True)


ROLES = Roles({"at": "time", "machine": "entity", "load": "feature"}, "series")
ALONE = Roles({"at": "time", "machine": "ignore", "load": "feature"}, "series")


@pytest.mark.parametrize("roles", [ROLES, ALONE])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_usual_step_is_that_of_the_sampling(roles, seed):
    frame = readings(seed)
    assert Timeline.of(frame, roles).step_seconds == sampling(frame, roles)["step_seconds"]


def test_entities_follow_one_another_each_in_the_order_of_time():
    frame = readings()
    found = Timeline.of(frame, ROLES)
    assert sorted(found.order.tolist()) == list(range(300))
    ordered = frame.iloc[found.order]
    assert ordered["machine"].dropna().is_monotonic_increasing
    assert (np.diff(found.entities) >= 0).all()
    assert found.entities[0] == -1, "the reading of nobody stands apart"
    for _, of_one in ordered.groupby("machine"):
        assert of_one["at"].dropna().is_monotonic_increasing


def test_a_gap_or_another_entity_begins_a_segment():
    found = Timeline.of(readings(), ROLES)
    same = np.diff(found.segments) == 0
    near = np.diff(found.seconds) <= 3 * found.step_seconds
    assert (same == (near & (np.diff(found.entities) == 0))).all()


def test_one_reading_and_readings_of_one_moment_have_a_step():
    frame = readings().iloc[:1]
    assert Timeline.of(frame, ALONE).step_seconds == 1.0
    moment = frame.loc[[frame.index[0]] * 3]
    assert Timeline.of(moment, ALONE).step_seconds == sampling(moment, ALONE)["step_seconds"] == 0.0
