"""How well a model names classes, on rows held out; what more labels are worth is measured by a job when asked."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from engine import Card, ClassEvaluation, Dataset, Result, charts, kept_evaluation, kept_learning_curve
from ui import server, watching_one
from ui.panels import in_plain_words, plain
from ui.pictures import Figure, show, take_away

KIND = "learning_curve"
FEW = 5  # rows of a class held out: with fewer, each of them moves its figures a lot
ERROR = "The mean distance between the probability said and the share named rightly."
TEMPERATURE = (
    "It divides what the network says before that becomes a probability: above 1 it is less sure of itself, below 1 "
    "surer. It was chosen on labelled rows that were kept from learning, not on those measured here (Guo et al., 2017)."
)
FIGURES = {"precision": "Precision", "recall": "Recall", "f1": "F1", "average_precision": "Average precision"}


def board(found: Result, card: Card, data: Dataset) -> None:
    """Everything about named classes against true ones; nothing for a model that names none."""
    if found.classes is None:
        return
    with in_plain_words():
        st.subheader("Classes", anchor=False)
        kept = kept_evaluation(server.workspace().results, found.id)
        if kept is None:
            st.caption(
                "Nobody knows the true classes of this data, so how well they are named was not measured."
            )
            return
        if kept.why:
            st.info(plain(f"Not measured: {kept.why}."), icon=":material/info:")
            return
        st.markdown(in_a_sentence(kept))
        figures = _figures(kept)
        contestants(kept)
        _beaten(kept)
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("**Which class is taken for which**")
            show(figures["classes-confusion"])
        with right:
            st.markdown("**Can the probabilities be trusted?**")
            show(figures["classes-reliability"])
            _calibration(kept)
        st.markdown("**Class by class**")
        by_class(kept)
        _more_labels(found, card, data, figures)
        take_away(list(figures.values()), data, card.id, found.id, key="class-charts-away")


def in_a_sentence(kept: ClassEvaluation) -> str:
    """Where the figures come from, and the most important ones."""
    own = kept.contestants[0]
    said = (
        f"**{100 * own['accuracy']:.1f} %** of {kept.held_out:,} rows held out are named rightly; macro-F1, which "
        f"counts every class alike, is **{own['macro_f1']:.3f}**. "
    )
    if not kept.learned:
        return said + plain(f"The model learned from other data; the true classes stand in '{kept.column}'.")
    return said + plain(
        f"Everything here is measured on these rows alone: a twin of the model, and the plain classifiers, learned "
        f"from {kept.learned:,} other labelled rows, and nothing was told of these."
    )


def _beaten(kept: ClassEvaluation) -> None:
    """Say which plain classifier does better, or why none stands beside the model."""
    own, *others = kept.contestants
    if not others:
        st.caption("Plain classifiers would have to learn from these very rows, so none stands beside it.")
        return
    best = max(others, key=lambda each: each["macro_f1"])
    if best["macro_f1"] > own["macro_f1"]:
        st.info(
            f"{best['title']} names classes better here: macro-F1 {best['macro_f1']:.3f}. It has no anomaly score.",
            icon=":material/balance:",
        )


def contestants(kept: ClassEvaluation) -> None:
    """One line for each way to name classes."""
    st.dataframe(
        [
            {
                "Learned by": each["title"],
                "Accuracy": each["accuracy"],
                "Macro-F1": each["macro_f1"],
                "Mean average precision": mean_precision(each),
                "Calibration error": each["calibration_error"],
                "Seconds": each["seconds"] or None,
            }
            for each in kept.contestants
        ],
        key=f"contestants-{kept.column}-{len(kept.contestants)}-{kept.held_out}",
        hide_index=True,
        placeholder="–",
        column_config={
            "Accuracy": st.column_config.NumberColumn(format="%.3f", help="Share of rows named rightly."),
            "Macro-F1": st.column_config.NumberColumn(
                format="%.3f", help="F1 of each class, averaged: rare classes count as much as frequent ones."
            ),
            "Mean average precision": st.column_config.NumberColumn(
                format="%.3f",
                help="How well probabilities rank the rows of a class, averaged over the classes.",
            ),
            "Calibration error": st.column_config.NumberColumn(
                format="%.3f", help="Mean distance between the probability said and the share named rightly."
            ),
            "Seconds": st.column_config.NumberColumn(
                format="%.1f", help="That learning took, without pre-training where that was there before."
            ),
        },
    )


def mean_precision(contestant: dict[str, Any]) -> float | None:
    """Average precision averaged over the classes that have one."""
    known = [
        own["average_precision"] for own in contestant["classes"] if own["average_precision"] is not None
    ]
    return float(np.mean(known)) if known else None


def by_class(kept: ClassEvaluation) -> None:
    """One line a class: the figures of the model, and F1 of the others."""
    own, others = kept.contestants[0], kept.contestants[1:]
    f1 = {each["title"]: {one["name"]: one["f1"] for one in each["classes"]} for each in others}
    lines = [
        {
            "Class": one["name"],
            "Rows held out": one["rows"],
            "Named so": one["named"],
            **{title: one[key] for key, title in FIGURES.items()},
            **{f"F1, {title}": known.get(one["name"]) for title, known in f1.items()},
        }
        for one in own["classes"]
        if one["rows"] or one["named"]
    ]
    numbers = [*FIGURES.values(), *(f"F1, {title}" for title in f1)]
    st.dataframe(
        lines,
        key=f"by-class-{kept.column}-{kept.held_out}",
        hide_index=True,
        placeholder="–",
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in numbers},
    )
    few = [one["name"] for one in own["classes"] if 0 < one["rows"] < FEW]
    if few:
        st.caption(
            plain(
                f"Of {', '.join(few[:8])} fewer than {FEW} rows are held out: each of them moves its figures a lot."
            )
        )


def _calibration(kept: ClassEvaluation) -> None:
    own = kept.contestants[0]
    before, after = own["before"]["calibration_error"], own["calibration_error"]
    with st.container(horizontal=True):
        st.metric("Error as they come", f"{100 * before:.1f} %", help=ERROR)
        st.metric("Error calibrated", f"{100 * after:.1f} %", help=ERROR)
        st.metric("Temperature", f"{own['temperature']:.2f}", help=TEMPERATURE)
    if own["temperature"] == 1.0:
        st.caption(
            "Fewer than 20 labelled rows were kept from learning, too few to choose a temperature: probabilities stay "
            "as they come."
        )


def _more_labels(found: Result, card: Card, data: Dataset, figures: dict[str, Figure]) -> None:
    """The learning curve, or the button that has it measured."""
    if found.classes is None or not found.classes.column:
        return
    st.markdown("**What would more labels be worth?**")
    points = kept_learning_curve(server.workspace().results, found.id)
    if points is None:
        st.caption(
            "The model and the plain classifiers learn from 2 %, 5 %, 10 %, 25 %, 50 % and all of the labels that are "
            "not held out, one after the other, and are measured on the same rows held out."
        )
        watching_one.button_or_progress(
            KIND,
            data,
            found,
            "Draw the learning curve",
            title=f"Learning curve of {card.id}",
            icon="show_chart",
        )
        return
    curves: dict[str, list[tuple[int, float]]] = {}
    for point in points:
        for each in point.contestants:
            curves.setdefault(each["title"], []).append((point.learned, each["macro_f1"]))
    draw = partial(charts.class_learning_curve, curves, card.title)
    figures["classes-labels"] = Figure("classes-labels", "Macro-F1 against the number of labels", draw)
    show(figures["classes-labels"])
    held_out = points[-1].held_out if points else 0
    st.caption(
        f"Each point learned from that many labelled rows and is measured on the same {held_out:,} rows held out. "
        "Where the curve still rises at its end, more labels would help."
    )


def _figures(kept: ClassEvaluation) -> dict[str, Figure]:
    own = kept.contestants[0]
    errors = (own["before"]["calibration_error"], own["calibration_error"])
    confusion = np.array(own["confusion"], dtype=np.int64)
    drawn = {
        "classes-confusion": (
            "Which class is taken for which",
            partial(charts.class_confusion, own["names"], confusion),
        ),
        "classes-reliability": (
            "Probabilities of classes, before and after calibration",
            partial(charts.reliability, own["before"]["reliability"], own["reliability"], errors),
        ),
    }
    return {key: Figure(key, title, draw) for key, (title, draw) in drawn.items()}
