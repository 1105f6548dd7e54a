"""How far several scorings of the same rows agree: in the order of all rows, and in which lie at the top.

Agreement says nothing about who is right. Rows that one of two scorings could not judge are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Measure = Callable[[Array, Array], float]

MOST_PAIRED = 100_000  # rows by which Kendall's tau is measured; of more, a sample by seed


def average_ranks(values: Array) -> Array:
    """Ranks from 1, the smallest first (n_samples,); equal values share the mean of their ranks."""
    order = np.argsort(values)  # in any order of equal values
    ranked = values[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    sizes = np.diff(np.r_[first, len(values)])
    ranks = np.empty(len(values))
    ranks[order] = np.repeat(first + (sizes + 1) / 2, sizes)
    return ranks


def spearman(one: Array, other: Array) -> float:
    """Spearman's rank correlation, -1 to 1, ties by their mean rank; NaN where one scoring ranks nothing."""
    one, other = _both(one, other)
    return rank_correlation(average_ranks(one), average_ranks(other))


def rank_correlation(one: Array, other: Array) -> float:
    """Spearman's correlation of rows that are ranked already (n_samples,), see :func:`average_ranks`."""
    middle = (len(one) + 1) / 2
    a, b = one - middle, other - middle
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / scale, -1.0, 1.0)) if scale > 0 else float("nan")


def kendall(one: Array, other: Array) -> float:
    """Kendall's tau-b, -1 to 1: pairs of rows in the same order less pairs in the other, ties allowed for.

    NaN where one scoring ranks nothing. Kendall (1945), The treatment of ties in ranking problems.
    """
    one, other = _both(one, other)
    if len(one) > MOST_PAIRED:
        rows = np.random.default_rng(0).choice(len(one), MOST_PAIRED, replace=False)
        one, other = one[rows], other[rows]
    if len(one) < 2 or one.min() == one.max() or other.min() == other.max():
        return float("nan")
    a, b = (np.unique(values, return_inverse=True)[1] for values in (one, other))
    order = np.lexsort((b, a))  # of equal first values none is out of order
    every = len(a) * (len(a) - 1) // 2
    tied, tied_other, tied_both = _pairs(a), _pairs(b), _pairs(a * (int(b.max()) + 1) + b)
    same_less_opposite = every - tied - tied_other + tied_both - 2 * _inversions(b[order])
    return same_less_opposite / float(np.sqrt(float(every - tied) * float(every - tied_other)))


def top_overlap(one: Array, other: Array, k: int) -> float:
    """The share of the ``k`` highest rows of one scoring that are among those of the other, 0 to 1.

    Where equal scores straddle the line, each of them belongs to the top by an equal part, so that together they fill
    it. Guessing gives ``k / n``. NaN without a row that both judge.
    """
    one, other = _both(one, other)
    k = min(k, len(one))
    if k < 1:
        return float("nan")
    return float(np.minimum(_membership(one, k), _membership(other, k)).sum() / k)


def agreeing(one: Array, other: Array, k: int) -> tuple[float | None, float | None]:
    """Spearman's correlation of two scorings, and how many of their ``k`` highest are the same; None for nothing."""
    order, top = spearman(one, other), top_overlap(one, other, k)
    return (order if np.isfinite(order) else None), (top if np.isfinite(top) else None)


def agreement_matrix(scores: Sequence[Array], measure: Measure) -> Array:
    """A symmetric ``measure`` of every pair of scorings (n_scorings, n_scorings)."""
    found = np.ones((len(scores), len(scores)))
    for i, one in enumerate(scores):
        for j in range(i):
            found[i, j] = found[j, i] = measure(one, scores[j])
    return found


def consensus_of_ranks(scores: Sequence[Array]) -> Array:
    """The mean percentile rank of each row over several scorings, 0 to 100 (n_samples,); NaN where one did not judge.

    Ranks are comparable where scores are not. The average of ranks as a rule of combination: Aggarwal and Sathe (2015),
    Theoretical foundations and algorithms for outlier ensembles.
    """
    judged = np.all([np.isfinite(values) for values in scores], axis=0)
    found = np.full(len(judged), np.nan)
    n = int(judged.sum())
    if n:
        ranks = np.mean([average_ranks(np.asarray(values)[judged]) for values in scores], axis=0)
        found[judged] = 100.0 * (ranks - 0.5) / n
    return found


def _both(one: Array, other: Array) -> tuple[Array, Array]:
    known = np.isfinite(one) & np.isfinite(other)
    return np.asarray(one)[known], np.asarray(other)[known]


def _pairs(values: NDArray[np.int64]) -> int:
    """How many pairs of equal values there are."""
    counts = np.unique(values, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _inversions(values: NDArray[np.int64]) -> int:
    """How many pairs stand the greater value first; values are whole numbers from 0.

    Two values differ first in one bit, the higher ones being equal: bit by bit, among the values that share all higher
    bits, those with the bit before those without it are counted.
    """
    found = 0
    for bit in range(int(values.max()).bit_length()):
        shared = values >> (bit + 1)
        order = np.argsort(shared, kind="stable")
        bits = ((values >> bit) & 1)[order]
        before = np.cumsum(bits) - bits
        first = np.r_[True, np.diff(shared[order]) != 0]
        before -= before[first][np.cumsum(first) - 1]
        found += int(before[bits == 0].sum())
    return found


def _membership(scores: Array, k: int) -> Array:
    """How far each row belongs to the ``k`` highest (n_samples,): 1, 0, or its part where equal scores straddle."""
    line = np.partition(scores, len(scores) - k)[len(scores) - k]
    above, at = scores > line, scores == line
    return above + at * ((k - above.sum()) / at.sum())
