"""A result checked against known answers: what no threshold changes is worked out once, the rest is read off it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import Chart, Theme
from engine.charts.evaluation import confusion_grid, corners, pr_chart, roc_chart
from engine.charts.scores import label_histogram
from engine.scoring.affiliation import Affiliation, affiliation
from engine.scoring.event_metrics import EventMetrics, event_metrics
from engine.scoring.events import Events, Segments, labelled_events, runs
from engine.scoring.metrics import Confusion, Curve, best_f1_of, confusion_at, curve, judged_rows
from engine.scoring.series_metrics import Volumes, vus
from engine.series_result import SeriesResult

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Checked:
    """Scores against labels, whatever the threshold."""

    curve: Curve
    roc_auc: float
    average_precision: float
    roc: tuple[Array, Array]  # false positive rate, recall; thinned to what can be drawn
    precision_recall: tuple[Array, Array]  # recall, precision
    edges: Array  # of the histogram (n_bins + 1,)
    normal: Counts  # labelled normal rows per bin (n_bins,)
    anomaly: Counts
    best_threshold: float  # of the highest F1, with hindsight
    unjudged: tuple[int, int]  # labelled rows that could not be judged, and the anomalies among them

    @classmethod
    def of(cls, scores: Array, labels: Array, edges: Array) -> Checked:
        """``scores``, ``labels`` (n_samples,), counted between ``edges``. One class only raises :class:`DataError`."""
        points = curve(scores, labels)
        rate, recall, precision = points.false_positive_rate, points.recall, points.precision
        drawn, steps = corners(rate, recall), corners(recall, precision)
        judged = np.isfinite(scores)
        left = ~judged & np.isfinite(labels)
        return cls(
            curve=points,
            roc_auc=points.roc_auc,
            average_precision=points.average_precision,
            roc=(rate[drawn], recall[drawn]),
            precision_recall=(recall[steps], precision[steps]),
            edges=edges,
            normal=np.histogram(scores[judged & (labels == 0)], bins=edges)[0],
            anomaly=np.histogram(scores[judged & (labels == 1)], bins=edges)[0],
            best_threshold=best_f1_of(points).threshold,
            unjudged=(int(left.sum()), int((labels[left] == 1).sum())),
        )

    def confusion(self, threshold: float) -> Confusion:
        """Flags against labels at one threshold."""
        return confusion_at(self.curve, threshold)

    def roc_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """The ROC curve, and where a threshold stands on it."""
        rate, recall, _ = self.curve.rates(self.curve.at(threshold))
        return roc_chart(*self.roc, (rate, recall), self.roc_auc, theme=theme)

    def pr_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """The precision-recall curve, and where a threshold stands on it."""
        _, recall, precision = self.curve.rates(self.curve.at(threshold))
        base = self.curve.positives / (self.curve.positives + self.curve.negatives)
        now = (recall, precision)
        return pr_chart(*self.precision_recall, now, self.average_precision, base, theme=theme)

    def score_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """How the scores of normal rows and of anomalies are distributed."""
        return label_histogram(self.edges, self.normal, self.anomaly, threshold, theme=theme)

    def confusion_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """The four outcomes at a threshold."""
        counts = self.confusion(threshold)
        return confusion_grid(
            counts.true_positives,
            counts.false_positives,
            counts.false_negatives,
            counts.true_negatives,
            theme=theme,
        )


@dataclass(frozen=True, kw_only=True)
class CheckedSeries:
    """Scores of a series against labels, in the order of time: (n_readings,) each."""

    scores: Array
    labels: Array
    segments: Segments
    seconds: Array | None  # None: times are steps without a clock
    window: int  # readings of tolerance up to which the volumes average
    volumes: Volumes
    left_out: int  # labelled events of which no reading was judged

    @classmethod
    def of(cls, series: SeriesResult, labels: Array, window: int) -> CheckedSeries:
        """A result over time against ``labels`` (n_rows,) in the order of its table; those without a time are left out.

        One class only raises :class:`DataError`.
        """
        files = series.files
        scores, truth = files.arranged(series.result.values), files.arranged(labels)
        known = judged_rows(scores, truth)
        every, judged = runs(truth > 0, files.segments), labelled_events(truth > 0, known, files.segments)
        return cls(
            scores=scores,
            labels=truth,
            segments=files.segments,
            seconds=files.seconds if files.clock else None,
            window=window,
            volumes=vus(scores, truth, window, segments=files.segments),
            left_out=len(every[0]) - len(judged[0]),
        )

    def at(self, threshold: float, detected: Events) -> tuple[EventMetrics, Affiliation]:
        """How the events found above a threshold, as they were bridged and chosen, meet the labelled ones."""
        flags, truth = detected.marks(len(self.scores)), self.labels > 0
        metrics = event_metrics(
            self.scores,
            self.labels,
            threshold,
            segments=self.segments,
            seconds=self.seconds,
            flags=flags,
        )
        known = np.isfinite(self.scores) & np.isfinite(self.labels)
        return metrics, affiliation(flags, truth, known, segments=self.segments)
