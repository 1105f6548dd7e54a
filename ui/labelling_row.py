"""Labelling one row, or the event of a series it lies in: what follows, and which row to label next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from engine import Card, Dataset, EngineError, Result, rows_like, rows_to_label, same_reasons
from ui import answers, cache, cache_series, labelling, server, walking
from ui.panels import attempt, beside
from ui.session import session, widget
from ui.threshold import judged_now

THEN = {"stay": "stay", "next": "less unusual row without a label", "useful": "most useful row"}
COMPARED = 4  # other models asked whether they agree
SHOWN = 10


def row(found: Result, card: Card, data: Dataset, row: int) -> None:
    """The buttons for a row, its label so far, and the choice of what comes after a label."""
    rows = _event_rows(found, card, data, row)
    if len(rows) > 1:
        whole = st.segmented_control(
            "What is labelled",
            [True, False],
            default=True,
            required=True,
            format_func=lambda whole: f"the event, {len(rows):,} readings" if whole else "this reading alone",
            key="label-event",
            persist_state="session",
            label_visibility="collapsed",
        )
        rows = rows if whole else [row]
    labelling.bar(found, data, rows, place="row", then=lambda: _go_on(found, card, data))
    labelling.standing(data, row)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "After a label",
            list(THEN),
            default="stay",
            required=True,
            format_func=lambda kind: THEN[kind],
            key="label-then",
            persist_state="session",
            help="Which row is shown once a label is saved.",
        )
        next_button(found, card, data, keys=True)


def next_button(found: Result, card: Card, data: Dataset, *, keys: bool = False) -> bool:
    """Turn to the row whose label would teach most; whether it was asked for."""
    return st.button(
        "Most useful to label next",
        key="label-useful",
        icon=":material/school:",
        shortcut="M" if keys else None,
        on_click=_turn_to_useful,
        args=(found, card, data),
        help="Near the threshold, models disagree over it, and unlike what is labelled already.",
    )


def suppressed(found: Result, card: Card, data: Dataset, row: int) -> None:
    """Which flagged rows a label 'normal' of this one speaks for."""
    answer = judged_now(found, card, answers.in_use(data))
    if not answer.flags[row]:
        return
    with st.expander("What would the label 'normal' suppress?", icon=":material/filter_alt_off:"):
        if not st.toggle("Look for flagged rows like this one", key=f"suppress-{found.id}-{row}"):
            return
        like, how = _like(found, data, answer.flags, row)
        others = [other for other in like if other != row]
        if not others:
            st.markdown("Nothing but this row: no other flagged row is like it.")
            return
        st.markdown(
            f"Besides this row **{len(others):,}** of {answer.flagged - 1:,} other flagged rows are like it: {how}"
        )
        worst = found.worst.loc[others[:SHOWN]]
        shown = {
            "Row": [other + 1 for other in worst.index],
            "Severity": found.severity[worst.index],
            "Why": [found.sentence(int(other)) for other in worst.index],
        }
        st.dataframe(beside(shown, worst), hide_index=True, width="stretch")
        labelling.bar(found, data, [row, *others], place="alike", keys=False)


def _like(found: Result, data: Dataset, flags: np.ndarray, row: int) -> tuple[list[int], str]:
    """The explained flagged rows like a row, the row itself left out where it was not explained; and what 'like' is."""
    rows = np.asarray(found.explained_rows)
    flagged = rows[flags[rows]]
    if cache_series.series_of(found) is not None:
        at = np.flatnonzero(rows == row)
        alike = (
            same_reasons(np.asarray(found.contributions), int(at[0]))
            if len(at)
            else np.zeros(len(rows), bool)
        )
        return rows[alike & flags[rows]].tolist(), "unusual for the same reasons, in the same proportion."
    ordinary = cache.normal_rows(found.id).drop(index=row, errors="ignore")
    known = cache.given_labels(data).anomalies
    here, others, anomalies = (_points(found, _rows(data, rows)) for rows in ([row], flagged, known))
    like = rows_like(here[0], others, _points(found, ordinary), anomalies)
    return flagged[like].tolist(), "less than half as far from it as it is from the nearest ordinary row."


def _rows(data: Dataset, rows: Sequence[int] | np.ndarray) -> pd.DataFrame:
    return data.rows_at([int(row) for row in rows])


def _points(found: Result, rows: pd.DataFrame) -> np.ndarray:
    """Rows of a table as points (n_rows, n_features), as the model sees them; a missing cell is a typical one."""
    encoder = cache.recipe(found.model).encoder
    values = encoder.transform(cache.as_needed(found, rows)).values
    return np.where(np.isnan(values), encoder.typical_row, values)


def _event_rows(found: Result, card: Card, data: Dataset, row: int) -> list[int]:
    """The rows of the event a reading lies in; of a row of a table, and of a reading in none, the row alone."""
    columns = cache_series.series_of(found)
    if columns is None:
        return [row]
    files, events = (
        cache_series.series_result(found, columns).files,
        walking.events_of(found, card, data, columns),
    )
    place = int(files.places(np.array([row]))[0])
    here = walking.event_at(events, place) if place >= 0 else None
    if here is None:
        return [row]
    return [files.row(place) for place in range(int(events.starts[here]), int(events.stops[here]))]


def _go_on(found: Result, card: Card, data: Dataset) -> None:
    then = widget("label-then")
    if then == "useful":
        _turn_to_useful(found, card, data)
    elif then == "next" and session().row is not None:
        place = np.flatnonzero(found.order == session().row)
        later = found.order[int(place[0]) + 1 :] if len(place) else found.order
        unlabelled = later[~np.isin(later, cache.given_labels(data).rows)]
        if len(unlabelled):
            session().row = int(unlabelled[0])


def _turn_to_useful(found: Result, card: Card, data: Dataset) -> None:
    def turn() -> None:
        answer = judged_now(found, card, answers.in_use(data))
        labels = cache.given_labels(data)
        best = rows_to_label(
            np.asarray(found.severity),
            answer.percentile,
            labelled=labels.rows,
            others=_others(found),
            points=lambda rows: _places(found, data, rows),
            count=1,
        )
        if not best:
            session().problem = "Every judged row is labelled already."
            return
        session().row = best[0].row
        before = session().take_saved()
        session().saved = f"{before + ' ' if before else ''}Row {best[0].row + 1:,} next: {best[0].why}."

    attempt(turn)


def _others(found: Result) -> list[np.ndarray]:
    """The severities of other models for the same rows."""
    others: list[np.ndarray] = []
    for id in server.workspace().results.of_dataset(found.dataset):
        if id != found.id and len(others) < COMPARED:
            try:
                others.append(np.asarray(cache.result(id).severity))
            except EngineError:  # damaged, or deleted meanwhile
                continue
    return others


def _places(found: Result, data: Dataset, rows: np.ndarray) -> np.ndarray:
    """Rows as points: of a table its cells, of a series their time."""
    columns = cache_series.series_of(found)
    if columns is None:
        return _points(found, _rows(data, rows))
    files = cache_series.series_result(found, columns).files
    return files.places(rows)[:, None].astype(float)
