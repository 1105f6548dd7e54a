"""The rows that only one of several models flags, and the way from such a row to its reasons."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Dataset, Leaderboard, flagged_by_one, flags_of
from ui import cache
from ui.panels import beside, page, plain
from ui.session import session

SHOWN = 200
OWN, EQUAL = "Each model's own threshold", "As many rows for each"


@st.fragment
def show(data: Dataset, results: tuple[str, ...], board: Leaderboard) -> None:
    """Choose where the lines are drawn, and see what one model flags that no other does."""
    models = board.models
    if len(models) < 2:
        return
    st.subheader("Rows only one of them flags", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        how = st.segmented_control(
            "Flags", [OWN, EQUAL], default=OWN, required=True, key="only-how", label_visibility="collapsed"
        )
        budget = None
        if how == EQUAL:
            budget = int(
                st.number_input("Rows flagged by each", 1, max(1, board.rows), board.top, key="only-budget")
            )
    flags = flags_of(models, budget)
    alone = flagged_by_one(flags)
    truth = cache.labels(data.id, data.roles.label)[0] if data.roles.label else None
    st.dataframe(
        [
            {"Model": name, "Flagged": int(flags[name].sum()), "Flagged by it alone": len(rows)}
            | ({} if truth is None else {"Known anomalies among these": int((truth[rows] == 1).sum())})
            for name, rows in alone.items()
        ],
        hide_index=True,
        key="only-counts",
    )
    if truth is not None and flags:
        missed = int(((truth == 1) & ~np.any(list(flags.values()), axis=0)).sum())
        st.caption(f"Known anomalies that none of them flags: {missed:,}.")
    name = st.selectbox(
        "Rows flagged by", list(alone), format_func=lambda one: f"{one} alone", key="only-model"
    )
    if name is None or not len(alone[name]):
        st.info("It flags no row by itself.", icon=":material/info:")
        return
    _rows(data, dict(zip(_models_of(results), results, strict=True)), name, alone[name])


def _models_of(results: tuple[str, ...]) -> list[str]:
    return [cache.result(id).model for id in results]


def _rows(data: Dataset, results: dict[str, str], name: str, rows: np.ndarray) -> None:
    """The rows themselves, the most unusual first, with what each model says of them."""
    found = cache.result(results[name])
    worst = rows[np.argsort(-np.asarray(found.values)[rows], kind="stable")][:SHOWN]
    ours = {"Row": worst + 1} | {
        f"Severity, {model}": np.asarray(cache.result(id).severity)[worst] for model, id in results.items()
    }
    event = st.dataframe(
        beside(ours, data.rows_at(worst.tolist())),
        key=f"only-{found.id}-{len(worst)}-{int(worst.sum())}",
        hide_index=True,
        width="stretch",
        height=min(36 * len(worst) + 40, 360),
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            f"Severity, {model}": st.column_config.NumberColumn(format="%.1f") for model in results
        },
    )
    if len(rows) > len(worst):
        st.caption(f"The {len(worst):,} most unusual of {len(rows):,} rows.")
    st.caption(plain(f"Tick a row to see why {name} finds it unusual."))
    chosen = event["selection"]["rows"]
    if chosen and chosen[0] < len(worst):
        session().open_result(found.id)
        session().row = int(worst[chosen[0]])
        st.switch_page(page("inspect"))
