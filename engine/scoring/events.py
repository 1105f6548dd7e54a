"""From flagged readings of a series to events: runs of rows that follow one another, merged, ranked and described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Rows = NDArray[np.int64]
Segments = NDArray[np.integer[Any]]
Direction = Literal["higher", "lower"]
BLAMED = 3
"""Channels named with an event, at most."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Readings in a row that belong together. Row numbers are places in the order of time, from 0."""

    start: int  # the first row
    end: int  # the last row
    peak: int  # the row of the highest score, or of the highest severity without scores; the first of equal ones
    severity: float  # the highest of its flagged readings
    flagged: int  # flagged readings, without those of the gaps that were bridged
    start_time: float | None = None  # as times were given
    end_time: float | None = None
    score: float | None = None  # the anomaly score at the peak, where scores were given
    channels: tuple[tuple[str, float], ...] = ()  # what contributes most, with its share of 0 to 1
    direction: Direction | None = None  # where its blamed channel lies on average, against what is expected

    @property
    def length(self) -> int:
        """Readings from the first to the last, both counted, bridged gaps too."""
        return self.end - self.start + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Events(Sequence[Event]):
    """Any number of events as arrays (n_events,), in the order of time; one of them is made when it is asked for."""

    starts: Rows  # the first row of each
    stops: Rows  # the row after the last
    peaks: Rows
    severity: Array
    flagged: Rows
    scores: Array | None = None
    times: Array | None = None  # of every row (n_samples,)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, number: int) -> Event: ...
    @overload
    def __getitem__(self, number: slice) -> Events: ...
    def __getitem__(self, number: int | slice) -> Event | Events:
        if isinstance(number, slice):
            return self.chosen(number)
        start, stop = int(self.starts[number]), int(self.stops[number])
        return Event(
            start=start,
            end=stop - 1,
            peak=int(self.peaks[number]),
            severity=float(self.severity[number]),
            score=None if self.scores is None else float(self.scores[number]),
            flagged=int(self.flagged[number]),
            start_time=None if self.times is None else float(self.times[start]),
            end_time=None if self.times is None else float(self.times[stop - 1]),
        )

    def chosen(self, which: Rows | Flags | slice) -> Events:
        """Some of the events, by number or by a mark each."""
        return replace(
            self,
            starts=self.starts[which],
            stops=self.stops[which],
            peaks=self.peaks[which],
            severity=self.severity[which],
            flagged=self.flagged[which],
            scores=None if self.scores is None else self.scores[which],
        )

    def covered(self, rows: Rows) -> Rows:
        """How many readings of events stand before each of some rows (n_rows,), bridged gaps too."""
        lengths = np.r_[0, np.cumsum(self.stops - self.starts)]
        begun = np.searchsorted(self.starts, rows)
        ends = np.r_[0, self.stops][begun]
        return lengths[begun] - np.maximum(ends - rows, 0)

    def marks(self, n: int) -> Flags:
        """Which of ``n`` rows lie in an event (n,), bridged gaps too."""
        steps = np.zeros(n + 1, dtype=np.int8)
        steps[self.starts] += 1
        steps[self.stops] -= 1
        return np.cumsum(steps[:n], dtype=np.int8) > 0

    def worst(self, most: int | None = None) -> Rows:
        """The numbers of the ``most`` highest events, highest first: by score where there is one, else by severity."""
        heights = -(self.severity if self.scores is None else self.scores)
        rows = np.arange(len(heights))
        if most is not None and most < len(heights):  # to sort half a million takes a tenth of a second
            rows = np.sort(np.argpartition(heights, most)[:most])
        return rows[np.argsort(heights[rows], kind="stable")]


def runs(flags: Flags, segments: Segments | None = None) -> tuple[Rows, Rows]:
    """The runs of flagged rows: the first row of each, and the row after its last (n_runs,).

    ``flags`` (n_samples,) in the order of time. ``segments`` (n_samples,) has the same number on rows of one entity
    that follow one another without a gap; a run never reaches from one into the next. None: all rows are one.
    """
    flags = np.asarray(flags, dtype=bool)
    joined = flags[1:] & flags[:-1]
    if segments is not None:
        joined &= segments[1:] == segments[:-1]
    starts = np.flatnonzero(flags & ~np.r_[False, joined])
    stops = np.flatnonzero(flags & ~np.r_[joined, False]) + 1
    return starts, stops


def labelled_events(truth: Flags, known: Flags, segments: Segments | None = None) -> tuple[Rows, Rows]:
    """The runs of anomalous rows (``truth``) of which a reading at least is ``known``: judged and labelled."""
    starts, stops = runs(truth, segments)
    judged = counted(known, starts, stops) > 0
    return starts[judged], stops[judged]


def event_blocks(truth: Flags, segments: Segments | None = None) -> Rows:
    """A number for each row (n_samples,): the labelled event it lies nearest to, halfway cut, so that none is cut.

    For halves and resamples of a series: readings of one event, and those around it, are no independent rows.
    """
    starts, stops = runs(truth, segments)
    middles = (stops[:-1] + starts[1:]) // 2
    return np.searchsorted(middles, np.arange(len(truth)), side="right").astype(np.int64)


def counted(marks: Flags, starts: Rows, stops: Rows) -> Rows:
    """How many rows of each run are marked (n_runs,)."""
    before = np.r_[0, np.cumsum(marks)]
    return before[stops] - before[starts]


def events(
    flags: Flags,
    severity: Array,
    *,
    scores: Array | None = None,
    segments: Segments | None = None,
    times: Array | None = None,
    bridge: int = 0,
    shortest: int = 1,
    above: float | None = None,
) -> Events:
    """Flagged readings as events, in the order of time.

    ``flags``, ``severity``, ``scores``, ``times`` (n_samples,) in the order of time; ``segments`` as in :func:`runs`,
    and no event reaches from one into the next. ``scores`` tell readings of equal severity apart: all that lies beyond
    the training rows has severity 100. Events with at most ``bridge`` readings between them are one. Then those of
    fewer than ``shortest`` readings (:attr:`Event.length`) are dropped, and those of a severity not above ``above``.
    """
    if bridge < 0 or shortest < 1:
        raise UsageError(
            "events are bridged over 0 readings or more and have at least 1 reading, "
            f"got {bridge} to bridge and {shortest} as the shortest"
        )
    starts, stops = _bridged(*runs(flags, segments), segments, bridge)
    rows = np.flatnonzero(flags)
    first = np.searchsorted(rows, starts)  # of each event among the flagged readings
    count = np.diff(np.r_[first, len(rows)])
    heights = (severity if scores is None else scores)[rows]
    peaks = rows[_highest(heights, first, count)]
    found = Events(
        starts=starts,
        stops=stops,
        peaks=peaks,
        severity=np.asarray(severity[peaks]),
        flagged=count,
        scores=None if scores is None else np.asarray(scores[peaks]),
        times=times,
    )
    kept = stops - starts >= shortest
    if above is not None:
        kept &= found.severity > above
    return found if kept.all() else found.chosen(kept)


def blamed(
    found: Sequence[Event],
    channels: Sequence[str],
    contributions: Array,
    *,
    rows: Rows | None = None,
    values: Array | None = None,
    expected: Array | None = None,
    most: int = BLAMED,
) -> list[Event]:
    """The same events with the channels that contribute most, and whether the first lies higher or lower than expected.

    ``contributions`` (n_rows, n_channels) at least 0; ``rows`` (n_rows,) ascending says to which readings they belong,
    None: to every one. A channel's share of an event is its share of all that contributes there. ``values`` and
    ``expected`` (n_rows, n_channels), or a median (n_channels,), give the direction: the sign of the mean distance over
    the event's readings, weighted by the channel's contribution. An event without an explained reading stays as it is.
    """
    at = np.arange(len(contributions)) if rows is None else rows
    return [_blamed(event, channels, contributions, at, values, expected, most) for event in found]


def _bridged(starts: Rows, stops: Rows, segments: Segments | None, bridge: int) -> tuple[Rows, Rows]:
    """Runs (n_runs,) where those of one segment with at most ``bridge`` rows between them are one."""
    near = starts[1:] - stops[:-1] <= bridge
    if segments is not None:
        near &= segments[starts[1:]] == segments[starts[:-1]]
    return starts[np.r_[True, ~near][: len(starts)]], stops[np.r_[~near, True][: len(stops)]]


def _highest(heights: Array, first: Rows, count: Rows) -> Rows:
    """Where each event's flagged readings are highest, the first of equal ones (n_events,)."""
    if len(first) == 0:
        return first
    at = np.flatnonzero(heights == np.repeat(np.maximum.reduceat(heights, first), count))
    return at[np.searchsorted(at, first)]


def _blamed(
    event: Event,
    channels: Sequence[str],
    contributions: Array,
    rows: Rows,
    values: Array | None,
    expected: Array | None,
    most: int,
) -> Event:
    first, last = np.searchsorted(rows, [event.start, event.end + 1])
    part = contributions[first:last]
    total = part.sum()
    if not total > 0:
        return event
    shares = part.sum(axis=0) / total
    order = np.argsort(-shares, kind="stable")[:most]
    named = tuple((channels[i], float(shares[i])) for i in order if shares[i] > 0)
    direction: Direction | None = None
    if values is not None and expected is not None:
        channel = order[0]
        usual = expected[first:last, channel] if expected.ndim == 2 else expected[channel]
        # Of a judge by windows the readings beside a spike contribute as much as the spike, and lie where they always
        # do: what lies far off decides, not the one reading of the highest contribution.
        above = np.nansum((values[first:last, channel] - usual) * part[:, channel])
        direction = "higher" if above > 0 else "lower" if above < 0 else None
    return replace(event, channels=named, direction=direction)
