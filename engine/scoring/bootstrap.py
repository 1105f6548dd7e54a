"""How far curves and figures could have come out otherwise: resampled from counts, so that a million rows stay quick.

Scores are counted in bins before anything is resampled; a resample is then a draw of counts, not of rows. Rows that
depend on one another, as those of one labelled event do, are drawn together (Künsch, 1989).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scoring.metrics import Curve

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

RESAMPLES = 400
BINS = 401  # of scores, at most
POINTS = 81  # of a band
MOST_BLOCKS = 400  # of each label; of more, neighbours are drawn together
LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Band:
    """Between which values a curve lies in 95 % of resamples, at each ``x`` (n_points,)."""

    x: Array
    low: Array
    high: Array

    @property
    def drawn(self) -> tuple[Array, Array, Array]:
        """As a chart takes it: x, and from where to where."""
        return self.x, self.low, self.high


@dataclass(frozen=True, kw_only=True)
class Bands:
    """What resampling says of one set of scores against labels."""

    roc: Band  # recall against the false positive rate
    precision_recall: Band  # precision against recall
    roc_auc: tuple[float, float]
    average_precision: tuple[float, float]


def bands(scores: Array, labels: Array, points: Curve, blocks: Rows | None = None, *, seed: int = 0) -> Bands:
    """Percentile bootstrap of both curves (Efron, 1979), anomalies and normal rows drawn apart.

    ``scores``, ``labels`` (n_samples,), rows without either left out; both labels must occur. ``blocks`` (n_samples,)
    numbers rows that are drawn together; None: each row by itself. ``points`` is their exact curve: what counting in
    bins changes of an area is taken back.
    """
    rng, cuts = np.random.default_rng(seed), _cuts(points)
    if blocks is None:
        edges = np.r_[-np.inf, np.nextafter(cuts, np.inf)]  # a bin has its upper cut
        caught, false = (_drawn_apart(counts[::-1], rng) for counts in points.counted(edges))
    else:
        known = np.isfinite(scores) & np.isfinite(labels)
        truth, whose = labels[known] > 0, blocks[known]
        level = len(cuts) - 1 - np.searchsorted(cuts, scores[known], side="left")
        caught, false = (_drawn_in_blocks(level[mask], whose[mask], rng) for mask in (truth, ~truth))
    recall, rate = (np.cumsum(part, axis=1) / part.sum(axis=1, keepdims=True) for part in (caught, false))
    # The share of anomalies stays as it is: were it drawn too, precision would vary with something nobody measured.
    positives, negatives = float(points.positives), float(points.negatives)
    hits, misses = recall * positives, rate * negatives
    precision = np.divide(hits, hits + misses, out=np.ones_like(hits), where=hits + misses > 0)
    # The first row is what was measured.
    areas = (
        np.diff(rate, axis=1, prepend=0) * (recall + np.c_[np.zeros(len(recall)), recall[:, :-1]]) / 2
    ).sum(1)
    averages = (np.diff(recall, axis=1, prepend=0) * precision).sum(1)
    return Bands(
        roc=_band(rate, recall),
        precision_recall=_band(recall, precision),
        roc_auc=_interval(areas, points.roc_auc),
        average_precision=_interval(averages, points.average_precision),
    )


def _cuts(points: Curve) -> Array:
    """The upper ends of the bins in which scores are counted (n_bins,), rising; equal scores are in one bin.

    Half of the bins hold equally many anomalies, half equally many normal rows: rare anomalies far above the others
    would else be in one bin with normal rows below them.
    """
    shares = np.linspace(0, 1, BINS // 2 + 1)[1:]  # the last is the highest score
    # The lower of two scores, so that the highest normal rows are cut off from all that lies above them.
    parts = [
        points.threshold[np.searchsorted(counts, total - np.floor((total - 1) * shares))]
        for counts, total in (
            (points.true_positives, points.positives),
            (points.false_positives, points.negatives),
        )
    ]
    return np.unique(np.concatenate(parts))


def _drawn_apart(counts: Rows, rng: np.random.Generator) -> Array:
    """Rows in each bin (1 + n_resamples, n_bins): as they are, then drawn again and again, each row by itself."""
    total = int(counts.sum())
    return np.vstack([counts, rng.multinomial(total, counts / total, size=RESAMPLES)]).astype(np.float64)


def _drawn_in_blocks(levels: Rows, blocks: Rows, rng: np.random.Generator) -> Array:
    """The same of rows in bins (n_rows,) that are drawn together where their ``blocks`` are equal."""
    _, number = np.unique(blocks, return_inverse=True)
    most = int(number.max()) + 1
    number = number * min(most, MOST_BLOCKS) // most
    each = np.bincount(number * BINS + levels, minlength=(int(number.max()) + 1) * BINS).reshape(-1, BINS)
    drawn = rng.multinomial(len(each), np.full(len(each), 1 / len(each)), size=RESAMPLES)
    found: Array = np.vstack([np.ones(len(each)), drawn]) @ each
    return found


def _band(x: Array, y: Array) -> Band:
    """The band of curves given at points of their own (1 + n_resamples, n_points), on a common grid."""
    grid = np.linspace(0, 1, POINTS)
    at = np.empty((len(x), len(grid)))
    for row, (across, up) in enumerate(zip(x, y, strict=True)):
        at[row] = up[np.minimum(np.searchsorted(across, grid - 1e-12, side="left"), len(up) - 1)]
    low, high = np.quantile(at, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return Band(x=grid, low=low, high=high)


def _interval(values: Array, exact: float) -> tuple[float, float]:
    low, high = np.clip(np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - values[0] + exact, 0, 1)
    return float(low), float(high)
