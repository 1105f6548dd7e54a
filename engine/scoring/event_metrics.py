"""How one threshold does on a series, counted in events: found and missed, how late, and how often for nothing.

Scores: higher = more anomalous. Labels: 1 anomaly, 0 normal, NaN unknown. An event is a run of rows labelled 1, a
detection a run of rows whose score is strictly above the threshold. Rows without a score or a label count for nothing,
and an event of which no reading was judged is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.scoring.events import Flags, Rows, Segments, counted, labelled_events, runs
from engine.scoring.metrics import judged_rows

Array = NDArray[np.float64]
DAY = 86_400.0  # seconds


@dataclass(frozen=True, kw_only=True)
class EventMetrics:
    """Events and detections at one threshold."""

    threshold: float
    events: int
    found: int  # events with at least one flagged reading
    detections: int
    false_alarms: (
        int  # detections that touch no reading labelled 1; of unknown readings alone: neither true nor false
    )
    point_precision: (
        float | None
    )  # the share of the flagged readings that are anomalies; None: nothing is flagged
    delays: Array  # readings from the start of each event that was found to its first flagged one (found,)
    delay_seconds: Array | None  # the same in seconds; None: no times were given
    normal_days: float | None  # the time of the normal readings that were judged; None: no times were given
    inflated_point_adjusted_f1: float
    """F1 where one flagged reading makes its whole event count as flagged (Xu et al., 2018).

    Inflated: random scores get high values, the higher the longer the events (Kim et al., 2022). Here only to be
    compared with what others published.
    """

    @property
    def recall(self) -> float:
        """The share of the events that was found."""
        return self.found / self.events

    @property
    def precision(self) -> float | None:
        """The share of the detections, true or false, that touch an event; None: there are none."""
        return 1 - self.false_alarms / self.detections if self.detections else None

    @property
    def f1(self) -> float:
        """Harmonic mean of the events' recall and the detections' precision."""
        return _harmonic(self.recall, self.precision)

    @property
    def composite_f1(self) -> float:
        """Harmonic mean of the events' recall and the readings' precision (Garg et al., 2022; event F1 in TSB-AD)."""
        return _harmonic(self.recall, self.point_precision)

    @property
    def delay(self) -> float | None:
        """The median delay in readings; None: no event was found."""
        return float(np.median(self.delays)) if len(self.delays) else None

    @property
    def median_delay_seconds(self) -> float | None:
        """The median delay in seconds; None: no event was found, or no times were given."""
        return None if self.delay_seconds is None or not self.found else float(np.median(self.delay_seconds))

    @property
    def false_alarms_per_day(self) -> float | None:
        """False alarms in a day of normal readings; None: no times were given."""
        return self.false_alarms / self.normal_days if self.normal_days else None


def event_metrics(
    scores: Array,
    labels: Array,
    threshold: float,
    *,
    segments: Segments | None = None,
    seconds: Array | None = None,
    flags: Flags | None = None,
) -> EventMetrics:
    """Count events and detections at one threshold.

    ``scores``, ``labels`` (n_samples,) in the order of time, ``seconds`` (n_samples,) their times; ``segments`` as in
    :func:`engine.scoring.events.runs`. ``flags`` (n_samples,) where detections were made of the scores above the
    threshold, bridged and chosen: what lies in one of them. One class only raises a :class:`DataError` that says so.
    """
    known = judged_rows(scores, labels)
    with np.errstate(invalid="ignore"):
        above, truth = np.isfinite(scores) & (scores > threshold), labels > 0
    flags = above if flags is None else flags
    starts, stops = labelled_events(truth, known, segments)
    firsts = _firsts(flags, starts, stops)
    found = firsts < stops
    begins, ends = runs(flags, segments)
    true = counted(flags & truth, begins, ends) > 0
    false = ~true & (counted(flags & known, begins, ends) > 0)
    flagged = int((flags & known).sum())
    hits = int((flags & known & truth).sum())
    credited = int(counted(known, starts, stops)[found].sum())
    positives = int((known & truth).sum())
    late = seconds[firsts[found]] - seconds[starts[found]] if seconds is not None else None
    return EventMetrics(
        threshold=threshold,
        events=len(starts),
        found=int(found.sum()),
        detections=int((true | false).sum()),
        false_alarms=int(false.sum()),
        point_precision=hits / flagged if flagged else None,
        delays=(firsts - starts)[found].astype(np.float64),
        delay_seconds=late,
        normal_days=_days(int((known & ~truth).sum()), seconds, segments),
        inflated_point_adjusted_f1=2 * credited / (credited + flagged - hits + positives),
    )


def _firsts(flags: Flags, starts: Rows, stops: Rows) -> Rows:
    """The first flagged row of each run (n_runs,), or its stop where there is none."""
    rows = np.r_[np.flatnonzero(flags), len(flags)]
    return np.minimum(rows[np.searchsorted(rows, starts)], stops)


def _days(readings: int, seconds: Array | None, segments: Segments | None) -> float | None:
    """The time that so many readings stand for: the median step, each."""
    if seconds is None:
        return None
    steps = np.diff(seconds)
    if segments is not None:
        steps = steps[segments[1:] == segments[:-1]]
    steps = steps[steps > 0]
    return readings * float(np.median(steps)) / DAY if len(steps) else None


def _harmonic(one: float, other: float | None) -> float:
    return 2 * one * other / (one + other) if other and one else 0.0
