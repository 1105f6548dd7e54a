"""How a series is cut into windows: how long they are, which a network learns from, and what is kept apart."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from engine.detectors.distilling import Ints, Marks
from engine.errors import DataError

MOST_WINDOWS = 50_000  # learned from; drawn by lot where there are more
HELD_OUT = 10  # every tenth block of readings is kept from training
BLOCK_WINDOWS = 4  # windows side by side in such a block
FEWEST_HELD_OUT = 500  # readings; where fewer are held out, those learned from say what is usual too
FEWEST_WINDOWS = 4  # side by side in the training readings; windows become shorter before there are fewer
FEWEST_PATCHES = 8  # of a window; patches become shorter before there are fewer
SHORTEST = 2  # readings of a window


def patches_of(sizes: Ints, seq_length: int, patch_length: int) -> tuple[int, int]:
    """Readings of a patch and patches of a window, at most as asked for.

    ``sizes`` (n_readings,): of the stretch each reading lies in; most shall be as long as a window.
    """
    length = max(SHORTEST, min(seq_length, int(np.median(sizes)), len(sizes) // FEWEST_WINDOWS))
    patch = max(1, min(patch_length, length // FEWEST_PATCHES))
    return patch, length // patch


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


def usual_readings(judged: Marks, length: int) -> Marks:
    """Of some readings those that say what is usual: the ones not learned from, if they are enough (n_readings,)."""
    apart = judged & kept_apart(len(judged), length)
    return apart if apart.sum() >= FEWEST_HELD_OUT else judged
