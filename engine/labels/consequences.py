"""What follows from labels: how right the flags are so far, where the threshold would suit them, what is like a row.

Numbers alone. Rows are labelled because they looked unusual, not by lot: what is said here holds of the labelled rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.scoring.metrics import best_f1_of, confusion_at, curve

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]
CONFIDENCE = 1.96  # standard deviations: 95 %
HALFWAY = 0.5
SAME_REASONS = 0.95
CHUNK = 1_000  # rows compared with all others at once


@dataclass(frozen=True, kw_only=True)
class LabelledPrecision:
    """Of the flagged rows that are labelled, how many are anomalies."""

    flagged: int
    anomalies: int
    normal: int

    @property
    def labelled(self) -> int:
        return self.anomalies + self.normal

    @property
    def share(self) -> float | None:
        """The precision; None where no flagged row is labelled."""
        return self.anomalies / self.labelled if self.labelled else None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the precision lies with 95 % confidence, were the rows drawn by lot (Wilson, 1927)."""
        n, z2 = self.labelled, CONFIDENCE**2
        if not n:
            return 0.0, 1.0
        p = self.anomalies / n
        middle = (p + z2 / (2 * n)) / (1 + z2 / n)
        reach = CONFIDENCE / (1 + z2 / n) * ((p * (1 - p) + z2 / (4 * n)) / n) ** 0.5
        return max(0.0, middle - reach), min(1.0, middle + reach)


def precision_so_far(
    scores: Array, answers: Array, threshold: float | Array, *, flagged: int
) -> LabelledPrecision:
    """How right the flags are where people have said so.

    ``scores``, ``answers`` (n_labels,) of the labelled rows, NaN unknown, with one threshold or one each; ``flagged``
    rows there are in all.
    """
    with np.errstate(invalid="ignore"):
        flags = scores > threshold
    return LabelledPrecision(
        flagged=flagged,
        anomalies=int((answers[flags] == 1).sum()),
        normal=int((answers[flags] == 0).sum()),
    )


@dataclass(frozen=True, kw_only=True)
class LabelledThreshold:
    """The threshold that suits the labels best."""

    threshold: float
    caught: int  # labelled anomalies above it
    anomalies: int
    false_alarms: int  # labelled normal rows above it
    normal: int


def threshold_from_labels(scores: Array, answers: Array) -> LabelledThreshold | None:
    """The threshold with the highest F1 on the labelled rows, halfway between the scores on either side of it.

    None until there are labelled anomalies and labelled normal rows.
    """
    try:
        points = curve(scores, answers)
    except DataError:
        return None
    best = points.at(best_f1_of(points).threshold)
    above, below = points.threshold[best], points.threshold[best + 1 : best + 2]
    line = (above + below[0]) / 2 if len(below) else np.nextafter(above, -np.inf)
    found = confusion_at(points, float(line))
    return LabelledThreshold(
        threshold=float(line),
        caught=found.true_positives,
        anomalies=points.positives,
        false_alarms=found.false_positives,
        normal=points.negatives,
    )


def rows_like(row: Array, candidates: Array, ordinary: Array, anomalies: Array) -> Marks:
    """Which candidates (n_candidates, n_features) a label 'normal' of ``row`` (n_features,) would speak for.

    Those less than half as far from it as it is from the nearest ordinary row, and nearer to it than to any labelled
    anomaly: a nearest neighbour decides (Cover and Hart, 1967), and only close by.
    """
    if not len(ordinary):
        return np.zeros(len(candidates), dtype=bool)
    near = _distances(candidates, row[None])
    reach = HALFWAY * float(_distances(row[None], ordinary)[0])
    found: Marks = (near < reach) & (near < _distances(candidates, anomalies))
    return found


def same_reasons(contributions: Array, number: int) -> Marks:
    """Which rows (n_rows,) are unusual for the reasons of row ``number``: the cosine of their contributions
    (n_rows, n_columns) is 0.95 or more."""
    lengths = np.sqrt((contributions**2).sum(axis=1))
    products = contributions @ contributions[number]
    alike: Marks = (lengths > 0) & (products >= SAME_REASONS * lengths * lengths[number]) & (products > 0)
    return alike


def _distances(rows: Array, others: Array) -> Array:
    """The Euclidean distance of each row to the nearest of the others (n_rows,); infinite where there is none."""
    found = np.full(len(rows), np.inf)
    if not len(others):
        return found
    squares = (others**2).sum(axis=1)
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        apart = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ others.T
        found[start : start + CHUNK] = np.sqrt(np.maximum(apart.min(axis=1), 0.0))
    return found
