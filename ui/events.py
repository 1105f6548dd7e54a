"""The events of a series: which flagged readings are one, which count, and the way to each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import streamlit as st

from engine import Event, Events, Result, SeriesFiles, SeriesResult, charts
from ui import cache, labelling
from ui.panels import page
from ui.session import session, set_widget, widget
from ui.view import MOST_BRIDGED

SHOWN = 200  # events in the table
AROUND = 1.5  # lengths of an event shown on either side of it
LEAST_AROUND = 40  # readings, at least
UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


def table(found: Result, series: SeriesResult, events: Events) -> None:
    """The events of all entities, the worst first; a tick goes there."""
    st.subheader("Events, the worst first", anchor=False)
    if len(events) == 0:
        st.info(
            "No event is left. Lower the threshold, or let shorter and less severe ones count.",
            icon=":material/info:",
        )
        return
    worst = series.blamed([events[number] for number in events.worst(SHOWN).tolist()])
    bridge, shortest, above = session().view.choices
    key = f"events-{found.id}-{bridge}-{shortest}-{above}-{len(events)}-{worst[0].start}"
    lines, labels = _lines(worst, series.files), _labels(found, worst, series.files)
    shown = st.dataframe(
        [{"Label": label, **line} for line, label in zip(lines, labels, strict=True)]
        if any(labels)
        else lines,
        key=key,
        hide_index=True,
        width="stretch",
        height=min(36 * len(worst) + 40, 330),
        on_select=lambda: _picked(key, worst, series.files),
        selection_mode="single-row",
        column_config={
            "Severity": st.column_config.ProgressColumn(
                help="The highest of the event: more unusual than this percentage of the training readings.",
                min_value=0,
                max_value=100,
                format="%.2f",
            ),
            "Channels": st.column_config.TextColumn(
                width="medium",
                help="Where the scores of its explained readings come from, most first. Explained are the most unusual "
                "readings of the result; of an event without any it is not measured until a reading of it is opened.",
            ),
            "Direction": st.column_config.TextColumn(
                help="Where the first channel lies over the event, against its median in training."
            ),
        },
    )
    _below(shown["selection"]["rows"], worst, events, series.files)
    _label(
        found, [worst[number] for number in shown["selection"]["rows"] if number < len(worst)], series.files
    )


def choices(files: SeriesFiles) -> None:
    """Three plain numbers that make events of flagged readings."""
    view = session().view
    one = (
        f"One reading is usually {duration(files, files.step_seconds)} after the other."
        if files.clock
        else ""
    )
    fields = {
        "bridge": ("Merge events up to this many readings apart", 0, one),
        "shortest": ("Ignore events shorter than this many readings", 1, one),
    }
    with st.container(horizontal=True):
        for name, (label, low, said) in fields.items():
            key = f"events-{name}"
            set_widget(key, getattr(view, name))
            st.number_input(
                label, low, MOST_BRIDGED, key=key, on_change=_choose, args=(name,), help=said or None
            )
        set_widget("events-above", view.above)
        st.number_input(
            "Only events above severity",
            0.0,
            100.0,
            step=0.5,
            format="%.4g",
            key="events-above",
            on_change=_choose,
            args=("above",),
        )


def _lines(worst: Sequence[Event], files: SeriesFiles) -> list[dict[str, Any]]:
    return [
        {
            **({"Entity": files.entity_at(event.start)} if files.named else {}),
            "Start": charts.moment(event.start_time or 0.0, clock=files.clock),
            "End": charts.moment(event.end_time or 0.0, clock=files.clock),
            "How long": duration(files, (event.end_time or 0.0) - (event.start_time or 0.0))
            if event.length > 1
            else "one reading",
            "Severity": event.severity,
            "Channels": ", ".join(f"{name} {100 * share:.0f} %" for name, share in event.channels)
            or "not measured",
            "Direction": event.direction or "",
            "Peak": charts.moment(float(files.seconds[event.peak]), clock=files.clock),
            "Readings": event.length,
        }
        for event in worst
    ]


def _below(rows: list[int], worst: Sequence[Event], events: Events, files: SeriesFiles) -> None:
    """How many there are, and from the chosen one to its worst reading."""
    with st.container(horizontal=True, vertical_alignment="center"):
        shown = f"The {len(worst):,} worst of {len(events):,} events" if len(worst) < len(events) else ""
        shown = shown or f"{len(events):,} event{'' if len(events) == 1 else 's'}"
        st.caption(f"{shown}. Tick one to see it above.", width="stretch")
        if rows and rows[0] < len(worst):
            row = files.row(worst[rows[0]].peak)
            if st.button(f"Why is row {row + 1:,}, its peak, unusual?", icon=":material/zoom_in:"):
                session().row = row
                st.switch_page(page("inspect"))


def _labels(found: Result, worst: Sequence[Event], files: SeriesFiles) -> list[str]:
    """The label of each event's peak in words."""
    return labelling.words_of(cache.dataset(found.dataset), [files.row(event.peak) for event in worst])


def _label(found: Result, chosen: Sequence[Event], files: SeriesFiles) -> None:
    """Label the readings of the event that is ticked."""
    for event in chosen:
        rows = [files.row(place) for place in range(event.start, event.end + 1)]
        labelling.bar(found, cache.dataset(found.dataset), rows, place="event", keys=False)
        labelling.saved()


def duration(files: SeriesFiles, span: float) -> str:
    """How long something lasted: in the two largest units of time that fit, or in steps."""
    if not files.clock:
        return f"{span:,.6g} steps"
    for (unit, seconds), (smaller, part) in pairwise(UNITS.items()):
        if span >= seconds:
            whole, rest = divmod(round(span / part), seconds // part)
            return f"{whole:,} {unit} {rest} {smaller}" if rest else f"{whole:,} {unit}"
    return f"{span:,.4g} s"


def _picked(key: str, worst: Sequence[Event], files: SeriesFiles) -> None:
    rows = widget(key)["selection"]["rows"]
    if rows and rows[0] < len(worst):
        go(worst[rows[0]], files)


def go(event: Event, files: SeriesFiles) -> None:
    """Look closer at an event, with what came before and after, in the channel to blame."""
    view = session().view
    entity = files.entity_at(event.start)
    part = files.part(entity)
    room = max(LEAST_AROUND, int(AROUND * event.length))
    first, last = max(part.start, event.start - room), min(part.stop - 1, event.end + room)
    view.entity = entity
    if event.channels:
        view.channel = event.channels[0][0]  # one that cannot be drawn gives way to the first
    view.jump(float(files.seconds[first]), float(files.seconds[last]))


def _choose(name: str) -> None:
    view = session().view
    setattr(view, name, type(getattr(view, name))(widget(f"events-{name}")))
