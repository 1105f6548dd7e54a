"""How early detectors warned: the severity of each over the life of a machine, its alarms, and the failure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    LABEL_SIZE,
    MAX_MARKS,
    PALETTES,
    TITLE,
    Chart,
    Spec,
    Theme,
    compiled,
    dot,
    filled,
    finite,
    named,
    nothing,
    number,
    titled,
)
from engine.charts.series import MAX_SPANS, spans_of, time_axis, time_tooltip
from engine.charts.thinning import thin

Array = NDArray[np.float64]

RIDGE = 0.7  # how much of its row a detector's severity fills; its name stands above
ROW_HEIGHT = 120
ALARM, FAILURE, ONSET = "alarm", "failure", "onset of the fault"


def lead_time_chart(
    times: Array,
    severities: Mapping[str, Array],
    alarms: Mapping[str, float | None],
    *,
    failure: float,
    onset: float | None = None,
    level: float = 99.5,
    title: str = "severity",
    theme: Theme,
) -> Chart:
    """One row a detector: its severity over time, where it is above ``level``, and its first alarm.

    ``times`` (n_samples,) ascending, ``failure``, ``onset`` and ``alarms`` are seconds since 1970 in UTC;
    ``severities`` holds (n_samples,) for each detector, 0 to 100, NaN breaks the line. An alarm that is None was
    never raised. ``title`` says what exactly the severity is.
    """
    if not severities:
        return nothing(theme, "there are no detectors")
    n = len(severities)
    line, spans, first, names = [], [], [], []
    most = (MAX_MARKS - MAX_SPANS) // n - 4
    for row, (name, values) in enumerate(severities.items()):
        ground = n - 1 - row
        for i in thin(times, values, n=most).tolist():
            height = ground + RIDGE * values[i] / 100
            line.append(_at(times[i], height) | {"detector": name, "severity": finite(float(values[i]))})
        with np.errstate(invalid="ignore"):
            above = spans_of(times, values > level)
        spans += [
            _at(start, ground) | {"end": end * 1000, "top": ground + RIDGE}
            for start, end in sorted(above, key=lambda span: span[0] - span[1])[: MAX_SPANS // n]
        ]
        alarm = alarms.get(name)
        said = "no alarm" if alarm is None else f"alarm {_lead(alarm, failure)} before the failure"
        names.append(_at(times[0], ground + RIDGE) | {"label": f"{name}: {said}"})
        if alarm is not None:
            first.append(_at(alarm, ground + RIDGE) | {"detector": name, "lead": _lead(alarm, failure)})
    tables = {
        "severity": line,
        "above": spans,
        "alarms": first,
        "names": names,
        "failure": [_at(failure, 0)],
        "onset": [] if onset is None else [_at(onset, 0)],
    }
    words = "; ".join(str(row["label"]) for row in names)
    spec = titled(_lead_time_spec(theme, n), title)
    return filled(spec, f"Severity over time and alarms above {number(level)}. {words}.", tables)


def _at(time: float, height: float) -> dict[str, Any]:
    return {"time": float(time) * 1000, "y": finite(float(height))}  # Vega counts in milliseconds


def _lead(alarm: float, failure: float) -> str:
    return f"{(failure - alarm) / 3600:,.1f} h"


@cache
def _lead_time_spec(theme: Theme, n: int) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    colours = [palette.anomaly, palette.muted, palette.ink]
    scale = alt.Scale(domain=[ALARM, ONSET, FAILURE], range=colours)
    ticks = [ground + height for ground in range(n) for height in (0, RIDGE)]
    axis = alt.Axis(values=ticks, labelExpr="datum.value % 1 == 0 ? '0' : '100'", grid=False)
    x = time_axis(True)
    y = alt.Y("y:Q", title=TITLE, axis=axis, scale=alt.Scale(domain=[0, n], nice=False))

    def layer(table: str) -> Any:
        return alt.Chart(alt.NamedData(name=table))

    what = alt.Tooltip("detector:N", title="detector")
    severity = [what, time_tooltip(True), alt.Tooltip("severity:Q", format=".1f")]
    lead = [what, time_tooltip(True), alt.Tooltip("lead:N", title="before the failure")]
    bands = layer("above").mark_rect(opacity=0.25).encode(x=x, x2="end", y=y, y2="top")
    line = layer("severity").mark_line(color=palette.line, strokeWidth=1.25)
    mark = {key: value for key, value in dot(palette, 90).items() if key != "color"}
    point = layer("alarms").mark_point(shape="triangle-down", **mark)
    title = {"fontSize": LABEL_SIZE, "fontWeight": "bold", "align": "left", "baseline": "bottom", "dy": -7}
    return compiled(
        alt.layer(
            named(bands, ALARM, scale),
            line.encode(x=x, y=y, detail="detector:N", tooltip=severity),
            named(layer("onset").mark_rule(strokeDash=[4, 3], color=palette.muted).encode(x=x), ONSET, scale),
            named(layer("failure").mark_rule(strokeWidth=2, color=palette.ink).encode(x=x), FAILURE, scale),
            named(point.encode(x=x, y=y, tooltip=lead), ALARM, scale),
            layer("names").mark_text(color=palette.ink, **title).encode(x=x, y=y, text="label:N"),
            height=ROW_HEIGHT * n,
        )
    )
