"""How well scores separate labelled anomalies from normal rows, exactly and in numpy alone.

Scores: higher = more anomalous. Labels: 1 anomaly, 0 normal, NaN unknown. Rows without a label or a score are left out.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Counts at every distinct threshold, from the strictest to the loosest; flagged means score > threshold.

    ``threshold`` (n_points,) begins above the highest score, where nothing is flagged.
    """

    threshold: Array
    true_positives: Array
    false_positives: Array
    positives: int
    negatives: int

    @property
    def recall(self) -> Array:
        """Share of the anomalies that is flagged (also: true positive rate, sensitivity)."""
        return self.true_positives / self.positives

    @property
    def false_positive_rate(self) -> Array:
        """Share of the normal rows that is flagged."""
        return self.false_positives / self.negatives

    @property
    def precision(self) -> Array:
        """Share of the flagged rows that are anomalies; 1 where nothing is flagged."""
        flagged = self.true_positives + self.false_positives
        return np.divide(self.true_positives, flagged, out=np.ones_like(flagged), where=flagged > 0)

    @property
    def f1(self) -> Array:
        """Harmonic mean of precision and recall."""
        return 2 * self.true_positives / (self.true_positives + self.false_positives + self.positives)

    @property
    def mcc(self) -> Array:
        """Matthews correlation coefficient (1975), -1 to 1; 0 where all or nothing is flagged."""
        tp, fp = self.true_positives, self.false_positives
        fn, tn = self.positives - tp, self.negatives - fp
        size = np.sqrt((tp + fp) * (tn + fn)) * np.sqrt(float(self.positives) * self.negatives)
        return np.divide(tp * tn - fp * fn, size, out=np.zeros_like(tp), where=size > 0)

    def cost(self, miss: float, false_alarm: float) -> Array:
        """What misses and false alarms cost together, a labelled row on average."""
        missed = self.positives - self.true_positives
        return (miss * missed + false_alarm * self.false_positives) / (self.positives + self.negatives)

    def within_budget(self, count: int) -> int:
        """The number of the loosest point that flags at most ``count`` labelled rows."""
        flagged = range(len(self.threshold))
        return (
            bisect_right(flagged, count, key=lambda i: self.true_positives[i] + self.false_positives[i]) - 1
        )

    @property
    def base_rate(self) -> float:
        """The share of anomalies among the labelled rows: the precision of flags drawn by lot."""
        return self.positives / (self.positives + self.negatives)

    @cached_property
    def roc_auc(self) -> float:
        """Chance that an anomaly scores above a normal row, ties counted half (Hanley and McNeil, 1982)."""
        return float(np.trapezoid(self.recall, self.false_positive_rate))

    @cached_property
    def average_precision(self) -> float:
        """Precision averaged over the anomalies found, by steps and not by trapezoids (Davis and Goadrich, 2006)."""
        return float(np.sum(np.diff(self.recall) * self.precision[1:]))

    def rates(self, i: int) -> tuple[float, float, float]:
        """False positive rate, recall and precision at one point."""
        caught, false = float(self.true_positives[i]), float(self.false_positives[i])
        precision = caught / (caught + false) if caught + false else 1.0
        return false / self.negatives, caught / self.positives, precision

    def at(self, threshold: float) -> int:
        """The number of the point that flags exactly the scores above ``threshold``."""
        return int(self.places(np.array([threshold]))[0])

    def places(self, thresholds: Array) -> NDArray[np.int64]:
        """The same for several thresholds (n_thresholds,)."""
        # Point i flags the scores >= threshold[i]: the last point that stays strictly above the line. Nothing is
        # above infinity.
        rising = self.threshold[::-1]
        above = len(rising) - np.searchsorted(rising, thresholds, side="right")
        return np.maximum(0, above - 1)

    def only(self, places: NDArray[np.int64]) -> Curve:
        """Some points by number: as good as all of them where these are enough, and of a million rows much less."""
        return replace(
            self,
            threshold=self.threshold[places],
            true_positives=self.true_positives[places],
            false_positives=self.false_positives[places],
        )

    @property
    def turns(self) -> NDArray[np.int64]:
        """The numbers of the points without those in the middle of a run of normal rows: what draws every curve."""
        still = np.diff(self.true_positives) == 0
        return np.flatnonzero(np.r_[True, ~(still[:-1] & still[1:]), True][: len(self.threshold)])

    def counted(self, edges: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Anomalies and normal rows between ``edges`` (n_bins + 1,), as ``np.histogram`` has them: (n_bins,) each."""
        if not len(edges):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        reached = np.nextafter(edges, -np.inf)  # a bin has its lower edge, the last one both
        reached[-1] = edges[-1]
        at = self.places(reached)
        found = [
            -np.diff(counts[at]).astype(np.int64) for counts in (self.true_positives, self.false_positives)
        ]
        return found[0], found[1]


def judged_rows(scores: Array, labels: Array) -> NDArray[np.bool_]:
    """The rows with a score and a label (n_samples,). One class only raises a :class:`DataError` that says so."""
    known = np.isfinite(scores) & np.isfinite(labels)
    positives = int((labels[known] > 0).sum())
    judged = int(known.sum())
    if positives in (0, judged):
        found = "no labelled anomaly" if positives == 0 else "no labelled normal row"
        raise DataError(
            f"a curve needs labelled anomalies and labelled normal rows; there is {found} among "
            f"{judged:,} judged rows with a label"
        )
    return known


def curve(scores: Array, labels: Array) -> Curve:
    """Counts at every distinct score. One class only raises a :class:`DataError` that says so."""
    known = judged_rows(scores, labels)
    scores, truth = scores[known], labels[known] > 0
    rising, hits = np.sort(scores), scores[truth]
    first = np.flatnonzero(np.r_[True, np.diff(rising) != 0])  # of each group of equal scores
    distinct = rising[first]
    caught = np.bincount(np.searchsorted(distinct, hits), minlength=len(distinct))[::-1].cumsum()
    return Curve(
        threshold=np.r_[np.inf, distinct[::-1]],
        true_positives=np.r_[0.0, caught],
        false_positives=np.r_[0.0, len(rising) - first[::-1] - caught],
        positives=len(hits),
        negatives=len(rising) - len(hits),
    )


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Flags against labels at one threshold."""

    threshold: float
    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int

    @property
    def precision(self) -> float | None:
        """Share of the flagged rows that are anomalies; None when nothing is flagged."""
        flagged = self.true_positives + self.false_positives
        return self.true_positives / flagged if flagged else None

    @property
    def recall(self) -> float:
        """Share of the anomalies that is flagged."""
        return self.true_positives / (self.true_positives + self.false_negatives)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return (
            2 * self.true_positives / (2 * self.true_positives + self.false_positives + self.false_negatives)
        )

    @property
    def mcc(self) -> float:
        """Matthews correlation coefficient (1975), -1 to 1; 0 where all or nothing is flagged."""
        tp, fp, fn, tn = self.true_positives, self.false_positives, self.false_negatives, self.true_negatives
        size = float(np.sqrt(float(tp + fp) * (tn + fn)) * np.sqrt(float(tp + fn) * (tn + fp)))
        return (float(tp) * tn - float(fp) * fn) / size if size else 0.0


def confusion(scores: Array, labels: Array, threshold: float) -> Confusion:
    """Flags (score strictly above ``threshold``) against labels."""
    return confusion_at(curve(scores, labels), threshold)


def best_f1(scores: Array, labels: Array) -> Confusion:
    """The threshold with the highest F1 on these very rows: hindsight, an upper bound for new data."""
    return best_f1_of(curve(scores, labels))


def best_f1_of(points: Curve) -> Confusion:
    """The point of a curve with the highest F1, see :func:`best_f1`."""
    return confusion_at(points, line_below(points, int(np.argmax(points.f1))))


def line_below(points: Curve, i: int) -> float:
    """A threshold that flags what point ``i`` of a curve flags, and nothing else of it."""
    # A strict threshold that flags this score and no lower one lies between the two.
    below = points.threshold[i + 1 :]
    return float(below[0] if len(below) else np.nextafter(points.threshold[i], -np.inf))


def confusion_at(points: Curve, threshold: float) -> Confusion:
    """Flags against labels at one threshold, read off a curve."""
    i = points.at(threshold)
    caught, false = int(points.true_positives[i]), int(points.false_positives[i])
    return Confusion(
        threshold=threshold,
        true_positives=caught,
        false_positives=false,
        false_negatives=points.positives - caught,
        true_negatives=points.negatives - false,
    )
