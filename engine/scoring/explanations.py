"""Why a row is unusual: how much of its anomaly score each column is answerable for.

The method works for every detector: put a typical value in place of one column and score again, and put the column's
value alone into a typical row (ablation; the first and last terms of a Shapley value, Štrumbelj and Kononenko, 2014).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

METHOD_TEXT = (
    "How far the anomaly score falls when the column is given a typical value, and how far the score of a typical "
    "row rises when it is given this value; the mean of both."
)
CHUNK_CELLS = 20_000_000  # cells of altered rows held at once


def ablation(score: Callable[[Array], Array], X: Array, typical: Array, groups: NDArray[np.int64]) -> Array:
    """Contributions (n_samples, n_groups) of groups of columns to the anomaly score, never negative.

    ``X`` (n_samples, n_features), ``typical`` (n_features,), ``groups`` (n_features,) numbers from 0. A column is
    taken out of the row and put alone into a typical row: the two ends of a Shapley value. The first misses columns
    that are strange together (one of them is enough), the second those that are strange only in combination.
    """
    n_groups = int(groups.max()) + 1
    if len(X) == 0:
        return np.zeros((0, n_groups))
    base, floor = score(X), score(typical[None, :])[0]
    contributions = np.zeros((len(X), n_groups))
    step = max(1, CHUNK_CELLS // (2 * n_groups * X.shape[1]))
    for start in range(0, len(X), step):
        rows = X[start : start + step]
        without = np.repeat(rows[None], n_groups, axis=0)  # (n_groups, n_rows, n_features)
        alone = np.tile(typical, (n_groups, len(rows), 1))
        for group in range(n_groups):
            columns = groups == group
            without[group][:, columns] = typical[columns]
            alone[group][:, columns] = rows[:, columns]
        fall = base[start : start + step] - score(without.reshape(-1, X.shape[1])).reshape(
            n_groups, len(rows)
        )
        rise = score(alone.reshape(-1, X.shape[1])).reshape(n_groups, len(rows)) - floor
        contributions[start : start + step] = (np.maximum(fall, 0.0) + np.maximum(rise, 0.0)).T / 2
    return contributions


def shares(contributions: Array) -> Array:
    """Contributions as shares of their row's sum (n_samples, n_groups); a row without any has zeros."""
    total = contributions.sum(axis=1, keepdims=True)
    return np.divide(contributions, total, out=np.zeros_like(contributions), where=total > 0)


def nearest(row: Array, candidates: Array, k: int = 3) -> tuple[NDArray[np.int64], Array]:
    """The ``k`` candidate rows most like ``row``: their numbers and Euclidean distances, nearest first.

    ``row`` (n_features,), ``candidates`` (n_candidates, n_features), both encoded by the same recipe.
    """
    distances = np.sqrt(((candidates - row) ** 2).sum(axis=1))
    order = np.argsort(distances, kind="stable")[:k]
    return order, distances[order]
