"""What every threshold would give: shares of rows, precision at a budget of alerts, and what mistakes cost."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine import Card, Checked
from ui.pictures import Figure, show
from ui.session import session, widget
from ui.threshold import dragged

MISS, FALSE_ALARM, BUDGET = "cost-miss", "cost-false-alarm", "evaluate-budget"
USUAL = {MISS: 10.0, FALSE_ALARM: 1.0, BUDGET: 100}


def figures(checked: Checked, threshold: float) -> list[Figure]:
    """The charts of this part; none where a label is too rare for shares."""
    if checked.few:
        return []
    cost = partial(checked.cost_chart, threshold, _number(MISS), _number(FALSE_ALARM))
    return [
        Figure("measures", "Precision, recall, F1 and MCC", partial(checked.metric_chart, threshold)),
        Figure("cost", "Cost of misses and false alarms", cost),
    ]


def against_the_threshold(checked: Checked, card: Card, threshold: float) -> None:
    """Both charts and their knobs."""
    if checked.few:
        return
    st.subheader("Against the threshold", anchor=False)
    left, right = st.columns(2, gap="large")
    with right, st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Cost of a miss", 0.001, None, USUAL[MISS], format="%.4g", key=MISS, persist_state="session"
        )
        st.number_input(
            "Cost of a false alarm",
            0.001,
            None,
            USUAL[FALSE_ALARM],
            format="%.4g",
            key=FALSE_ALARM,
            persist_state="session",
        )
        st.button(
            "Choose by cost",
            icon=":material/savings:",
            on_click=_by_cost,
            help="Draws the line where cost is lowest on one half of the labels; the page then shows the other half.",
            key="by-cost",
        )
    with left, st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Alerts I can review",
            1,
            None,
            USUAL[BUDGET],
            key=BUDGET,
            persist_state="session",
            help="Of the labelled rows here, the most unusual so many.",
        )
        _at_the_budget(checked, int(_number(BUDGET)))
    with left:
        measures, cost = figures(checked, threshold)
        show(measures, on_select=partial(dragged, card))
    with right:
        show(cost)


def _at_the_budget(checked: Checked, budget: int) -> None:
    points = checked.curve
    i = points.within_budget(budget)
    _, recall, precision = points.rates(i)
    count = int(points.true_positives[i] + points.false_positives[i])
    help = f"Of the {count:,} most unusual labelled rows, and not one more of equal score."
    st.metric(
        "Precision at the budget", f"{100 * precision:.1f} %" if count else "nothing flagged", help=help
    )
    st.metric("Recall at the budget", f"{100 * recall:.1f} %", help=help)


def _by_cost() -> None:
    session().set_rule("cost", _number(MISS) / _number(FALSE_ALARM))


def _number(key: str) -> float:
    """What a knob of this part says; before it is drawn, what it says at first."""
    return float(widget(key) or USUAL[key])
