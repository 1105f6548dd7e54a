"""How well the scores of a series find labelled events, where being a few readings early or late is forgiven.

Scores: higher = more anomalous. Labels: 1 anomaly, 0 normal, NaN unknown. An event is a run of rows labelled 1. Rows
without a score or a label are not counted, but keep their place in time: what lies around them moves no closer. An
event of which no reading was judged is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.scoring.events import Segments, labelled_events
from engine.scoring.metrics import judged_rows

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
THRESHOLDS = 250
"""Thresholds of the curves, at equal steps of rank: as many as TSB-AD takes, so that figures can be compared."""
FAR = 1 << 40  # rows away: no event is there


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """Areas under the range-aware curves, averaged over every tolerance from 0 to the window."""

    roc: float  # VUS-ROC: 0.5 for scores that know nothing, about
    pr: float  # VUS-PR: somewhat above the share of anomalies for scores that know nothing


def vus(scores: Array, labels: Array, window: int, *, segments: Segments | None = None) -> Volumes:
    """Volume under the ROC and the precision-recall surface (Paparrizos et al., 2022; Boniol et al., 2025).

    For each width w from 0 to ``window`` (in readings; a period of the series is usual) an event is labelled softly on
    either side: sqrt(1 - d/w) at distance d, up to w/2. A curve over ``THRESHOLDS`` ranks counts flagged readings by
    these labels, and takes recall times the share of the events, with their sides, that were touched at all. The same
    numbers as ``generate_curve(..., version="opt")`` of TSB-AD 1.5.

    ``scores``, ``labels`` (n_samples,) in the order of time; ``segments`` as in :func:`engine.scoring.events.runs`.
    One class only raises a :class:`DataError` that says so.
    """
    if window < 0:
        raise UsageError(f"the window of VUS must be 0 readings or more, got {window}")
    known = judged_rows(scores, labels)
    places = _places(len(scores), segments, 2 * window + 2)
    starts, stops = labelled_events(labels > 0, known, segments)
    first, last = places[starts], places[stops - 1]

    # Each reading is flagged by all thresholds from one rank on: counts at every threshold are cumulative histograms.
    ranks, places, anomalous = _ranks(scores[known]), places[known], labels[known] > 0
    flagged = _counts(ranks)
    hits = _counts(ranks[anomalous])
    one, two = _distances(places, first, last)
    one[anomalous] = two[anomalous] = 0
    near = one <= window // 2
    sides = np.flatnonzero(near & ~anomalous)
    sides = sides[np.argsort(one[sides], kind="stable")]
    soft = _soft_hits(ranks[sides], one[sides], two[sides], window)
    touched = _touched(ranks[near], places[near], first, last, window)
    return _volumes(len(ranks), flagged, hits, np.stack(list(soft)), np.stack(list(touched)))


def _places(n: int, segments: Segments | None, apart: int) -> Ints:
    """Where each row stands in time (n,), counted in readings; segments stand at least ``apart`` readings apart."""
    rows = np.arange(n)
    if segments is None or n == 0:
        return rows
    return rows + apart * np.cumsum(np.r_[False, segments[1:] != segments[:-1]])


def _ranks(scores: Array) -> Ints:
    """The number of the first, that is highest, threshold that flags each score (n,)."""
    falling = -np.sort(-scores)
    thresholds = falling[np.linspace(0, len(scores) - 1, THRESHOLDS).astype(np.int64)]
    return np.searchsorted(-thresholds, -scores, side="left")


def _counts(ranks: Ints, weights: Array | None = None) -> Array:
    """How many of some rows, or how much of their weight, each threshold flags (THRESHOLDS,)."""
    return np.cumsum(np.bincount(ranks, weights, THRESHOLDS), dtype=np.float64)


def _distances(places: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """How far the nearest and the second nearest event are from each row outside of events (n,)."""
    before = np.r_[-FAR, -FAR, last]
    after = np.r_[first, FAR, FAR]
    i = np.searchsorted(first, places, side="right")
    around = np.stack([places - before[i + 1], places - before[i], after[i] - places, after[i + 1] - places])
    one, two = np.sort(around, axis=0)[:2]
    return one, two


def _soft_hits(ranks: Ints, one: Ints, two: Ints, window: int) -> Iterator[Array]:
    """For each width, the soft labels of the flagged rows beside events, added up (THRESHOLDS,).

    Rows in the order of ``one``, the distance to the nearest event. Where the sides of two events overlap the labels
    add up to 1, as each is sqrt(1/2) or more.
    """
    yield np.zeros(THRESHOLDS)
    for width in range(1, window + 1):
        reach = width // 2
        within = slice(0, int(np.searchsorted(one, reach, side="right")))
        side = np.sqrt(1 - np.arange(reach + 1) / width)
        label = np.where(two[within] <= reach, 1.0, side[one[within]])
        yield _counts(ranks[within], label)


def _touched(ranks: Ints, places: Ints, first: Ints, last: Ints, window: int) -> Iterator[Array]:
    """For each width, the share of the events, merged where their sides meet, that is touched (THRESHOLDS,)."""
    ranks = np.r_[ranks, THRESHOLDS]  # reduceat needs a row after the last
    for width in range(window + 1):
        reach = width // 2
        apart = first[1:] - reach > last[:-1] + reach
        begins = np.searchsorted(places, first[np.r_[True, apart]] - reach, side="left")
        ends = np.searchsorted(places, last[np.r_[apart, True]] + reach, side="right")
        judged = begins < ends
        bounds = np.stack([begins[judged], ends[judged]], axis=1).ravel()
        earliest = np.minimum.reduceat(ranks, bounds)[::2]
        yield _counts(earliest) / len(earliest)


def _volumes(n: int, flagged: Array, hits: Array, soft: Array, touched: Array) -> Volumes:
    """Areas from counts at every threshold: of ``n`` rows, ``soft`` and ``touched`` (window + 1, THRESHOLDS)."""
    caught = hits + soft
    positives = hits[-1] + soft / 2  # the mean of the hard labels and of the soft ones that were flagged
    recall = np.minimum(caught / positives, 1) * touched
    false = (flagged - caught) / (n - positives)
    zeros, ones = np.zeros((len(soft), 1)), np.ones((len(soft), 1))
    steps = np.diff(recall, axis=1, prepend=zeros)
    average_precision = (steps * (caught / flagged)).sum(axis=1)
    recall, false = np.hstack([zeros, recall, ones]), np.hstack([zeros, false, ones])
    roc_auc = np.trapezoid(recall, false, axis=1)
    return Volumes(roc=float(roc_auc.mean()), pr=float(average_precision.mean()))
