"""Scores against labels: curves, counts and shares, all at the one threshold in use; and how the model was trained."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine import Card, Checked, DataError, Dataset, Half, Result, charts
from ui import answers, cache_checked, cache_series, events, glance, grouping, measures, tradeoffs
from ui.panels import in_plain_words, plain
from ui.pictures import Figure, show, take_away
from ui.session import remember
from ui.threshold import expected, judged, remark, threshold_control


@st.fragment
def board(found: Result, card: Card, data: Dataset, label: str) -> None:
    """Everything about how well the flags meet the labels."""
    with in_plain_words():
        columns = cache_series.series_of(found)
        knobs, facts = st.columns([1, 2.4], gap="large")
        with knobs:
            rule = threshold_control(found, card, label)
            st.caption(plain(rule.sentence))
            if columns is not None:
                with st.expander("What counts as one event", icon=":material/tune:"):
                    events.choices(cache_series.series_result(found, columns).files)
            answers.said(data, card, label)
        half: Half = "judging" if rule.needs_labels else "both"
        figures = history(card)
        try:
            answer = judged(found, card, rule, label)
            checked = cache_checked.checked(found, label, half, answer)
        except DataError as problem:
            facts.info(plain(f"There is nothing to draw: {problem}."), icon=":material/info:")
            with knobs:
                take_away(figures, data, card.id, found.id)
            remember()
            return
        threshold = answer.threshold
        shown = {figure.key: figure for figure in _figures(checked, threshold)}
        figures = [*shown.values(), *tradeoffs.figures(checked, threshold), *figures]
        with knobs:
            remark(answer)
            st.caption(
                f"Flags {answer.flagged:,} of {answer.judged:,} rows here. To expect of ordinary data: "
                f"{expected(answer.expected, glance.readings_a_day(found))}."
            )
            take_away(figures, data, card.id, f"{found.id} {threshold!r}")
        with facts:
            if half == "judging":
                st.caption(
                    "The line was chosen on one half of the labels. Everything here is measured on the other half."
                )
            if columns is not None:
                measures.of_series(found, card, columns, label, answer, half)
            if answer.own is not None:
                st.caption("Scores are moved here so that the line of each row lies at the common threshold.")
            measures.of_rows(checked, threshold, series=columns is not None)
            show(shown["confusion"], still="Labelled anomalies and normal rows, flagged and not flagged.")
        _curves(checked, shown, series=columns is not None)
        st.subheader("Scores by label", anchor=False)
        show(shown["by-label"])
        tradeoffs.against_the_threshold(checked, card, threshold)
        grouping.by_group(found, data, label, answer)
        glance.every_rule(found, card, label, rule)
    remember()


def _curves(checked: Checked, shown: dict[str, Figure], *, series: bool) -> None:
    """Both curves side by side; too few of a label draw none."""
    if checked.few:
        return
    left, right = st.columns(2, gap="large")
    with left:
        show(shown["roc"])
    with right:
        show(shown["pr"])
    st.caption(
        "The shaded bands hold the curves in 95 % of resamples of the labelled rows: how far they could have come out "
        f"otherwise, by chance alone.{' Readings of one event are drawn together.' if series else ''}"
    )


def history(card: Card) -> list[Figure]:
    """How the loss of the model fell, epoch by epoch, and of which parts; none where it did not learn in epochs."""
    figures = []
    for stage in sorted(
        {int(record.get("stage", 0)) for record in card.history}
    ):  # losses of two have two units
        records = [record for record in card.history if int(record.get("stage", 0)) == stage]
        title = f"Training history, stage {stage}" if stage else "Training history"
        figures.append(Figure(f"losses-{card.id}-{stage}", title, partial(charts.loss_curves, records)))
    if charts.has_parts(card.history):
        parts = partial(charts.loss_parts, card.history)
        figures.append(Figure(f"parts-{card.id}", "What the training loss adds up from", parts))
    return figures


def show_history(card: Card, data: Dataset, *, alone: bool = False) -> None:
    """The charts of :func:`history`, side by side, and what they mean; ``alone`` they can be taken away here."""
    figures = history(card)
    if not figures:
        return
    st.subheader("Training history", anchor=False)
    for place, figure in zip(st.columns(len(figures), gap="large"), figures, strict=True):
        with place:
            show(figure)
    st.caption(
        "The lower, the better it predicts the rows. The model keeps the weights of the best epoch."
        + (" The parts are weighted as they are added up." if len(figures) > 1 else "")
    )
    if alone:
        take_away(figures, data, card.id)


def _figures(checked: Checked, threshold: float) -> list[Figure]:
    """The charts of a threshold: outcomes, both curves, scores by label."""
    curves = [
        Figure("roc", "ROC curve", partial(checked.roc_chart, threshold)),
        Figure("pr", "Precision-recall curve", partial(checked.pr_chart, threshold)),
    ]
    return [
        Figure("confusion", "Flags against labels", partial(checked.confusion_chart, threshold)),
        *([] if checked.few else curves),
        Figure("by-label", "Scores by label", partial(checked.score_chart, threshold), 240),
    ]
