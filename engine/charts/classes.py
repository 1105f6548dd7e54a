"""Named classes drawn: which is taken for which, how far to trust probabilities, and what more labels are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    LABEL_SIZE,
    PALETTES,
    Chart,
    Spec,
    Theme,
    compiled,
    counted,
    filled,
    nothing,
    percent,
)
from engine.charts.contest import colours

MOST_CLASSES = 14  # drawn one by one, those with most rows; the others are one
OTHERS = "other classes"
CELL, EDGE = 46, 120  # pixels of a cell, and above the cells for the names
HEIGHT = 280
BEFORE, AFTER = "as they come", "calibrated"

Bins = Sequence[Mapping[str, float]]  # probability, accuracy and rows of each tenth of the scale


def class_confusion(names: Sequence[str], confusion: NDArray[np.int64], *, theme: Theme) -> Chart:
    """Which class is taken for which: ``confusion`` (n_classes, n_classes), rows of true class i that were named j.

    A cell is shaded by its share of the true class, in the colour of what is right on the diagonal and of what is wrong
    beside it.
    """
    if not confusion.sum():
        return nothing(theme, "no row held out has a known class")
    names, table = _fewer(list(names), confusion)
    rows = table.sum(axis=1)
    cells = [
        {
            "truth": f"{name} ({rows[i]:,})",
            "named": other,
            "rows": int(table[i, j]),
            "share": float(table[i, j] / max(rows[i], 1)),
            "right": "right" if i == j else "wrong",
            "text": f"{table[i, j]:,}" if table[i, j] else "",
        }
        for i, name in enumerate(names)
        for j, other in enumerate(names)
        if rows[i]
    ]
    right, total = int(np.trace(table)), int(rows.sum())
    wrong = [
        (int(table[i, j]), names[i], names[j]) for i in range(len(names)) for j in range(len(names)) if i != j
    ]
    most = [f"{number:,} {a} taken for {b}" for number, a, b in sorted(wrong, reverse=True)[:3] if number]
    found = ", ".join(f"{name} {percent(table[i, i] / rows[i])}" for i, name in enumerate(names) if rows[i])
    words = f"Of {counted(total, 'row')} held out {right:,} are named rightly; found of each class: {found}."
    words += f" Most often wrong: {', '.join(most)}." if most else ""
    return filled(_confusion_spec(theme), words, {"cells": cells}, height=CELL * int((rows > 0).sum()) + EDGE)


def reliability(before: Bins, after: Bins, errors: tuple[float, float], *, theme: Theme) -> Chart:
    """How often rows are named rightly against how probable that was said to be, before and after calibration.

    ``errors`` are the mean distances of the two from each other, by rows, before and after (Guo et al., 2017).
    """
    if not after:
        return nothing(theme, "no row held out has a known class")
    points = [
        {
            "probability": each["probability"],
            "accuracy": each["accuracy"],
            "rows": each["rows"],
            "which": which,
        }
        for which, bins in ((BEFORE, before), (AFTER, after))
        for each in bins
    ]
    words = (
        f"How often rows are named rightly against the probability that was said. Mean distance from each other: "
        f"{percent(errors[0])} for probabilities as they come, {percent(errors[1])} for calibrated ones."
    )
    line = [{"at": 0.0}, {"at": 1.0}]
    return filled(_reliability_spec(theme), words, {"ideal": line, "points": points})


def class_learning_curve(
    curves: Mapping[str, Sequence[tuple[int, float]]], first: str, *, theme: Theme
) -> Chart:
    """Macro-F1 on the same rows held out against the number of labels, by contestant; ``first`` stands out."""
    if not any(len(points) > 1 for points in curves.values()):
        return nothing(theme, "there are too few labels to leave some of them out")
    points = [
        {"name": name, "labels": labels, "score": score, "text": f"{score:.2f}"}
        for name, curve in curves.items()
        for labels, score in curve
    ]
    told = "; ".join(
        f"{name} from {curve[0][1]:.2f} with {curve[0][0]:,} labels to {curve[-1][1]:.2f} with {curve[-1][0]:,}"
        for name, curve in curves.items()
        if curve
    )
    spec = _learning_spec(theme, tuple(curves), first)
    return filled(spec, f"Macro-F1 against the number of labels: {told}.", {"points": points})


def _fewer(names: list[str], table: NDArray[np.int64]) -> tuple[list[str], NDArray[np.int64]]:
    """The classes with most rows one by one, all others as one."""
    if len(names) <= MOST_CLASSES:
        return names, table
    order = np.argsort(-table.sum(axis=1), kind="stable")
    kept = np.sort(order[:MOST_CLASSES])
    group = np.full(len(names), MOST_CLASSES)
    group[kept] = np.arange(MOST_CLASSES)
    small = np.zeros((MOST_CLASSES + 1, MOST_CLASSES + 1), dtype=np.int64)
    np.add.at(small, (group[:, None], group[None, :]), table)
    return [*(names[i] for i in kept), OTHERS], small


@cache
def _confusion_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    flat = {"domain": False, "ticks": False, "labelLimit": 190, "labelOverlap": False}
    base = alt.Chart(alt.NamedData(name="cells")).encode(
        x=alt.X(
            "named:N",
            title="named by the model",
            sort=None,
            axis=alt.Axis(orient="top", labelAngle=-25, **flat),
        ),
        y=alt.Y("truth:N", title="true class (rows)", sort=None, axis=alt.Axis(**flat)),
    )
    colour = alt.Scale(domain=["right", "wrong"], range=[palette.line, palette.anomaly])
    # Half-strong at most, so that text in the ordinary colour stays legible on every cell.
    strength = alt.Scale(domain=[0, 1], range=[0.05, 0.6])
    cells = base.mark_rect(cornerRadius=4).encode(
        color=alt.Color("right:N", scale=colour, legend=None),
        opacity=alt.Opacity("share:Q", scale=strength, legend=None),
        tooltip=[
            alt.Tooltip("truth:N", title="true class"),
            alt.Tooltip("named:N", title="named"),
            alt.Tooltip("rows:Q", title="rows", format=","),
            alt.Tooltip("share:Q", title="of the true class", format=".1%"),
        ],
    )
    numbers = base.mark_text(color=palette.ink, fontSize=LABEL_SIZE + 1).encode(text="text:N")
    return compiled(alt.layer(cells, numbers))


@cache
def _reliability_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    unit, axis = alt.Scale(domain=[0, 1], nice=False), alt.Axis(format=".0%", tickCount=5)
    x_title, y_title = "probability of the class named", "share named rightly"
    ideal = (
        alt.Chart(alt.NamedData(name="ideal"))
        .mark_line(color=palette.muted, strokeDash=[4, 4], strokeWidth=1.25)
        .encode(
            x=alt.X("at:Q", title=x_title, scale=unit, axis=axis),
            y=alt.Y("at:Q", title=y_title, scale=unit, axis=axis),
        )
    )
    scale = alt.Scale(domain=[BEFORE, AFTER], range=[palette.muted, palette.line])
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3, symbolDash=[1, 0])
    lines = (
        alt.Chart(alt.NamedData(name="points"))
        .mark_line(strokeWidth=1.75, clip=True)
        .encode(
            x=alt.X("probability:Q", title=x_title, scale=unit, axis=axis),
            y=alt.Y("accuracy:Q", title=y_title, scale=unit, axis=axis),
            color=alt.Color("which:N", scale=scale, legend=legend),
            strokeDash=alt.StrokeDash(
                "which:N", scale=alt.Scale(domain=[BEFORE, AFTER], range=[[3, 3], [1, 0]]), legend=None
            ),
        )
    )
    points = (
        alt.Chart(alt.NamedData(name="points"))
        .mark_circle(opacity=0.9, stroke=palette.ground, strokeWidth=1)
        .encode(
            x=alt.X("probability:Q", title=x_title, scale=unit, axis=axis),
            y=alt.Y("accuracy:Q", title=y_title, scale=unit, axis=axis),
            size=alt.Size("rows:Q", scale=alt.Scale(range=[50, 420]), legend=None),
            color=alt.Color("which:N", scale=scale, legend=legend),
            tooltip=[
                alt.Tooltip("which:N", title="probabilities"),
                alt.Tooltip("probability:Q", title=x_title, format=".1%"),
                alt.Tooltip("accuracy:Q", title=y_title, format=".1%"),
                alt.Tooltip("rows:Q", title="rows", format=","),
            ],
        )
    )
    return compiled(alt.layer(ideal, lines, points, height=HEIGHT))


@lru_cache(maxsize=32)
def _learning_spec(theme: Theme, names: tuple[str, ...], first: str) -> Spec:
    import altair as alt

    chosen = colours(names, dict.fromkeys(names, "model"), theme=theme)
    legend = alt.Legend(title=None, orient="top", symbolStrokeWidth=2.5, labelLimit=240)
    tooltip: list[Any] = [
        alt.Tooltip("name:N", title="learned by"),
        alt.Tooltip("labels:Q", title="labels", format=","),
        alt.Tooltip("score:Q", title="macro-F1", format=".3f"),
    ]
    return compiled(
        alt.Chart(alt.NamedData(name="points"), height=HEIGHT)
        .mark_line(point={"size": 50, "filled": True})
        .encode(
            x=alt.X(
                "labels:Q",
                title="labelled rows learned from",
                scale=alt.Scale(type="log", nice=False, padding=12),
                axis=alt.Axis(format=",.0f", tickCount=6, grid=False),
            ),
            y=alt.Y("score:Q", title="macro-F1 on rows held out", scale=alt.Scale(domain=[0, 1])),
            color=alt.Color(
                "name:N", scale=alt.Scale(domain=list(names), range=list(chosen.values())), legend=legend
            ),
            strokeWidth=alt.condition(alt.datum.name == first, alt.value(3), alt.value(1.75)),
            tooltip=tooltip,
        )
    )
