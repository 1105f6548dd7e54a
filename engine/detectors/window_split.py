"""Which windows of a series a network learns from, and which it is watched on."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from engine.detectors.distilling import Ints, Marks
from engine.errors import DataError

MOST_WINDOWS = 50_000  # learned from; drawn by lot where there are more
HELD_OUT = 10  # every tenth block of readings is kept from training
BLOCK_WINDOWS = 4  # windows side by side in such a block


def kept_apart(n: int, length: int) -> Marks:
    """True for readings that are not learned from (n_readings,): every tenth block of a few windows."""
    block = np.arange(n) // (BLOCK_WINDOWS * length)
    return np.asarray(block % HELD_OUT == HELD_OUT // 2)


def learned_and_watched(ends: Ints, labelled: Marks, length: int, rng: Generator) -> tuple[Ints, Ints]:
    """Where windows to learn from and windows to watch begin, in order; both the same where readings are few.

    ``ends`` (n_readings,): one after the last reading of each reading's stretch. ``labelled`` (n_readings,) is true for
    known anomalies. Raises a :class:`DataError` where no window fits, or none is free of them.
    """
    begins = np.flatnonzero(ends - np.arange(len(ends)) >= length)
    if not len(begins):
        raise DataError(
            f"Masked Series needs stretches of {length} readings without a gap, and found none; "
            "choose another detector, or a window of fewer readings"
        )
    apart = np.r_[0, np.cumsum(kept_apart(len(ends), length))]
    inside = apart[begins + length] - apart[begins]
    learned, watched = begins[inside == 0], begins[inside == length]
    if not len(learned) or not len(watched):
        learned = watched = begins
    known = np.r_[0, np.cumsum(labelled)]
    if (known[learned + length] > known[learned]).all():
        raise DataError(
            "Masked Series needs windows without a labelled anomaly to learn from, and every window holds one; "
            "label fewer readings, or choose a window of fewer readings"
        )
    return np.sort(rng.permutation(learned)[:MOST_WINDOWS]), watched
