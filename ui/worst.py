"""The worst rows together: a heat map of what makes each unusual, and the way to each."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Card, Dataset, Result, charts
from ui import answers
from ui.panels import chart
from ui.session import session, set_widget, theme, widget
from ui.threshold import judged_now

MOST = 40  # rows


def worst_rows(found: Result, card: Card, data: Dataset) -> None:
    """Rows by columns, worst first; the colour is the share of the row's score that lies in the column."""
    explained = np.asarray(found.explained_rows)
    flags = judged_now(found, card, answers.in_use(data)).flags
    places = np.flatnonzero(flags[explained])[:MOST]
    if len(places) == 0:
        return
    rows = [int(row) for row in explained[places]]
    with st.expander(f"The {len(rows)} worst flagged rows, by column", icon=":material/grid_on:"):
        drawn = charts.contribution_map(
            rows, found.severity[rows], found.columns, np.asarray(found.contributions[places]), theme=theme()
        )
        chart(drawn, "worst-rows", on_select=_clicked)
        st.caption("Click a cell to look at its row, or choose one:")
        st.selectbox(
            "Row",
            rows,
            index=None,
            key="worst-row",
            format_func=lambda row: f"Row {row + 1:,}, severity {found.severity[row]:.2f}",
            placeholder="Look at one of these rows",
            label_visibility="collapsed",
            on_change=_chosen,
        )


def _clicked(key: str) -> None:
    cells = widget(key)["selection"].get(charts.PICKED)
    if cells:
        session().row = int(cells[0]["number"]) - 1


def _chosen() -> None:
    row = widget("worst-row")
    if row is not None:
        session().row = int(row)
        set_widget("worst-row", None)
