"""The classes a model names, on the pages of results and of one row: in words, with how likely they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import UNLIKE, NamedClasses, Result
from ui.panels import plain

MOST_OFFERED = 12  # classes to filter by, the most frequent first
MEANING = (
    "The class the model finds likeliest, and how likely. Probabilities are calibrated on rows held out from learning. "
    "A very unusual row for which no class is likely is called unlike any known class."
)


def chosen(found: Result, places: np.ndarray) -> np.ndarray:
    """Of the flagged rows to list, given by their places among the explained rows, those of the classes chosen."""
    classes = found.classes
    if classes is None or not len(places):
        return places
    rows = np.asarray(found.explained_rows)[places]
    counts = classes.counts(rows)
    offered = list(counts)[:MOST_OFFERED]
    st.subheader("What the flagged rows are", anchor=False, help=MEANING)
    picked = st.pills(
        "Classes of the flagged rows",
        offered,
        selection_mode="multi",
        key=f"classes-{found.id}",
        format_func=lambda name: plain(f"{counts.get(name, 0):,} {name}"),
        label_visibility="collapsed",
    )
    st.caption(plain(_elsewhere(classes, rows)))
    wanted = [number for number, name in enumerate(classes.kinds) if name in picked]
    return places[np.isin(classes.kind_codes[rows], wanted)] if wanted else places


def _elsewhere(classes: NamedClasses, rows: np.ndarray) -> str:
    """How many of all rows got each class, whether or not they are listed here."""
    every = classes.counts()
    told = ", ".join(f"{count:,} {name}" for name, count in list(every.items())[:MOST_OFFERED])
    return (
        f"Of the {len(rows):,} flagged rows whose reasons are known; choose classes to list their rows alone. "
        f"Of all rows judged: {told}."
    )


def column(found: Result, rows: list[int]) -> dict[str, Any]:
    """A column of a table of rows with the class of each; none where the model names no classes."""
    return {} if found.classes is None else {"Class": [found.classes.shown(row) for row in rows]}


def headline(found: Result, row: int) -> None:
    """What the model takes one row for, and what it was told of it."""
    classes = found.classes
    if classes is None or not classes.shown(row):
        return
    share = f"{100 * float(classes.probability[row]):.0f} %"
    name = plain(classes.names[int(classes.codes[row])])
    if classes.unlike[row]:
        said = (
            f":orange-badge[class] This row is **{UNLIKE}**: it is very unusual, and no class is likely; the nearest, "
            f"{name}, has a probability of {share}."
        )
    else:
        said = f":blue-badge[class] Most likely **{name}**, with a probability of **{share}**."
    told = str(classes.told([row])[0])
    if told:
        said += f" In training the model was told of this row, in '{plain(classes.column)}': {plain(told)}."
    st.markdown(said, help=MEANING)
