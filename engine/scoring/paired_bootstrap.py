"""Is one scoring better than another, or was it luck of these rows? Both measured on the same resampled rows.

Rows are drawn with replacement, anomalies and normal rows apart, as often as there are. What hangs together is drawn
together: readings of a series come in blocks, each labelled event whole. Efron and Tibshirani (1993), An introduction
to the bootstrap; blocks: Künsch (1989).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from engine.scoring.metrics import judged_rows

RESAMPLES = 500
MOST = 5_000  # rows of a class that are resampled; of more, a sample by seed stands for them
CHUNK_CELLS = 500_000  # resamples times rows held at once
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
    drawn, stands_for = _few_enough(numbers, anomalous, rng)
    rows, truth, numbers = rows[drawn], truth[drawn], numbers[drawn]
    kept = np.unique(numbers)
    weight = _weights(kept, anomalous[kept], resamples, rng)
    places = np.searchsorted(kept, numbers)
    orders = {name: _Ranked.of(np.asarray(values)[rows], truth) for name, values in scores.items()}
    precision = {name: np.empty(resamples) for name in scores}
    area = {name: np.empty(resamples) for name in scores}
    step = max(1, CHUNK_CELLS // len(rows))
    for start in range(0, resamples, step):
        part = slice(start, start + step)
        weights = weight[part][:, places] * stands_for[drawn]
        for name, ranked in orders.items():
            precision[name][part], area[name][part] = ranked.figures(weights)
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
    """Labels in the order of falling scores, ready to be weighted."""

    order: Ints
    truth: NDArray[np.bool_]
    last: Ints  # the last row of each group of equal scores

    @classmethod
    def of(cls, scores: Array, truth: NDArray[np.bool_]) -> _Ranked:
        order = np.argsort(-scores, kind="stable")
        ranked = scores[order]
        last = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]
        return cls(order=order, truth=truth[order], last=last)

    def figures(self, weights: Array) -> tuple[Array, Array]:
        """Average precision and ROC-AUC where each row counts by its weight: weights (n_resamples, n_rows)."""
        weights = weights[:, self.order]
        flagged = np.cumsum(weights, axis=1)[:, self.last]
        caught = np.cumsum(weights * self.truth, axis=1)[:, self.last]
        false = flagged - caught
        positives, negatives = caught[:, -1], false[:, -1]
        new = np.diff(caught, axis=1, prepend=0.0)
        precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
        wrong = np.diff(false, axis=1, prepend=0.0)
        area = (wrong * (caught - new / 2)).sum(axis=1)
        return (new * precision).sum(axis=1) / positives, area / (positives * negatives)


def _few_enough(
    numbers: Ints, anomalous: NDArray[np.bool_], rng: Generator
) -> tuple[NDArray[np.bool_], Array]:
    """Which rows are resampled, and for how many rows each stands (n_rows,): whole units, about ``MOST`` of a class."""
    sizes = np.bincount(numbers)
    keep, stands_for = np.ones(len(sizes), dtype=bool), np.ones(len(sizes))
    for stratum in (anomalous, ~anomalous):
        units, rows = np.flatnonzero(stratum), int(sizes[stratum].sum())
        if rows > MOST:
            chosen = rng.choice(units, max(1, len(units) * MOST // rows), replace=False)
            keep[units] = False
            keep[chosen] = True
            stands_for[units] = rows / sizes[chosen].sum()
    return keep[numbers], stands_for[numbers]


def _weights(kept: Ints, anomalous: NDArray[np.bool_], resamples: int, rng: Generator) -> NDArray[np.float32]:
    """How often each unit is drawn in each resample (n_resamples, n_units), anomalous units and others apart."""
    weight = np.zeros((resamples, len(kept)), dtype=np.float32)
    for stratum in (np.flatnonzero(anomalous), np.flatnonzero(~anomalous)):
        for resample in range(resamples):
            drawn = rng.integers(len(stratum), size=len(stratum)) if len(stratum) else stratum
            weight[resample, stratum] = np.bincount(drawn, minlength=len(stratum))
    return weight
