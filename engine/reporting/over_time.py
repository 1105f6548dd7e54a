"""The section about events: a series as a whole, its worst events, and a closer look at a few."""

from __future__ import annotations

from functools import partial

import numpy as np

from engine import charts
from engine.charts.chart import counted
from engine.reporting.content import Block, Column, Figure, Table, Text
from engine.reporting.subject import Subject
from engine.scoring.events import Event
from engine.scoring.wording import percent
from engine.series_result import SeriesResult

LISTED, SHOWN = 20, 3  # events in the table, and looked at closer
POINTS = 700  # of the line of all of its time: as many as a page is wide
DOTS = 200  # worst readings marked in the picture of the whole
AROUND, LEAST_AROUND = 1.5, 60  # lengths of an event shown on either side of it, and readings at least


def the_events(subject: Subject) -> list[Block]:
    """When it happened; nothing where rows do not follow one another in time."""
    series, events, columns = subject.series, subject.events, subject.columns
    if series is None or events is None or columns is None:
        return []
    if not len(events):
        return [Text("No event lies above the threshold.")]
    worst = series.blamed([events[number] for number in events.worst(LISTED).tolist()])
    blocks: list[Block] = [
        Text(
            f"Flagged readings that follow one another are one event: {counted(len(events), 'event')} in all.",
            "lead",
        )
    ]
    if columns.channels:
        blocks.append(_whole(subject, series, worst[0]))
    blocks.append(_table(subject, series, worst))
    if columns.channels:
        blocks += [_closer(subject, series, event) for event in worst[:SHOWN]]
    entity = series.files.entity_at(worst[0].start)
    lanes = series.lanes_of_entities() if series.files.several else series.lanes_of_channels(entity)
    if lanes.names:
        what = (columns.entity or "series") if series.files.several else "channel"
        clock = series.files.clock
        drawn = charts.lane_map(
            lanes.names, lanes.edges, lanes.severity, title=what, clock=clock, theme="light"
        )
        blocks.append(Figure(title="Where it is severe", chart=drawn))
    return blocks


def _whole(subject: Subject, series: SeriesResult, worst: Event) -> Figure:
    """The channel to blame for the worst event, over all of its time."""
    assert subject.events is not None
    files, entity, channel = series.files, series.files.entity_at(worst.start), _channel(subject, worst)
    part, strip = files.part(entity), series.strip(entity)
    events = subject.events
    here = events[slice(*np.searchsorted(events.starts, [part.start, part.stop]).tolist())]
    values = files.channel(channel)
    rows = part.start + charts.thin(files.seconds[part], values[part], n=POINTS)
    peaks = here.peaks[here.worst(DOTS)]
    drawn = charts.overview(
        files.seconds[rows],
        values[rows],
        (files.seconds[peaks], values[peaks]),
        strip.edges,
        series.coverage(entity, here),
        strip.severity[0],
        channel=channel,
        segments=files.segments[rows],
        readings=part.stop - part.start,
        clock=files.clock,
        theme="light",
    )
    whose = f", {entity}" if files.named else ""
    return Figure(title=f"{channel}{whose}: all of its time, with its events", chart=drawn)


def _table(subject: Subject, series: SeriesResult, worst: list[Event]) -> Table:
    """The worst events, one a line; in a workbook all of them."""
    assert subject.events is not None
    files = series.files
    columns = [Column(title="Whose", values=[files.entity_at(event.start) for event in worst])]
    return Table(
        title="The worst events",
        columns=[
            *(columns if files.named else []),
            Column(title="Start", values=[_moment(series, event.start_time) for event in worst]),
            Column(title="End", values=[_moment(series, event.end_time) for event in worst]),
            Column(title="Readings", values=[event.length for event in worst]),
            Column(title="Severity", values=[event.severity for event in worst], digits=2),
            Column(title="Channels", values=[_channels(event) for event in worst]),
            Column(title="Direction", values=[event.direction or "" for event in worst]),
            Column(title="Peak at row", values=[files.row(event.peak) + 1 for event in worst]),
        ],
        below=f"The worst {len(worst):,} of {len(subject.events):,}."
        if len(worst) < len(subject.events)
        else "",
        sheet=partial(series.table, subject.events),
    )


def _closer(subject: Subject, series: SeriesResult, event: Event) -> Figure:
    """One event with what came before and after, in the channel to blame."""
    assert subject.events is not None
    files, channel, events = series.files, _channel(subject, event), subject.events
    whole = files.part(files.entity_at(event.start))
    room = max(LEAST_AROUND, int(AROUND * event.length))
    part = slice(max(whole.start, event.start - room), min(whole.stop, event.end + 1 + room))
    first = int(np.searchsorted(events.stops, part.start, side="right"))
    last = int(np.searchsorted(events.starts, part.stop))
    starts, stops = events.starts[first:last], events.stops[first:last]
    seconds = files.seconds[part]
    apart = float(seconds[-1] - seconds[0]) / charts.MAX_FLAGGED
    scores = files.arranged(subject.result.values, part)
    flags = files.arranged(subject.judgement.flags, part)
    drawn = charts.series_chart(
        seconds,
        files.channel(channel)[part],
        spans=charts.joined(files.seconds[starts], files.seconds[stops - 1], apart),
        flagged=flags,
        channel=channel,
        clock=files.clock,
        severity=scores,
        segments=files.segments[part],
        label_spans=None if subject.known is None else series.spans(subject.known > 0, part, apart),
        theme="light",
    )
    at = _moment(series, event.start_time)
    return Figure(title=f"Event of {at}: {_channels(event) or channel}", chart=drawn)


def _channel(subject: Subject, event: Event) -> str:
    """The channel to blame for an event, if it can be drawn; else the first."""
    assert subject.columns is not None
    known = subject.columns.channels
    return next((name for name, _ in event.channels if name in known), known[0])


def _channels(event: Event) -> str:
    return ", ".join(f"{name} {percent(share)}" for name, share in event.channels)


def _moment(series: SeriesResult, at: float | None) -> str:
    return charts.moment(at or 0.0, clock=series.files.clock)
