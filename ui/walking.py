"""From event to event of a series, row by row: the one a row lies in, those around it, and what comes next."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Card, Dataset, Events, Result, SeriesColumns, SeriesFiles, charts
from ui import answers, cache_series
from ui.session import session
from ui.threshold import judged_now

AHEAD = 6  # events on either side that a reader may turn to soon


def walk(found: Result, card: Card, data: Dataset, row: int) -> None:
    """The event the row lies in, and the way to those before and after; nothing where rows are no series."""
    columns = cache_series.series_of(found)
    if columns is None:
        return
    files, events = cache_series.series_result(found, columns).files, events_of(found, card, data, columns)
    place = int(files.places(np.array([row]))[0])
    if place < 0:
        return
    here, before, after = _around(events, place)
    if not len(events):
        said = "No event lies above the threshold."
    elif here is None:
        said = f"This row lies in none of the {len(events):,} events."
    else:
        event = events[here]
        start, end = (
            charts.moment(at or 0.0, clock=files.clock) for at in (event.start_time, event.end_time)
        )
        span = f"{start} to {end}, {event.length:,} readings" if event.length > 1 else f"{start}, one reading"
        said = f"Event **{here + 1:,}** of {len(events):,}: {span}, severity {event.severity:.4g}."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(said, width="stretch")
        for label, icon, number in (
            ("Previous event", "skip_previous", before),
            ("Next event", "skip_next", after),
        ):
            st.button(
                label,
                icon=f":material/{icon}:",
                disabled=number is None,
                on_click=_go,
                args=(None if number is None else files.row(int(events.peaks[number])),),
            )


def ahead(found: Result, files: SeriesFiles, events: Events, row: int, place: int) -> list[int]:
    """The rows a reader may turn to next, the likeliest first: peaks of events near it, and its ranks."""
    _, before, after = _around(events, place)
    later = [] if after is None else list(range(after, min(after + AHEAD, len(events))))
    earlier = [] if before is None else list(range(before, max(before - AHEAD, -1), -1))
    numbers = [*later[:1], *earlier[:1], *later[1:], *earlier[1:]]
    rank = int(np.flatnonzero(found.order == row)[0])
    ranks = found.order[max(0, rank - 1) : rank + 3].tolist()
    rows = dict.fromkeys([*(files.row(int(events.peaks[number])) for number in numbers), *ranks])
    return [other for other in rows if other != row]


def event_at(events: Events, place: int) -> int | None:
    """The number of the event at a place in the order of time; None for none."""
    return _around(events, place)[0]


def _around(events: Events, place: int) -> tuple[int | None, int | None, int | None]:
    """The number of the event at a place in the order of time, and of those before and after; None for none."""
    last = int(np.searchsorted(events.starts, place, side="right")) - 1
    here = last if last >= 0 and place < events.stops[last] else None
    before, after = (last if here is None else last - 1), last + 1
    return here, (before if before >= 0 else None), (after if after < len(events) else None)


def events_of(found: Result, card: Card, data: Dataset, columns: SeriesColumns) -> Events:
    """The events of a result, at the threshold and by the choices made elsewhere."""
    answer = judged_now(found, card, answers.in_use(data))
    return cache_series.events(found, columns, answer, session().view.choices)


def _go(row: int | None) -> None:
    session().row = row
