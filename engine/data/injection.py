"""Stretches of a series held out from learning, and copies of them with injected anomalies whose place is known.

The anomalies are those of :mod:`engine.data.pseudo_anomalies`, in the columns that hold numbers. Everything is drawn by
seed: the same rows, in whichever order, are held out and disturbed alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from engine.data.pseudo_anomalies import disturbed
from engine.data.roles import Roles
from engine.data.timeline import Timeline

FEWEST_ROWS = 500  # of a series; with fewer, too little is left to learn from and to judge
SHARE = 0.2  # of the rows, held out
MOST_HELD_OUT = 10_000  # rows
MOST_LEARNED = 20_000  # rows; of longer series those just before what is held out
SHORTEST_TAIL = (
    50  # readings; a stretch gives up its end where that is longer, else some stretches are held out whole
)
CONTEXT = 256  # readings before a held-out stretch that are shown with it, and not counted
LONGEST_WINDOW, SHORTEST_WINDOW = 100, 20  # readings, each window with one disturbance at most
DISTURBED = 1 / 3  # of the windows
CHANGED = 1e-6  # standard deviations by which a reading must have moved to be called anomalous

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Rows to learn from, and rows in the order of time that were held out with what lies before them."""

    learned: Ints
    shown: Ints  # rows, by stretch and time
    counted: NDArray[np.bool_]  # (n_shown,): False for readings that only give context
    stretches: Ints  # (n_shown,): a number for each stretch

    @classmethod
    def of(cls, frame: pd.DataFrame, roles: Roles) -> HeldOut | None:
        """The end of every long stretch, and some of the short ones whole; None where the series is too short.

        A stretch is a run of readings of one entity without a gap. A table of many short windows so gives up windows,
        and one long recording its end.
        """
        n = len(frame)
        if n < FEWEST_ROWS:
            return None
        timeline = Timeline.of(frame, roles)
        begins = np.flatnonzero(np.diff(timeline.segments, prepend=-1))
        lengths = np.diff(np.r_[begins, n])
        cut = _tails(lengths, min(SHARE, MOST_HELD_OUT / n))
        if not cut.any():
            return None
        runs = [
            (begin, begin + length - tail, begin + length)
            for begin, length, tail in zip(begins.tolist(), lengths.tolist(), cut.tolist(), strict=True)
        ]
        shown, counted, stretches = [], [], []
        for number, (begin, middle, end) in enumerate(runs):
            if middle < end:
                first = max(begin, middle - CONTEXT)
                shown.append(np.arange(first, end))
                counted.append(np.arange(first, end) >= middle)
                stretches.append(np.full(end - first, number))
        learned = _most_learned([(begin, middle) for begin, middle, _ in runs if begin < middle])
        if not len(learned):
            return None
        return cls(
            learned=timeline.order[learned],
            shown=timeline.order[np.concatenate(shown)],
            counted=np.concatenate(counted),
            stretches=np.concatenate(stretches),
        )

    @property
    def size(self) -> int:
        """Readings that are counted."""
        return int(self.counted.sum())

    def injected(
        self, frame: pd.DataFrame, channels: Sequence[str], rng: Generator
    ) -> tuple[pd.DataFrame, Floats]:
        """A copy of the rows shown with anomalies in some of the ``channels``, and what is one.

        The labels (n_shown,) are 1 where a reading was disturbed, 0 where it was not, NaN where it is not counted. Each
        window has one disturbance at most, at the same place in one to all channels.
        """
        rows = frame.iloc[self.shown].reset_index(drop=True)
        at = self._windows()
        labels = np.where(self.counted, 0.0, np.nan)
        hit = rng.random(len(at)) < DISTURBED
        hit[rng.integers(len(at))] = True
        many = np.ceil(len(channels) ** rng.random(len(at)))
        chosen = rng.random((len(channels), len(at))).argsort(axis=0).argsort(axis=0) < many
        seed = int(rng.integers(2**31))
        for name, here in zip(channels, chosen & hit, strict=True):
            values = rows[name].to_numpy(dtype=np.float64, na_value=np.nan).copy()
            known = np.isfinite(values)
            center, spread = (float(f(values[known])) if known.any() else 0.0 for f in (np.mean, np.std))
            scaled = np.where(known, values - center, 0.0) / (spread or 1.0)
            # The same seed disturbs every channel at the same place, in the same way.
            made = disturbed(scaled[at].astype(np.float32), np.random.default_rng(seed))
            moved = np.abs(made.values - scaled[at]) > CHANGED
            moved &= made.inside & here[:, None] & known[at]
            values[at[moved]] = center + spread * made.values[moved].astype(np.float64)
            labels[at[moved]] = 1.0
            rows[name] = values
        return rows, labels

    def _windows(self) -> Ints:
        """Counted readings side by side (n_windows, length), no window across the end of a stretch."""
        sizes = np.bincount(self.stretches[self.counted])
        typical = int(np.median(sizes[sizes > 0]))
        length = int(np.clip(self.size // 10, SHORTEST_WINDOW, LONGEST_WINDOW))
        length = max(2, min(length, typical))
        counted = np.flatnonzero(self.counted)
        windows = [
            part[: len(part) // length * length].reshape(-1, length)
            for part in np.split(counted, np.flatnonzero(np.diff(self.stretches[counted])) + 1)
        ]
        return np.concatenate(windows)


def _tails(lengths: Ints, share: float) -> Ints:
    """How many readings at the end of each stretch are held out (n_stretches,)."""
    tails = np.floor(share * lengths).astype(np.int64)
    short = np.flatnonzero(tails < SHORTEST_TAIL)
    tails[short] = 0
    drawn = np.random.default_rng(0).permutation(short)
    taken = np.cumsum(lengths[drawn]) <= share * lengths[short].sum()
    if len(short) > 1 and not tails.any():
        taken[0] = True  # a long one among few, cut to size
    tails[drawn[taken]] = np.minimum(lengths[drawn[taken]], MOST_HELD_OUT)
    return tails


def _most_learned(runs: list[tuple[int, int]]) -> Ints:
    """The places to learn from in runs (first, one after the last): the end of each, of as many as fit, in order."""
    quota = max(MOST_LEARNED // max(1, len(runs)), 1_000)
    kept, left = [], MOST_LEARNED
    for number in np.random.default_rng(0).permutation(len(runs)):
        begin, end = runs[number]
        first = max(begin, end - min(quota, left))
        kept.append(np.arange(first, end))
        left -= end - first
        if left <= 0:
            break
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.int64)
