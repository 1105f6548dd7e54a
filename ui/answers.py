"""Known answers: those of the label column, or the labels given in Loupe; one choice for every page.

Labels given are named with the state of their ledger, so that what is remembered of them is never of older ones.
"""

from __future__ import annotations

import streamlit as st

from engine import GIVEN, Card, Dataset
from ui import cache, server
from ui.panels import plain
from ui.session import session

SOURCE = "answers-source"
TITLES = {"column": "The label column", "given": "Labels given in Loupe"}


def in_use(data: Dataset) -> str | None:
    """What known answers are asked for by: the label column, or the labels given; None where there are neither."""
    there = _there(data)
    chosen = session().answers if session().answers in there else next(iter(there), "")
    return {"column": data.roles.label, "given": _named()}.get(chosen)


def choose(data: Dataset) -> None:
    """Ask which answers count, where there are both."""
    there = _there(data)
    if len(there) < 2:
        return
    source = st.segmented_control(
        "Known answers",
        there,
        default=session().answers if session().answers in there else there[0],
        required=True,
        format_func=lambda key: TITLES[key],
        key=SOURCE,
    )
    session().answers = source or ""


def said(data: Dataset, card: Card, label: str) -> None:
    """Where the answers come from, how they are understood, and what must be known of them."""
    if not is_given(label):
        st.caption(plain(f"Labels from '{label}': {cache.labels(data.id, label)[1]}."))
        if label in card.columns:
            st.warning(
                "The model learned from this column, so it knows the answers.", icon=":material/warning:"
            )
        return
    beside = f"; '{data.roles.label}' is left aside" if data.roles.label else ""
    st.caption(plain(f"Labels given in Loupe: {cache.labels(data.id, label)[1]}{beside}."))
    st.caption(
        "Rows are labelled because they looked unusual, not by lot: every figure here holds of them alone."
    )
    if any(role == "label" and name.startswith(GIVEN) for name, role in card.roles["columns"].items()):
        st.warning(
            "The model learned from labels given in Loupe, so it may know these.", icon=":material/warning:"
        )


def is_given(label: str) -> bool:
    """Whether this names the labels given in Loupe."""
    return label.startswith(GIVEN)


def _there(data: Dataset) -> list[str]:
    counts = cache.given_labels(data).counts
    given = counts["anomaly"] + counts["normal"] > 0
    return [*(["column"] if data.roles.label else []), *(["given"] if given else [])]


def _named() -> str:
    return f"{GIVEN} #{server.labels().stamp()}"
