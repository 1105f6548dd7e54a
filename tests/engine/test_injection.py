"""Injected anomalies: what is held out is never learned from, and a label says exactly what was disturbed."""

import numpy as np
import pandas as pd
import pytest

from engine.data.injection import (
    CONTEXT,
    FEWEST_ROWS,
    MOST_HELD_OUT,
    MOST_LEARNED,
    SHARE,
    HeldOut,
)
from engine.data.roles import Roles
from engine.data.synthetic.waves import waves

ROLES = Roles({"t": "time", "a": "feature", "b": "feature"}, "series")
WINDOWS = Roles({"window": "entity", "t": "time", "value": "feature"}, "series")


def recording(n=2_000):
    rng = np.random.default_rng(0)
    t = np.arange(n)
    a, b = (np.sin(2 * np.pi * (t / 25 + phase)) + 0.1 * rng.normal(size=n) for phase in (0.0, 0.3))
    return pd.DataFrame({"t": t, "a": a, "b": 7 + 100 * b})


def injected(frame, seed=0, roles=ROLES, channels=("a", "b")):
    held_out = HeldOut.of(frame, roles)
    rows, labels = held_out.injected(frame, channels, np.random.default_rng(seed))
    return held_out, rows, labels


def test_a_long_recording_gives_up_its_end():
    held_out = HeldOut.of(recording(), ROLES)
    assert held_out.shown[held_out.counted].tolist() == list(range(1_600, 2_000))
    assert held_out.shown[0] == 1_600 - CONTEXT
    assert held_out.learned.tolist() == list(range(1_600))
    assert held_out.size == SHARE * 2_000


def test_of_many_short_windows_some_are_held_out_whole():
    frame = waves(60).table()[["window", "t", "value"]]
    held_out = HeldOut.of(frame, WINDOWS)
    kept = set(frame["window"].iloc[held_out.shown])
    assert held_out.counted.all()
    assert len(kept) == 12
    assert held_out.size == 1_200
    assert not kept & set(frame["window"].iloc[held_out.learned])


def test_every_machine_gives_up_its_end():
    frame = pd.concat([recording(700).assign(machine=name) for name in "xyz"], ignore_index=True)
    roles = Roles({**ROLES.columns, "machine": "entity"}, "series")
    held_out = HeldOut.of(frame, roles)
    counted = held_out.shown[held_out.counted]
    assert frame["machine"].iloc[counted].value_counts().to_dict() == dict.fromkeys("xyz", 140)
    assert frame["t"].iloc[counted].min() == 560
    assert len(set(held_out.stretches)) == 3


@pytest.mark.parametrize(("n", "entities"), [(100_000, 1), (100_000, 7), (200_000, 2_000)])
def test_a_large_series_is_learned_and_judged_in_part(n, entities):
    frame = pd.DataFrame({"t": np.tile(np.arange(n // entities), entities)[:n], "a": 0.0})
    frame["m"] = np.repeat(np.arange(entities), n // entities)[: len(frame)] if entities > 1 else 0
    frame = frame.iloc[: n // entities * entities]
    roles = Roles({"t": "time", "a": "feature", "m": "entity"}, "series")
    held_out = HeldOut.of(frame, roles)
    assert 0.9 * MOST_HELD_OUT <= held_out.size <= MOST_HELD_OUT
    assert 0.9 * MOST_LEARNED <= len(held_out.learned) <= MOST_LEARNED
    assert not set(held_out.learned) & set(held_out.shown[held_out.counted])


def test_a_short_series_holds_nothing_out():
    assert HeldOut.of(recording(FEWEST_ROWS - 1), ROLES) is None
    assert HeldOut.of(recording(FEWEST_ROWS), ROLES) is not None


def test_the_order_of_rows_makes_no_difference():
    frame = recording()
    shuffled = frame.sample(frac=1, random_state=1)
    _, rows, labels = injected(frame)
    _, again, same = injected(shuffled)
    pd.testing.assert_frame_equal(rows, again)
    np.testing.assert_array_equal(labels, same)


def test_just_the_labelled_readings_were_disturbed():
    frame = recording()
    held_out, rows, labels = injected(frame)
    before = frame.iloc[held_out.shown].reset_index(drop=True)
    moved = (np.abs(rows[["a", "b"]] - before[["a", "b"]]) > 1e-9).any(axis=1).to_numpy()
    np.testing.assert_array_equal(moved, labels == 1)
    assert np.isnan(labels[~held_out.counted]).all()
    assert 0.02 < np.nanmean(labels) < 0.3
    pd.testing.assert_series_equal(rows["t"], before["t"])


def test_a_disturbance_is_as_large_as_its_channel():
    frame = recording()
    held_out, rows, labels = injected(frame)
    before = frame.iloc[held_out.shown].reset_index(drop=True)
    sizes = {c: np.abs(rows[c] - before[c])[labels == 1].max() / frame[c].std() for c in ("a", "b")}
    assert all(0.5 < size < 20 for size in sizes.values())


def test_copies_are_disturbed_each_in_its_own_way_and_the_same_every_time():
    frame = recording()
    (_, one, _), (_, same, _), (_, other, _) = injected(frame), injected(frame), injected(frame, seed=1)
    pd.testing.assert_frame_equal(one, same)
    assert not one.equals(other)


def test_what_was_not_measured_stays_so_and_what_stands_still_is_not_called_anomalous():
    frame = recording()
    frame.loc[1_700:1_720, "a"] = np.nan
    frame["b"] = 3
    held_out, rows, labels = injected(frame)
    before = frame.iloc[held_out.shown].reset_index(drop=True)
    np.testing.assert_array_equal(rows["a"].isna(), before["a"].isna())
    assert (rows["b"] == 3).all()
    assert not (labels[rows["a"].isna()] == 1).any()
    assert (labels == 1).any()
