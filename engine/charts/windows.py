"""The window around a reading: what a network makes of it, how far it is off, and the most similar normal one."""

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
    Spec,
    Theme,
    compiled,
    counted,
    filled,
    finite,
    named,
    nothing,
    number,
    titled,
)
from engine.charts.keeping import kept
from engine.charts.lanes import Measure, lanes
from engine.charts.series import THIS_ROW, in_words, moment, row_layers, spans_of, time_axis, time_tooltip

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

MEASURED, TEACHER, STUDENT = "measured", "rebuilt (teacher)", "rebuilt (student)"
HIDDEN, APART = "hidden from both", "discrepancy of the two"
THIS_WINDOW, NORMAL = "this window", "most similar normal window"

HEIGHT, RIBBON_HEIGHT, ROOM = 300, 44, 12  # pixels: all of it, the ribbon at its foot, the room above that
RIBBON = 0.5  # sizes of a window that fill the ribbon, at least
MOST_CELLS, MOST_STRETCHES = 4_000, 200  # of the map of errors, and the stretches of its time
ERROR = Measure(
    title="error, in sizes of the window",
    levels=(0.25, 0.5, 1.0, 2.0),
    names=("below 0.25", "from 0.25", "from 0.5", "from 1", "from 2"),
    format=",.3~g",
)


def rebuilt_window(
    times: Array,
    values: Array,
    teacher: Array,
    student: Array,
    apart: Array,
    index: int,
    hidden: Flags | None = None,
    *,
    channel: str,
    clock: bool = True,
    theme: Theme,
) -> Chart:
    """One channel of a window as measured and as rebuilt by two networks, with a ribbon of how far these are apart.

    Arrays are (n,): ``times`` as in a series chart; ``teacher`` and ``student`` NaN where nothing was rebuilt;
    ``apart`` in sizes of the window. ``hidden`` marks what one pass hid: its stretches are shaded, and only there
    is anything rebuilt drawn. Row ``index`` is marked.
    """
    if not np.isfinite(values).any():
        return nothing(theme, f"'{channel}' has no values here")
    drawn = np.ones(len(values), dtype=np.bool_) if hidden is None else hidden
    whole = max(RIBBON, float(np.nanmax(apart, initial=0.0)))
    tables = {
        "readings": [
            {
                "time": at,
                "value": finite(value),
                "teacher": finite(taught) if here else None,
                "student": finite(learned) if here else None,
                "height": finite(far / whole) if here else None,
                "said": number(far) if here and np.isfinite(far) else "not hidden in this pass",
            }
            for at, value, taught, learned, far, here in zip(
                _at(times, clock),
                *(part.tolist() for part in (values, teacher, student, apart, drawn)),
                strict=True,
            )
        ],
        "hidden": [] if hidden is None else _bands(times, hidden, clock),
        "row": [{"time": _at(times, clock)[index], "value": finite(float(values[index]))}],
    }
    words = in_words(channel, times, values, clock=clock)
    if np.isfinite(apart).any():
        worst = int(np.nanargmax(apart))
        words += (
            f"; teacher and student are farthest apart at {moment(float(times[worst]), clock=clock)}, by "
            f"{number(float(apart[worst]))} sizes of the window"
        )
    return filled(titled(_rebuilt_spec(theme, clock), channel), f"{words}.", tables)


def normal_window(
    times: Array, values: Array, normal: Array, index: int, *, channel: str, clock: bool = True, theme: Theme
) -> Chart:
    """One channel of a window over the most similar normal one: ``values``, ``normal`` (n,); ``index`` is marked."""
    if not np.isfinite(values).any():
        return nothing(theme, f"'{channel}' has no values here")
    tables = {
        "readings": [
            {"time": at, "value": finite(value), "normal": finite(usual)}
            for at, value, usual in zip(_at(times, clock), values.tolist(), normal.tolist(), strict=True)
        ],
        "row": [{"time": _at(times, clock)[index], "value": finite(float(values[index]))}],
    }
    words = (
        f"{in_words(channel, times, values, clock=clock)}; the most similar normal window lies between "
        f"{number(float(np.nanmin(normal)))} and {number(float(np.nanmax(normal)))}, at most "
        f"{number(float(np.nanmax(np.abs(values - normal))))} away."
    )
    return filled(titled(_normal_spec(theme, clock), channel), words, tables)


def error_map(
    channels: Sequence[str], times: Array, error: Array, *, clock: bool = True, theme: Theme
) -> Chart:
    """How far every channel of a window is from what was rebuilt, a lane each, darker where it is farther.

    ``times`` (n,), ``error`` (n, n_channels) in sizes of the window, NaN where nothing was rebuilt.
    """
    if not np.isfinite(error).any():
        return nothing(theme, "nothing was rebuilt here")
    stretches = min(len(times), MOST_STRETCHES, max(1, MOST_CELLS // len(channels)))
    firsts = np.arange(stretches) * len(times) // stretches
    at, worst = divmod(int(np.nanargmax(error)), error.shape[1])
    words = (
        f"How far {counted(len(channels), 'channel')} of {counted(len(times), 'reading')} are from what was rebuilt; "
        f"farthest '{channels[worst]}' at {moment(float(times[at]), clock=clock)}, by "
        f"{number(float(error[at, worst]))} sizes of the window."
    )
    return lanes(
        channels,
        _edges(times)[np.r_[firsts, len(times)]],
        np.fmax.reduceat(error, firsts, axis=0).T,
        words,
        title="channel",
        clock=clock,
        theme=theme,
        measure=ERROR,
    )


def _at(times: Array, clock: bool) -> list[float]:
    """Times as Vega takes them: it counts in milliseconds."""
    found: list[float] = (times * (1000.0 if clock else 1.0)).tolist()
    return found


def _edges(times: Array) -> Array:
    """Where the stretch of time begins that each reading stands for, and where the last one ends (n + 1,)."""
    if len(times) < 2:
        return np.r_[times, times + 1.0]
    middles = (times[1:] + times[:-1]) / 2
    return np.r_[2 * times[0] - middles[0], middles, 2 * times[-1] - middles[-1]]


def _bands(times: Array, hidden: Flags, clock: bool) -> list[dict[str, float]]:
    """The stretches of time that are hidden."""
    numbers, edges = np.arange(len(times), dtype=np.float64), _at(_edges(times), clock)
    return [{"start": edges[int(a)], "end": edges[int(b) + 1]} for a, b in spans_of(numbers, hidden)]


@kept
def _rebuilt_spec(theme: Theme, clock: bool) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    colours = {
        MEASURED: palette.line,
        TEACHER: palette.ink,
        STUDENT: palette.muted,
        HIDDEN: palette.normal,
        APART: palette.anomaly,
        THIS_ROW: palette.ink,
    }
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    foot, floor = alt.expr("height"), alt.expr(f"height - {RIBBON_HEIGHT + ROOM}")
    x, y = time_axis(clock), _values("value", floor)
    tooltip = [
        time_tooltip(clock),
        alt.Tooltip("value:Q", title=TITLE, format=",.5~g"),
        alt.Tooltip("said:N", title="discrepancy, in sizes of the window"),
    ]
    bands = alt.Chart(alt.NamedData(name="hidden")).mark_rect(opacity=0.22, stroke=None)
    readings = alt.Chart(alt.NamedData(name="readings"))
    main = [
        named(
            bands.encode(x=time_axis(clock, "start"), x2="end", y=alt.value(0), y2=alt.value(foot)),
            HIDDEN,
            scale,
        ),
        named(
            readings.mark_line(strokeWidth=1.5, strokeDash=[2, 2]).encode(x=x, y=_values("student", floor)),
            STUDENT,
            scale,
        ),
        named(readings.mark_line(strokeWidth=1.5).encode(x=x, y=_values("teacher", floor)), TEACHER, scale),
        named(readings.mark_line(strokeWidth=1.75).encode(x=x, y=y, tooltip=tooltip), MEASURED, scale),
        *row_layers(palette, x, y, scale, tooltip),
    ]
    ribbon = readings.mark_area(opacity=0.75, line=False).encode(
        x=x,
        y=alt.Y(
            "height:Q",
            title=TITLE,
            axis=None,
            scale=alt.Scale(domain=[0, 1], range=[foot, alt.expr(f"height - {RIBBON_HEIGHT}")]),
        ),
        tooltip=tooltip,
    )
    layered = alt.layer(alt.layer(*main), named(ribbon, APART, scale), height=HEIGHT)
    return compiled(layered.resolve_scale(y="independent"))


@kept
def _normal_spec(theme: Theme, clock: bool) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    colours = {THIS_WINDOW: palette.line, NORMAL: palette.muted, THIS_ROW: palette.ink}
    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    x, y = time_axis(clock), _values("value")
    tooltip = [
        time_tooltip(clock),
        alt.Tooltip("value:Q", title=THIS_WINDOW, format=",.5~g"),
        alt.Tooltip("normal:Q", title=NORMAL, format=",.5~g"),
    ]
    readings = alt.Chart(alt.NamedData(name="readings"))
    usual = readings.mark_line(strokeWidth=3, opacity=0.8).encode(x=x, y=_values("normal"), tooltip=tooltip)
    layers = [
        named(usual, NORMAL, scale),
        named(readings.mark_line(strokeWidth=1.5).encode(x=x, y=y, tooltip=tooltip), THIS_WINDOW, scale),
        *row_layers(palette, x, y, scale, tooltip),
    ]
    return compiled(alt.layer(*layers, height=240))


def _values(field: str, floor: Any = None) -> Any:
    """The axis of a channel's values; down to a ``floor`` that leaves room below."""
    import altair as alt

    where = {} if floor is None else {"range": [floor, 6], "nice": False}
    scale = alt.Scale(zero=False, **(where or {"padding": 10}))
    return alt.Y(f"{field}:Q", title=TITLE, scale=scale, axis=alt.Axis(tickCount=4, labelExpr=VALUE_LABEL))
