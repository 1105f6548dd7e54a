"""Every metric of a series in one place: of its readings, of its events, and with tolerance in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scoring.affiliation import Affiliation, affiliation
from engine.scoring.event_metrics import EventMetrics, event_metrics
from engine.scoring.events import Rows
from engine.scoring.metrics import Confusion, Curve, confusion_at, curve, judged_rows
from engine.scoring.series_metrics import Volumes, vus

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class SeriesEvaluation:
    """How well the scores of a series find labelled events, at every threshold and at one."""

    curve: Curve  # of readings, as in a table
    confusion: Confusion  # of readings, at the threshold
    labelled: int  # judged readings with a label
    window: int  # readings of tolerance up to which the volumes average
    volumes: Volumes
    events: EventMetrics  # at the threshold
    affiliation: Affiliation  # at the threshold

    def figures(self) -> dict[str, float | None]:
        """Every figure under the name people know it by, those without a threshold first; None where there is none."""
        return {
            "VUS-PR": self.volumes.pr,
            "VUS-ROC": self.volumes.roc,
            "average precision": self.curve.average_precision,
            "ROC-AUC": self.curve.roc_auc,
            "precision of readings": self.confusion.precision,
            "recall of readings": self.confusion.recall,
            "F1 of readings": self.confusion.f1,
            "event precision": self.events.precision,
            "event recall": self.events.recall,
            "event F1": self.events.f1,
            "composite F1 (event recall, precision of readings)": self.events.composite_f1,
            "median delay (readings)": self.events.delay,
            "median delay (seconds)": self.events.median_delay_seconds,
            "false alarms a day": self.events.false_alarms_per_day,
            "affiliation precision": self.affiliation.precision,
            "affiliation recall": self.affiliation.recall,
            "point-adjusted F1 (inflated: random scores get high values)": self.events.inflated_point_adjusted_f1,
        }


def series_evaluation(
    scores: Array,
    labels: Array,
    threshold: float,
    window: int,
    *,
    segments: Rows | None = None,
    seconds: Array | None = None,
) -> SeriesEvaluation:
    """Every metric of ``scores`` against ``labels``, arrays (n_samples,) in the order of time.

    Arguments as in :func:`engine.scoring.series_metrics.vus` and :func:`engine.scoring.event_metrics.event_metrics`.
    """
    points = curve(scores, labels)
    with np.errstate(invalid="ignore"):
        flags, truth = scores > threshold, labels > 0
    return SeriesEvaluation(
        curve=points,
        confusion=confusion_at(points, threshold),
        labelled=points.positives + points.negatives,
        window=window,
        volumes=vus(scores, labels, window, segments=segments),
        events=event_metrics(scores, labels, threshold, segments=segments, seconds=seconds),
        affiliation=affiliation(flags, truth, judged_rows(scores, labels), segments=segments),
    )
