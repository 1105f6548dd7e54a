"""The one threshold of a result: the rule, its knob, and what it flags. Every page that shows flags shares it."""

from __future__ import annotations

import streamlit as st

from engine import RULES, Card, Judgement, Result, Rule, judge
from ui import cache
from ui.session import session, set_widget, widget


def threshold_control(found: Result, card: Card, *, labelled: bool) -> Rule:
    """Choose a threshold rule and its value; every page that shows flags shares this one choice."""
    current = session()
    rule = current.rule(card.default_rule if card.rule["kind"] != "contamination" else _as_percentile(card))
    kinds = [kind for kind, known in RULES.items() if labelled or not known.needs_labels]
    chosen = rule.kind if rule.kind in kinds else "percentile"
    set_widget("rule-kind", chosen)
    st.selectbox(
        "Threshold rule",
        kinds,
        key="rule-kind",
        format_func=lambda kind: RULES[kind].title,
        on_change=_change_kind,
        args=(found.id,),
        help=RULES[chosen].help,
    )
    if rule.kind == "percentile":
        _percentile_knobs(rule)
    elif not rule.needs_labels:
        _value_knob(rule, found)
    return rule


def _as_percentile(card: Card) -> Rule:
    """A model trained with an expected share of 5 % opens at percentile 95, which says the same."""
    return RULES["percentile"](100.0 * (1.0 - card.default_rule.value))


def _percentile_knobs(rule: Rule) -> None:
    set_widget("rule-slider", min(max(rule.value, 50.0), 100.0))
    set_widget("rule-number", rule.value)
    st.slider(
        "Percentile", 50.0, 100.0, step=0.1, key="rule-slider", on_change=_set_from, args=("rule-slider",)
    )
    st.number_input(
        "Percentile, exactly",
        0.0,
        100.0,
        step=0.05,
        format="%.2f",
        key="rule-number",
        on_change=_set_from,
        args=("rule-number",),
    )


def _value_knob(rule: Rule, found: Result) -> None:
    set_widget("rule-value", rule.value if rule.kind != "budget" else int(rule.value))
    if rule.kind == "budget":
        st.number_input(rule.knob, 1, max(1, len(found.ascending)), key="rule-value", on_change=_set_value)
        return
    high = None if rule.high is None else float(rule.high)
    low = None if rule.low == float("-inf") else float(rule.low)
    step = {"contamination": 0.005, "mad": 0.5}.get(rule.kind, 0.01)
    st.number_input(rule.knob, low, high, step=step, format="%.4g", key="rule-value", on_change=_set_value)


def _change_kind(result_id: str) -> None:
    """A new rule starts where it is useful: a fixed score at the line drawn so far."""
    found = cache.result(result_id)
    card = cache.card(found.model)
    before = judge(found.values, card, session().rule(card.default_rule))
    kind = widget("rule-kind")
    start = {
        "percentile": round(before.percentile, 2),
        "contamination": round(before.share_in_training, 4) or 0.01,
        "fixed": before.threshold,
        "mad": 3.5,
        "budget": float(max(1, min(100, before.flagged or 100))),
    }
    session().set_rule(kind, start.get(kind, 0.0))


def _set_from(key: str) -> None:
    session().set_rule("percentile", float(widget(key)))


def _set_value() -> None:
    session().set_rule(widget("rule-kind"), float(widget("rule-value")))


def judged(found: Result, card: Card, rule: Rule, label: str | None) -> Judgement:
    """What the rule flags in a result."""
    labels = cache.labels(found.dataset, label)[0] if label else None
    return judge(found.values, card, rule, labels)
