"""From flagged readings of a series to events: runs of rows that follow one another in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def runs(flags: NDArray[np.bool_], segments: NDArray[np.int64] | None = None) -> tuple[Rows, Rows]:
    """The runs of flagged rows: the first row of each, and the row after its last (n_runs,).

    ``flags`` (n_samples,) in the order of time. ``segments`` (n_samples,) has the same number on rows of one entity
    that follow one another without a gap; a run never reaches from one into the next. None: all rows are one.
    """
    flags = np.asarray(flags, dtype=bool)
    joined = flags[1:] & flags[:-1]
    if segments is not None:
        joined &= segments[1:] == segments[:-1]
    starts = np.flatnonzero(flags & ~np.r_[False, joined])
    stops = np.flatnonzero(flags & ~np.r_[joined, False]) + 1
    return starts, stops
