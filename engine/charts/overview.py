"""The whole of a series in one picture: a channel, its events, how severe each stretch is, a brush to look closer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    PALETTES,
    TITLE,
    VALUE_LABEL,
    Chart,
    Rows,
    Spec,
    Theme,
    compiled,
    filled,
    named,
    nothing,
    titled,
)
from engine.charts.keeping import kept
from engine.charts.lanes import lane_tooltip, shade, shaded
from engine.charts.series import (
    Segments,
    Span,
    in_words,
    points,
    time_axis,
    time_tooltip,
)
from engine.charts.thinning import MAX_POINTS, thin

Array = NDArray[np.float64]

BRUSH = "window"
"""The name of the selection that a reader's drag makes, for a page that answers with a closer look."""

EVENT = "event"
BAND = (
    0.14,
    0.5,
)  # opacity of a stretch of which next to nothing lies in events, and of one that does wholly
HEIGHT, STRIP_HEIGHT, APART = 330, 16, 10  # pixels: all of it, the strip at its foot, the room above that


def overview(
    times: Array,
    values: Array,
    peaks: tuple[Array, Array],
    edges: Array,
    events: Array,
    severity: Array,
    window: Span | None = None,
    *,
    channel: str,
    segments: Segments | None = None,
    readings: int | None = None,
    clock: bool = True,
    theme: Theme,
) -> Chart:
    """One channel over all of its time, the events as bands, and a strip of severities; drag to choose a window.

    ``times``, ``values``, ``segments`` (n_samples,) as in a series chart, of which ``readings`` are drawn where they
    were thinned before. ``peaks`` times and values of the events' worst readings. ``edges`` (n_stretches + 1,) cut the
    time into stretches: ``events`` (n_stretches,) says which share of the readings of each lies in events, and one
    with any is seen, however small its share; ``severity`` (n_stretches,) is the highest of each, NaN for none.
    ``window`` is the stretch looked at closer. Events and window move in tables of their own: the rest stays.
    """
    if not np.isfinite(values).any():
        return nothing(theme, f"'{channel}' has no values here")
    rows = thin(times, values, n=MAX_POINTS)
    factor = 1000.0 if clock else 1.0
    tables: dict[str, Rows] = {
        "line": points(times, values, rows, segments, clock=clock),
        "events": [
            {"start": edges[i] * factor, "end": edges[i + 1] * factor, "share": events[i]}
            for i in np.flatnonzero(np.nan_to_num(events) > 0).tolist()
        ],
        "peaks": points(*peaks, np.arange(len(peaks[0])), clock=clock),
        "strip": shaded(edges, severity, clock=clock),
        "window": [] if window is None else [{"start": window[0] * factor, "end": window[1] * factor}],
    }
    words = f"{in_words(channel, times, values, clock=clock, readings=readings)}; below it the severity over time."
    return filled(titled(_overview_spec(theme, clock), channel), words, tables)


@kept
def _overview_spec(theme: Theme, clock: bool) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    scale = alt.Scale(domain=[EVENT], range=[palette.anomaly])
    # The strip stands at the foot of the same plot, so that both have one axis of time and one brush.
    # How high the plot is, is known in the browser only: axis and legends take their part of the picture first.
    foot, strip = alt.expr("height"), alt.expr(f"height - {STRIP_HEIGHT}")
    floor = alt.expr(f"height - {STRIP_HEIGHT + APART}")
    x = time_axis(clock)
    y = alt.Y(
        "value:Q",
        title=TITLE,
        scale=alt.Scale(zero=False, nice=False, range=[floor, 6]),
        axis=alt.Axis(tickCount=4, labelExpr=VALUE_LABEL, domain=False),
    )
    tooltip = [time_tooltip(clock), alt.Tooltip("value:Q", title=TITLE, format=",.5~g")]

    def span(name: str, top: Any, bottom: Any, **mark: Any) -> Any:
        rect = alt.Chart(alt.NamedData(name=name)).mark_rect(**mark)
        return rect.encode(x=time_axis(clock, "start"), x2="end", y=alt.value(top), y2=alt.value(bottom))

    # Many short events far and wide are a faint wash, a long one is a band.
    share = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=list(BAND)), legend=None)
    line = alt.Chart(alt.NamedData(name="line")).mark_line(color=palette.line, strokeWidth=1.1)
    dots = alt.Chart(alt.NamedData(name="peaks")).mark_circle(size=26, opacity=1)
    brush = alt.selection_interval(
        name=BRUSH,
        encodings=["x"],
        translate=False,  # a drag inside the window of before draws a narrower one
        zoom=False,  # the wheel scrolls the page
        mark=alt.BrushConfig(fill=palette.ink, fillOpacity=0.08, stroke=palette.ink, strokeOpacity=0.5),
    )
    layers = [
        span("window", 0, foot, color=palette.ink, opacity=0.12),
        named(span("events", 0, floor, stroke=None).encode(opacity=share), EVENT, scale),
        line.encode(x=x, y=y, tooltip=tooltip).add_params(brush),
        dots.encode(x=x, y=y, tooltip=tooltip, color=alt.value(palette.anomaly)),
        span("strip", strip, foot, color=palette.anomaly, stroke=None).encode(
            opacity=shade(palette), tooltip=lane_tooltip(clock)
        ),
    ]
    return compiled(alt.layer(*layers, height=HEIGHT))
