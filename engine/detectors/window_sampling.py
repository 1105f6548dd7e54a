"""Which windows of a series an expensive detector looks at: few, and the same ones in whichever longer series they lie.

Windows at every tenth reading would depend on where a series begins. Here their content decides: each reading gets a
code of the window that begins there, and of any ``reach`` readings in a row the one with the smallest code begins a
window (minimizers; Roberts, Hayes, Hunt, Mount and Yorke, 2004; winnowing; Schleimer, Wilkerson and Aiken, 2003). So
windows lie about half of that apart, never further, and each is chosen by the readings around it alone. Where ``reach``
is more than a third of a window, only its middle is coded, so that no reading matters to one a window away. Codes of
readings that stand still are the largest of all, so that a step is seen in a few windows and not at every distance.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.detectors.window_library import codes

Ints = NDArray[np.int64]
Singles = NDArray[np.float32]
Floats = NDArray[np.float64]

NONE = np.uint64(2**64 - 1)  # the code of a reading with which no window begins
FLAT = np.uint64(2**64 - 2)  # the code of one from which nothing changes
COUNTS = 3, 5  # of a window: its middle, in which a reading counts


def sampled(readings: Singles, ends: Ints, length: int, reach: int) -> Ints:
    """Where the chosen windows begin (n_windows,), in order.

    ``readings`` (n_readings, n_channels); ``ends`` (n_readings,): one after the last reading of each reading's stretch.
    The first and the last window of a stretch are always chosen, and one of any ``reach`` in a row.
    """
    core = max(1, min(length, 2 * length - 3 * reach))
    found = codes(readings, core) >> np.uint64(1)  # below FLAT
    moves = np.r_[0, np.cumsum((readings[1:] != readings[:-1]).any(axis=1))]
    found[moves[core - 1 :] == moves[: len(found)]] = FLAT
    whole = np.flatnonzero(ends[: len(found)] - np.arange(len(found)) >= core)
    coded = np.full(len(readings) + 2 * (reach - 1), NONE)
    middle = coded[reach - 1 : reach - 1 + len(readings)]
    middle[whole] = found[whole]
    first = np.lib.stride_tricks.sliding_window_view(coded, reach).argmin(axis=1)
    # where all stands still the middle one, so that the nearest step lies outside its window
    flat = np.flatnonzero(coded[np.arange(len(first)) + first] == FLAT)
    first[flat[(first[flat] == 0) & (coded[flat + reach - 1] == FLAT)]] = reach // 2
    least = np.arange(len(first)) + first - (reach - 1)  # never falls
    least = least[np.diff(least, prepend=-reach) > 0]
    least = least[(least >= 0) & (least < len(readings))]
    least = least[middle[least] != NONE]
    begins = least - (length - core) // 2
    begins, bound = begins[begins >= 0], ends[least[begins >= 0]]
    begins = begins[(ends[begins] == bound) & (begins + length <= bound)]
    outermost = np.flatnonzero(np.diff(ends, prepend=-1))
    outermost = outermost[ends[outermost] - outermost >= length]
    return np.unique(np.concatenate([begins, outermost, ends[outermost] - length]))


def contents(readings: Singles, begins: Ints, length: int) -> Ints:
    """A number for the content of each of some windows (n_windows,): with equal ones they hold the same readings."""
    return np.unique(codes(readings, length)[begins], return_inverse=True)[1]


def reach_of(length: int) -> int:
    """In how many readings in a row at least one window of some length begins; so much of its middle counts."""
    return max(1, length * COUNTS[0] // COUNTS[1])


def overlapped(values: Floats, begins: Ints, ends: Ints) -> Floats:
    """The mean over the windows around each reading (n_signals, n_readings), NaN where there is none.

    ``values`` (n_signals, n_windows, length) of windows that begin at ``begins``, in order. Those in whose middle
    (:func:`reach_of`) a reading lies count, the more the nearer to the middle. Near the ends of a stretch there are
    none: there its first or last window counts. So whether a window is chosen or not matters to no reading as far away
    as a window.
    """
    n_signals, _, length = values.shape
    margin = (length - reach_of(length)) // 2
    counts = np.zeros((len(begins), length), dtype=bool)
    counts[:, margin : length - margin] = True
    counts[begins == np.r_[0, ends][begins], :margin] = True
    counts[begins + length == ends[begins], length - margin :] = True
    near = counts * (1.0 + np.minimum(np.arange(length), np.arange(length)[::-1]))
    places = begins[:, None] + np.arange(length)
    weights = np.bincount(places.ravel(), near.ravel(), len(ends))
    means = np.full((n_signals, len(ends)), np.nan)
    for mean, signal in zip(means, values, strict=True):
        total = np.bincount(places.ravel(), (signal * near).ravel(), len(ends))
        np.divide(total, weights, out=mean, where=weights > 0)
    return means
