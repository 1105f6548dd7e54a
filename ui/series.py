"""A series judged: the whole of a channel, a window dragged over it looked at closer, and a map of severities."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import Events as FoundEvents
from engine import Judgement, Result, SeriesColumns, SeriesFiles, SeriesResult, charts
from ui import answers, cache, cache_series, events, server
from ui.panels import chart, in_plain_words, plain
from ui.session import remember, session, set_widget, theme, widget

MOST_ENTITIES = 5_000  # offered in a list
LANES = {"entities": "Entities", "channels": "Channels"}


def over_time(found: Result, answer: Judgement) -> None:
    """What makes events, and the series; nothing where the model judged every row for itself."""
    columns = cache_series.series_of(found)
    if columns is None:
        return
    st.subheader("Over time", anchor=False)
    events.choices(cache_series.series_result(found, columns).files)
    _board(found, columns, answer, server.labels().stamp())


@st.fragment
def _board(found: Result, columns: SeriesColumns, answer: Judgement, labels: int) -> None:
    """Overview, closer look, events and map; a drag or a click reruns this and no more.

    ``labels`` is the stamp of the labels when the page was drawn: new ones change the rest of the page, too.
    """
    if server.labels().stamp() != labels:
        st.rerun()
    with in_plain_words():
        series = cache_series.series_result(found, columns)
        if len(series.files) and columns.channels:
            _draw(found, columns, series, answer)
        else:
            st.caption(
                "There is nothing to draw over time: no reading has a time, or no channel holds numbers."
            )
    remember()


def _draw(found: Result, columns: SeriesColumns, series: SeriesResult, answer: Judgement) -> None:
    view, files = session().view, series.files
    all_events = cache_series.events(found, columns, answer, view.choices)
    if view.entity not in files.entities:
        worst = all_events.worst(1)
        view.entity = files.entity_at(int(all_events.starts[worst[0]]) if len(worst) else 0)
    if view.channel not in columns.channels:
        view.channel = _to_blame(columns, series, all_events)
    _choose(columns, files)
    part = files.part(view.entity)
    view.keep_within(float(files.seconds[part.start]), float(files.seconds[part.stop - 1]))
    here = all_events[slice(*np.searchsorted(all_events.starts, [part.start, part.stop]).tolist())]
    _overview(found, columns, series, here)
    _closer(series, here, answer)
    events.table(found, series, all_events)
    _map(found, columns, files)


def _to_blame(columns: SeriesColumns, series: SeriesResult, found: FoundEvents) -> str:
    """The channel that most of the worst event comes from, as far as one can be drawn; else the first."""
    worst = series.blamed([found[number] for number in found.worst(1).tolist()])
    blamed = [name for event in worst for name, _ in event.channels if name in columns.channels]
    return [*blamed, columns.channels[0]][0]


def _choose(columns: SeriesColumns, files: SeriesFiles) -> None:
    """Which channel, and of whom."""
    view = session().view
    left, right = st.columns(2)
    set_widget("series-channel", view.channel)
    left.selectbox("Channel", columns.channels, key="series-channel", on_change=_chosen, args=("channel",))
    if columns.entity is not None:
        names = sorted(files.entities[:MOST_ENTITIES])
        names = names if view.entity in names else [str(view.entity), *names]
        set_widget("series-entity", view.entity)
        right.selectbox(
            plain(columns.entity), names, key="series-entity", on_change=_chosen, args=("entity",)
        )


def _overview(found: Result, columns: SeriesColumns, series: SeriesResult, here: FoundEvents) -> None:
    view, files = session().view, series.files
    channel, entity = str(view.channel), str(view.entity)
    rows = cache_series.whole_line(found, columns, channel, entity)
    strip = cache_series.lanes(found, columns, "strip", entity)
    values, worst = files.channel(channel), here.worst(events.SHOWN)
    peaks = here.peaks[worst]
    part = files.part(entity)
    drawn = charts.overview(
        files.seconds[rows],
        values[rows],
        (files.seconds[peaks], values[peaks]),
        strip.edges,
        series.coverage(entity, here),
        strip.severity[0],
        view.window,
        channel=channel,
        segments=files.segments[rows],
        readings=part.stop - part.start,
        clock=files.clock,
        theme=theme(),
    )
    chart(drawn, f"overview-{view.jumps}", on_select=_brushed if files.clock else _brushed_steps)


def _closer(series: SeriesResult, here: FoundEvents, answer: Judgement) -> None:
    """The window looked at closer: all its readings where they are few enough."""
    view, files = session().view, series.files
    if view.window is None:
        st.caption("Drag over the picture to look closer, or choose an event or a cell of the map below.")
        return
    start, end = view.window
    part = files.between(str(view.entity), start, end)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{moment(files, start)}** to **{moment(files, end)}**: {part.stop - part.start:,} readings",
            width="stretch",
        )
        width = end - start
        st.button("Earlier", icon=":material/chevron_left:", on_click=_jump, args=(start - width, start))
        st.button("Later", icon=":material/chevron_right:", on_click=_jump, args=(end, end + width))
        st.button("Wider", icon=":material/zoom_out:", on_click=_jump, args=(start - width, end + width))
        st.button("The whole series", icon=":material/fit_width:", on_click=view.whole)
    if part.stop - part.start < 2:
        st.caption("There are fewer than two readings in this stretch.")
        return
    first, last = (
        np.searchsorted(here.stops, part.start, side="right"),
        np.searchsorted(here.starts, part.stop),
    )
    starts, stops = here.starts[first:last], here.stops[first:last]
    apart = (end - start) / charts.MAX_FLAGGED
    scores, flags = files.arranged(series.result.values, part), files.arranged(answer.flags, part)
    drawn = charts.series_chart(
        files.seconds[part],
        files.channel(str(view.channel))[part],
        spans=charts.joined(files.seconds[starts], files.seconds[stops - 1], apart),
        flagged=flags,
        channel=str(view.channel),
        clock=files.clock,
        severity=scores,
        segments=files.segments[part],
        label_spans=_labelled(series, part, apart),
        theme=theme(),
    )
    chart(drawn, "closer", 260)


def _labelled(series: SeriesResult, part: slice, apart: float) -> list[tuple[float, float]] | None:
    """From when to when readings are labelled anomalies; None where nobody has said anything."""
    data = cache.dataset(series.result.dataset)
    label = answers.in_use(data)
    if label is None:
        return None
    return series.spans(cache.labels(data.id, label)[0] > 0, part, apart)


def _map(found: Result, columns: SeriesColumns, files: SeriesFiles) -> None:
    """Severity over time, a lane an entity or a channel; a click goes there."""
    kinds = list(LANES) if files.several else ["channels"]
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("**Where it is severe**, over time. A click on a cell goes there.")
        kind = kinds[0]
        if files.several:
            kind = st.segmented_control(
                "Lanes",
                kinds,
                default=kind,
                required=True,
                format_func=lambda kind: LANES[kind],
                key="lanes",
                persist_state="session",
                label_visibility="collapsed",
            )
    lanes = cache_series.lanes(found, columns, kind, str(session().view.entity))
    title = "channel" if kind == "channels" or columns.entity is None else columns.entity
    drawn = charts.lane_map(
        lanes.names, lanes.edges, lanes.severity, title=title, clock=files.clock, theme=theme()
    )
    factor = 1000.0 if files.clock else 1.0
    chart(drawn, f"lanes-{kind}", on_select=lambda key: _clicked(key, kind, columns, factor))
    if kind == "channels":
        st.caption(
            f"Of the {len(found.explained_rows):,} most unusual readings, those whose score lies in the channel by a "
            "tenth or more."
        )


def moment(files: SeriesFiles, at: float) -> str:
    """A time as the overview writes it."""
    return charts.moment(at, clock=files.clock)


def _chosen(what: str) -> None:
    view = session().view
    setattr(view, what, widget(f"series-{what}"))
    if what == "entity":
        view.whole()


def _brushed(key: str) -> None:
    _look(widget(key), 1000.0)


def _brushed_steps(key: str) -> None:
    _look(widget(key), 1.0)


def _look(state: Any, factor: float) -> None:
    """What the brush covers, which counts in milliseconds where there is a clock; nothing when it was taken away."""
    drawn = state["selection"].get(charts.BRUSH, {}).get("time")
    if drawn:
        session().view.look(float(drawn[0]) / factor, float(drawn[-1]) / factor)
    else:
        session().view.start = session().view.end = None


def _jump(start: float, end: float) -> None:
    session().view.jump(start, end)


def _clicked(key: str, kind: str, columns: SeriesColumns, factor: float) -> None:
    cells = widget(key)["selection"].get(charts.CELL)
    if not cells:
        return
    view, lane = session().view, str(cells[0]["lane"])
    if kind == "entities":
        view.entity = lane
    elif lane in columns.channels:
        view.channel = lane
    view.jump(float(cells[0]["start"]) / factor, float(cells[0]["end"]) / factor)
