"""Does the data look like what the model learned from? Said before any flag is believed."""

from __future__ import annotations

import streamlit as st

from engine import Drift, Result
from ui.panels import plain

FINE = 3  # digits of PSI and KS worth reading


def banner(found: Result) -> None:
    """The verdict in one line, and column by column for who wants to know."""
    drift = found.drift
    said = f"{plain(drift.sentence)} {drift.advice}"
    with st.container(key="drift", gap="small"):
        if drift.verdict == "fits":
            st.caption(f":green[:material/check_circle:] **Fits.** {said}")
        elif drift.verdict == "shifted":
            which = ", ".join(drift.shifted) or "the scores"
            st.warning(f"**Shifted: {plain(which)}.** {said}", icon=":material/moving:")
        elif drift.verdict == "another world":
            st.error(f"**Another world.** {said}", icon=":material/public_off:")
        else:
            st.caption(f":material/help: {said}")
        if drift.columns:
            with st.expander("The columns then and now", icon=":material/compare_arrows:"):
                _columns(drift)


def _columns(drift: Drift) -> None:
    """What was usual in each column in training, and what is here; the furthest first."""
    columns = sorted(drift.columns, key=lambda column: (not column.shifted, -column.psi, column.column))
    st.dataframe(
        {
            "Shifted": ["yes" if column.shifted else "" for column in columns],
            "Column": [column.column for column in columns],
            "Usual in training": [column.then for column in columns],
            "Usual here": [column.now for column in columns],
            "PSI": [round(column.psi, FINE) for column in columns],
            "KS": [None if column.ks is None else round(column.ks, FINE) for column in columns],
        },
        key="drift-columns",
        hide_index=True,
        width="stretch",
        height=min(36 * len(columns) + 40, 400),
        column_config={
            "Usual in training": st.column_config.TextColumn(width="large"),
            "Usual here": st.column_config.TextColumn(width="large"),
            "PSI": st.column_config.NumberColumn(
                help="Population stability index, less what chance alone gives in so few rows. Above 0.25 is a shift."
            ),
            "KS": st.column_config.NumberColumn(
                help="Kolmogorov-Smirnov distance: 0 is the same distribution, 1 has no value in common."
            ),
        },
    )
    if drift.scores is not None:
        share = f"{100 * drift.scores.extreme:.2g} %"
        st.caption(
            f"{share} of the rows lie above the 99th percentile of the training scores; 1 % is usual. "
            f"PSI of the scores {drift.scores.psi:.{FINE}f}, KS {drift.scores.ks:.{FINE}f}."
        )
