"""Anomaly scores drawn: how they are distributed, and what a threshold makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.binning import drawn_edges
from engine.charts.chart import (
    COUNT_LABEL,
    DECADES,
    PALETTES,
    TITLE,
    VALUE_LABEL,
    Chart,
    Palette,
    Rows,
    Spec,
    Theme,
    bounded,
    compiled,
    counted,
    dot,
    filled,
    named,
    nothing,
    number,
    side_text,
    titled,
)
from engine.charts.keeping import kept

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

HEIGHT = 320
LOG_FLOOR = 0.5  # where bars stand on a logarithmic axis: a single row must still be seen
HEADROOM = 1.12  # the threshold's label stands above the tallest bar


def score_histogram(
    edges: Array,
    counts: Counts,
    threshold: float,
    *,
    log: bool,
    flagged: int | None = None,
    by_label: tuple[Counts, Counts] | None = None,
    theme: Theme,
) -> Chart:
    """How many rows have which score, what lies above the threshold in the colour of anomalies.

    ``edges`` and ``counts`` as :func:`histogram` gives them, ``flagged`` the exact number of flagged rows,
    ``by_label`` the counts of labelled normal rows and labelled anomalies in the same bins; the anomalies are
    outlined. Moving the threshold changes the table ``threshold`` (one row) and nothing else.
    """
    total = int(counts.sum())
    if total == 0:
        return nothing(theme)
    drawn, note = drawn_edges(edges)
    tallest, floor = int(counts.max()), LOG_FLOOR if log else 0.0
    known = [] if by_label is None else _outline(drawn, by_label[1], log=log)
    tables: dict[str, Rows] = {
        "bars": [
            {"x0": x0, "x1": x1, "rows": n, "height": max(n, floor), "key": 0}
            for x0, x1, n in zip(drawn[:-1].tolist(), drawn[1:].tolist(), counts.tolist(), strict=True)
        ],
        "threshold": [_line(drawn, threshold, _flagged_words(threshold, flagged), _top(tallest, log=log))],
        "known": known,
    }
    labelled = "" if by_label is None else f"; {_anomalies(by_label[1])} outlined"
    words = f"Histogram of {counted(total, 'anomaly score')}{_range_words(edges, counts)}{labelled}."
    return filled(
        titled(_score_spec(theme, log, by_label is not None), f"anomaly score{note}"), words, tables
    )


def label_histogram(
    edges: Array, normal: Counts, anomaly: Counts, threshold: float, *, theme: Theme
) -> Chart:
    """How far scores tell labelled anomalies from labelled normal rows: the shares of each, overlaid."""
    n_normal, n_anomaly = int(normal.sum()), int(anomaly.sum())
    if n_normal + n_anomaly == 0:
        return nothing(theme, "no judged row has a label")
    drawn, note = drawn_edges(edges)
    rows: list[dict[str, Any]] = []
    highest = 0.0
    for label, counts, total in (("normal", normal, n_normal), ("anomaly", anomaly, n_anomaly)):
        if total == 0:
            continue
        shares = counts / total
        highest = max(highest, float(shares.max()))
        rows += [
            {"label": label, "x0": x0, "x1": x1, "share": share, "rows": n}
            for x0, x1, share, n in zip(
                drawn[:-1].tolist(), drawn[1:].tolist(), shares.tolist(), counts.tolist(), strict=True
            )
            if n
        ]
    label = f"threshold {number(threshold)}"
    tables = {"bars": rows, "threshold": [_line(drawn, threshold, label, highest * HEADROOM)]}
    words = (
        f"Anomaly scores of {counted(n_normal, 'labelled normal row')} and {_anomalies(anomaly)}"
        f"{_range_words(edges, normal + anomaly)}."
    )
    spec = titled(_label_spec(theme), f"anomaly score{note}")
    ends = float(drawn[0]), float(drawn[-1])
    return filled(bounded(spec, x=ends, y=(0.0, highest * HEADROOM)), words, tables)


def flagged_curve(percentiles: Array, counts: Counts, current: tuple[float, int], *, theme: Theme) -> Chart:
    """How many rows each percentile would flag, and where the threshold stands now.

    ``percentiles`` (n_points,) from 0 to 100 ascending, ``counts`` (n_points,) rows flagged at each,
    ``current`` the percentile in use and what it flags.
    """
    points = [
        {"percentile": p, "rows": n}
        for p, n in zip(percentiles.tolist(), counts.tolist(), strict=True)
        if n > 0 and np.isfinite(p)
    ]
    if not points:
        return nothing(theme, "no percentile flags a row")
    here, n_here = current
    first, last = points[0], points[-1]
    now = {
        "percentile": float(here),
        "rows": float(max(n_here, LOG_FLOOR)),
        "label": f"{counted(n_here, 'row')} at {number(here)}",
        "side": "left" if 2 * here > first["percentile"] + last["percentile"] else "right",
    }
    words = (
        f"Rows flagged against the percentile of the threshold: {counted(int(first['rows']), 'row')} at "
        f"{number(first['percentile'])}, {counted(int(last['rows']), 'row')} at {number(last['percentile'])}."
    )
    return filled(_curve_spec(theme), words, {"curve": points, "now": [now]})


def _range_words(edges: Array, counts: Counts) -> str:
    """Where the scores lie, in words: from, to, and the middle as near as the bins tell."""
    half = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2))
    drawn, note = drawn_edges(edges)
    ends = f" from {number(float(drawn[0]))} to {number(float(drawn[-1]))}{note}"
    return f"{ends}, half of them up to {number(float(drawn[half + 1]))}"


def _anomalies(counts: Counts) -> str:
    return counted(int(counts.sum()), "labelled anomaly", "labelled anomalies")


def _flagged_words(threshold: float, flagged: int | None) -> str:
    return f"threshold {number(threshold)}" + ("" if flagged is None else f" · {flagged:,} flagged")


def _top(tallest: float, *, log: bool) -> float:
    """Where the threshold's label stands, above the tallest bar."""
    return LOG_FLOOR * (tallest / LOG_FLOOR) ** HEADROOM if log else tallest * HEADROOM


def _line(drawn: Array, threshold: float, label: str, top: float) -> dict[str, Any]:
    """The threshold as a row of its own; beyond the drawn range it stands at the range's end."""
    first, last = float(drawn[0]), float(drawn[-1])
    at = float(np.clip(threshold if np.isfinite(threshold) else last, first, last))
    side = "left" if at > (first + last) / 2 else "right"
    return {"key": 0, "x": at, "label": label, "side": side, "top": top}


def _outline(drawn: Array, counts: Counts, *, log: bool) -> list[dict[str, Any]]:
    """The tops of the bars of labelled anomalies as one stepped line."""
    heights = np.maximum(counts, LOG_FLOOR if log else 0.0).tolist()
    steps = [{"x": x, "height": height} for x, height in zip(drawn[:-1].tolist(), heights, strict=True)]
    return [*steps, {"x": float(drawn[-1]), "height": heights[-1]}]


@kept
def _score_spec(theme: Theme, log: bool, known: bool) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    # nice=False: the axis ends where the bars do, so a threshold at the end of the range moves nothing.
    x = alt.X(
        "from:Q",
        title=TITLE,
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False, tickCount=8, labelExpr=VALUE_LABEL),
    )
    scale = alt.Scale(type="log", domainMin=LOG_FLOOR, nice=False) if log else alt.Scale(nice=False)
    y_title = "rows, logarithmic" if log else "rows"
    y = alt.Y("height:Q", title=y_title, scale=scale, axis=_count_axis(log=log))
    tooltip = [
        alt.Tooltip("x0:Q", title="score from", format=",.4~g"),
        alt.Tooltip("x1:Q", title="to", format=",.4~g"),
        alt.Tooltip("rows:Q", title="rows", format=","),
    ]
    # Every bar learns the threshold by a lookup inside the browser; the bar it crosses has two colours.
    line = alt.LookupData(data=alt.NamedData(name="threshold"), key="key", fields=["x"])
    bars = alt.Chart(alt.NamedData(name="bars")).transform_lookup(lookup="key", from_=line)

    def part(start: str, end: str, colour: str) -> Any:
        return (
            bars.transform_calculate(**{"from": start, "to": end})
            .transform_filter("datum.to > datum.from")
            .mark_bar(color=colour, stroke=None, binSpacing=0)
            .encode(x=x, x2="to:Q", y=y, y2=alt.datum(LOG_FLOOR if log else 0), tooltip=tooltip)
        )

    below = part("datum.x0", "min(datum.x1, datum.x)", palette.normal)
    above = part("max(datum.x0, datum.x)", "datum.x1", palette.anomaly)
    layers = [below, above]
    if known:
        layers.append(_known_layer(palette, y))
    return compiled(alt.layer(*layers, *_threshold_layers(palette), height=HEIGHT))


def _count_axis(*, log: bool) -> Any:
    import altair as alt

    where = {"values": DECADES} if log else {"tickCount": 5, "tickMinStep": 1}
    return alt.Axis(labelExpr=COUNT_LABEL, **where)


def _known_layer(palette: Palette, y: Any) -> Any:
    import altair as alt

    name = "labelled anomalies"
    line = alt.Chart(alt.NamedData(name="known")).mark_line(interpolate="step-after", strokeWidth=1.5)
    return named(line.encode(x="x:Q", y=y), name, alt.Scale(domain=[name], range=[palette.ink]))


def _threshold_layers(palette: Palette) -> tuple[Any, Any]:
    import altair as alt

    data = alt.NamedData(name="threshold")
    rule = alt.Chart(data).mark_rule(color=palette.ink, strokeWidth=1.5).encode(x="x:Q")
    return rule, side_text(data, palette, x=alt.X("x:Q"), y=alt.Y("top:Q"))


@kept
def _label_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    colour = alt.Scale(domain=["normal", "anomaly"], range=[palette.normal, palette.anomaly])
    bars = (
        alt.Chart(alt.NamedData(name="bars"))
        .mark_bar(opacity=0.65, stroke=None, binSpacing=0)
        .encode(
            x=alt.X(
                "x0:Q",
                title=TITLE,
                scale=alt.Scale(zero=False, nice=False),
                axis=alt.Axis(grid=False, tickCount=8, labelExpr=VALUE_LABEL),
            ),
            x2="x1:Q",
            y=alt.Y(
                "share:Q",
                title="share of the label's rows",
                stack=None,
                scale=alt.Scale(nice=False),
                axis=alt.Axis(format=".0~%", tickCount=5),
            ),
            color=alt.Color("label:N", scale=colour, legend=alt.Legend(title="labelled", orient="top")),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("label:N", title="labelled"),
                alt.Tooltip("x0:Q", title="score from", format=",.4~g"),
                alt.Tooltip("x1:Q", title="to", format=",.4~g"),
                alt.Tooltip("rows:Q", title="rows", format=","),
                alt.Tooltip("share:Q", title="share", format=".2%"),
            ],
        )
    )
    return compiled(alt.layer(bars, *_threshold_layers(palette), height=HEIGHT))


@kept
def _curve_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    x = alt.X(
        "percentile:Q",
        title="percentile of the training scores at which the line is drawn",
        scale=alt.Scale(zero=False, nice=False),
        axis=alt.Axis(grid=False),
    )
    y = alt.Y(
        "rows:Q",
        title="rows flagged, logarithmic",
        scale=alt.Scale(type="log"),
        axis=_count_axis(log=True),
    )
    tooltip = [
        alt.Tooltip("percentile:Q", title="percentile", format=",.5~g"),
        alt.Tooltip("rows:Q", title="rows flagged", format=","),
    ]
    curve = alt.Chart(alt.NamedData(name="curve"))
    line = curve.mark_line(color=palette.line, strokeWidth=2).encode(x=x, y=y, tooltip=tooltip)
    data = alt.NamedData(name="now")
    now = alt.Chart(data).mark_point(**dot(palette)).encode(x=x, y=y, tooltip=tooltip)
    return compiled(alt.layer(line, now, side_text(data, palette, gap=12, x=x, y=y), height=240))
