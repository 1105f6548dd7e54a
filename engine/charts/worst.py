"""The worst rows drawn together: which columns their scores come from, as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import PALETTES, Chart, Spec, Theme, compiled, counted, filled, nothing, percent
from engine.charts.keeping import kept
from engine.scoring.explanations import shares

Array = NDArray[np.float64]

PICKED = "picked"  # name of the selection that holds the row of a clicked cell
MAX_ROWS = 40
MAX_COLUMNS = 20  # after them the rest is one column
FAINTEST = 0.05  # opacity of a cell without a share: enough to see the row
CELL_HEIGHT = 19
AXIS_HEIGHT = 130
NAME_WIDTH = 150  # pixels; a longer name ends in an ellipsis


def contribution_map(
    rows: Sequence[int], severity: Array, columns: Sequence[str], contributions: Array, *, theme: Theme
) -> Chart:
    """What share of each row's score lies in each column: one line a row, the worst at the top.

    ``rows`` (n_rows,) row numbers from 0, worst first, of which 40 are drawn; ``severity`` (n_rows,);
    ``contributions`` (n_rows, n_columns), never negative. Columns stand in the order of their shares over all rows.
    """
    if len(rows) == 0 or not np.any(contributions > 0):
        return nothing(theme, "no row is flagged")
    parts = shares(np.asarray(contributions, dtype=float)[:MAX_ROWS])
    order = np.argsort(-parts.sum(axis=0), kind="stable")
    order = order[parts[:, order].sum(axis=0) > 0]
    names, drawn, rest = (
        [columns[i] for i in order[:MAX_COLUMNS]],
        parts[:, order[:MAX_COLUMNS]],
        order[MAX_COLUMNS:],
    )
    if len(rest):
        names.append(counted(len(rest), "other"))
        drawn = np.c_[drawn, parts[:, rest].sum(axis=1)]
    cells = [
        {
            "row": f"{rows[i] + 1:,} · {severity[i]:.2f}",
            "number": int(rows[i]) + 1,
            "severity": float(severity[i]),
            "column": name,
            "share": float(drawn[i, j]),
        }
        for i in range(len(parts))
        for j, name in enumerate(names)
    ]
    mean = parts.mean(axis=0)
    most = ", ".join(f"{columns[i]} {percent(float(mean[i]))}" for i in order[:3])
    words = (
        f"Shares of the score of the {counted(len(parts), 'worst row')} over {counted(len(order), 'column')}; most "
        f"on average: {most}."
    )
    return filled(_map_spec(theme), words, {"cells": cells}, height=CELL_HEIGHT * len(parts) + AXIS_HEIGHT)


@kept
def _map_spec(theme: Theme) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    names = alt.Axis(
        orient="top", labelAngle=-40, labelLimit=NAME_WIDTH, domain=False, ticks=False, labelOverlap=False
    )
    numbers = alt.Axis(domain=False, ticks=False, labelOverlap=False)
    cells = (
        alt.Chart(alt.NamedData(name="cells"))
        .mark_rect(cornerRadius=2, color=palette.anomaly)
        .encode(
            x=alt.X("column:N", title="column", sort=None, axis=names, scale=alt.Scale(padding=0.04)),
            y=alt.Y("row:N", title="row · severity", sort=None, axis=numbers, scale=alt.Scale(padding=0.06)),
            opacity=alt.Opacity(
                "share:Q",
                scale=alt.Scale(domainMin=0, range=[FAINTEST, 1]),
                legend=alt.Legend(
                    title="share of the score",
                    format=".0%",
                    symbolType="square",
                    symbolFillColor=palette.anomaly,
                    symbolStrokeWidth=0,
                ),
            ),
            tooltip=[
                alt.Tooltip("number:Q", title="row", format=","),
                alt.Tooltip("severity:Q", title="severity", format=".2f"),
                alt.Tooltip("column:N", title="column"),
                alt.Tooltip("share:Q", title="share of the score", format=".1%"),
            ],
        )
    )
    return compiled(cells.add_params(alt.selection_point(name=PICKED, fields=["number"])))
