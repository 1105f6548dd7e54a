"""Scores against labels: curves, counts and shares, all at the one threshold in use."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import Card, DataError, Dataset, Result, charts
from ui import cache
from ui.panels import chart
from ui.session import remember, theme
from ui.threshold import judged, threshold_control


@st.fragment
def board(found: Result, card: Card, data: Dataset, label: str) -> None:
    """Everything about how well the flags meet the labels."""
    truth, understood = cache.labels(data.id, label)
    knobs, facts = st.columns([1, 2.4], gap="large")
    with knobs:
        rule = threshold_control(found, card, labelled=True)
        st.caption(f"Labels from '{label}': {understood}.")
    with facts:
        try:
            answer = judged(found, card, rule, label)
            checked = cache.evaluation(found.id, label, answer.threshold)
        except DataError as problem:
            st.info(f"There is nothing to draw: {problem}.", icon=":material/info:")
            return
        counts, points = checked.confusion, checked.curve
        with st.container(horizontal=True):
            st.metric(
                "Precision", _share(counts.precision), help="Of the flagged rows, how many are anomalies."
            )
            st.metric("Recall", _share(counts.recall), help="Of the anomalies, how many are flagged.")
            st.metric("F1", f"{counts.f1:.3f}", help="Harmonic mean of precision and recall.")
            st.metric(
                "ROC-AUC",
                f"{points.roc_auc:.4f}",
                help="Chance that an anomaly scores above a normal row, whatever the threshold. 0.5 is guessing.",
            )
            st.metric(
                "Average precision",
                f"{points.average_precision:.4f}",
                help="Precision averaged over all recalls. Guessing gives the share of anomalies.",
            )
        base = points.positives / checked.labelled
        st.caption(
            f"{checked.labelled:,} judged rows have a label; {100 * base:.2f} % of them are anomalies."
        )
        chart(
            charts.confusion_grid(
                counts.true_positives,
                counts.false_positives,
                counts.false_negatives,
                counts.true_negatives,
                theme=theme(),
            ),
            "confusion",
        )
    left, right = st.columns(2, gap="large")
    at = points.at(answer.threshold)
    roc, pr = cache.curve_points(found.id, label)
    with left:
        now = (float(points.false_positive_rate[at]), float(points.recall[at]))
        chart(charts.roc_chart(*roc, now, points.roc_auc, theme=theme()), "roc")
    with right:
        now = (float(points.recall[at]), float(points.precision[at]))
        chart(charts.pr_chart(*pr, now, points.average_precision, base, theme=theme()), "pr")
    st.subheader("Scores by label", anchor=False)
    edges, _ = cache.histogram(found.id)
    normal, anomaly = (_counts(found, truth, edges, value) for value in (0.0, 1.0))
    chart(charts.label_histogram(edges, normal, anomaly, answer.threshold, theme=theme()), "by-label", 240)
    remember()


def _share(value: float | None) -> str:
    return "nothing flagged" if value is None else f"{100 * value:.1f} %"


def _counts(found: Result, truth: np.ndarray, edges: np.ndarray, value: float) -> np.ndarray:
    scores = np.asarray(found.values)[truth == value]
    return np.histogram(scores[np.isfinite(scores)], bins=edges)[0]
