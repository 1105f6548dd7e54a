"""Several scorings of one data set drawn together: their curves, their agreement, the overlap of their tops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import LABEL_SIZE, PALETTES, Chart, Spec, Theme, compiled, counted, filled, nothing
from engine.charts.evaluation import corners

Array = NDArray[np.float64]
Curves = Mapping[str, tuple[Array, Array]]  # name -> x, y, (n_points,) each

MOST_MODELS = 8  # as many as there are colours that stay apart
MOST_POINTS = 4_000  # of all curves together
HEIGHT = 340
CELL = 46  # pixels, of the map of agreement

# After Okabe and Ito (2008), darker on white and lighter on black.
COLOURS: Mapping[Theme, tuple[str, ...]] = {
    "light": ("#0072B2", "#D55E00", "#009E73", "#B0609A", "#B58900", "#3A9AD9", "#7B4FB5", "#8C5A2B"),
    "dark": ("#5AA9E6", "#FF8A4C", "#3FCF9F", "#E39CCB", "#F0C94A", "#9ED8FF", "#B79CF0", "#D2A070"),
}
LINE, CONSENSUS_DASH = [1, 0], [6, 3]
BASELINE_DASHES = ([2, 3], [8, 3, 2, 3])
MAP_EDGE = 110  # pixels above the map, for the names


def overlaid_roc(curves: Curves, styles: Mapping[str, str], *, theme: Theme) -> Chart:
    """The ROC curves of several scorings over each other: false positive rate and recall, by name."""
    titles = ("normal rows flagged (false positive rate)", "anomalies caught (recall)")
    areas = {name: float(np.trapezoid(y, x)) for name, (x, y) in curves.items()}
    words = "ROC curves; area under the curve: " + ", ".join(f"{name} {a:.3f}" for name, a in areas.items())
    return _overlaid(curves, styles, titles, "linear", f"{words}.", theme)


def overlaid_pr(
    curves: Curves, styles: Mapping[str, str], average: Mapping[str, float], *, theme: Theme
) -> Chart:
    """The precision-recall curves of several scorings over each other: recall and precision, by name."""
    titles = ("anomalies caught (recall)", "flags that are right (precision)")
    told = ", ".join(f"{name} {value:.3f}" for name, value in average.items())
    return _overlaid(
        curves, styles, titles, "step-before", f"Precision-recall curves; average precision: {told}.", theme
    )


def overlap_curves(curves: Curves, styles: Mapping[str, str], *, theme: Theme) -> Chart:
    """How much of the top of each scoring the others agree with, against how many rows make the top."""
    if not curves:
        return nothing(theme, "an overlap needs two models or more")
    told = ", ".join(f"{name} {y[0]:.0%} at {x[0]:,.0f}" for name, (x, y) in curves.items())
    words = f"Share of each one's top rows that the consensus of the other models has in its top: {told}."
    spec = _curves_spec(theme, *_legend(curves, styles), "rows in the top", "shared with the others", "log")
    return filled(spec, words, {"curves": _points(curves, "log")})


def agreement_map(names: Sequence[str], values: Array, measure: str, *, theme: Theme) -> Chart:
    """A square with a cell for every two scorings: ``values`` (n, n) from -1 to 1, by the name of the measure."""
    if len(names) < 2:
        return nothing(theme, "agreement needs two models or more")
    cells = [
        {
            "one": one,
            "other": other,
            "value": float(values[i, j]) if np.isfinite(values[i, j]) else None,
            "text": f"{values[i, j] + 0.0:.2f}".replace("-0.00", "0.00")
            if np.isfinite(values[i, j])
            else "–",
        }
        for i, one in enumerate(names)
        for j, other in enumerate(names)
    ]
    pairs = [(values[i, j], names[i], names[j]) for i in range(len(names)) for j in range(i)]
    known = sorted(pair for pair in pairs if np.isfinite(pair[0]))
    words = f"{measure} of every two of {counted(len(names), 'scoring')}"
    if known:
        (least, *apart), (most, *close) = known[0], known[-1]
        words += (
            f"; most alike are {' and '.join(close)} ({most:.2f}), least {' and '.join(apart)} ({least:.2f})"
        )
    return filled(_map_spec(theme), f"{words}.", {"cells": cells}, height=CELL * len(names) + MAP_EDGE)


def _overlaid(
    curves: Curves, styles: Mapping[str, str], titles: tuple[str, str], line: str, words: str, theme: Theme
) -> Chart:
    if not curves:
        return nothing(theme, "a curve needs labelled anomalies and labelled normal rows")
    spec = _curves_spec(theme, *_legend(curves, styles), *titles, line)
    return filled(spec, words, {"curves": _points(curves, line)})


def _points(curves: Curves, line: str) -> list[dict[str, Any]]:
    """The points of all curves, in their own order: they may share x, and y may turn."""
    each = MOST_POINTS // len(curves)
    rows = []
    for name, (x, y) in curves.items():
        kept = corners(x, y, each) if line != "log" else np.arange(len(x))
        rows += [
            {"name": name, "x": float(x[at]), "y": float(y[at]), "order": n} for n, at in enumerate(kept)
        ]
    return rows


def _legend(curves: Curves, styles: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(curves), tuple(styles[name] for name in curves)


def colours(names: Sequence[str], styles: Mapping[str, str], *, theme: Theme) -> dict[str, str]:
    """A colour for each scoring: models one each, the consensus that of text, baselines grey."""
    palette, models = PALETTES[theme], 0
    found = {}
    for name in names:
        if styles[name] == "model":
            found[name] = COLOURS[theme][models % MOST_MODELS]
            models += 1
        else:
            found[name] = palette.ink if styles[name] == "consensus" else palette.muted
    return found


@lru_cache(maxsize=64)
def _curves_spec(
    theme: Theme, names: tuple[str, ...], styles: tuple[str, ...], x_title: str, y_title: str, line: str
) -> Spec:
    import altair as alt

    chosen = colours(names, dict(zip(names, styles, strict=True)), theme=theme)
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=280, symbolStrokeWidth=2.5)
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=list(names), range=list(chosen.values())), legend=legend
    )
    grey = iter(BASELINE_DASHES * len(styles))
    dashes = [
        LINE if style == "model" else CONSENSUS_DASH if style == "consensus" else next(grey)
        for style in styles
    ]
    dash = alt.StrokeDash("name:N", scale=alt.Scale(domain=list(names), range=dashes), legend=legend)
    picked = alt.selection_point(fields=["name"], bind="legend")
    share = alt.Axis(format=".0%", tickCount=5)
    unit = alt.Scale(domain=[0, 1], nice=False)
    counts = line == "log"
    x = alt.X(
        "x:Q",
        title=x_title,
        scale=alt.Scale(type="log", nice=False) if counts else unit,
        axis=alt.Axis(format=",.0f", tickCount=6) if counts else share,
    )
    chart = (
        alt.Chart(alt.NamedData(name="curves"), height=HEIGHT)
        .mark_line(strokeWidth=2, interpolate="linear" if counts else line, clip=True)
        .encode(
            x=x,
            y=alt.Y("y:Q", title=y_title, scale=unit, axis=share),
            color=colour,
            strokeDash=dash,
            order="order:Q",
            opacity=alt.condition(picked, alt.value(1), alt.value(0.15)),
            tooltip=[
                alt.Tooltip("name:N", title="model"),
                alt.Tooltip("x:Q", title=x_title, format=",.0f" if counts else ".1%"),
                alt.Tooltip("y:Q", title=y_title, format=".1%"),
            ],
        )
        .add_params(picked)
    )
    return compiled(chart)


@lru_cache(maxsize=2)
def _map_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    flat = {"domain": False, "ticks": False, "labelLimit": 190, "labelOverlap": False}
    base = alt.Chart(alt.NamedData(name="cells")).encode(
        x=alt.X("other:N", title=None, sort=None, axis=alt.Axis(orient="top", labelAngle=-35, **flat)),
        y=alt.Y("one:N", title=None, sort=None, axis=alt.Axis(**flat)),
    )
    # Half-strong at most, so that text in the ordinary colour stays legible on every cell.
    strength = alt.Scale(domain=[0, 1], range=[0.04, 0.6], clamp=True)
    cells = base.mark_rect(cornerRadius=4, color=palette.line).encode(
        opacity=alt.Opacity("value:Q", scale=strength, legend=None),
        tooltip=[
            alt.Tooltip("one:N"),
            alt.Tooltip("other:N", title="and"),
            alt.Tooltip("text:N", title="agree"),
        ],
    )
    texts = base.mark_text(color=palette.ink, fontSize=LABEL_SIZE).encode(text="text:N")
    return compiled(alt.layer(cells, texts))
