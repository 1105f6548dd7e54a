"""Why a row is unusual: how much of its anomaly score each column is answerable for.

The method works for every detector: put a typical value in place of one column and score again, and put the column's
value alone into a typical row (ablation; the first and last terms of a Shapley value, Štrumbelj and Kononenko, 2014).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ABLATION = (
    "Ablation: how far the anomaly score falls when the column is given a typical value, and how far the score of a "
    "typical row rises when it is given this value; the mean of both."
)
TRIED = 64  # values of a column tried alone by rank, and as many by size, where there are more
CHUNK_CELLS = 20_000_000  # cells of altered rows held at once


def method_of(explained_by: str) -> tuple[str, str]:
    """The name of the method by which a detector's reasons are worked out, and what it is in words.

    ``explained_by`` as the detector has it: "Name: what it is"; empty where ablation tells them.
    """
    name, _, text = (explained_by or ABLATION).partition(": ")
    return name, text[:1].upper() + text[1:]


def ablation(score: Callable[[Array], Array], X: Array, typical: Array, groups: NDArray[np.int64]) -> Array:
    """Contributions (n_samples, n_groups) of groups of columns to the anomaly score, never negative.

    ``X`` (n_samples, n_features), ``typical`` (n_features,), ``groups`` (n_features,) numbers from 0. A column is
    taken out of the row and put alone into a typical row: the two ends of a Shapley value. The first misses columns
    that are strange together (one of them is enough), the second those that are strange only in combination.
    """
    if len(X) == 0:
        return np.zeros((0, int(groups.max()) + 1))
    fall, rise = _falls(score, X, typical, groups), _rises(score, X, typical, groups)
    return (np.maximum(fall, 0.0) + np.maximum(rise, 0.0)) / 2


def _falls(score: Callable[[Array], Array], X: Array, typical: Array, groups: NDArray[np.int64]) -> Array:
    """How far the score of each row falls when a group is made typical (n_samples, n_groups)."""
    base, n_groups = score(X), int(groups.max()) + 1
    falls = np.zeros((len(X), n_groups))
    step = max(1, CHUNK_CELLS // (n_groups * X.shape[1]))
    for start in range(0, len(X), step):
        rows = X[start : start + step]
        without = np.repeat(rows[None], n_groups, axis=0)  # (n_groups, n_rows, n_features)
        for group in range(n_groups):
            without[group][:, groups == group] = typical[groups == group]
        scores = score(without.reshape(-1, X.shape[1])).reshape(n_groups, len(rows))
        falls[start : start + step] = (base[start : start + step] - scores).T
    return falls


def _rises(score: Callable[[Array], Array], X: Array, typical: Array, groups: NDArray[np.int64]) -> Array:
    """How far the score of a typical row rises when a group is as in each row (n_samples, n_groups).

    Equal values are tried once. Of a single column with many values some are tried, spread over their ranks and over
    their range, and the score lies on straight lines between them.
    """
    floor = score(typical[None, :])[0]
    rises = np.zeros((len(X), int(groups.max()) + 1))
    for group in range(rises.shape[1]):
        columns = np.flatnonzero(groups == group)
        values, of_row = np.unique(X[:, columns], axis=0, return_inverse=True)
        many = len(columns) == 1 and len(values) > 2 * TRIED
        asked = _spread(values[:, 0])[:, None] if many else values
        found = np.empty(len(asked))
        step = max(1, CHUNK_CELLS // X.shape[1])
        for start in range(0, len(asked), step):
            part = asked[start : start + step]
            alone = np.repeat(typical[None], len(part), axis=0)
            alone[:, columns] = part
            found[start : start + step] = score(alone)
        scores = np.interp(values[:, 0], asked[:, 0], found) if many else found
        rises[:, group] = scores[of_row.ravel()] - floor
    return rises


def _spread(values: Array) -> Array:
    """Some of many values in ascending order: the ends, and between them evenly by rank and by size."""
    by_rank = values[np.linspace(0, len(values) - 1, TRIED).astype(np.int64)]
    return np.unique(np.concatenate([by_rank, np.linspace(values[0], values[-1], TRIED)]))


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
