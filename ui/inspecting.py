"""Why one row is unusual: contributions, training ranges, the nearest ordinary rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import (
    Card,
    Dataset,
    Result,
    charts,
    detector_class,
    in_plain_words,
    method_of,
    moment_in_words,
    nearest_normal,
    places,
)
from ui import answers, cache, cache_series, server
from ui.panels import beside, chart, plain
from ui.session import owner, session, set_widget, theme, widget
from ui.threshold import judged_now
from ui.tray import answer

MOST_IDS = 3  # columns of ids told of a row
FAITHFULNESS = (
    "Reasons are faithful when the score comes from the columns they name. So these columns are given ordinary "
    "values: what the row's other columns let expect, a typical value, or what the most similar ordinary stretch of "
    "readings has. Then the rows are scored again, beside the same rows with other columns changed."
)


def choose_row(found: Result) -> int:
    """The row to look at: the most unusual one at first, any other by number or by rank."""
    current = session()
    last = len(found.values) - 1
    if current.row is None or not 0 <= current.row <= last:
        current.row = int(found.order[0]) if len(found.order) else 0
    place = np.flatnonzero(found.order == current.row)
    rank = int(place[0]) if len(place) else None
    set_widget("row-number", current.row + 1)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title(f"Row {current.row + 1:,}", anchor=False, width="stretch")
        st.button(
            "More unusual",
            icon=":material/arrow_back:",
            shortcut="Left",
            disabled=not rank,
            on_click=_go,
            args=(int(found.order[rank - 1]) if rank else None,),
        )
        has_next = rank is not None and rank + 1 < len(found.order)
        st.button(
            "Less unusual",
            icon=":material/arrow_forward:",
            icon_position="right",
            shortcut="Right",
            disabled=not has_next,
            on_click=_go,
            args=(int(found.order[rank + 1]) if rank is not None and has_next else None,),
        )
        st.number_input("Row number", 1, last + 1, key="row-number", on_change=_go_to_number, width=150)
    return current.row


def identity(data: Dataset, row: int) -> None:
    """What the row is known by outside Loupe, where the file says it: its ids, whose it is, its time."""
    roles = data.roles
    wanted = [*roles.of("id")[:MOST_IDS], roles.entity, roles.time]
    cells = cache.row(data.id, row).iloc[0]
    known = [(name, cells[name]) for name in wanted if name is not None and pd.notna(cells[name])]
    said = [f"{plain(name)} **{plain(moment_in_words(value)[:60])}**" for name, value in known]
    if said:
        st.markdown(" · ".join(said))


def headline(found: Result, card: Card, data: Dataset, row: int) -> None:
    """How unusual the row is, and whether it is flagged."""
    severity = float(found.severity[row])
    if not np.isfinite(severity):
        why = found.obstacles.get(row, "values are missing")
        st.warning(plain(f"This row could not be judged: {why}."), icon=":material/help:")
        return
    now = judged_now(found, card, answers.in_use(data))
    rank = int((found.ascending > found.values[row]).sum()) + 1
    verdict = ":red-badge[flagged]" if now.flags[row] else ":gray-badge[not flagged]"
    than = "every row" if severity >= 100 else f"{severity:.4g} % of the rows"
    st.markdown(
        f"{verdict} More unusual than **{than}** the model learned from; "
        f"number **{rank:,}** of {len(found.ascending):,} here. Anomaly score {found.values[row]:.5g}, "
        f"threshold {now.line_of(row):.5g}."
    )


def reasons(found: Result, row: int) -> list[dict[str, Any]] | None:
    """The row's reasons: stored for the most unusual rows, worked out by a job for others; None until then."""
    known = found.reasons(row)
    if known is not None or not np.isfinite(found.values[row]):
        return known or []
    current = session()
    if current.asked != (found.id, row) or current.asking is None:
        spec = {"model": found.model, "mapping": found.mapping, "row": row}
        job = server.submit(
            "explain", found.dataset, spec, owner=owner(), title=f"Explaining row {row + 1:,}"
        )
        current.asked, current.asking = (found.id, row), job.id
    answered = answer(current.asking, _ask_again)
    return None if answered is None else list(answered.get("reasons", []))


def contributions(found: Result, reasons: list[dict[str, Any]] | None, card: Card) -> None:
    """What share of the score each column is answerable for, by which method, and whether it can be relied on."""
    st.subheader("Why", anchor=False)
    if reasons is None:
        return
    shown = [reason for reason in reasons if reason["share"] >= 0.005]
    if shown:
        st.markdown(plain(in_plain_words(reasons)))
    drawn = charts.contribution_bars(
        [reason["column"] for reason in shown],
        np.array([reason["share"] for reason in shown]),
        ["" if reason["measure"] else reason["value"] for reason in shown],
        theme=theme(),
    )
    chart(drawn, "contributions")
    name, text = method_of(detector_class(card.detector).explained_by)
    st.caption(f"Method: **{name}**.", help=text)
    check = found.faithfulness
    said = (
        check.text
        if check
        else "not measured, as no row was flagged, or there is one column, or the result is an old one."
    )
    st.caption(f"Faithfulness: {said}", help=FAITHFULNESS)


def ranges(found: Result, row: int) -> None:
    """The row's numbers against the training range."""
    st.subheader(
        "Against what is usual",
        anchor=False,
        help="The band holds the middle 90 % of the training rows; the tick is their median.",
    )
    recipe = cache.recipe(found.model)
    known = places(recipe, cache.as_needed(found, cache.row(found.dataset, row)).iloc[0])
    strange = sorted(known, key=lambda p: -max(p.low - p.value, p.value - p.high) / ((p.high - p.low) or 1))[
        :14
    ]
    drawn = charts.range_strip(
        [p.column for p in strange],
        np.array([p.value for p in strange]),
        np.array([p.low for p in strange]),
        np.array([p.median for p in strange]),
        np.array([p.high for p in strange]),
        [p.text for p in strange],
        theme=theme(),
    )
    chart(drawn, "ranges")


def is_series(found: Result) -> bool:
    """Whether rows were judged by what led up to them."""
    return cache_series.series_of(found) is not None


def nearest_rows(found: Result, row: int) -> None:
    """The three ordinary rows most like this one, beside it."""
    st.subheader("The most similar ordinary rows", anchor=False)
    ordinary = cache.normal_rows(found.id).drop(index=row, errors="ignore")
    if ordinary.empty:
        st.caption("No row here is ordinary to this model.")
        return
    this = cache.row(found.dataset, row)
    recipe = cache.recipe(found.model)
    numbers, distances, differences = nearest_normal(
        recipe, cache.as_needed(found, this), cache.as_needed(found, ordinary)
    )
    rows = pd.concat([this, ordinary.iloc[numbers]])
    used = [found.mapping.get(c, c) for c in recipe.channels]
    ours = {
        "Which": ["this row", *["ordinary"] * len(numbers)],
        "Row": [int(number) + 1 for number in rows.index],
        "Distance": [0.0, *distances],
        "Differs in": ["", *differences],
    }
    st.dataframe(
        beside(ours, rows[[c for c in used if c in rows]]),
        hide_index=True,
        width="stretch",
        column_config={
            "Distance": st.column_config.NumberColumn(format="%.2f", help="In the units the model uses."),
            "Differs in": st.column_config.TextColumn(
                width="medium", help="The columns in which most of the squared distance from this row lies."
            ),
        },
    )


def _ask_again() -> None:
    session().asked = session().asking = None


def _go(row: int | None) -> None:
    session().row = row


def _go_to_number() -> None:
    session().row = int(widget("row-number")) - 1
