"""Every threshold rule at a glance: what it does, where it would put the line, and how many alerts that means."""

from __future__ import annotations

import streamlit as st

from engine import Card, EngineError, Line, Result, Rule, charts
from ui import cache, cache_checked, cache_series
from ui.panels import chart
from ui.session import theme
from ui.threshold import expected, judged

ROW = 64  # pixels: a sentence in two or three lines
NO_LINE = "draws no line"


def every_rule(found: Result, card: Card, label: str | None, used: Rule) -> None:
    """A chart and a table of all rules, drawn while somebody looks at them."""
    box = st.expander(
        "Where would every rule draw the line?",
        icon=":material/rule:",
        key="every-rule",
        on_change="rerun",
    )
    if not box.open:
        return
    found_lines = [_in_use(found, card, label, used), *cache_checked.every_line(found, label)]
    lines = [line for number, line in enumerate(found_lines) if number == 0 or line.rule.kind != used.kind]
    drawn = [line for line in lines if line.threshold is not None]
    a_day = readings_a_day(found)
    with box:
        chart(
            charts.rule_lines(
                [_title(line) for line in drawn],
                [line.threshold for line in drawn if line.threshold is not None],
                [f"{line.flagged:,} flagged" for line in drawn],
                drawn.index(lines[0]) if lines[0] in drawn else -1,
                cache.histogram(found.id)[0],
                theme=theme(),
            ),
            "every-rule-chart",
        )
        st.dataframe(
            {
                "Rule": [_title(line) for line in lines],
                "What it does": [line.rule.sentence for line in lines],
                "Threshold": [
                    NO_LINE if line.threshold is None else f"{line.threshold:.5g}" for line in lines
                ],
                "Flagged here": [None if line.threshold is None else line.flagged for line in lines],
                "To expect of ordinary data": [
                    NO_LINE if line.threshold is None else expected(line.share, a_day) for line in lines
                ],
                "To know": [line.remark for line in lines],
            },
            hide_index=True,
            width="stretch",
            height="content",
            row_height=ROW,
            column_config={
                "What it does": st.column_config.TextColumn(width="medium"),
                "To know": st.column_config.TextColumn(width="large"),
            },
        )
        st.caption(
            "The first is the rule in use; the others stand where they usually begin. Every rule learns from the "
            "scores of training alone. A budget and a false-discovery rate also count the rows here; the rules that "
            "need labels see one half of them and are judged on the other."
        )


def readings_a_day(found: Result) -> float | None:
    """About how many readings of a series come in a day; None of a table, and without a clock."""
    columns = cache_series.series_of(found)
    return None if columns is None else cache_series.series_result(found, columns).files.readings_a_day


def _in_use(found: Result, card: Card, label: str | None, used: Rule) -> Line:
    try:
        answer = judged(found, card, used, label)
    except EngineError as problem:
        return Line(rule=used, threshold=None, flagged=0, share=0.0, remark=str(problem))
    return Line(
        rule=used,
        threshold=answer.threshold,
        flagged=answer.flagged,
        share=answer.expected,
        remark=answer.remark,
    )


def _title(line: Line) -> str:
    return f"{line.rule.title} {line.rule.value:.4g}" if line.rule.knob else line.rule.title
