"""A map over time: a lane an entity or a channel, darker where something was more unusual."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    PALETTES,
    TITLE,
    Chart,
    Palette,
    Spec,
    Theme,
    compiled,
    counted,
    filled,
    nothing,
    titled,
)
from engine.charts.keeping import kept
from engine.charts.series import moment, time_axis

Array = NDArray[np.float64]

CELL = "cell"
"""The name of the selection that holds a clicked cell: its ``lane``, and where it starts and ends."""

SHADES = (0.05, 0.16, 0.34, 0.6, 1.0)  # opacity below the first level, between two, and from the last on
LANE_HEIGHT, AXIS_HEIGHT = 24, 148
NAME_WIDTH = 150  # pixels; a longer name ends in an ellipsis


@dataclass(frozen=True, kw_only=True)
class Measure:
    """What the cells of a map stand for, and from which numbers on they become darker."""

    title: str
    levels: tuple[float, float, float, float]
    names: tuple[str, str, str, str, str]  # of the shades: below the first level, from each level on
    format: str


SEVERITY = Measure(
    title="highest severity",
    levels=(90, 99, 99.9, 100),  # 100 lies beyond every training row
    names=("below 90", "from 90", "from 99", "from 99.9", "100: beyond training"),
    format=".2f",
)


def lane_map(
    names: Sequence[str], edges: Array, severity: Array, *, title: str, clock: bool = True, theme: Theme
) -> Chart:
    """The highest severity in each stretch of time, a lane each for some entities or channels.

    ``names`` (n_lanes,) from the top down, ``edges`` (n_stretches + 1,) seconds since 1970 or steps, ``severity``
    (n_lanes, n_stretches), NaN where there is nothing to show. ``title`` says what the lanes are. A clicked cell is
    reported as the selection ``cell``.
    """
    if not np.isfinite(severity).any():
        return nothing(theme, "no severity is known here")
    lane, stretch = divmod(int(np.nanargmax(severity)), severity.shape[1])
    words = (
        f"The highest severity in {counted(severity.shape[1], 'stretch', 'stretches')} of time, for "
        f"{counted(len(names), title)}; the highest of all is {severity[lane, stretch]:.2f}, of '{names[lane]}' from "
        f"{moment(float(edges[stretch]), clock=clock)}."
    )
    return lanes(names, edges, severity, words, title=title, clock=clock, theme=theme)


def lanes(
    names: Sequence[str],
    edges: Array,
    values: Array,
    words: str,
    *,
    title: str,
    clock: bool,
    theme: Theme,
    measure: Measure = SEVERITY,
) -> Chart:
    """A map of any measure, with its sentence: arrays as in :func:`lane_map`."""
    cells = [
        {"lane": names[lane], **cell}
        for lane in range(len(names))
        for cell in shaded(edges, values[lane], clock=clock, measure=measure)
    ]
    height = LANE_HEIGHT * len(names) + AXIS_HEIGHT
    return filled(titled(_lanes_spec(theme, clock, measure), title), words, {"cells": cells}, height=height)


def shaded(edges: Array, values: Array, *, clock: bool, measure: Measure = SEVERITY) -> list[dict[str, Any]]:
    """One lane as rows of a table: the stretches that have a value, and the shade of each."""
    factor = 1000.0 if clock else 1.0  # Vega counts in milliseconds
    shades = np.searchsorted(measure.levels, values, side="right")
    return [
        {
            "start": float(edges[i]) * factor,
            "end": float(edges[i + 1]) * factor,
            "value": float(values[i]),
            "shade": str(shades[i]),
        }
        for i in np.flatnonzero(np.isfinite(values)).tolist()
    ]


def shade(palette: Palette, measure: Measure = SEVERITY) -> Any:
    """How dark a value is drawn, and its legend."""
    import altair as alt

    names = {str(number): name for number, name in enumerate(measure.names)}
    legend = alt.Legend(
        title=measure.title,
        orient="top",
        labelExpr=f"{names}[datum.value]",
        symbolType="square",
        symbolFillColor=palette.anomaly,
        symbolStrokeWidth=0,
    )
    return alt.Opacity(
        "shade:O",
        sort=list(names),
        scale=alt.Scale(type="ordinal", domain=list(names), range=list(SHADES)),
        legend=legend,
    )


def lane_tooltip(clock: bool, measure: Measure = SEVERITY) -> list[Any]:
    """From when to when a cell reaches, and its value."""
    import altair as alt

    def at(field: str, title: str) -> Any:
        if clock:
            return alt.Tooltip(
                f"{field}:T",
                title=title,
                format="%Y-%m-%d %H:%M:%S",
                timeUnit="utcyearmonthdatehoursminutesseconds",
            )
        return alt.Tooltip(f"{field}:Q", title=title, format=",.6~g")

    return [
        at("start", "from"),
        at("end", "to"),
        alt.Tooltip("value:Q", title=measure.title, format=measure.format),
    ]


@kept
def _lanes_spec(theme: Theme, clock: bool, measure: Measure) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    names = alt.Axis(domain=False, ticks=False, labelOverlap=False, labelLimit=NAME_WIDTH, grid=False)
    cells = (
        alt.Chart(alt.NamedData(name="cells"))
        .mark_rect(color=palette.anomaly, stroke=None)
        .encode(
            x=time_axis(clock, "start"),
            x2="end",
            y=alt.Y("lane:N", title=TITLE, sort=None, axis=names, scale=alt.Scale(padding=0.12)),
            opacity=shade(palette, measure),
            tooltip=[alt.Tooltip("lane:N", title=TITLE), *lane_tooltip(clock, measure)],
        )
    )
    picked = alt.selection_point(name=CELL, fields=["lane", "start", "end"])
    return compiled(cells.add_params(picked))
