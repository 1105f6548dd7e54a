"""One row drawn: which columns its score comes from, and how its values compare with the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import (
    LABEL_SIZE,
    PALETTES,
    TITLE,
    Chart,
    Spec,
    Theme,
    compiled,
    counted,
    filled,
    finite,
    nothing,
    percent,
    titled,
)
from engine.charts.keeping import kept

Array = NDArray[np.float64]

MAX_BARS = 12
ROOM = 1.4  # the axis is longer than its longest bar, for the words behind it
BAR_HEIGHT = 30
AXIS_HEIGHT = 56
NAME_WIDTH = 190  # pixels; a longer name ends in an ellipsis
BEYOND = 0.9  # how far outside the typical range a value is drawn at most, in widths of that range


def contribution_bars(columns: Sequence[str], shares: Array, texts: Sequence[str], *, theme: Theme) -> Chart:
    """What share of a row's anomaly score each column is answerable for, largest first.

    ``shares`` (n_columns,) of 1, ``texts`` (n_columns,) the row's values as written. After the first twelve
    columns the rest is one bar.
    """
    known = np.nan_to_num(shares, nan=0.0)
    order = [int(i) for i in np.argsort(-known, kind="stable") if known[i] > 0]
    if not order:
        return nothing(theme, "no column makes this row unusual")
    bars = [_bar(columns[i], float(known[i]), texts[i]) for i in order[:MAX_BARS]]
    rest = order[MAX_BARS:]
    if rest:
        bars.append(_bar(counted(len(rest), "other"), float(known[rest].sum()), "", others=True))
    named = ", ".join(f"{columns[i]} {percent(float(known[i]))}" for i in order[:3])
    words = f"Shares of this row's anomaly score over {counted(len(order), 'column')}; most: {named}."
    return filled(_bars_spec(theme), words, {"bars": bars}, height=BAR_HEIGHT * len(bars) + AXIS_HEIGHT)


def range_strip(
    columns: Sequence[str],
    values: Array,
    low: Array,
    median: Array,
    high: Array,
    texts: Sequence[str],
    *,
    theme: Theme,
) -> Chart:
    """Where a row's values lie among those of the training rows, one line a column.

    ``values`` (n_columns,) of the row; ``low``, ``median``, ``high`` (n_columns,) the 5 %, 50 % and 95 %
    quantiles of the training rows; ``texts`` (n_columns,) the values as written, with their unit. Each line
    has its own scale, on which the typical range lies between the same two marks; a value far outside stands
    at the end of its line.
    """
    title = "typical range: the middle 90 % of training"
    within = "the range that holds the middle 90 % of the training rows"
    return _strip(columns, np.c_[values, low, median, high], texts, title, within, theme)


def expected_strip(columns: Sequence[str], spans: Array, texts: Sequence[str], *, theme: Theme) -> Chart:
    """Where a row's values lie against what its other columns let expect, one line a column.

    ``spans`` (n_columns, 4): the value, and the low end, middle and high end of what was expected. Drawn like
    :func:`range_strip`.
    """
    title = "expected range: holds 90 % of ordinary rows"
    return _strip(columns, spans, texts, title, "the range that the other columns let expect", theme)


def _strip(
    columns: Sequence[str], spans: Array, texts: Sequence[str], title: str, within: str, theme: Theme
) -> Chart:
    """Values (first column of ``spans``) against ranges: the chart, with what the range is called."""
    if len(columns) == 0:
        return nothing(theme, "this row has no numeric column")
    values, low, median, high = spans.T
    outside = (values < low) | (values > high)
    at, middle = _within(values, low, high), _within(median, low, high)
    rows = [
        {
            "column": columns[i],
            "low": 0.0 if high[i] > low[i] else 0.5,
            "high": 1.0 if high[i] > low[i] else 0.5,
            "middle": finite(middle[i]),
            "value": finite(at[i]),
            "outside": "outside" if outside[i] else "inside",
            "text": texts[i],
            "from": finite(low[i]),
            "to": finite(high[i]),
        }
        for i in range(len(columns))
    ]
    strange = [columns[i] for i in np.flatnonzero(outside).tolist()]
    named = f": {', '.join(strange[:5])}" + (" and others" if len(strange) > 5 else "") if strange else ""
    words = f"{counted(len(strange), 'value')} of {len(columns):,} outside {within}{named}."
    spec = titled(_strip_spec(theme), title)
    return filled(spec, words, {"rows": rows}, height=BAR_HEIGHT * len(rows) + AXIS_HEIGHT)


def _within(values: Array, low: Array, high: Array) -> Array:
    """Values on a scale where ``low`` is 0 and ``high`` is 1, not farther out than can be drawn.

    A column that never varied in training has its only value in the middle, and anything else beyond an end.
    """
    width = high - low
    varies = width > 0
    at = np.divide(values - low, width, out=np.where(np.isnan(values - low), np.nan, 0.5), where=varies)
    at = np.where(varies | (values == low) | np.isnan(at), at, np.where(values > low, np.inf, -np.inf))
    return np.clip(at, -BEYOND, 1 + BEYOND)


def _bar(column: str, share: float, text: str, *, others: bool = False) -> dict[str, Any]:
    label = f"{percent(share)} · {text}" if text else percent(share)
    return {
        "column": column,
        "share": share,
        "label": label,
        "kind": "others" if others else "column",
        "room": share * ROOM,
    }


def _column_axis() -> Any:
    """The columns in the order of the table, their names flush with the plot."""
    import altair as alt

    axis = alt.Axis(labelLimit=NAME_WIDTH, domain=False, ticks=False, grid=False, labelPadding=10)
    return alt.Y(
        "column:N", title=None, sort=None, axis=axis, scale=alt.Scale(paddingInner=0.35, paddingOuter=0.2)
    )


@kept
def _bars_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    base = alt.Chart(alt.NamedData(name="bars")).encode(
        y=_column_axis(),
        x=alt.X(
            "share:Q",
            title="share of the anomaly score",
            scale=alt.Scale(nice=False),
            axis=alt.Axis(format=".0%", tickCount=5),
        ),
    )
    colour = alt.Scale(domain=["column", "others"], range=[palette.anomaly, palette.muted])
    bars = base.mark_bar(cornerRadiusEnd=3).encode(
        color=alt.Color("kind:N", scale=colour, legend=None),
        tooltip=[
            alt.Tooltip("column:N", title="column"),
            alt.Tooltip("share:Q", title="share of the score", format=".1%"),
        ],
    )
    words = base.mark_text(color=palette.ink, fontSize=LABEL_SIZE, align="left", dx=7).encode(text="label:N")
    room = base.mark_point(opacity=0, tooltip=None).encode(x="room:Q")
    return compiled(alt.layer(bars, words, room))


@kept
def _strip_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    base = alt.Chart(alt.NamedData(name="rows")).encode(y=_column_axis())
    # The plot ends well to the right of where values end: there stand the values as written.
    scale = alt.Scale(domain=[-BEYOND - 0.1, 1 + BEYOND + 1.0], nice=False, zero=False)
    ends = alt.Axis(
        values=[0, 1], labelExpr="datum.value == 0 ? '5 %' : '95 %'", grid=False, domain=False, ticks=False
    )
    tooltip = [
        alt.Tooltip("column:N", title="column"),
        alt.Tooltip("text:N", title="value"),
        alt.Tooltip("from:Q", title="5 % below", format=",.4~g"),
        alt.Tooltip("to:Q", title="95 % below", format=",.4~g"),
    ]
    reach = base.mark_rule(color=palette.muted, opacity=0.35).encode(
        x=alt.datum(-BEYOND, scale=scale), x2=alt.datum(1 + BEYOND)
    )
    band = base.mark_bar(color=palette.normal, opacity=0.55, cornerRadius=3).encode(
        x=alt.X("low:Q", scale=scale, axis=ends, title=TITLE), x2="high:Q", tooltip=tooltip
    )
    middle = base.mark_tick(color=palette.ink, thickness=2, size=14).encode(x=alt.X("middle:Q", scale=scale))
    colour = alt.Scale(domain=["inside", "outside"], range=[palette.line, palette.anomaly])
    value = base.mark_point(filled=True, size=120, opacity=1, stroke=palette.ground, strokeWidth=1.5).encode(
        x=alt.X("value:Q", scale=scale),
        color=alt.Color("outside:N", scale=colour, legend=None),
        tooltip=tooltip,
    )
    words = base.mark_text(color=palette.ink, fontSize=LABEL_SIZE, align="left").encode(
        x=alt.datum(1 + BEYOND + 0.12, scale=scale), text="text:N"
    )
    return compiled(alt.layer(reach, band, middle, value, words))
