"""What a score owes to a column: how far it falls when the column has what the most similar ordinary rows have there.

A typical value is not what belongs into every row: beside its other columns a value in the usual range may be as wrong
as one far out. So each column is given the values of the rows learned from that are most like this one in its other
columns (ablation on the manifold of the data; Aas, Jullum and Løland, 2021; Frye et al., 2021).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import StoreError

MOST_KEPT = 1_024
ORDINARY = (
    0.95  # of the rows learned from, those with the lowest scores: a fault must not vouch for one like it
)
SIMILAR = 3  # rows whose values are tried
TRIED = 16  # columns of a row, those in which it differs most from the rows most like it
FEWEST_TRIMMED = (
    5  # columns from which on the one that differs most counts nothing: it may be the one that is wrong
)
LARGEST = 1e17  # beyond it squares would leave what a cell can hold
CHUNK_CELLS = 10_000_000

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Cells = NDArray[np.float32]


@dataclass(frozen=True)
class SimilarRows:
    """Ordinary rows kept from training (n_kept, n_features)."""

    kept: Cells

    @classmethod
    def chosen(cls, X: Array, scores: Array, seed: int) -> Self:
        """Some of the rows learned from (n_samples, n_features) by lot, none of them among the most unusual."""
        usual = np.flatnonzero(scores <= np.quantile(scores, ORDINARY))
        drawn = np.random.default_rng(seed).permutation(usual)[:MOST_KEPT]
        return cls(_cells(X[np.sort(drawn)]))

    @classmethod
    def restore(cls, kept: NDArray[Any], *, n_features: int) -> Self:
        """Rows as they were stored; a :class:`StoreError` when they are not whole."""
        whole = (
            kept.dtype == np.float32
            and kept.ndim == 2
            and 1 <= len(kept) <= MOST_KEPT
            and kept.shape[1] == n_features
            and np.isfinite(kept).all()
        )
        if not whole:
            raise StoreError("the stored model is damaged: the ordinary rows beside it do not add up")
        return cls(kept)

    def falls(self, score: Callable[[Array], Array], X: Array, groups: Rows) -> Array:
        """How far the score of each row falls when a group of columns is as in the rows most like it otherwise.

        ``X`` (n_samples, n_features), ``groups`` (n_features,) numbers from 0. Returns (n_samples, n_groups), the mean
        over those rows; negative where the score rises, 0 of groups that are not tried.
        """
        n_groups = int(groups.max()) + 1
        taken = min(SIMILAR, len(self.kept))
        a_row = n_groups * len(self.kept) + taken * min(TRIED, n_groups) * X.shape[1]
        step = max(1, CHUNK_CELLS // a_row)
        parts = [
            self._chunk(score, X[start : start + step], groups, taken) for start in range(0, len(X), step)
        ]
        return np.vstack([np.zeros((0, n_groups)), *parts])

    def _chunk(self, score: Callable[[Array], Array], X: Array, groups: Rows, taken: int) -> Array:
        apart = self._apart(_cells(X), groups)
        rows, tried, similar = self._similar(apart, taken)
        altered = np.repeat(X[rows], taken, axis=0).reshape(len(rows), taken, X.shape[1])
        altered = np.where(groups == tried[:, None, None], self.kept[similar], altered)
        after = score(altered.reshape(-1, X.shape[1])).reshape(len(rows), taken).mean(axis=1)
        found = np.zeros((len(X), len(apart)))
        found[rows, tried] = score(X)[rows] - after
        return found

    def _apart(self, X: Cells, groups: Rows) -> Cells:
        """Squared differences of rows from those kept, group by group (n_groups, n_samples, n_kept)."""
        apart = np.zeros((int(groups.max()) + 1, len(X), len(self.kept)), dtype=np.float32)
        for column, group in enumerate(groups.tolist()):
            difference = X[:, column, None] - self.kept[:, column]
            apart[group] += difference * difference
        return apart

    def _similar(self, apart: Cells, taken: int) -> tuple[Rows, Rows, Rows]:
        """The rows and groups that are tried together (n_tried,), and the kept rows most like each (n_tried, taken)."""
        n_groups, n_rows = apart.shape[:2]
        trimmed = n_groups >= FEWEST_TRIMMED
        # The largest is left out of sums, not taken off them again: beside a value far out, all else would be rounding.
        first, second, rest = (np.zeros(apart.shape[1:], dtype=apart.dtype) for _ in range(3))
        for part in apart:
            lower = np.minimum(first, part)
            np.maximum(first, part, out=first)
            if trimmed:
                rest += np.minimum(second, lower)
                np.maximum(second, lower, out=second)
            else:
                rest += lower
        rest[first == 0] = np.inf  # the row itself, or one that has nothing else to offer
        if not trimmed:
            second = first
        similar = _smallest(rest + second, taken)
        differs = np.take_along_axis(
            apart, np.broadcast_to(similar, (n_groups, *similar.shape)), axis=2
        ).mean(axis=2)
        chosen = np.zeros((n_rows, n_groups), dtype=bool)
        most = np.argsort(-differs.T, axis=1, kind="stable")[:, :TRIED]
        np.put_along_axis(chosen, most, values=True, axis=1)
        rows, tried = np.nonzero(chosen)  # row by row: trees are quicker with rows alike one after the other
        found = np.empty((len(rows), taken), dtype=np.int64)
        for group in range(n_groups):
            at = rows[tried == group]
            own = apart[group, at]
            others = rest[at] + (second[at] - own)
            if trimmed:
                others = np.where(own >= first[at], rest[at], others)
            found[tried == group] = _smallest(others, taken)
        return rows, tried, found


def _cells(X: Array) -> Cells:
    return np.clip(X, -LARGEST, LARGEST).astype(np.float32)


def _smallest(numbers: Cells, count: int) -> Rows:
    """Where in each row of numbers (n, n_kept) the ``count`` smallest are (n, count), the smallest first."""
    left, found = numbers.copy(), np.empty((len(numbers), count), dtype=np.int64)
    for place in range(count):
        found[:, place] = left.argmin(axis=1)
        left[np.arange(len(left)), found[:, place]] = np.inf
    return found
