"""What every threshold would give, drawn against the threshold: shares of rows, and what mistakes cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    PALETTES,
    VALUE_LABEL,
    Chart,
    Palette,
    Rows,
    Spec,
    Theme,
    bounded,
    compiled,
    dot,
    filled,
    finite,
    nothing,
    number,
    side_text,
)
from engine.charts.keeping import kept

Array = NDArray[np.float64]

HEIGHT = 260
POINTS = 161  # thresholds at which curves are drawn
MEASURES = ("precision", "recall", "F1", "MCC")
DRAGGED = "line"  # the selection that tells to which threshold a chart was dragged


def grid(edges: Array) -> Array:
    """The thresholds to draw, as wide as a histogram of the scores with these ``edges`` (POINTS,)."""
    inner = edges[np.isfinite(edges)]
    return np.linspace(float(inner[0]), float(inner[-1]), POINTS) if len(inner) else np.zeros(0)


def metric_lines(thresholds: Array, values: Mapping[str, Array], threshold: float, *, theme: Theme) -> Chart:
    """How the ``MEASURES`` change with the threshold: ``values`` (n_points,) each, NaN where there is none."""
    if len(thresholds) == 0:
        return nothing(theme)
    drawn = {name: np.round(values[name], 4).tolist() for name in MEASURES}
    rows = [
        {"x": x, "name": name, "value": value}
        for name, told in drawn.items()
        for x, value in zip(thresholds.tolist(), told, strict=True)
        if value == value
    ]
    touched = [
        {"x": x} | {name: finite(told[i]) for name, told in drawn.items()}
        for i, x in enumerate(thresholds.tolist())
    ]
    best = int(np.nanargmax(values["F1"]))
    words = (
        f"Precision, recall, F1 and MCC against the threshold: F1 is highest, {values['F1'][best]:.3f}, near "
        f"{number(float(thresholds[best]))}."
    )
    tables: dict[str, Rows] = {
        "lines": rows,
        "touched": touched,
        "threshold": [_line(thresholds, threshold, 1.0)],
    }
    lowest = min(0.0, *(float(np.nanmin(values[name])) for name in MEASURES))
    return filled(bounded(_metric_spec(theme), x=_ends(thresholds), y=(lowest, 1.0)), words, tables)


def cost_line(
    thresholds: Array,
    cost: Array,
    now: tuple[float, float],
    best: tuple[float, float],
    *,
    theme: Theme,
) -> Chart:
    """What misses and false alarms cost in 1,000 rows against the threshold.

    ``now`` and ``best`` are a threshold and its cost: of the line in use, and of the lowest cost there is.
    """
    if len(thresholds) == 0:
        return nothing(theme)
    rows = [{"x": x, "cost": y} for x, y in zip(thresholds.tolist(), cost.tolist(), strict=True)]
    points = [
        {**_line(thresholds, at, height), "label": label, "cost": height}
        for (at, height), label in ((now, f"now {number(now[1])}"), (best, f"lowest {number(best[1])}"))
    ]
    words = f"Cost in 1,000 rows against the threshold: lowest, {number(best[1])}, at {number(best[0])}."
    spec = bounded(_cost_spec(theme), x=_ends(thresholds), y=(0.0, float(cost.max())))
    return filled(spec, words, {"lines": rows, "now": points[:1], "best": points[1:]})


def rule_lines(
    titles: Sequence[str],
    thresholds: Sequence[float],
    words: Sequence[str],
    used: int,
    edges: Array,
    *,
    theme: Theme,
) -> Chart:
    """Where each rule would put the line, below one another; number ``used`` is the one in use."""
    if not len(titles):
        return nothing(theme, "no rule draws a line")
    drawn = grid(edges)
    rows = [
        {**_line(drawn, at, 0.0), "rule": title, "used": number_ == used, "label": said}
        for number_, (title, at, said) in enumerate(zip(titles, thresholds, words, strict=True))
    ]
    told = "; ".join(f"{title} {number(at)}" for title, at in zip(titles, thresholds, strict=True))
    ends = [{"x": float(drawn[0])}, {"x": float(drawn[-1])}]
    return filled(
        _rule_spec(theme), f"Where each rule would put the line: {told}.", {"rules": rows, "ends": ends}
    )


def _line(thresholds: Array, threshold: float, top: float) -> dict[str, Any]:
    """The threshold as a row; beyond what is drawn it stands at the end."""
    first, last = float(thresholds[0]), float(thresholds[-1])
    at = float(np.clip(threshold if np.isfinite(threshold) else last, first, last))
    side = "left" if at > (first + last) / 2 else "right"
    return {"x": at, "label": f"threshold {number(threshold)}", "side": side, "top": top}


def _ends(thresholds: Array) -> tuple[float, float]:
    return float(thresholds[0]), float(thresholds[-1])


def _axis(title: str) -> Any:
    import altair as alt

    return alt.X(
        "x:Q",
        title=title,
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False, tickCount=8, labelExpr=VALUE_LABEL),
    )


def _dragged() -> Any:
    """The drawn threshold where the chart was clicked, and wherever the pointer is drawn to."""
    import altair as alt

    return alt.selection_point(
        name=DRAGGED,
        fields=["x"],
        on="click, [mousedown, window:mouseup] > mousemove",
        toggle=False,
        empty=False,
        clear=False,
    )


@kept
def _metric_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    x = _axis("threshold (click or drag to move it)")
    y = alt.Y(
        "value:Q", title="measure", scale=alt.Scale(domainMax=1, nice=False), axis=alt.Axis(tickCount=5)
    )
    colours = [palette.line, palette.anomaly, palette.ink, palette.muted]
    scale = alt.Scale(domain=list(MEASURES), range=colours)
    dashes = alt.Scale(domain=list(MEASURES), range=[[1, 0], [1, 0], [1, 0], [5, 3]])
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    tooltip = [
        alt.Tooltip("x:Q", title="threshold", format=",.4~g"),
        *(alt.Tooltip(f"{name}:Q", format=".3f") for name in MEASURES),
    ]
    lines = alt.Chart(alt.NamedData(name="lines"))
    drawn = lines.mark_line(strokeWidth=2, interpolate="step-before").encode(
        x=x,
        y=y,
        color=alt.Color("name:N", scale=scale, legend=legend),
        strokeDash=alt.StrokeDash("name:N", scale=dashes, legend=None),
    )
    # One mark a threshold, as high as the plot: what a pointer comes near, also between the lines.
    touch = (
        alt.Chart(alt.NamedData(name="touched"))
        .mark_rule(color=palette.ink, opacity=0.001, strokeWidth=6)
        .encode(x=x, tooltip=tooltip)
        .add_params(_dragged())
    )
    return compiled(alt.layer(drawn, touch, *_threshold_layers(palette), height=HEIGHT))


def _threshold_layers(palette: Palette) -> tuple[Any, Any]:
    import altair as alt

    data = alt.NamedData(name="threshold")
    rule = alt.Chart(data).mark_rule(color=palette.ink, strokeWidth=1.5).encode(x="x:Q")
    return rule, side_text(data, palette, lower=8, x=alt.X("x:Q"), y=alt.Y("top:Q"))


@kept
def _cost_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    x = _axis("threshold")
    y = alt.Y(
        "cost:Q",
        title="cost in 1,000 rows",
        scale=alt.Scale(domainMin=0, nice=True),
        axis=alt.Axis(tickCount=5),
    )
    tooltip = [
        alt.Tooltip("x:Q", title="threshold", format=",.4~g"),
        alt.Tooltip("cost:Q", title="cost in 1,000 rows", format=",.4~g"),
    ]
    line = alt.Chart(alt.NamedData(name="lines")).mark_line(
        color=palette.line, strokeWidth=2, interpolate="step-before"
    )
    layers = [line.encode(x=x, y=y, tooltip=tooltip)]
    for name, filled_dot, lower in (("best", False, 14), ("now", True, -14)):
        data = alt.NamedData(name=name)
        look = dot(palette) if filled_dot else {**dot(palette), "color": palette.ink, "shape": "diamond"}
        layers.append(alt.Chart(data).mark_point(**look).encode(x=x, y=y, tooltip=tooltip))
        layers.append(side_text(data, palette, gap=12, lower=lower, x=x, y=y))
    return compiled(alt.layer(*layers, height=HEIGHT))


@kept
def _rule_spec(theme: Theme) -> Spec:
    import altair as alt

    palette, data = PALETTES[theme], alt.NamedData(name="rules")
    x, y = (
        _axis("anomaly score at which the line would stand"),
        alt.Y("rule:N", title="rule", sort=None, axis=alt.Axis(labelLimit=240)),
    )
    colour = alt.Scale(domain=[True, False], range=[palette.anomaly, palette.line])
    ticks = (
        alt.Chart(data)
        .mark_tick(thickness=3, size=18)
        .encode(
            x=x,
            y=y,
            color=alt.Color("used:N", scale=colour, legend=None),
            tooltip=["rule:N", "label:N", "x:Q"],
        )
    )
    words = side_text(data, palette, x=x, y=y)
    ends = alt.Chart(alt.NamedData(name="ends")).mark_point(opacity=0).encode(x=x)
    return compiled(alt.layer(ends, ticks, words, height={"step": 26}))
