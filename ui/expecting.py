"""One row against what its other columns let expect, and the smallest edit that would make it normal."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import Card, Dataset, Result, charts
from ui import answers, cache_series, server
from ui.panels import chart, plain
from ui.session import owner, session, theme
from ui.threshold import judged_now
from ui.tray import answer

IN_ROW = (
    "The few values to change, and to what, that bring the score below the threshold. A column is set to what the "
    "others let expect, or to its typical value."
)
IN_TIME = (
    "The few channels to change, and for how long, that bring the score below the threshold. A channel is given what "
    "it has in the ordinary stretch that is most like this one in the other channels."
)

Reasons = list[dict[str, Any]] | None


def board(found: Result, card: Card, data: Dataset, row: int, reasons: Reasons) -> None:
    """Both side by side; for a model that expects nothing of a row, the edit alone."""
    if any(reason.get("expected") for reason in reasons or []):
        left, right = st.columns(2, gap="large")
        with left:
            _expected(reasons or [])
        with right:
            _edit(found, card, data, row)
    else:
        _edit(found, card, data, row)


def _expected(reasons: list[dict[str, Any]]) -> None:
    """The row's numbers against the ranges its other columns let expect; for texts, what was likely instead."""
    st.subheader(
        "Against what its other columns let expect",
        anchor=False,
        help="What the model would put in this place if it could see the row's other columns only. The band holds "
        "the value in 90 % of ordinary rows; the tick is its best guess.",
    )
    spans = [reason for reason in reasons if reason.get("span")]
    if spans:
        drawn = charts.expected_strip(
            [reason["column"] for reason in spans],
            np.array([reason["span"] for reason in spans], dtype=float),
            [reason["value"] for reason in spans],
            theme=theme(),
        )
        chart(drawn, "expected")
    # A text has no place on the chart, and what was measured of a series' channel no room there.
    in_words = [r for r in reasons if r.get("expected") and (r["measure"] or not r.get("span"))]
    st.markdown("\n".join(f"- {plain(_said(reason))}" for reason in in_words))


def _said(reason: dict[str, Any]) -> str:
    what = f"{reason['column']}, {reason['measure']}:" if reason["measure"] else reason["column"]
    return f"{what} {reason['value']}, {reason['expected']}"


def _edit(found: Result, card: Card, data: Dataset, row: int) -> None:
    """Which values to change, and to what, so that a flagged row is one no longer."""
    now = judged_now(found, card, answers.in_use(data))
    if not now.flags[row]:
        return
    series = cache_series.series_of(found) is not None
    st.subheader("What would make it normal", anchor=False, help=IN_TIME if series else IN_ROW)
    current, question = session(), (found.id, row, now.line_of(row))
    asked_of_row = current.edit_asked is not None and current.edit_asked[:2] == question[:2]
    if not asked_of_row:
        st.button(
            "Find the smallest change",
            icon=":material/build:",
            on_click=_ask,
            args=(found, question),
            key="edit",
        )
        return
    if current.edit_asked != question or current.editing is None:  # the threshold was moved
        _ask(found, question)
    if current.editing is None:
        return
    answered = answer(current.editing, _forget)
    if answered is not None:
        _in_words(answered, float(found.values[row]), now.line_of(row))


def _in_words(answered: dict[str, Any], score: float, threshold: float) -> None:
    """The edits as what to do, one a line, with the score after each."""
    if not answered["enough"]:
        st.markdown(":material/block: No change of up to three columns makes it ordinary.")
        return
    for number, edit in enumerate(answered["edits"], 1):
        what = plain(edit["text"] if number > 1 else edit["text"][:1].upper() + edit["text"][1:])
        before = "then " if number > 1 else ""
        below = "" if edit["score"] > threshold else f", below the line of {threshold:.4g}"
        moves = "falls" if edit["score"] <= score else "rises"
        st.markdown(
            f":material/edit: {before}**{what}**: the score {moves} from {score:.4g} to {edit['score']:.4g}{below}."
        )
        score = edit["score"]


def _ask(found: Result, question: tuple[str, int, float]) -> None:
    _, row, threshold = question
    spec = {"model": found.model, "mapping": found.mapping, "row": row, "threshold": threshold}
    job = server.submit(
        "edit", found.dataset, spec, owner=owner(), title=f"Looking for a change to row {row + 1:,}"
    )
    session().edit_asked, session().editing = question, job.id


def _forget() -> None:
    session().edit_asked = session().editing = None
