"""Scores against labels: curves, counts and shares, all at the one threshold in use; and how the model was trained."""

from __future__ import annotations

from functools import partial

import streamlit as st

from engine import Card, Checked, DataError, Dataset, Result, charts
from ui import cache, cache_series, events, measures
from ui.panels import in_plain_words, plain
from ui.pictures import Figure, show, take_away
from ui.session import remember
from ui.threshold import judged, threshold_control


@st.fragment
def board(found: Result, card: Card, data: Dataset, label: str) -> None:
    """Everything about how well the flags meet the labels."""
    with in_plain_words():
        columns = cache_series.series_of(found)
        knobs, facts = st.columns([1, 2.4], gap="large")
        with knobs:
            rule = threshold_control(found, card, label)
            if columns is not None:
                with st.expander("What counts as one event", icon=":material/tune:"):
                    events.choices(cache_series.series_result(found, columns).files)
            st.caption(plain(f"Labels from '{label}': {cache.labels(data.id, label)[1]}."))
            if label in card.columns:
                st.warning(
                    "The model learned from this column, so it knows the answers.", icon=":material/warning:"
                )
        figures, threshold = history(card), None
        try:
            checked = cache.checked(found.id, label)
        except DataError as problem:
            facts.info(plain(f"There is nothing to draw: {problem}."), icon=":material/info:")
        else:
            threshold = judged(found, card, rule, label).threshold
            shown = _figures(checked, threshold)
            figures = [*shown, *figures]
            with facts:
                if columns is not None:
                    measures.of_series(found, card, columns, label, threshold)
                measures.of_rows(checked, threshold, series=columns is not None)
                show(shown[0])
            left, right = st.columns(2, gap="large")
            with left:
                show(shown[1])
            with right:
                show(shown[2])
            st.subheader("Scores by label", anchor=False)
            show(shown[3])
        with knobs:
            take_away(figures, data, card.id, f"{found.id} {threshold!r}")
    remember()


def history(card: Card) -> list[Figure]:
    """How the loss of the model fell, epoch by epoch, and of which parts; none where it did not learn in epochs."""
    figures = []
    if card.history:
        curves = partial(charts.loss_curves, card.history)
        figures.append(Figure(f"losses-{card.id}", "Training history", curves))
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
    return [
        Figure("confusion", "Flags against labels", partial(checked.confusion_chart, threshold)),
        Figure("roc", "ROC curve", partial(checked.roc_chart, threshold)),
        Figure("pr", "Precision-recall curve", partial(checked.pr_chart, threshold)),
        Figure("by-label", "Scores by label", partial(checked.score_chart, threshold), 240),
    ]
