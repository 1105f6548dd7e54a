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
    starts = _starts(x, max((n - len(kept) - 2) // 2, 1))
    lowest, highest = _extremes(y, starts)
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


def highest_in(x: Array, y: Array, edges: Array) -> Array:
    """The highest ``y`` from each edge to the next, the last included (n_edges - 1,); NaN where there is none.

    ``x`` (n_samples,) ascending, ``edges`` (n_edges,) ascending.
    """
    cuts = np.searchsorted(x, edges)
    cuts[-1] = np.searchsorted(x, edges[-1], side="right")
    found = np.full(len(edges) - 1, np.nan)
    filled = cuts[1:] > cuts[:-1]
    if filled.any():
        within = y[cuts[0] : cuts[-1]]
        found[filled] = np.fmax.reduceat(within, (cuts[:-1] - cuts[0])[filled])
    return found


def _starts(x: Array, stretches: int) -> Indices:
    """The first row of each of the equal stretches of ``x`` that has any; of rows if all are at one place."""
    span = float(x[-1] - x[0])
    if not span > 0:
        return np.unique(np.arange(stretches) * len(x) // stretches)
    return np.unique(np.searchsorted(x, x[0] + span * np.arange(stretches) / stretches))


def _extremes(y: Array, starts: Indices) -> tuple[Indices, Indices]:
    """The rows at which each stretch is first lowest and first highest; its first row where it has no value."""
    lowest = _first_at(np.fmin.reduceat(y, starts), y, starts)
    return lowest, _first_at(np.fmax.reduceat(y, starts), y, starts)


def _first_at(extreme: Array, y: Array, starts: Indices) -> Indices:
    """Where each stretch first reaches its extreme; its first row where it has no value."""
    # One stretch at a time: of ten million readings that lie on disk, a few thousand are held at once.
    stretches = zip(starts.tolist(), [*starts[1:].tolist(), len(y)], extreme.tolist(), strict=True)
    return np.array([start + int((y[start:stop] == value).argmax()) for start, stop, value in stretches])
