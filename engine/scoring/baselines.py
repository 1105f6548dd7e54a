"""Two plain measures of how unusual readings are, beside which a detector has to show what it adds.

The third, the distance to the nearest normal window, is a detector: :mod:`engine.detectors.nearest_windows`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WINDOW = 64  # readings over which the energy is averaged


def window_energy(known: Floats, readings: Floats, stretches: Ints) -> Floats:
    """The mean square of the window around each reading (n_readings,), in standard deviations of known readings.

    ``known`` (n_known, n_channels), ``readings`` (n_readings, n_channels) in the order of time; ``stretches``
    (n_readings,) are equal for readings that follow one another without a gap, across which no window reaches.
    """
    spread = known.std(axis=0)
    squares = (((readings - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0)) ** 2).mean(axis=1)
    total, at = np.r_[0.0, np.cumsum(squares)], np.arange(len(readings))
    first = np.maximum(np.searchsorted(stretches, stretches, side="left"), at - WINDOW // 2)
    last = np.minimum(np.searchsorted(stretches, stretches, side="right"), at + WINDOW // 2)
    return (total[last] - total[first]) / (last - first)


def distance_from_median(known: Floats, readings: Floats) -> Floats:
    """|x - median| / MAD of the channel in which a reading lies furthest off (n_readings,).

    Median and MAD, the median absolute deviation (Hampel, 1974), are those of the ``known`` readings; of a channel that
    rests most of the time the standard deviation stands for the MAD.
    """
    median = np.median(known, axis=0)
    scale, spread = np.median(np.abs(known - median), axis=0), known.std(axis=0)
    scale = np.where(scale > 0, scale, np.where(spread > 0, spread, 1.0))
    found: Floats = (np.abs(readings - median) / scale).max(axis=1)
    return found
