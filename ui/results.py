"""The threshold workbench: one fragment that reruns alone when the line is moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import Card, Dataset, Drift, Judgement, Result, Rule, charts
from ui import answers, cache, classes, glance, groups, labelling, labelling_board, series, takeaway
from ui.panels import beside, chart, in_plain_words, plain, show_problem
from ui.session import remember, session, theme
from ui.threshold import expected, judged, remark, threshold_control

HALVES = "Chosen on one half of the labelled rows, judged on the other."
UNEXPLAINED = "not measured until the row is opened"
SHOWN = 200  # flagged rows in the table: enough to review, small enough to send in a blink
PERCENTILES = np.r_[np.arange(50.0, 99.0, 0.5), np.arange(99.0, 100.0001, 0.05)]


@st.fragment
def workbench(found: Result, card: Card, data: Dataset) -> None:
    """Threshold, what it flags, and the flagged rows."""
    with in_plain_words():
        show_problem()
        _workbench(found, card, data)
    remember()


def _workbench(found: Result, card: Card, data: Dataset) -> None:
    knobs, facts = st.columns([1, 2.4], gap="large")
    with knobs:
        rule = threshold_control(found, card, answers.in_use(data))
        log = st.toggle("Logarithmic counts", key="log-counts", persist_state="session")
        answer = judged(found, card, rule, answers.in_use(data))
        remark(answer)
    with facts:
        _numbers(answer, glance.readings_a_day(found))
        st.markdown(in_a_sentence(answer, rule, found.drift))
        edges, counts = cache.histogram(found.id)
        drawn = charts.score_histogram(
            edges, counts, answer.threshold, log=log, flagged=answer.flagged, theme=theme()
        )
        chart(drawn, "histogram", 240)
        if answer.own is not None:
            st.caption(
                "The line drawn here is the common one; groups with lines of their own are flagged by these."
            )
    series.over_time(found, answer)
    _table(found, data, answer)
    labelling_board.board(found, card, data, answer)
    _not_judged(found, answer)
    glance.every_rule(found, card, answers.in_use(data), rule)
    with st.expander("How many rows would other percentiles flag?", icon=":material/show_chart:"):
        chart(_curve(found, card, answer), "curve", 220)
    takeaway.exports(found, card, data, answer, rule)


def in_a_sentence(answer: Judgement, rule: Rule, drift: Drift) -> str:
    """The threshold in plain words; they agree with what is said of the data as a whole."""
    percentile = (
        rule.value if rule.kind == "percentile" else answer.percentile
    )  # as asked, where it was asked for
    than = "every row" if percentile >= 100 else f"{percentile:.4g} % of the rows"
    text = "" if rule.kind == "percentile" else f"{rule.sentence} "
    apart = "" if answer.own is None else f" of their own '{plain(answer.own.references.column)}'"
    text += (
        f"Flags rows **more unusual than {than}{apart}** the model learned from: "
        f"**{answer.flagged:,} of {answer.judged:,}** rows."
    )
    text += f" {drift.of_share(answer.share, answer.share_in_training)}".rstrip()
    return f"{text} {HALVES}" if rule.needs_labels else text


def _numbers(answer: Judgement, a_day: float | None) -> None:
    with st.container(horizontal=True):
        st.metric("Flagged", f"{answer.flagged:,}")
        st.metric("Share flagged here", f"{100 * answer.share:.2f} %")
        st.metric("Share in training", f"{100 * answer.share_in_training:.2f} %")
        st.metric(
            "Expected of ordinary data",
            expected(answer.expected, a_day),
            help="About how many flags new data would get in which nothing is unusual, as the rows the model learned "
            "from tell.",
        )
        st.metric(
            "Threshold",
            f"{answer.threshold:.5g}",
            help="Rows with an anomaly score strictly above it are flagged.",
        )
        unjudged = answer.rows - answer.judged
        if unjudged:
            st.metric(
                "Could not be judged", f"{unjudged:,}", help="Counted apart, never as normal; listed below."
            )


def _curve(found: Result, card: Card, answer: Judgement) -> Any:
    reference = card.reference_scores
    at = np.interp(PERCENTILES, np.linspace(0, 100, len(reference)), reference)
    above = len(found.ascending) - np.searchsorted(found.ascending, at, side="right")
    counts = np.asarray(above, dtype=np.int64)
    return charts.flagged_curve(PERCENTILES, counts, (answer.percentile, answer.flagged), theme=theme())


def _table(found: Result, data: Dataset, answer: Judgement) -> None:
    places = classes.chosen(found, groups.listed(found, answer))
    first = "most unusual" if answer.own is None else "farthest above their own line"
    st.subheader(f"Flagged rows, {first} first", anchor=False)
    if answer.flagged == 0:
        st.info(
            "Nothing lies above the threshold. Lower it to see the most unusual rows.", icon=":material/info:"
        )
        return
    apart = answer.own is not None and len(places) == int(answer.flags[found.explained_rows].sum())
    worst = _above_their_lines(found, data, answer) if apart else found.worst.iloc[places[:SHOWN]]
    count = len(worst)
    rows = [int(row) for row in worst.index]
    ours = {
        "Row": [row + 1 for row in rows],
        "Severity": found.severity[rows],
        **classes.column(found, rows),
        **({"Label": words} if any(words := labelling.words_of(data, rows)) else {}),
        "Why": [found.sentence(row) or UNEXPLAINED for row in rows],
    }
    shown = beside(ours, worst)
    event = st.dataframe(
        shown,
        key=f"flagged-{found.id}-{count}-{sum(rows)}-{session().tables}",
        hide_index=True,
        width="stretch",
        height=min(36 * count + 40, 430),
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "Severity": st.column_config.ProgressColumn(
                help="More unusual than this percentage of the training rows.",
                min_value=0,
                max_value=100,
                format="%.2f",
            ),
            "Label": st.column_config.TextColumn(width=110),
            "Why": st.column_config.TextColumn(width="large"),
        },
    )
    every = apart or len(places) == min(answer.flagged, len(found.worst))
    of = answer.flagged if every else len(places)
    if of > count:
        st.caption(f"The {count:,} most unusual of {of:,} flagged rows; the downloads hold all of them.")
    labelling_board.chosen_rows(
        found, data, [rows[number] for number in event["selection"]["rows"] if number < len(rows)]
    )


def _above_their_lines(found: Result, data: Dataset, answer: Judgement) -> pd.DataFrame:
    """The flagged rows that lie farthest above the lines of their own groups, explained or not."""
    assert answer.own is not None
    rows = np.flatnonzero(answer.flags)
    above = np.asarray(found.values)[rows] - answer.own.of_rows[rows]
    rows = rows[np.argsort(-above, kind="stable")[:SHOWN]]
    return data.rows_at(rows.tolist())


def _not_judged(found: Result, answer: Judgement) -> None:
    unjudged = answer.rows - answer.judged
    if not unjudged and not found.notes:
        return
    title = f"Rows that could not be judged ({unjudged:,}), and notes" if unjudged else "Notes on this result"
    with st.expander(title, icon=":material/help:"):
        for note in found.notes:
            st.markdown(f":material/info: {plain(note)}")
        listed = list(found.obstacles.items())[:SHOWN]
        if listed:
            st.dataframe(
                [{"Row": row + 1, "Why it could not be judged": why} for row, why in listed], hide_index=True
            )
