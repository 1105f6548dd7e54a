"""A result checked against known answers: what no threshold changes is worked out once, the rest is read off it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.charts.against_threshold import cost_line, grid, metric_lines
from engine.charts.chart import Chart, Theme
from engine.charts.evaluation import confusion_grid, corners, pr_chart, roc_chart
from engine.charts.scores import label_histogram
from engine.scoring.affiliation import Affiliation, affiliation
from engine.scoring.bootstrap import MOST_BLOCKS, Bands, bands
from engine.scoring.event_metrics import EventMetrics, event_metrics
from engine.scoring.events import Events, Segments, event_blocks, labelled_events, runs
from engine.scoring.labelled_lines import FEWEST, LowestCost, choosing_half
from engine.scoring.metrics import Confusion, Curve, confusion_at, curve, judged_rows
from engine.scoring.series_metrics import Volumes, vus
from engine.series_files import SeriesFiles
from engine.series_result import SeriesResult

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
Half = Literal["both", "choosing", "judging"]  # of the labels, for a line that is chosen by them


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
    bands: Bands | None  # None: too few to say how far the curves could have come out otherwise
    thresholds: Array  # at which measures are drawn (n_points,)
    places: Counts  # of each the point of the curve
    unjudged: tuple[int, int]  # labelled rows that could not be judged, and the anomalies among them

    @classmethod
    def of(
        cls,
        scores: Array,
        labels: Array,
        edges: Array,
        half: Half = "both",
        files: SeriesFiles | None = None,
    ) -> Checked:
        """``scores``, ``labels`` (n_samples,), counted between ``edges``; of a series with its order in time.

        ``half`` of the labels may choose a line, or judge it. One class only, and too few to halve, raise
        :class:`DataError`.
        """
        blocks = None if files is None else blocks_of(files, labels)[1]
        labels = half_of(half, scores, labels, files)
        points, drawn_at = curve(scores, labels), grid(edges)
        few = points.only(points.turns)
        rate, recall, precision = few.false_positive_rate, few.recall, few.precision
        drawn, steps = corners(rate, recall), corners(recall, precision)
        left = ~np.isfinite(scores) & np.isfinite(labels)
        anomaly, normal = points.counted(edges)
        return cls(
            curve=points,
            roc_auc=points.roc_auc,
            average_precision=points.average_precision,
            roc=(rate[drawn], recall[drawn]),
            precision_recall=(recall[steps], precision[steps]),
            edges=edges,
            normal=normal,
            anomaly=anomaly,
            bands=None if _few(points) else bands(scores, labels, points, blocks),
            thresholds=drawn_at,
            places=points.places(drawn_at),
            unjudged=(int(left.sum()), int((labels[left] == 1).sum())),
        )

    @property
    def few(self) -> str:
        """Why no share is told: the rarer label is too rare; empty where it is not."""
        return _few(self.curve)

    def confusion(self, threshold: float) -> Confusion:
        """Flags against labels at one threshold."""
        return confusion_at(self.curve, threshold)

    def roc_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """The ROC curve, and where a threshold stands on it."""
        rate, recall, _ = self.curve.rates(self.curve.at(threshold))
        band = None if self.bands is None else self.bands.roc.drawn
        return roc_chart(*self.roc, (rate, recall), self.roc_auc, band=band, theme=theme)

    def pr_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """The precision-recall curve, and where a threshold stands on it."""
        _, recall, precision = self.curve.rates(self.curve.at(threshold))
        now, base = (recall, precision), self.curve.base_rate
        band = None if self.bands is None else self.bands.precision_recall.drawn
        return pr_chart(*self.precision_recall, now, self.average_precision, base, band=band, theme=theme)

    def metric_chart(self, threshold: float, *, theme: Theme) -> Chart:
        """Precision, recall, F1 and MCC at every threshold, and where this one stands."""
        return metric_lines(self.thresholds, self._measures, threshold, theme=theme)

    def cost_chart(self, threshold: float, miss: float, false_alarm: float, *, theme: Theme) -> Chart:
        """What misses and false alarms cost in 1,000 rows at every threshold, at this one, and at best."""
        ratio = miss / false_alarm
        if ratio not in self._cheapest:  # over every point: not again at each move of a threshold
            self._cheapest[ratio] = LowestCost(ratio).best(self.curve)
        best = self._cheapest[ratio]
        ends = self.curve.places(np.array([threshold, best]))
        cost = 1_000 * self.curve.only(np.r_[self.places, ends]).cost(miss, false_alarm)
        now, lowest = (threshold, float(cost[-2])), (best, float(cost[-1]))
        return cost_line(self.thresholds, cost[:-2], now, lowest, theme=theme)

    @cached_property
    def _cheapest(self) -> dict[float, float]:
        """The threshold of the lowest cost, by how many false alarms a miss costs as much as."""
        return {}

    @cached_property
    def _measures(self) -> dict[str, Array]:
        """The measures at the thresholds to draw; no precision where nothing is flagged."""
        points = self.curve.only(self.places)
        flagged = points.true_positives + points.false_positives > 0
        return {
            "precision": np.where(flagged, points.precision, np.nan),
            "recall": points.recall,
            "F1": points.f1,
            "MCC": points.mcc,
        }

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


def half_of(half: Half, scores: Array, labels: Array, files: SeriesFiles | None = None) -> Array:
    """The labels of a half of the rows (n_rows,), NaN for the others; of a series no event is in both."""
    if half == "both":
        return labels
    chosen = choosing_half(scores, labels, None if files is None else blocks_of(files, labels)[0])
    return np.where(chosen == (half == "choosing"), labels, np.nan)


def blocks_of(files: SeriesFiles, labels: Array) -> tuple[Counts, Counts]:
    """Rows of a series that do not stand for themselves, numbered (n_rows,): for halves, and for resamples.

    ``labels`` (n_rows,) in the order of the table. For halves: the labelled event a row lies nearest to. For resamples:
    the same for anomalies, and equal stretches of time for the other rows. Rows without a time are a block.
    """
    truth = files.arranged(labels) > 0
    nearest = event_blocks(truth, files.segments)
    stretch = np.arange(len(truth)) * MOST_BLOCKS // max(1, len(truth))
    return files.in_the_table(nearest, len(labels)), files.in_the_table(
        np.where(truth, nearest, stretch), len(labels)
    )


def _few(points: Curve) -> str:
    rare = min(points.positives, points.negatives)
    what = "labelled anomaly" if points.positives == rare else "labelled normal row"
    if rare >= FEWEST:
        return ""
    are = f"is only {rare} {what}" if rare == 1 else f"are only {rare} {_many(what)}"
    return f"There {are} among the judged rows. With fewer than {FEWEST}, a share says next to nothing."


def _many(what: str) -> str:
    return "labelled anomalies" if what.endswith("anomaly") else f"{what}s"


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
    def of(cls, series: SeriesResult, labels: Array, window: int, half: Half = "both") -> CheckedSeries:
        """A result over time against ``labels`` (n_rows,) in the order of its table; those without a time are left out.

        One class only raises :class:`DataError`.
        """
        files = series.files
        labels = half_of(half, np.asarray(series.result.values), labels, files)
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
