"""Readings in order: stretches, short pauses filled in, uneven times made even, and the way back to the rows."""

import numpy as np
import pandas as pd
import pytest

from engine.data.features import NO_CURVE, FeatureRecipe
from engine.data.pace import Pace
from engine.data.roles import Roles
from engine.errors import DataError, UsageError

ROLES = Roles({"t": "time", "x": "feature"}, kind="series")
SEVERAL = Roles({"machine": "entity", "t": "time", "x": "feature"}, kind="series")


def sampled(values, start=0.0, step=1.0):
    return pd.DataFrame({"t": start + step * np.arange(len(values)), "x": np.asarray(values, dtype=float)})


def in_order(frame, roles=ROLES, learned_from=None):
    """The readings of a table, in the table's own units."""
    recipe = FeatureRecipe.fit(
        frame if learned_from is None else learned_from, roles, scaling="none", sequential=True
    )
    return recipe.readings(frame, recipe.transform(frame)[1])


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


def test_readings_stand_in_the_order_of_time_and_rows_find_theirs():
    frame = sampled(noise(50))
    order = np.random.default_rng(1).permutation(50)
    straight, shuffled = in_order(frame), in_order(frame.iloc[order].reset_index(drop=True))
    np.testing.assert_array_equal(straight.values, shuffled.values)
    np.testing.assert_array_equal(straight.of_rows(straight.values[:, 0]), frame["x"])
    np.testing.assert_array_equal(shuffled.of_rows(shuffled.values[:, 0]), frame["x"].iloc[order])


def test_a_gap_and_another_entity_begin_a_new_stretch():
    machines = [sampled(noise(30, seed)).assign(machine=name) for seed, name in enumerate("ab")]
    machines[0].loc[20:, "t"] += 5
    found = in_order(pd.concat(machines).sample(frac=1, random_state=0), SEVERAL)
    assert np.unique(found.stretches, return_counts=True)[1].tolist() == [20, 10, 30]
    assert (np.diff(found.stretches) >= 0).all()


def test_a_short_pause_is_filled_in_on_a_straight_line_and_said():
    frame = sampled(np.arange(40.0)).drop(index=[9, 10]).reset_index(drop=True)
    found = in_order(frame)
    np.testing.assert_allclose(found.values[:, 0], np.arange(40.0))
    assert len(set(found.stretches)) == 1
    assert len(set(found.places)) == 38
    assert any("2 missing readings were filled in" in note for note in found.notes)


@pytest.mark.parametrize("strange", [np.nan, np.inf, 1e300])
def test_missing_and_impossible_readings_count_as_a_pause_and_their_rows_have_no_reading(strange):
    frame = sampled(noise(60))
    frame.loc[[20, 40, 41, 42], "x"] = strange
    found = in_order(frame, learned_from=sampled(noise(60)))
    assert np.flatnonzero(found.places < 0).tolist() == [20, 40, 41, 42]
    assert found.values[20, 0] == pytest.approx((frame["x"][19] + frame["x"][21]) / 2)
    assert np.unique(found.stretches, return_counts=True)[1].tolist() == [40, 17], "three in a row are a gap"


def test_a_channel_missing_alone_is_filled_in_for_a_short_while_and_then_typical():
    roles = Roles({"t": "time", "x": "feature", "y": "feature", "z": "feature"}, kind="series")
    frame = sampled(np.arange(40.0)).assign(y=np.arange(40.0), z=noise(40))
    frame.loc[[5, 6], "y"] = np.nan
    frame.loc[20:25, "y"] = np.nan
    found = in_order(frame, roles)
    assert (found.places >= 0).all()
    assert len(set(found.stretches)) == 1
    np.testing.assert_allclose(found.values[[5, 6], 1], [5, 6])
    np.testing.assert_allclose(found.values[20:26, 1], frame["y"].median())


def uneven(n=400, seed=3):
    """A straight line read at random times."""
    times = np.cumsum(np.random.default_rng(seed).exponential(1.0, n))
    return pd.DataFrame({"t": times, "x": 2.0 * times})


def test_uneven_readings_are_brought_to_even_times_with_a_note():
    frame = uneven()
    found = in_order(frame)
    for stretch in np.unique(found.stretches):
        steps = np.diff(found.values[found.stretches == stretch, 0])
        np.testing.assert_allclose(steps, steps[:1].repeat(len(steps)))
    assert any(note.startswith("readings come at uneven times") for note in found.notes)
    judged = found.places >= 0
    step = Pace.fit(frame, ROLES).step_seconds
    assert judged.mean() > 0.95
    assert np.abs(found.of_rows(found.values[:, 0]) - frame["x"])[judged].max() <= 2 * step


@pytest.mark.parametrize("frame", [sampled(noise(300)), uneven()], ids=["even", "uneven"])
def test_a_slice_has_the_readings_it_has_in_the_whole(frame):
    whole = in_order(frame)
    for first, last in ((0, 120), (57, 211), (130, 300)):
        part = in_order(frame.iloc[first:last].reset_index(drop=True), learned_from=frame)
        inner = slice(30, last - first - 30)
        both = np.stack(
            [part.of_rows(part.values[:, 0])[inner], whole.of_rows(whole.values[:, 0])[first:last][inner]]
        )
        assert both[0].tobytes() == both[1].tobytes()


def test_one_long_silence_does_not_make_millions_of_readings():
    times = np.cumsum(
        np.where(np.arange(300) % 10 == 9, 3_600.0, np.random.default_rng(0).uniform(0.001, 1, 300))
    )
    found = in_order(pd.DataFrame({"t": times, "x": noise(300)}))
    assert len(found.values) < 30 * 300


def test_what_is_no_number_is_left_out_with_the_reason_and_a_switch_is_a_channel():
    frame = sampled(noise(50)).assign(state=["run", "idle"] * 25, on=np.arange(50) % 3 == 0)
    roles = Roles({"t": "time", "x": "feature", "state": "feature", "on": "feature"}, kind="series")
    recipe = FeatureRecipe.fit(frame, roles, sequential=True)
    assert recipe.channels == ["on", "x"]
    assert recipe.encoder.left_out == {"state": NO_CURVE}
    assert recipe.roles.columns["state"] == "ignore"


def test_a_table_has_no_readings_in_order():
    with pytest.raises(UsageError, match="these rows are a table"):
        FeatureRecipe.fit(sampled(noise(20)), Roles({"t": "feature", "x": "feature"}), sequential=True)


def test_a_series_without_a_channel_that_is_a_number_is_refused():
    frame = sampled(noise(20)).assign(x="a")
    with pytest.raises(DataError, match="no column is left to learn from"):
        FeatureRecipe.fit(frame, ROLES, sequential=True)


def test_another_pace_than_in_training_is_noted():
    slow = in_order(sampled(noise(50), step=2.0), learned_from=sampled(noise(50)))
    assert any("readings come every 2 s here, the model learned from one every 1 s" in n for n in slow.notes)


def test_readings_without_a_time_have_no_place():
    frame = sampled(noise(30))
    frame.loc[12, "t"] = np.nan
    assert np.flatnonzero(in_order(frame).places < 0).tolist() == [12]


def test_a_recipe_of_readings_is_stored_and_read():
    recipe = FeatureRecipe.fit(uneven(), ROLES, sequential=True)
    assert FeatureRecipe.from_dict(recipe.as_dict()) == recipe
