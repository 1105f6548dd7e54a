"""How the values of one column or score are distributed: what is kept of them, and how far others are from that.

Every comparison knows how many values stand behind it. The population stability index (PSI) of a small sample is large
by chance alone, about ``(bins - 1) (1/n + 1/m)`` (Yurdakul, 2018, Statistical properties of the population stability
index), so that much is taken off, and a test says whether chance explains the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

N_POINTS = 41  # quantiles kept of a column of numbers
BIN_SHARE = 0.1  # least share of the training values in a bin: ten bins, as PSI is usually measured
LEVEL_SHARE = 0.05  # levels rarer than this are compared together: alone they hold too few values to tell
MOST_LEVELS = 200  # levels kept of a column of categories
LEAST_SHARE = 0.005  # floor of an empty bin: the logarithm of nothing would drown all other bins

# ---- what is kept of a training column


@dataclass(frozen=True, kw_only=True)
class NumberPrint:
    """The distribution of a column of numbers: its 41 quantiles, as values and the share at or below each."""

    points: NDArray[
        np.float64
    ]  # ascending, all different; the first is the least value, the last the greatest
    below: NDArray[np.float64]  # share of the values at or below each point; the last is 1
    cells: int
    missing: float  # share of the cells without a usable value
    span: float = 1.0  # readings in a row that are worth one independent value; 1 for rows of a table

    @classmethod
    def of(cls, values: ArrayLike, cells: int, span: float = 1.0) -> NumberPrint:
        """The print of a column of ``cells``, whose usable numbers are ``values`` (n_values,)."""
        ordered = np.sort(np.asarray(values, dtype=np.float64))
        points = below = np.zeros(0)
        if len(ordered):
            points = np.unique(np.quantile(ordered, np.linspace(0, 1, N_POINTS), method="inverted_cdf"))
            below = np.searchsorted(ordered, points, side="right") / len(ordered)
        return cls(points=points, below=below, cells=cells, missing=_gone(len(ordered), cells), span=span)

    def quantile(self, share: float) -> float:
        """The least point with at least that share of the values at or below it."""
        return float(self.points[min(int(np.searchsorted(self.below, share)), len(self.points) - 1)])

    @cached_property
    def cuts(self) -> NDArray[np.int64]:
        """The points that end a bin, the last excepted: bins of a tenth, and one for each value that fills as much."""
        found, start = [], 0.0
        steps = np.diff(self.below, prepend=0.0)
        for i in range(len(self.points) - 1):
            if self.below[i] - start >= BIN_SHARE - 1e-9 or steps[i + 1] >= BIN_SHARE:
                found.append(i)
                start = self.below[i]
        return np.array(found, dtype=np.int64)

    def shares_of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of ``values`` at or below each point (n_points,)."""
        places = np.searchsorted(self.points, values, side="left")  # the first point a value is at or below
        counts = np.bincount(places, minlength=len(self.points) + 1)[: len(self.points)]
        return np.cumsum(counts) / len(values)


@dataclass(frozen=True, kw_only=True)
class LevelPrint:
    """The distribution of a column of categories: the share of its commonest levels."""

    levels: dict[str, float]  # share of the values, the commonest first, 200 at most
    cells: int
    missing: float
    once: float = (
        0.0  # share of values whose level occurs once: how often a new level is to be expected (Good, 1953)
    )
    span: float = 1.0

    @classmethod
    def of(cls, counts: Mapping[str, int], cells: int, span: float = 1.0) -> LevelPrint:
        """The print of a column of ``cells`` from the number of values of each level."""
        total = sum(counts.values())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(
            levels={level: count / total for level, count in ordered[:MOST_LEVELS]},
            cells=cells,
            missing=_gone(total, cells),
            once=sum(count == 1 for count in counts.values()) / total if total else 0.0,
            span=span,
        )

    @property
    def knows_every_level(self) -> bool:
        """Whether a level that is not kept was never seen."""
        return len(self.levels) < MOST_LEVELS


# ---- how far others are from it


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far a distribution is from the one in training."""

    psi: float  # population stability index, less what chance gives; 0 or more
    p: float  # probability of a difference like this without a shift
    ks: float | None  # Kolmogorov-Smirnov distance, 0 to 1; None for categories
    outside: float = 0.0  # share of values beyond the training range
    unseen: float = 0.0  # share of values with a level never seen


def number_difference(
    then: NumberPrint, values: NDArray[np.float64], cells: int, span: float = 1.0
) -> Difference:
    """Compare ``cells`` new cells, whose usable numbers are ``values`` (n_values,), with a training column."""
    n_then, n_now, missing = then.cells / then.span, cells / span, _gone(len(values), cells)
    gap = np.array([1 - then.missing, then.missing]), np.array([1 - missing, missing])
    p_gap = _pearson(*gap, n_then, n_now)
    if len(then.points) == 0 or len(values) == 0:
        return Difference(psi=_adjusted_psi(*gap, n_then, n_now), p=p_gap, ks=None)
    now = then.shares_of(values)
    ks = float(np.abs(now - then.below).max())
    old, new = (
        np.append(np.diff(shares[then.cuts], prepend=0.0, append=1.0) * (1 - gone), gone)
        for shares, gone in ((then.below, then.missing), (now, missing))
    )
    p_ks = _kolmogorov(ks, n_then * (1 - then.missing), n_now * (1 - missing))
    return Difference(
        psi=_adjusted_psi(old, new, n_then, n_now),
        p=min(1.0, 2 * min(p_ks, p_gap)),  # two tests have two chances to be wrong
        ks=ks,
        outside=float(np.mean((values < then.points[0]) | (values > then.points[-1]))),
    )


def level_difference(
    then: LevelPrint, counts: Mapping[str, int], cells: int, span: float = 1.0
) -> Difference:
    """Compare ``cells`` new cells, with so many values of each level, with a training column."""
    n_then, n_now, total = then.cells / then.span, cells / span, sum(counts.values())
    common = [level for level, share in then.levels.items() if share >= LEVEL_SHARE]
    known = [then.levels[level] for level in common]
    here = [counts.get(level, 0) for level in common]
    unseen, expected = 0, 0.0
    if then.knows_every_level:
        unseen = sum(count for level, count in counts.items() if level not in then.levels)
        expected = then.once
    rest = max(0.0, 1.0 - sum(known) - expected)  # where new levels come, rare ones give way
    old, new = (
        np.append(part / part.sum() * (1 - gone) if part.any() else part, gone)
        for part, gone in (
            (np.array([*known, rest, expected]), then.missing),
            (np.array([*here, total - sum(here) - unseen, unseen], dtype=np.float64), _gone(total, cells)),
        )
    )
    return Difference(
        psi=_adjusted_psi(old, new, n_then, n_now),
        p=_pearson(old, new, n_then, n_now),
        ks=None,
        unseen=unseen / total if total else 0.0,
    )


# ---- statistics


def _adjusted_psi(old: NDArray[np.float64], new: NDArray[np.float64], n_old: float, n_new: float) -> float:
    """The PSI of two lists of shares, less its expectation when both are samples of the same."""
    used = (old > 0) | (new > 0)
    if not used.any() or min(n_old, n_new) <= 0:
        return 0.0
    p = np.maximum(old[used], max(LEAST_SHARE, 0.5 / n_old))
    q = np.maximum(new[used], max(LEAST_SHARE, 0.5 / n_new))
    psi = float(np.sum((q - p) * np.log(q / p)))
    return max(0.0, psi - (int(used.sum()) - 1) * (1 / n_old + 1 / n_new))


def _pearson(old: NDArray[np.float64], new: NDArray[np.float64], n_old: float, n_new: float) -> float:
    """The chi-squared test of two lists of shares being samples of the same (Pearson, 1900)."""
    from scipy.special import chdtrc

    used = (old > 0) | (new > 0)
    if used.sum() < 2 or min(n_old, n_new) <= 0:
        return 1.0
    pooled = (old[used] * n_old + new[used] * n_new) / (n_old + n_new)
    statistic = np.sum((old[used] - pooled) ** 2 / pooled) * n_old
    statistic += np.sum((new[used] - pooled) ** 2 / pooled) * n_new
    return float(chdtrc(int(used.sum()) - 1, statistic))


def _kolmogorov(distance: float, n: float, m: float) -> float:
    """The two-sample Kolmogorov-Smirnov test, with the correction for few values of Stephens (1970)."""
    from scipy.special import kolmogorov

    root = np.sqrt(n * m / (n + m)) if n + m else 0.0
    return float(kolmogorov((root + 0.12 + 0.11 / root) * distance)) if root else 1.0


def binomial_tail(share: float, n: float, chance: float) -> float:
    """The probability of at least that share of ``n`` draws; ``n`` need not be whole."""
    from scipy.special import betainc

    return float(betainc(share * n, n - share * n + 1, chance)) if share > 0 else 1.0


def _gone(values: int, cells: int) -> float:
    """The share of cells without a value."""
    return 1 - values / cells if cells else 0.0
