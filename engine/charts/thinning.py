"""A long line in few points: what is thrown away could not have been seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

MAX_POINTS = 2_000  # two to a pixel on a wide screen
MAX_FLAGGED = 500


def thin(x: Array, y: Array, keep: Mask | None = None, n: int = MAX_POINTS) -> Indices:
    """The row numbers, ascending, of at most ``n`` points that draw the same line as all of them.

    ``x`` (n_samples,) ascending is cut into equal stretches, of which the lowest and highest ``y`` stay; a
    stretch without any value keeps one row, so that a gap stays a gap. Rows of ``keep`` always stay: all of
    them up to 500, of more those farthest from the median of ``y``.
    """
    if len(y) <= n:
        return np.arange(len(y), dtype=np.int64)
    kept = np.zeros(0, dtype=np.int64) if keep is None else worst(oddness(y), keep)
    stretches = max((n - len(kept) - 2) // 2, 1)
    span = float(x[-1] - x[0])
    at = (x - x[0]) / span if span > 0 else np.linspace(0.0, 1.0, len(x))
    stretch = np.minimum((at * stretches).astype(np.int64), stretches - 1)
    starts = np.flatnonzero(np.r_[True, np.diff(stretch) > 0])
    lowest = _first_at(np.minimum.reduceat(np.where(np.isnan(y), np.inf, y), starts), y, starts)
    highest = _first_at(np.maximum.reduceat(np.where(np.isnan(y), -np.inf, y), starts), y, starts)
    return np.unique(np.r_[0, lowest, highest, kept, len(y) - 1])


def oddness(y: Array) -> Array:
    """How far each value lies from the median: what stands for severity where none is known."""
    return np.abs(y - np.nanmedian(y)) if np.isfinite(y).any() else np.zeros(len(y))


def worst(severity: Array, flagged: Mask, most: int = MAX_FLAGGED) -> Indices:
    """The row numbers, ascending, of the ``most`` flagged rows with the highest severity."""
    rows = np.flatnonzero(flagged)
    if len(rows) <= most:
        return rows
    # A row without a number is one that could not be judged, hence last.
    order = np.argpartition(-np.nan_to_num(severity[rows], nan=-np.inf), most)[:most]
    return np.sort(rows[order])


def _first_at(extreme: Array, y: Array, starts: Indices) -> Indices:
    """Where each stretch first reaches its extreme; its first row where it has no value."""
    lengths = np.diff(np.r_[starts, len(y)])
    hits = np.flatnonzero(y == np.repeat(extreme, lengths))
    found = np.r_[hits, len(y)][np.searchsorted(hits, starts)]
    return np.where(found < starts + lengths, found, starts)
