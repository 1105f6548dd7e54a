"""Affiliation: how near flagged readings are to labelled events, against readings flagged at random.

Every event owns the stretch of time that is nearer to it than to any other, its zone. Within a zone a distance is worth
the chance that a reading drawn at random lies at least as far away: 1 touches, 0 is as far as one can be. Flags
at random get a precision of about a half and often a high recall: the two are read apart, and beside other metrics.

Huet, Navarro and Rossi (2022), "Local evaluation of time series anomaly detection algorithms", KDD.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.scoring.events import Flags, Rows, Segments, labelled_events, runs

Array = NDArray[np.float64]
Intervals = tuple[NDArray[Any], NDArray[Any]]
"""Starts and stops, ascending and apart."""


@dataclass(frozen=True, kw_only=True)
class Affiliation:
    """Of each event, and their means."""

    precisions: Array  # how near its zone's flagged time is to the event (n_events,); NaN: nothing is flagged
    recalls: Array  # how near the event is to its zone's flagged time (n_events,); 0: nothing is flagged

    @property
    def precision(self) -> float | None:
        """The mean over the zones in which something is flagged; None where there are none."""
        told = self.precisions[np.isfinite(self.precisions)]
        return float(told.mean()) if len(told) else None

    @property
    def recall(self) -> float:
        """The mean over the events."""
        return float(self.recalls.mean())


def affiliation(flags: Flags, truth: Flags, known: Flags, *, segments: Segments | None = None) -> Affiliation:
    """Affiliation of flagged readings with labelled events; a reading lasts from its row to the next.

    ``flags``, ``truth``, ``known`` (n_samples,) in the order of time: what is flagged, what is labelled an anomaly, and
    which readings have a score and a label. A reading that is not known is not flagged, an event without one that is
    known is left out. ``segments`` as in :func:`engine.scoring.events.runs`: a zone ends where its segment does, and
    what is flagged in a segment without an event belongs to none.
    """
    starts, stops = labelled_events(truth, known, segments)
    begins, ends = runs(np.ones(len(truth), dtype=bool), segments)
    own = np.searchsorted(begins, starts, side="right") - 1
    between = (stops[:-1] + starts[1:]) / 2
    alone = own[1:] != own[:-1]
    zones = (
        np.r_[begins[own[:1]], np.where(alone, begins[own[1:]], between)].astype(np.float64),
        np.r_[np.where(alone, ends[own[:-1]], between), ends[own[-1:]]].astype(np.float64),
    )
    return affiliated(runs(flags & known, segments), (starts, stops), zones)


def affiliated(flagged: Intervals, events: Intervals, zones: Intervals) -> Affiliation:
    """Affiliation of flagged intervals with events (n_events,), each inside its zone; zones do not overlap."""
    cuts = np.unique(np.concatenate([*flagged, *events, *zones]).astype(np.float64))
    p, q = cuts[:-1], cuts[1:]
    middle = (p + q) / 2
    zone = np.clip(np.searchsorted(zones[0], middle, side="right") - 1, 0, None)
    inside = (middle > zones[0][zone]) & (middle < zones[1][zone])
    p, q, middle, zone = p[inside], q[inside], middle[inside], zone[inside]
    marked = _covers(flagged, middle)
    anomalous = (middle > events[0][zone]) & (middle < events[1][zone])
    n, lasting = len(events[0]), q - p

    near = _outside(p, q, zone, events, zones)
    time = np.bincount(zone[marked], lasting[marked], n)
    worth = np.bincount(zone[marked], np.where(anomalous, lasting, near)[marked], n)
    precisions = np.divide(worth, time, out=np.full(n, np.nan), where=time > 0)

    missed = _missed(p, q, zone, marked, zones)
    found = np.bincount(zone[anomalous], np.where(marked, lasting, missed)[anomalous], n)
    return Affiliation(precisions=precisions, recalls=found / (events[1] - events[0]))


def _covers(intervals: Intervals, points: Array) -> Flags:
    """Which points lie in one of the intervals (n_points,)."""
    begun = np.searchsorted(intervals[0], points, side="right")
    return np.r_[-np.inf, intervals[1]][begun] > points


def _outside(p: Array, q: Array, zone: Rows, events: Intervals, zones: Intervals) -> Array:
    """The worth of the stretches p to q, outside of events, for precision (n_stretches,): its integral over them."""
    (first, last), (low, high) = events, zones
    start, stop = first[zone], last[zone]
    before = q <= start
    near, far = np.where(before, start - q, p - stop), np.where(before, start - p, q - stop)
    closer = (stop - start) * (
        q - p
    )  # the chance of a reading closer than that, times the length of the zone
    for room in (start - low[zone], high[zone] - stop):
        closer = closer + _capped(far, room) - _capped(near, room)
    return (q - p) - closer / (high - low)[zone]


def _capped(distance: Array, room: Array) -> Array:
    """The integral of min(x, room) for x from 0 to the distance."""
    within = np.minimum(distance, room)
    return within**2 / 2 + room * (distance - within)


def _missed(p: Array, q: Array, zone: Rows, marked: Flags, zones: Intervals) -> Array:
    """The worth of the stretches p to q, where nothing is flagged, for recall (n_stretches,): its integral over them.

    The nearest flagged time lies before the stretch up to a point half way, and after it from there.
    """
    low, high = zones[0][zone], zones[1][zone]
    before = np.maximum.accumulate(np.where(marked, q, -np.inf))
    after = np.minimum.accumulate(np.where(marked, p, np.inf)[::-1])[::-1]
    before = np.where(before > low, before, -np.inf)
    after = np.where(after < high, after, np.inf)
    from_before, from_after = np.isfinite(before), np.isfinite(after)
    before, after = np.where(from_before, before, low), np.where(from_after, after, high)
    half = np.where(from_before & from_after, (before + after) / 2, np.where(from_before, q, p))
    half = np.clip(half, p, q)
    length = high - low
    one = _towards(p - before, half - before, high - before, length)
    other = _towards(after - q, after - half, after - low, length)
    return np.where(from_before, one, 0) + np.where(from_after, other, 0)


def _towards(near: Array, far: Array, room: Array, length: Array) -> Array:
    """The worth of readings ``near`` to ``far`` away from flagged time that has ``room`` to the zone's end behind them.

    Of the zone's ``length``, the time closer than x to a reading x away is x on the one side and min(x, room - x) on
    the other.
    """
    closer = (far**2 - near**2) / 2 + _folded(far, room) - _folded(near, room)
    return (far - near) - closer / length


def _folded(distance: Array, room: Array) -> Array:
    """The integral of min(x, room - x) for x from 0 to the distance."""
    return np.where(distance <= room / 2, distance**2 / 2, room**2 / 4 - (room - distance) ** 2 / 2)
