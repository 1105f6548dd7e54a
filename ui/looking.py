"""The time around a reading of a series; where the detector compares windows, a job that looks at this one."""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np
import streamlit as st

from engine import (
    Card,
    Dataset,
    EngineError,
    Result,
    SeriesColumns,
    SeriesFiles,
    WindowView,
    charts,
    detector_class,
    kept_window,
)
from ui import answers, cache_series, server, walking, windows
from ui.panels import chart, in_plain_words
from ui.session import owner, session, theme
from ui.threshold import judged_now
from ui.tray import answer

AROUND = 300  # readings shown on either side
MOMENT_SECONDS = 0.4  # what a page waits for a job before it is drawn without what the job sees
POLL = "300ms"


def around(found: Result, card: Card, data: Dataset, row: int) -> None:
    """The readings around one, and where the detector looks at windows, the window as it sees it."""
    columns = cache_series.series_of(found)
    if columns is None or not columns.channels:
        return
    st.subheader("The time around it", anchor=False)
    files = cache_series.series_result(found, columns).files
    place = int(files.places(np.array([row]))[0])
    if place < 0:
        st.caption("This row has no time.")
        return
    ahead = None
    if detector_class(card.detector).sequential and np.isfinite(found.values[row]):
        ahead = walking.ahead(found, files, walking.events_of(found, card, data, columns), row, place)
        with in_plain_words():  # how many may wait is limited
            _ask(found, row, ahead)
    _board(found, card, data, columns, row, place)
    if ahead is not None:
        _look(found, row, ahead)


@st.fragment
def _board(found: Result, card: Card, data: Dataset, columns: SeriesColumns, row: int, place: int) -> None:
    """One channel in all its pictures; another channel or pass reruns this and no more."""
    with in_plain_words():
        files, view = cache_series.series_result(found, columns).files, _seen(found, row)
        channel = _choose(found, columns, row, view)
        _neighbourhood(found, card, data, files, place, channel)
        if view is not None:
            windows.pictures(view, channel, files)


def _choose(found: Result, columns: SeriesColumns, row: int, view: WindowView | None) -> str:
    """The channel to look at; the one that adds most to the score at first."""
    reasons = found.reasons(row) or []
    named = view.channels if view else [found.mapping.get(r["column"], r["column"]) for r in reasons]
    first = [name for name in dict.fromkeys(named) if name in columns.channels]
    others = [name for name in columns.channels if name not in first]
    chosen: str = st.selectbox("Channel", [*first, *others], key=f"around-{found.id}-{row}")
    return chosen


def _neighbourhood(
    found: Result, card: Card, data: Dataset, files: SeriesFiles, place: int, channel: str
) -> None:
    whole = files.part(files.entity_at(place))
    part = slice(max(whole.start, place - AROUND), min(whole.stop, place + AROUND))
    drawn = charts.neighbourhood(
        files.seconds[part],
        files.channel(channel)[part],
        place - part.start,
        flagged=files.arranged(judged_now(found, card, answers.in_use(data)).flags, part),
        channel=channel,
        clock=files.clock,
        theme=theme(),
    )
    chart(drawn, "around", 260)


def _seen(found: Result, row: int) -> WindowView | None:
    """What a job saw around a row; None until one has looked."""
    return kept_window(server.workspace().results, found.id, row)


def _ask(found: Result, row: int, ahead: list[int]) -> None:
    """Have a job look around a row nobody has looked at, and give it the moment that it mostly takes."""
    if _seen(found, row) is not None or row in _asked(found):
        return
    _send(found, (row, *ahead))
    ends = time.monotonic() + MOMENT_SECONDS
    while _seen(found, row) is None and _busy(session().looking) and time.monotonic() < ends:
        time.sleep(0.02)


def _look(found: Result, row: int, ahead: list[int]) -> None:
    """Wait for the job that looks around the row; once that is seen, have one look at those that may come next."""
    current = session()
    if _seen(found, row) is None:
        if current.looking is None:  # nobody could be asked
            return
        seen = answer(current.looking, _forget, enough=lambda: _seen(found, row) is not None, every=POLL)
        if seen is not None:
            st.caption("There is nothing to be seen around this row.")
        return
    unseen = [other for other in ahead[:2] if _seen(found, other) is None]
    if any(other not in _asked(found) for other in unseen) and not _busy(current.looking):
        with suppress(EngineError):  # nobody waits for it
            _send(found, tuple(ahead))


def _asked(found: Result) -> tuple[int, ...]:
    """The rows of a result that the last job was asked to look at."""
    current = session()
    return current.looked[1] if current.looked and current.looked[0] == found.id and current.looking else ()


def _send(found: Result, rows: tuple[int, ...]) -> None:
    before = session().looking
    if before is not None and _busy(before):
        server.jobs().cancel(before)  # the reader has turned elsewhere
    _forget()
    spec = {"result": found.id, "rows": list(rows)}
    job = server.submit(
        "look", found.dataset, spec, owner=owner(), title=f"Looking around row {rows[0] + 1:,}"
    )
    session().looked, session().looking = (found.id, rows), job.id


def _busy(job: str | None) -> bool:
    return job is not None and server.jobs().get(job).active


def _forget() -> None:
    session().looked = session().looking = None
