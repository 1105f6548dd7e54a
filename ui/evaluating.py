"""Scores against labels: curves, counts and shares, all at the one threshold in use."""

from __future__ import annotations

import streamlit as st

from engine import Card, DataError, Dataset, Result, charts, confusion_at
from ui import cache
from ui.panels import chart, in_plain_words, plain
from ui.session import remember, theme
from ui.threshold import judged, threshold_control


@st.fragment
def board(found: Result, card: Card, data: Dataset, label: str) -> None:
    """Everything about how well the flags meet the labels."""
    with in_plain_words():
        knobs, facts = st.columns([1, 2.4], gap="large")
        with knobs:
            rule = threshold_control(found, card, label)
            st.caption(plain(f"Labels from '{label}': {cache.labels(data.id, label)[1]}."))
            if label in card.columns:
                st.warning(
                    "The model learned from this column, so it knows the answers.", icon=":material/warning:"
                )
        try:
            checked = cache.checked(found.id, label)
        except DataError as problem:
            facts.info(plain(f"There is nothing to draw: {problem}."), icon=":material/info:")
            return
        threshold = judged(found, card, rule, label).threshold
        with facts:
            _numbers(checked, threshold)
        _curves(checked, threshold)
        st.subheader("Scores by label", anchor=False)
        edges, _ = cache.histogram(found.id)
        drawn = charts.label_histogram(edges, checked.normal, checked.anomaly, threshold, theme=theme())
        chart(drawn, "by-label", 240)
    remember()


def _numbers(checked: cache.Checked, threshold: float) -> None:
    counts, points = confusion_at(checked.curve, threshold), checked.curve
    with st.container(horizontal=True):
        st.metric("Precision", _share(counts.precision), help="Of the flagged rows, how many are anomalies.")
        st.metric("Recall", _share(counts.recall), help="Of the anomalies, how many are flagged.")
        st.metric("F1", f"{counts.f1:.3f}", help="Harmonic mean of precision and recall.")
        st.metric(
            "ROC-AUC",
            f"{checked.roc_auc:.4f}",
            help="Chance that an anomaly scores above a normal row, whatever the threshold. 0.5 is guessing.",
        )
        st.metric(
            "Average precision",
            f"{checked.average_precision:.4f}",
            help="Precision averaged over all recalls. Guessing gives the share of anomalies.",
        )
    labelled = points.positives + points.negatives
    text = f"{labelled:,} judged rows have a label; {100 * points.positives / labelled:.2f} % of them are anomalies."
    rows, anomalies = checked.unjudged
    if rows:
        text += f" {rows:,} labelled rows, {anomalies:,} of them anomalies, could not be judged and are not counted."
    st.caption(text)
    grid = charts.confusion_grid(
        counts.true_positives,
        counts.false_positives,
        counts.false_negatives,
        counts.true_negatives,
        theme=theme(),
    )
    chart(grid, "confusion")


def _curves(checked: cache.Checked, threshold: float) -> None:
    points = checked.curve
    rate, recall, precision = points.rates(points.at(threshold))
    base = points.positives / (points.positives + points.negatives)
    left, right = st.columns(2, gap="large")
    with left:
        chart(charts.roc_chart(*checked.roc, (rate, recall), checked.roc_auc, theme=theme()), "roc")
    with right:
        drawn = charts.pr_chart(
            *checked.precision_recall, (recall, precision), checked.average_precision, base, theme=theme()
        )
        chart(drawn, "pr")


def _share(value: float | None) -> str:
    return "nothing flagged" if value is None else f"{100 * value:.1f} %"
