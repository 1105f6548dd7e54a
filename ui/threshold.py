"""The one threshold of a result: the rule, its knob, and what it flags. Every page that shows flags shares it."""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from engine import RULES, Card, EngineError, Judgement, Result, Rule, charts, judge, percentile_of
from ui import cache, cache_checked, own_lines
from ui.panels import plain
from ui.session import session, set_widget, widget

LOWEST_ON_SLIDER = 50.0  # lower percentiles flag most of the data; the exact field takes them


def threshold_control(found: Result, card: Card, label: str | None) -> Rule:
    """Choose a threshold rule and its value; every page that shows flags shares this one choice."""
    rule = rule_in_use(card, label)
    kinds = [kind for kind, known in RULES.items() if label or not known.needs_labels]
    set_widget("rule-kind", rule.kind)
    st.selectbox(
        "Threshold rule",
        kinds,
        key="rule-kind",
        format_func=lambda kind: RULES[kind].title,
        on_change=_change_kind,
        args=(found.id, label),
        help=rule.help,
    )
    if rule.kind == "percentile":
        _percentile_knobs(rule)
    elif rule.knob:
        _value_knob(rule, found)
    own_lines.switch(found, rule)
    return rule


def remark(answer: Judgement) -> None:
    """What must be known of the line in use, below its knob."""
    own_lines.told(answer)
    if answer.remark and answer.own is None:
        st.warning(plain(f"{answer.remark[:1].upper()}{answer.remark[1:]}."), icon=":material/info:")


def expected(share: float, a_day: float | None) -> str:
    """How many alerts to expect of ordinary data: in 1,000 rows, or a day of a series with a clock."""
    if a_day is None:
        return f"{1_000 * share:.3g} in 1,000 rows"
    return f"{share * a_day:.3g} readings a day"


def rule_in_use(card: Card, label: str | None) -> Rule:
    """The rule chosen, or the model's own; a rule that needs labels gives way where there are none."""
    own = card.default_rule
    if (
        own.kind == "contamination"
    ):  # an expected share of 5 % is percentile 95, which people read more easily
        own = RULES["percentile"](100.0 * (1.0 - own.value))
    rule = session().rule(own)
    return own if rule.needs_labels and label is None else rule


def judged(found: Result, card: Card, rule: Rule, label: str | None) -> Judgement:
    """What the rule flags in a result."""
    if rule.needs_labels and label is not None:
        rule = RULES["fixed"](rule.best(cache_checked.checked(found, label, "choosing").curve))
    if own_lines.in_use(found, rule):
        return cache.judged_by_group(found.id, rule.kind, rule.value)
    return judge(found.values, card, rule)


def judged_now(found: Result, card: Card, label: str | None) -> Judgement:
    """What the rule in use flags in a result."""
    return judged(found, card, rule_in_use(card, label), label)


def _percentile_knobs(rule: Rule) -> None:
    set_widget("rule-slider", max(rule.value, LOWEST_ON_SLIDER))
    st.slider(
        "Percentile",
        LOWEST_ON_SLIDER,
        100.0,
        step=0.1,
        key="rule-slider",
        on_change=_set_from,
        args=("rule-slider",),
    )
    # A field of its own for every value: one that was given each step of the slider would send earlier steps back
    # while the slider moves on, as if somebody had typed them. A field drawn by a run that was cut short may report
    # what it was drawn with as a change, so only another value counts.
    exactly = f"rule-number-{rule.value!r}"
    st.number_input(
        "Percentile, exactly",
        0.0,
        100.0,
        rule.value,
        step=0.05,
        format="%.2f",
        key=exactly,
        on_change=_set_from,
        args=(exactly, rule.value),
    )


def _value_knob(rule: Rule, found: Result) -> None:
    if rule.kind == "budget":
        most = max(1, len(found.ascending))
        set_widget("rule-value", min(max(1, int(rule.value)), most))
        st.number_input(rule.knob, 1, most, key="rule-value", on_change=_set_value)
        return
    high = None if rule.high is None else float(rule.high)
    low = None if rule.low == float("-inf") else float(rule.low)
    set_widget("rule-value", rule.value)
    st.number_input(
        rule.knob, low, high, step=rule.step, format="%.4g", key="rule-value", on_change=_set_value
    )


def _change_kind(result_id: str, label: str | None) -> None:
    """A new rule starts where it is useful: at the line drawn so far, as far as it can say it."""
    kind = widget("rule-kind")
    start = {name: rule.usual for name, rule in RULES.items()}
    with suppress(
        EngineError
    ):  # where the line before cannot be drawn, the new rule starts at its own default
        found = cache.result(result_id)
        before = judged_now(found, cache.card(found.model), label)
        start |= {
            "percentile": before.percentile,
            "contamination": min(max(before.share_in_training, 0.0001), 0.5),
            "fixed": before.threshold,
            "budget": float(max(1, min(100, before.flagged or 100))),
        }
    session().set_rule(kind, start[kind])


def dragged(card: Card, key: str) -> None:
    """A chart was clicked, or drawn across, at a threshold: as a percentile, where training reaches so far."""
    picked = widget(key)["selection"].get(charts.DRAGGED)
    if not picked:
        return
    threshold = float(picked[0]["x"])
    percentile = percentile_of(threshold, card.reference_scores)
    inside = 0 < percentile < 100
    session().set_rule("percentile" if inside else "fixed", percentile if inside else threshold)


def _set_from(key: str, drawn_with: float | None = None) -> None:
    value = float(widget(key))
    if value != drawn_with:
        session().set_rule("percentile", value)


def _set_value() -> None:
    session().set_rule(widget("rule-kind"), float(widget("rule-value")))
