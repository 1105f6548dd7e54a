"""Disturbances are drawn by seed, lie where they say, and are of the kinds they say."""

import numpy as np
import pytest

from engine.data.pseudo_anomalies import KINDS, disturbed
from engine.data.synthetic.waves import UNFAMILIAR, waves

WINDOWS = waves(300, part="train", anomalies=0.0).values.astype(np.float32)


def changed(kind, seed=0):
    """What one kind does: the disturbance, its windows before, and what was added inside of it."""
    found = disturbed(WINDOWS, np.random.default_rng(seed), kinds=(kind,))
    return found, np.where(found.inside, found.values - WINDOWS, 0)


def test_the_same_seed_disturbs_the_same():
    one, two, other = (disturbed(WINDOWS, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert one.values.tobytes() == two.values.tobytes()
    assert (one.inside == two.inside).all()
    assert (one.values != other.values).any()


def test_every_kind_is_drawn_about_as_often():
    drawn = disturbed(np.repeat(WINDOWS, 10, axis=0), np.random.default_rng(0)).kinds
    kinds, counts = np.unique(drawn, return_counts=True)
    assert set(kinds) == set(KINDS)
    np.testing.assert_allclose(counts / len(drawn), 1 / len(KINDS), atol=0.03)


def test_types_kept_for_the_test_are_not_in_the_library():
    assert not {"amplitude", "scale", "missing", "dropout", "constant"} & set(KINDS)
    assert set(UNFAMILIAR) == {"amplitude", "missing"}


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changes_outside_and_something_inside(kind):
    found, added = changed(kind)
    assert found.values.dtype == np.float32
    assert np.isfinite(found.values).all()
    np.testing.assert_array_equal(found.values[~found.inside], WINDOWS[~found.inside])
    assert (np.abs(added).max(axis=1) > 0.01).mean() > 0.98
    assert set(found.kinds) == {kind}


def test_spikes_are_one_to_three_readings():
    found, _ = changed("spike")
    assert set(found.inside.sum(axis=1)) == {1, 2, 3}


def test_a_shift_adds_one_number():
    found, added = changed("shift")
    for row, inside in zip(added, found.inside, strict=True):
        np.testing.assert_allclose(row[inside], row[inside][0], rtol=1e-4, atol=1e-5)


def test_a_ramp_rises_or_falls_all_the_way():
    found, added = changed("ramp")
    for row, inside in zip(added, found.inside, strict=True):
        steps = np.diff(row[inside])
        assert (steps > 0).all() or (steps < 0).all()


def test_noise_is_as_strong_as_it_says():
    _, added = changed("noise")
    spread = np.sqrt((added**2).sum(axis=1) / np.maximum((added != 0).sum(axis=1), 1)) / WINDOWS.std(axis=1)
    assert 0.9 < np.median(spread) < 2.2


def test_a_warped_stretch_keeps_within_its_window():
    found, _ = changed("warp")
    assert (found.values.max(axis=1) <= WINDOWS.max(axis=1) + 1e-6).all()
    assert (found.values.min(axis=1) >= WINDOWS.min(axis=1) - 1e-6).all()


def test_a_flip_stands_on_its_head():
    found, _ = changed("flip")
    turned = 2 * WINDOWS.mean(axis=1, keepdims=True) - WINDOWS
    np.testing.assert_allclose(found.values[found.inside], turned[found.inside], atol=1e-5)


def test_a_pasted_stretch_comes_from_another_window():
    found, _ = changed("paste")
    for row in range(20):
        inside = found.inside[row]
        from_others = (WINDOWS[:, inside] == found.values[row, inside]).all(axis=1)
        assert from_others.any()


def test_a_flat_window_may_stay_as_it_is():
    flat = np.zeros((50, 40), dtype=np.float32)
    assert np.isfinite(disturbed(flat, np.random.default_rng(0)).values).all()
