"""Does the data look like what the model learned from? Said before any flag is believed."""

from __future__ import annotations

import streamlit as st

from engine import Drift, Result
from ui.panels import plain

DIGITS = 2  # of PSI and KS worth reading
MOST_COLUMNS = 100  # in the table, the furthest first
TALL = 12  # columns from which the table scrolls
TITLE = "The columns then and now"
MEANING = (
    "**PSI**: population stability index, less what chance alone gives in so few rows; above 0.25 is a shift. "
    "**KS**: Kolmogorov-Smirnov distance; 0 is the same distribution, 1 has no value in common."
)


def banner(found: Result) -> None:
    """The verdict in one line, and column by column for who wants to know."""
    drift = found.drift
    said = f"{plain(drift.sentence)} {drift.advice}"
    with st.container(key="drift", gap="small"):
        if drift.verdict == "shifted":
            which = ", ".join(drift.shifted) or "the scores"
            st.warning(f"**Shifted: {plain(which)}.** {said}", icon=":material/moving:")
        elif drift.verdict == "another world":
            st.error(f"**Another world.** {said}", icon=":material/public_off:")
        else:
            fits = drift.verdict == "fits"
            mark = ":green[:material/check_circle:] **Fits.**" if fits else ":material/help:"
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"{mark} {said}", width="stretch")
                if drift.columns:
                    with st.popover(TITLE, type="tertiary"):
                        _columns(drift)
            return
        if drift.columns:
            with st.expander(TITLE, icon=":material/compare_arrows:"):
                _columns(drift)


def _columns(drift: Drift) -> None:
    """What was usual in each column in training, and what is here; the furthest first."""
    ordered = sorted(drift.columns, key=lambda column: (not column.shifted, -column.psi, column.column))
    shown = ordered[:MOST_COLUMNS]
    with st.container(height=430 if len(shown) > TALL else "content", border=False):
        st.table(
            {
                "Column": [plain(column.column) for column in shown],
                "": [":orange-badge[shifted]" if column.shifted else "" for column in shown],
                "PSI": [f"{column.psi:.{DIGITS}f}" for column in shown],
                "KS": ["" if column.ks is None else f"{column.ks:.{DIGITS}f}" for column in shown],
                "Usual in training": [plain(column.then) for column in shown],
                "Usual here": [plain(column.now) for column in shown],
            }
        )
    if len(ordered) > len(shown):
        st.caption(f"The {len(shown)} columns that moved furthest, of {len(ordered)}.")
    if drift.scores is not None:
        share = f"{100 * drift.scores.extreme:.2g}" if drift.scores.extreme < 1 else "100"
        st.caption(
            f"{share} % of the rows lie above the 99th percentile of the training scores; 1 % is usual. "
            f"PSI of the scores {drift.scores.psi:.{DIGITS}f}, KS {drift.scores.ks:.{DIGITS}f}."
        )
    st.caption(MEANING)
