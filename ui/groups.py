"""Flagged rows by the reasons they share; a click on a group lists its rows alone."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Judgement, ReasonGroup, Result
from ui import cache
from ui.panels import plain

SHORTEST = 2  # flagged rows from which there can be a group


def listed(found: Result, answer: Judgement) -> np.ndarray:
    """The places, among the explained rows, of the flagged rows to list: all of them, or those of the group chosen."""
    here = answer.flags[found.explained_rows]
    everything, explained = np.flatnonzero(here), int(here.sum())
    if explained < SHORTEST:
        return everything
    groups = found.shared_reasons.groups(here)
    st.subheader(
        "What flagged rows have in common",
        anchor=False,
        help="Rows are gathered by the reasons that most of their scores are owed to, one or two a group; no row is in "
        "two. Choose a group to list its rows alone.",
    )
    if not groups:
        none = "No two of the explained rows share their reasons."
        old = "Not measured: this result was stored before reasons were gathered; score the data again."
        st.caption(none if found.shared_reasons.patterns else old)
        return everything
    told = {group.causes: cache.in_context(found, group) for group in groups}
    chosen = st.pills(
        "Groups of flagged rows",
        list(told),
        key=f"groups-{found.id}",
        format_func=lambda causes: _label(told[causes]) if causes in told else "",
        label_visibility="collapsed",
    )
    _below(answer, explained, groups)
    return told[chosen].places if chosen in told else everything


def _label(group: ReasonGroup) -> str:
    return plain(f"{len(group.places):,} rows: {group.text}")


def _below(answer: Judgement, explained: int, groups: list[ReasonGroup]) -> None:
    """How many rows are in no group, and how many were not explained."""
    rest = explained - sum(len(group.places) for group in groups)
    are = "row is" if rest == 1 else "rows are"
    said = [f"{rest:,} flagged {are} in no group."] if rest else []
    if answer.flagged > explained:
        said.append(
            f"Reasons were worked out for the {explained:,} most unusual of {answer.flagged:,} flagged rows; of the "
            "others they are not measured until one is opened."
        )
    if said:
        st.caption(" ".join(said))
