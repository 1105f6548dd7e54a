"""A series drawn: one channel over time, what was flagged in it, and what the labels say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    PALETTES,
    TITLE,
    VALUE_LABEL,
    Chart,
    Palette,
    Spec,
    Theme,
    compiled,
    counted,
    dot,
    filled,
    finite,
    named,
    nothing,
    number,
    titled,
)
from engine.charts.keeping import kept
from engine.charts.thinning import MAX_POINTS, oddness, thin, worst

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]
Segments = NDArray[np.integer[Any]]
Span = tuple[float, float]

MAX_SPANS = 500
MAX_BREAKS = 1_000  # of a line, at gaps

# Hours of a day and not of half a day, and below the first tick what all of them leave out.
_CLOCK = "utcFormat(datum.value, utcseconds(datum.value) ? '%H:%M:%S' : '%H:%M')"
_DAY = "utcFormat(datum.value, '%b %d')"
_YEAR = "utcFormat(datum.value, '%Y')"
CLOCK_LABEL = (
    "datum.value % 86400000 != 0"
    f" ? (datum.index == 0 ? [{_CLOCK}, utcFormat(datum.value, '%b %d %Y')] : {_CLOCK})"
    f" : utcmonth(datum.value) == 0 && utcdate(datum.value) == 1 ? {_YEAR}"
    f" : datum.index == 0 ? [{_DAY}, {_YEAR}] : {_DAY}"
)

FLAGGED, LABELLED, THIS_ROW = "flagged", "labelled anomaly", "this row"

SCREEN_WIDTH = 2_000  # pixels a chart has at most


def series_chart(
    times: Array,
    values: Array,
    spans: Sequence[Span] = (),
    flagged: Mask | None = None,
    *,
    channel: str,
    clock: bool = True,
    label_spans: Sequence[Span] | None = None,
    severity: Array | None = None,
    segments: Segments | None = None,
    theme: Theme,
) -> Chart:
    """One channel over time: flagged spans as bands, flagged rows as dots, labelled anomalies as a strip.

    ``times`` (n_samples,) ascending: seconds since 1970 in UTC, drawn by the file's own clock in every
    browser, or plain step numbers when ``clock`` is false. ``values`` (n_samples,), NaN breaks the line.
    ``spans`` and ``label_spans`` are pairs (start, end) in the unit of ``times``. ``flagged`` (n_samples,)
    marks rows; where they are more than can be drawn, ``severity`` (n_samples,) says which matter most.
    Where ``segments`` (n_samples,), a number for each stretch without a gap, change, the line is broken.
    Shift and the wheel zoom, dragging moves.
    """
    if not np.isfinite(values).any():
        return nothing(theme, f"'{channel}' has no values here")
    mask = np.zeros(len(values), dtype=np.bool_) if flagged is None else flagged
    dots = worst(oddness(values) if severity is None else severity, mask & np.isfinite(values))
    rows = _with(thin(times, values, n=MAX_POINTS - len(dots)), dots)
    tables = {
        "line": points(times, values, rows, segments, clock=clock),
        "flagged": points(times, values, dots, clock=clock),
        "spans": bands(spans, times, clock=clock),
        "labels": bands(label_spans or (), times, clock=clock),
    }
    found = [counted(int(mask.sum()), "flagged row"), counted(len(spans), "flagged span")]
    if label_spans is not None:
        found.append(counted(len(label_spans), "labelled anomaly", "labelled anomalies"))
    words = in_words(channel, times, values, clock=clock) + f"; {', '.join(found)}."
    return filled(titled(_series_spec(theme, clock, label_spans is not None, False), channel), words, tables)


def neighbourhood(
    times: Array,
    values: Array,
    index: int,
    flagged: Mask | None = None,
    *,
    channel: str,
    clock: bool = True,
    theme: Theme,
) -> Chart:
    """A few rows of one channel around row ``index`` of them, which is marked; arrays as in a series."""
    if not np.isfinite(values).any():
        return nothing(theme, f"'{channel}' has no values here")
    mask = np.zeros(len(values), dtype=np.bool_) if flagged is None else flagged.copy()
    mask[index] = False
    dots = worst(oddness(values), mask & np.isfinite(values))
    rows = _with(thin(times, values, n=MAX_POINTS - len(dots)), np.r_[dots, index])
    tables = {
        "line": points(times, values, rows, clock=clock),
        "flagged": points(times, values, dots, clock=clock),
        "spans": [],
        "labels": [],
        "row": points(times, values, np.array([index]), clock=clock),
    }
    words = in_words(channel, times, values, clock=clock) + f"; this row is {number(float(values[index]))}."
    return filled(titled(_series_spec(theme, clock, False, True), channel), words, tables)


def _with(rows: Indices, more: Indices) -> Indices:
    return np.union1d(rows, more).astype(np.int64)


def points(
    times: Array, values: Array, rows: Indices, segments: Segments | None = None, *, clock: bool
) -> list[dict[str, Any]]:
    """The chosen rows as Vega takes them; an empty one after the last row of a segment breaks the line there."""
    at = times[rows] * (1000.0 if clock else 1.0)  # Vega counts in milliseconds
    found = [
        {"time": time, "value": finite(value)}
        for time, value in zip(at.tolist(), values[rows].tolist(), strict=True)
    ]
    if segments is None or len(rows) == 0:
        return found
    last = np.flatnonzero(np.diff(segments[rows]) != 0)[:MAX_BREAKS]
    for place in reversed(last.tolist()):
        found.insert(place + 1, {"time": found[place]["time"], "value": None})
    return found


def bands(spans: Sequence[Span], times: Array, *, clock: bool) -> list[dict[str, float]]:
    """The longest spans that fit the chart, cut to the times shown."""
    factor = 1000.0 if clock else 1.0
    first, last = float(times[0]), float(times[-1])
    shown = [(max(start, first), min(end, last)) for start, end in spans if start <= last and end >= first]
    longest = sorted(shown, key=lambda span: span[0] - span[1])[:MAX_SPANS]
    return [{"start": start * factor, "end": end * factor} for start, end in sorted(longest)]


def in_words(channel: str, times: Array, values: Array, *, clock: bool, readings: int | None = None) -> str:
    """What a line shows, in words; ``readings`` says how many it stands for, where it was thinned before."""
    return (
        f"'{channel}' over {counted(len(values) if readings is None else readings, 'row')} "
        f"from {moment(float(times[0]), clock=clock)} to {moment(float(times[-1]), clock=clock)}, "
        f"between {number(float(np.nanmin(values)))} and {number(float(np.nanmax(values)))}"
    )


def moment(at: float, *, clock: bool) -> str:
    """A time as it is written: by the file's own clock, or the step."""
    return str(np.datetime64(round(at), "s")).replace("T", " ") if clock else number(at)


@kept
def _series_spec(theme: Theme, clock: bool, labelled: bool, row: bool) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    names = [FLAGGED, *([LABELLED] if labelled else []), *([THIS_ROW] if row else [])]
    colours = {FLAGGED: palette.anomaly, LABELLED: palette.muted, THIS_ROW: palette.ink}
    scale = alt.Scale(domain=names, range=[colours[name] for name in names])
    x = time_axis(clock)
    y = alt.Y(
        "value:Q",
        title=TITLE,
        scale=alt.Scale(zero=False, padding=10),
        axis=alt.Axis(tickCount=4, labelExpr=VALUE_LABEL),
    )
    tooltip = [time_tooltip(clock), alt.Tooltip("value:Q", title=TITLE, format=",.5~g")]
    bands = alt.Chart(alt.NamedData(name="spans")).mark_rect(opacity=0.22, strokeWidth=1.5)
    strip = alt.Chart(alt.NamedData(name="labels")).mark_rect(opacity=0.9, strokeWidth=3)
    edge = alt.Stroke("legend:N", scale=scale, legend=None)  # all that is seen of a span of one reading
    line = alt.Chart(alt.NamedData(name="line")).mark_line(color=palette.line, strokeWidth=1.25)
    dots = alt.Chart(alt.NamedData(name="flagged")).mark_circle(size=28, opacity=1)
    layers = [
        named(bands.encode(x=time_axis(clock, "start"), x2="end", stroke=edge), FLAGGED, scale),
        line.encode(x=x, y=y, tooltip=tooltip),
        named(dots.encode(x=x, y=y, tooltip=tooltip), FLAGGED, scale),
    ]
    if labelled:
        top = {"y": alt.value(0), "y2": alt.value(6)}
        layers.append(
            named(strip.encode(x=time_axis(clock, "start"), x2="end", stroke=edge, **top), LABELLED, scale)
        )
    if row:
        layers += row_layers(palette, x, y, scale, tooltip)
        return compiled(alt.layer(*layers, height=260))
    # The wheel alone scrolls the page: a chart that fills the screen must not trap its reader.
    selection = alt.selection_interval(
        name="view", encodings=["x"], bind="scales", zoom="wheel![event.shiftKey]"
    )
    layers[1] = layers[1].add_params(selection)
    return compiled(alt.layer(*layers, height=300))


def time_axis(clock: bool, field: str = "time") -> Any:
    """The axis of a series: moments by the file's own clock, or steps."""
    import altair as alt

    if clock:
        axis = alt.Axis(grid=False, labelExpr=CLOCK_LABEL, tickCount=8)
        return alt.X(f"{field}:T", title="time", scale=alt.Scale(type="utc", nice=False), axis=axis)
    axis = alt.Axis(grid=False, labelExpr=VALUE_LABEL, tickCount=8)
    return alt.X(f"{field}:Q", title="step", scale=alt.Scale(zero=False, nice=False), axis=axis)


def time_tooltip(clock: bool) -> Any:
    """When a mark is, for its tooltip."""
    import altair as alt

    if clock:
        return alt.Tooltip(
            "time:T", title="time", format="%Y-%m-%d %H:%M:%S", timeUnit="utcyearmonthdatehoursminutesseconds"
        )
    return alt.Tooltip("time:Q", title="step", format=",")


def row_layers(palette: Palette, x: Any, y: Any, scale: Any, tooltip: list[Any]) -> list[Any]:
    """The one reading that is looked at: a rule, and a dot in its colour of a scale."""
    import altair as alt

    row = alt.Chart(alt.NamedData(name="row"))
    point = {key: value for key, value in dot(palette, 130).items() if key != "color"}
    return [
        row.mark_rule(strokeDash=[4, 3], color=palette.muted).encode(x=x),
        named(row.mark_point(**point).encode(x=x, y=y, tooltip=tooltip), THIS_ROW, scale),
    ]


def spans_of(times: Array, flags: Mask) -> list[Span]:
    """Stretches of neighbouring flagged rows as pairs (start, end); what a screen cannot tell apart is one stretch.

    ``times`` (n_samples,) ascending, ``flags`` (n_samples,).
    """
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    if len(edges) == 0:
        return []
    apart = (times[-1] - times[0]) / SCREEN_WIDTH
    return joined(times[edges[::2]], times[edges[1::2] - 1], float(apart))


def joined(starts: Array, ends: Array, apart: float) -> list[Span]:
    """Spans in the order of time, those not farther apart than that as one: none is lost, few are drawn."""
    if len(starts) == 0:
        return []
    new = np.r_[True, starts[1:] - ends[:-1] > apart]
    last = np.r_[np.flatnonzero(new)[1:] - 1, len(ends) - 1]
    return list(zip(starts[new].tolist(), ends[last].tolist(), strict=True))
