"""Which windows of a series an expensive detector looks at: few, and the same ones in whichever longer series they lie.

Windows at every tenth reading would depend on where a series begins. Here their content decides: each reading gets a
code of the window that begins there, and of any ``REACH`` readings in a row the one with the smallest code begins a
window (minimizers; Roberts, Hayes, Hunt, Mount and Yorke, 2004; winnowing; Schleimer, Wilkerson and Aiken, 2003). So
windows lie about half of that apart, never further, and each is chosen by the readings around it alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.detectors.window_library import codes

Ints = NDArray[np.int64]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

NONE = np.uint64(2**64 - 1)  # the code of a reading with which no window begins


def sampled(readings: Singles, ends: Ints, length: int) -> tuple[Ints, Ints]:
    """Where the chosen windows begin (n_windows,), in order, and for each the number of its content (n_windows,).

    ``readings`` (n_readings, n_channels); ``ends`` (n_readings,): one after the last reading of each reading's stretch.
    Windows with equal numbers hold the same readings. The first and the last window of a stretch are always chosen.
    """
    reach = reach_of(length)
    coded = np.full(len(readings) + 2 * (reach - 1), NONE)
    middle = coded[reach - 1 : reach - 1 + len(readings)]
    found = codes(readings, length) >> np.uint64(1)  # below NONE
    inside = np.flatnonzero(ends[: len(found)] - np.arange(len(found)) >= length)
    middle[inside] = found[inside]
    first = np.lib.stride_tricks.sliding_window_view(coded, reach).argmin(axis=1)
    chosen = np.unique(np.arange(len(first)) + first) - (reach - 1)
    chosen = chosen[(chosen >= 0) & (chosen < len(readings))]
    chosen = chosen[middle[chosen] != NONE]
    return chosen, np.unique(middle[chosen], return_inverse=True)[1]


def reach_of(length: int) -> int:
    """In how many readings in a row at least one window of some length begins; its margins are as long."""
    return max(1, length // 3)


def overlapped(values: Floats, begins: Ints, n: int) -> Floats:
    """The mean over the windows around each reading (n_signals, n), NaN where there is none.

    ``values`` (n_signals, n_windows, length) of windows that begin at ``begins``, in order. Those in whose middle
    third a reading lies count, the more the nearer to the middle; in the first and the last third of a stretch there
    may be none, and all around it count alike. So whether a window is chosen or not matters to no reading further
    away than a window.
    """
    n_signals, _, length = values.shape
    margin = reach_of(length)
    places = begins[:, None] + np.arange(length)
    near = 1.0 + np.minimum(np.arange(length), np.arange(length)[::-1])
    inner = slice(margin, length - margin)
    weights = np.bincount(places[:, inner].ravel(), np.tile(near[inner], len(begins)), n)
    edge = weights == 0
    around = np.bincount(places.ravel(), minlength=n)
    means = np.full((n_signals, n), np.nan)
    for mean, signal in zip(means, values, strict=True):
        total = np.bincount(places[:, inner].ravel(), (signal[:, inner] * near[inner]).ravel(), n)
        plain = np.bincount(places.ravel(), signal.ravel(), n)
        np.divide(total, weights, out=mean, where=~edge)
        np.divide(plain, around, out=mean, where=edge & (around > 0))
    return means
