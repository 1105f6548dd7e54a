"""Is one scoring better than another, or was it luck of these rows? Both measured on the same resampled rows.

Rows are drawn with replacement, anomalies and normal rows apart, as often as there are. What hangs together is drawn
together: readings of a series come in blocks, each labelled event whole. Efron and Tibshirani (1993), An introduction
to the bootstrap; blocks: Künsch (1989). Of very many normal rows those that a scoring ranks high are kept whole, since
average precision hangs on them, and a sample stands for the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from engine.scoring.metrics import judged_rows

RESAMPLES = 500
MOST = 20_000  # rows of a stratum that are resampled; of more, a sample by seed stands for them
MIDDLE = (2.5, 97.5)  # percentiles of a 95 % interval

Array = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class PairedBootstrap:
    """Figures of several scorings on the same resamples, by name: (n_resamples,) each."""

    average_precision: dict[str, Array]
    roc_auc: dict[str, Array]
    anomalous_units: (
        int  # anomalies, or labelled events, that were drawn from: with few, intervals are too narrow
    )
    rows: int  # that were resampled
    of_rows: int  # that are labelled and were judged by every scoring

    def better(self, one: str, other: str, figure: str = "average_precision") -> float:
        """The share of resamples in which ``one`` has the higher figure, 0 to 1; equal ones count half.

        How sure these rows make the order of the two, not by how much they differ.
        """
        found: dict[str, Array] = getattr(self, figure)
        a, b = found[one], found[other]
        return float(((a > b) + 0.5 * (a == b)).mean())

    def interval(self, name: str, figure: str = "average_precision") -> tuple[float, float]:
        """The middle 95 % of a figure over the resamples."""
        found: dict[str, Array] = getattr(self, figure)
        low, high = np.percentile(found[name], MIDDLE)
        return float(low), float(high)


def paired_bootstrap(
    scores: Mapping[str, Array],
    labels: Array,
    *,
    units: Ints | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> PairedBootstrap:
    """Average precision and ROC-AUC of scorings (n_samples,) each, on resamples of the rows that all of them judge.

    ``labels`` 1 anomaly, 0 normal, NaN unknown. ``units`` (n_samples,): equal numbers for rows that are drawn together;
    without them every row is by itself. One class only raises a :class:`DataError` that says so.
    """
    together = np.all([np.isfinite(values) for values in scores.values()], axis=0)
    known = judged_rows(np.where(together, 0.0, np.nan), labels)
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(known)
    numbers = np.unique(rows if units is None else np.asarray(units)[rows], return_inverse=True)[1]
    truth = labels[rows] > 0
    anomalous = np.bincount(numbers, weights=truth) > 0
    found = {name: np.asarray(values)[rows] for name, values in scores.items()}
    strata, stands_for = _strata(found, numbers, anomalous, rng)
    drawn = stands_for[numbers] > 0
    rows, truth, numbers = rows[drawn], truth[drawn], numbers[drawn]
    ranked = {name: _Ranked.of(values[drawn], truth) for name, values in found.items()}
    kept, places = np.unique(numbers, return_inverse=True)
    strata, stands_for = [np.searchsorted(kept, units) for units in strata], stands_for[numbers]
    precision, area = ({name: np.empty(resamples) for name in scores} for _ in range(2))
    for number in range(resamples):
        weights = _drawn(strata, len(kept), rng)[places] * stands_for
        for name, each in ranked.items():
            precision[name][number], area[name][number] = each.figures(weights)
    return PairedBootstrap(
        average_precision=precision,
        roc_auc=area,
        anomalous_units=int(anomalous.sum()),
        rows=len(rows),
        of_rows=int(known.sum()),
    )


def event_blocks(labels: Array, segments: NDArray[np.integer], length: int) -> Ints:
    """Units of a series: each run of readings labelled 1 whole, the others in blocks of ``length`` (n_readings,).

    ``labels``, ``segments`` (n_readings,) in the order of time; no unit reaches across a gap.
    """
    anomalous = labels > 0
    new = np.r_[True, (np.diff(segments) != 0) | (anomalous[1:] != anomalous[:-1])]
    begins = np.flatnonzero(new)
    runs = np.cumsum(new) - 1
    within = np.where(anomalous, 0, (np.arange(len(labels)) - begins[runs]) // length)
    fresh = new | np.r_[True, np.diff(within) != 0]
    return (np.cumsum(fresh) - 1).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """Rows in the order of their scores, the highest first, and how many others each anomaly leaves behind.

    Once that is known, a resample costs two sums over its rows, however often it is drawn.
    """

    anomalies: Ints  # their row numbers
    normal: Ints
    level: Ints  # anomalies that score at least as high as each anomaly (n_anomalies,)
    above: Ints  # normal rows that score higher
    reached: Ints  # normal rows that score at least as high

    @classmethod
    def of(cls, scores: Array, truth: NDArray[np.bool_]) -> _Ranked:
        ordered = [rows[np.argsort(-scores[rows])] for rows in map(np.flatnonzero, (truth, ~truth))]
        anomalies, normal = (-scores[rows] for rows in ordered)
        return cls(
            anomalies=ordered[0],
            normal=ordered[1],
            level=np.searchsorted(anomalies, anomalies, side="right"),
            above=np.searchsorted(normal, anomalies, side="left"),
            reached=np.searchsorted(normal, anomalies, side="right"),
        )

    def figures(self, weights: Array) -> tuple[float, float]:
        """Average precision and ROC-AUC where rows count by their weights (n_rows,)."""
        found = weights[self.anomalies]
        caught, false = (np.r_[0.0, np.cumsum(part)] for part in (found, weights[self.normal]))
        hits, misses = caught[self.level], false[self.reached]
        flagged = hits + misses
        precision = np.divide(hits, flagged, out=np.zeros_like(hits), where=flagged > 0)
        # An anomaly is in the right order with all normal rows below it, and with those of its score by half.
        right = false[-1] - (false[self.above] + misses) / 2
        return float((found * precision).sum() / caught[-1]), float(
            (found * right).sum() / (caught[-1] * false[-1])
        )


def _strata(
    scores: Mapping[str, Array], numbers: Ints, anomalous: NDArray[np.bool_], rng: Generator
) -> tuple[list[Ints], Array]:
    """Units that are resampled: anomalous ones, other ones, and of very many the highest apart, which are kept whole.

    The second is for how many each unit stands (n_units,), 0 for one that is left out.
    """
    sizes, normal = np.bincount(numbers), np.flatnonzero(~anomalous)
    high = _highest(scores, numbers, normal) if sizes[normal].sum() > MOST else normal
    others = np.setdiff1d(normal, high, assume_unique=True)
    if sizes[others].sum() <= MOST:
        high, others = normal, others[:0]
    strata, stands_for = [], np.zeros(len(sizes))
    for units, whole in ((np.flatnonzero(anomalous), False), (high, True), (others, False)):
        rows, chosen = int(sizes[units].sum()), units
        if rows > MOST and not whole:
            chosen = rng.choice(units, max(1, len(units) * MOST // rows), replace=False)
        stands_for[chosen] = rows / max(1, sizes[chosen].sum())
        strata.append(chosen)
    return strata, stands_for


def _highest(scores: Mapping[str, Array], numbers: Ints, units: Ints) -> Ints:
    """Of so many units those with the highest score by any scoring: of each about half as many rows as ``MOST``."""
    count = max(1, len(units) * (MOST // 2) // int(np.isin(numbers, units).sum()))
    found = []
    for values in scores.values():
        top = np.full(int(numbers.max()) + 1, -np.inf)
        np.maximum.at(top, numbers, values)
        found.append(units[np.argpartition(-top[units], count - 1)[:count]])
    return np.unique(np.concatenate(found))


def _drawn(strata: list[Ints], units: int, rng: Generator) -> Array:
    """How often each of so many units is drawn, as many from each stratum as it has (n_units,).

    Where the highest normal ones are a stratum of their own, chance also says how many of a resample are among them.
    """
    counts = np.zeros(units)
    _, high, others = strata
    for stratum in strata:
        if len(stratum):
            size = rng.poisson(len(stratum)) if stratum is high and len(others) else len(stratum)
            chosen = rng.integers(len(stratum), size=size)
            counts[stratum] = np.bincount(chosen, minlength=len(stratum))
    return counts
