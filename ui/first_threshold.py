"""How a new model draws its own threshold: the rule, and whose rows may have lines of their own."""

from __future__ import annotations

from typing import Any

import streamlit as st

from engine import RULES, Dataset
from ui.panels import plain
from ui.session import widget

RULE, VALUE, GROUP = "first-rule", "first-rule-value", "first-group"
MOST_GROUPS = 1_000  # different cells of a column that is offered
USUAL = "by the expected share of anomalies"


def settings(data: Dataset) -> None:
    """Ask for both among the settings seldom needed."""
    with st.expander("The model's own threshold"):
        left, middle, right = st.columns(3)
        kind = left.selectbox(
            "Drawn by the rule",
            [kind for kind, rule in RULES.items() if _offered(kind, data) and rule.kind != "contamination"],
            index=None,
            key=RULE,
            persist_state="session",
            placeholder=USUAL,
            format_func=lambda kind: RULES[kind].title,
            help="On the scores of training, at its end. Pages, commands and the API begin with this line. Where the "
            "rule can draw no sound one, the expected share does, and the card says why.",
        )
        if kind is not None and RULES[kind].knob:
            rule = RULES[kind]
            low = None if rule.low == float("-inf") else float(rule.low)
            high = None if rule.high is None else float(rule.high)
            middle.number_input(
                rule.knob,
                low,
                high,
                rule.usual,
                step=rule.step,
                format="%.4g",
                key=f"{VALUE}-{kind}",
                persist_state="session",
                help=rule.help,
            )
        columns = _columns(data)
        if columns:
            right.selectbox(
                "Lines of their own for each",
                columns,
                index=columns.index(data.roles.entity) if data.roles.entity in columns else None,
                key=f"{GROUP}-{data.id}",
                persist_state="session",
                placeholder="one line for all",
                format_func=plain,
                help="Scores of training are kept apart by this column, so that each group with enough of them may "
                "have a line of its own.",
            )


def given(data: Dataset) -> dict[str, Any]:
    """What the form says now, for the spec of a training; read inside a callback."""
    spec: dict[str, Any] = {}
    kind = widget(RULE)
    if kind is not None and _offered(kind, data):
        value = widget(f"{VALUE}-{kind}")
        spec["rule"] = RULES[kind](RULES[kind].usual if value is None else float(value)).as_dict()
    group = widget(f"{GROUP}-{data.id}")
    if group is not None and group != data.roles.entity:
        spec["threshold_group"] = group
    return spec


def _offered(kind: str, data: Dataset) -> bool:
    return data.roles.label is not None or not RULES[kind].needs_labels


def _columns(data: Dataset) -> list[str]:
    """The columns that may say whose a row is: the entity, and others with few different texts or whole numbers."""
    facts, roles = data.profile["columns"], data.roles.columns
    return [
        name
        for name in data.columns
        if roles.get(name) == "entity"
        or (
            roles.get(name) in ("feature", "ignore")
            and data.types[name] in ("text", "boolean")
            and 1 < facts[name]["distinct"] <= MOST_GROUPS
        )
    ]
