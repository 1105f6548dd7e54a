"""A line of its own for each entity, or other group: the switch below the threshold, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from engine import Judgement, Leaderboard, Result, Rule
from ui import cache
from ui.panels import plain
from ui.session import session, set_widget, widget

SWITCH = "own-lines"


def switch(found: Result, rule: Rule) -> None:
    """Ask for lines of their own where the model keeps scores of training group by group, and the data say whose."""
    grouped = cache.grouped(found)
    if grouped is None:
        return
    references = grouped.references
    if grouped.codes is None:
        st.caption(plain(f"One line for all: this data has no column '{references.column}'."))
        return
    set_widget(SWITCH, session().own_lines and rule.by_group)
    st.toggle(
        plain(f"A line for each '{references.column}'"),
        key=SWITCH,
        on_change=_changed,
        disabled=not rule.by_group,
        help="The same rule, group by group, on the group's own scores of training. Groups with too few of them keep "
        "the common line."
        if rule.by_group
        else f"The rule '{rule.title}' draws one line for all rows.",
    )


def in_use(found: Result, rule: Rule) -> bool:
    """Whether rows are judged by lines of their own."""
    if not (session().own_lines and rule.by_group):
        return False
    grouped = cache.grouped(found)
    return grouped is not None and grouped.codes is not None


def of_several(results: Sequence[str]) -> bool:
    """The same switch beside several results, where one of them has lines of its own; whether they are in use."""
    if not any(_has_lines(cache.result(id)) for id in results):
        return False
    set_widget(SWITCH, session().own_lines)
    return st.toggle(
        "Lines of their own, for models that have them",
        key=SWITCH,
        on_change=_changed,
        help="Models that keep scores of training group by group, such as machine by machine, flag rows above the line "
        "of their own group, drawn by the model's own rule. The others keep one line for all.",
    )


def _has_lines(found: Result) -> bool:
    grouped = cache.grouped(found)
    return grouped is not None and grouped.codes is not None and grouped.card.default_rule.by_group


def told_of_several(board: Leaderboard) -> None:
    """Which models are judged by lines of their own, below the leaderboard."""
    said = [f"{e.name}: {e.own.sentence}" for e in board.models if e.own is not None]
    if said:
        st.caption(
            plain(
                f"Judged by lines of their own: {' '.join(said)} This moves flags, precision and recall alone; the "
                "order of rows, and all that is said of it, is by the scores as they are."
            )
        )


def told(answer: Judgement) -> None:
    """How many have a line of their own, below the knob."""
    if answer.own is not None:
        st.caption(plain(answer.own.sentence))


def _changed() -> None:
    session().own_lines = bool(widget(SWITCH))
