"""The plain measures beside a detector, against the formulas written out."""

import numpy as np
import pytest

from engine.scoring.baselines import WINDOW, distance_from_median, window_energy

RNG = np.random.default_rng(0)
KNOWN, READINGS = RNG.normal(3, 2, (500, 2)), RNG.normal(3, 2, (200, 2))


def test_energy_is_the_mean_square_around_a_reading_and_reaches_across_no_gap():
    stretches = np.repeat([0, 1, 4], [90, 30, 80])
    found = window_energy(KNOWN, READINGS, stretches)
    squares = (((READINGS - KNOWN.mean(0)) / KNOWN.std(0)) ** 2).mean(1)
    for i in (0, 17, 89, 90, 100, 119, 120, 150, 199):
        near = np.abs(np.arange(200) - i + 0.5) < WINDOW / 2
        near &= stretches == stretches[i]
        assert found[i] == pytest.approx(squares[near].mean())


def test_the_distance_from_the_median_is_that_of_the_channel_furthest_off():
    median = np.median(KNOWN, axis=0)
    mad = np.median(np.abs(KNOWN - median), axis=0)
    expected = np.maximum(*(np.abs(READINGS - median) / mad).T)
    np.testing.assert_allclose(distance_from_median(KNOWN, READINGS), expected)


def test_channels_that_rest_or_never_move_are_no_division_by_zero():
    rests = np.zeros((100, 2))
    rests[:10, 0] = 5.0
    readings = np.array([[5.0, 0.0], [0.0, 2.0]])
    assert distance_from_median(rests, readings) == pytest.approx([5 / rests[:, 0].std(), 2.0])
    assert np.isfinite(window_energy(rests, readings, np.zeros(2, dtype=int))).all()
