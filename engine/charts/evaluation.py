"""Scores against labels drawn: the two curves over all thresholds, and the four outcomes at one."""

from __future__ import annotations

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
    dot,
    filled,
    nothing,
    percent,
    side_text,
)
from engine.charts.keeping import kept

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Between = tuple[Array, Array, Array]  # x, and from where to where (n_points,)

MAX_CURVE = 300
HEIGHT = 320


def roc_chart(
    fpr: Array,
    tpr: Array,
    point: tuple[float, float],
    auc: float,
    *,
    band: Between | None = None,
    theme: Theme,
) -> Chart:
    """The share of anomalies caught against the share of normal rows flagged, over every threshold.

    ``fpr`` and ``tpr`` (n_points,) from the strictest threshold to the loosest, ``point`` the pair in use; ``band``
    between which values the curve lies in 95 % of resamples.
    """
    if len(fpr) == 0:
        return nothing(theme, "a curve needs labelled anomalies and labelled normal rows")
    label = f"catches {percent(point[1])}, {percent(point[0])} false alarms"
    now = {
        "x": float(point[0]),
        "y": float(point[1]),
        "label": label,
        "side": "left" if point[0] > 0.5 else "right",
    }
    words = (
        f"ROC curve, area under it {auc:.3f}: {percent(_at(fpr, tpr, 0.01))} of the anomalies are caught "
        f"when 1 % of the normal rows are flagged, {percent(_at(fpr, tpr, 0.1))} when 10 % are."
    )
    chance = [{"x": 0, "y": 0}, {"x": 1, "y": 1}]
    tables = {"band": _band(band), "curve": _curve(fpr, tpr), "chance": chance, "now": [now]}
    return filled(_roc_spec(theme), words, tables, title=_title(f"Area under the curve {auc:.3f}"))


def pr_chart(
    recall: Array,
    precision: Array,
    point: tuple[float, float],
    average_precision: float,
    base_rate: float,
    *,
    band: Between | None = None,
    theme: Theme,
) -> Chart:
    """How much of what is flagged is an anomaly against how many anomalies are caught, over every threshold.

    ``recall`` and ``precision`` (n_points,) from the strictest threshold to the loosest, ``point`` the pair
    in use, ``base_rate`` the share of anomalies among the labelled rows: the precision of flagging at random.
    """
    if len(recall) == 0:
        return nothing(theme, "a curve needs labelled anomalies and labelled normal rows")
    label = f"catches {percent(point[0])}, right {percent(point[1])} of the time"
    now = {
        "x": float(point[0]),
        "y": float(point[1]),
        "label": label,
        "side": "left" if point[0] > 0.5 else "right",
    }
    words = (
        f"Precision-recall curve, average precision {average_precision:.3f} where flagging at random gives "
        f"{percent(base_rate)}; when half of the anomalies are caught, "
        f"{percent(_at(recall, precision, 0.5))} of the flagged rows are anomalies."
    )
    chance = [{"x": 0, "y": base_rate}, {"x": 1, "y": base_rate}]
    tables = {"band": _band(band), "curve": _curve(recall, precision), "chance": chance, "now": [now]}
    return filled(_pr_spec(theme), words, tables, title=_title(f"Average precision {average_precision:.3f}"))


def confusion_grid(tp: int, fp: int, fn: int, tn: int, *, theme: Theme) -> Chart:
    """The four outcomes of flags against labels, shaded by their share of the rows with the same label."""
    if tp + fp + fn + tn == 0:
        return nothing(theme, "no judged row has a label")
    anomalies, normal = max(tp + fn, 1), max(fp + tn, 1)
    cells = [
        _cell("anomaly", "flagged", tp, anomalies, "caught"),
        _cell("anomaly", "not flagged", fn, anomalies, "missed"),
        _cell("normal", "flagged", fp, normal, "false alarm" if fp == 1 else "false alarms"),
        _cell("normal", "not flagged", tn, normal, "left alone"),
    ]
    words = (
        f"Of {counted(tp + fn, 'anomaly', 'anomalies')} {tp:,} caught and {fn:,} missed; of "
        f"{counted(fp + tn, 'normal row')} {counted(fp, 'false alarm')} and {tn:,} left alone."
    )
    return filled(_grid_spec(theme), words, {"cells": cells})


def corners(x: Array, y: Array, n: int = MAX_CURVE) -> Indices:
    """The row numbers of at most ``n`` points of a curve that draw it: every corner where they fit.

    Points in the middle of a straight horizontal or vertical run go first, which changes nothing. What is
    still too much is picked evenly along the curve's length, so each left out lies within 1/n of its length
    from one that stays.
    """
    new = np.flatnonzero(np.r_[True, (np.diff(x) != 0) | (np.diff(y) != 0)])
    across, up = np.diff(x[new]) == 0, np.diff(y[new]) == 0
    middle = (across[:-1] & across[1:]) | (up[:-1] & up[1:])
    rows = new[np.r_[True, ~middle, True][: len(new)]]
    if len(rows) <= n:
        return rows
    length = np.r_[0.0, np.cumsum(np.abs(np.diff(x[rows])) + np.abs(np.diff(y[rows])))]
    picked = np.searchsorted(length, np.linspace(0.0, length[-1], n))
    return rows[np.unique(np.r_[0, picked[1:-1], len(rows) - 1])]


def _at(x: Array, y: Array, where: float) -> float:
    """The curve's height where it first reaches ``where``."""
    return float(y[min(int(np.searchsorted(x, where)), len(y) - 1)])


def _curve(x: Array, y: Array) -> list[dict[str, Any]]:
    rows = corners(x, y)
    # Points may share x and y may turn: without an order of its own the browser would sort them by x.
    return [
        {"x": at, "y": height, "order": i}
        for i, (at, height) in enumerate(zip(x[rows].tolist(), y[rows].tolist(), strict=True))
    ]


def _band(band: Between | None) -> list[dict[str, Any]]:
    if band is None:
        return []
    return [
        {"x": x, "low": low, "high": high}
        for x, low, high in zip(*(np.round(part, 4).tolist() for part in band), strict=True)
    ]


def _cell(label: str, flag: str, rows: int, of: int, words: str) -> dict[str, Any]:
    return {
        "label": label,
        "flag": flag,
        "rows": int(rows),
        "share": float(rows / of),
        "number": f"{rows:,}",
        "words": words,
    }


def _title(text: str) -> dict[str, Any]:
    return {"text": text, "anchor": "start", "fontSize": 14}


@kept
def _roc_spec(theme: Theme) -> Spec:
    x_title, y_title = "normal rows flagged (false positive rate)", "anomalies caught (recall)"
    return _unit_square(theme, x_title, y_title, interpolate="linear", lower=12)


@kept
def _pr_spec(theme: Theme) -> Spec:
    # Steps, not slopes: between two thresholds precision is no straight line (Davis and Goadrich, 2006).
    x_title, y_title = "anomalies caught (recall)", "flags that are right (precision)"
    return _unit_square(theme, x_title, y_title, interpolate="step-before", lower=-12)


def _unit_square(theme: Theme, x_title: str, y_title: str, *, interpolate: str, lower: int) -> Spec:
    """Two shares against each other; the point's label stands ``lower`` pixels down, off the curve."""
    import altair as alt

    palette = PALETTES[theme]
    unit = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(format=".0%", tickCount=5)
    x = alt.X("x:Q", title=x_title, scale=unit, axis=axis)
    y = alt.Y("y:Q", title=y_title, scale=unit, axis=axis)
    tooltip = [
        alt.Tooltip("x:Q", title=x_title, format=".1%"),
        alt.Tooltip("y:Q", title=y_title, format=".1%"),
    ]
    curve = alt.Chart(alt.NamedData(name="curve"))
    band = alt.Chart(alt.NamedData(name="band"))
    data = alt.NamedData(name="now")
    layers = [
        band.mark_area(color=palette.line, opacity=0.18).encode(
            x=x, y=alt.Y("low:Q", title=y_title, scale=unit, axis=axis), y2="high:Q"
        ),
        alt.Chart(alt.NamedData(name="chance"))
        .mark_line(color=palette.muted, strokeDash=[4, 4], strokeWidth=1.25)
        .encode(x=x, y=y),
        curve.mark_line(color=palette.line, strokeWidth=2, interpolate=interpolate).encode(
            x=x, y=y, order="order:Q", tooltip=tooltip
        ),
        alt.Chart(data).mark_point(**dot(palette)).encode(x=x, y=y, tooltip=tooltip),
        side_text(data, palette, gap=12, lower=lower, x=x, y=y),
    ]
    return compiled(alt.layer(*layers, height=HEIGHT))


@kept
def _grid_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    base = alt.Chart(alt.NamedData(name="cells")).encode(
        x=alt.X(
            "flag:N",
            title="at this threshold",
            sort=["flagged", "not flagged"],
            axis=alt.Axis(orient="top", labelAngle=0, domain=False, ticks=False),
            scale=alt.Scale(padding=0.04),
        ),
        y=alt.Y(
            "label:N",
            title="labelled",
            sort=["anomaly", "normal"],
            axis=alt.Axis(domain=False, ticks=False),
            scale=alt.Scale(padding=0.06),
        ),
    )
    colour = alt.Scale(domain=["flagged", "not flagged"], range=[palette.anomaly, palette.normal])
    # Half-strong at most, so that text in the ordinary colour stays legible on every cell.
    strength = alt.Scale(domain=[0, 1], range=[0.08, 0.6])
    tooltip = [
        alt.Tooltip("label:N", title="labelled"),
        alt.Tooltip("flag:N", title="and"),
        alt.Tooltip("rows:Q", title="rows", format=","),
        alt.Tooltip("share:Q", title="share of this label", format=".1%"),
    ]
    cells = base.mark_rect(cornerRadius=6).encode(
        color=alt.Color("flag:N", scale=colour, legend=None),
        opacity=alt.Opacity("share:Q", scale=strength, legend=None),
        tooltip=tooltip,
    )
    numbers = base.mark_text(color=palette.ink, fontSize=26, fontWeight="bold", dy=-10).encode(
        text="number:N"
    )
    words = base.mark_text(color=palette.ink, fontSize=LABEL_SIZE, dy=16).encode(text="words:N")
    return compiled(alt.layer(cells, numbers, words, height=240))
