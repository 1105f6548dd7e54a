"""A training drawn: the loss of each epoch on the rows learned from and on rows held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
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
    finite,
    named,
    nothing,
    number,
)
from engine.charts.thinning import thin

Array = NDArray[np.float64]

MAX_EPOCHS = 1_000  # drawn of each curve
ROOM = 0.28  # of the epochs drawn, free on the right for the words at the ends of the curves
PADDING = 12  # pixels above and below the curves, for the words at their ends
HEIGHT = 260
APART = 100.0  # times the smallest loss: beyond it parts are drawn on a logarithmic scale
TOTAL = "total"
PARTS = {
    "reconstruction_loss": "reconstruction",
    "map_loss": "anomaly map",
    "discrepancy_loss": "discrepancy",
}
"""The parts of a loss that a record may hold, and their names on a chart."""
GROWING = "Loss of each epoch while the model learns: on the rows it learns from, and on rows held out."


def loss_curves(records: Sequence[Mapping[str, float]], *, theme: Theme, planned: int | None = None) -> Chart:
    """Training and held-out loss over the epochs, and a dot at the epoch with the lowest held-out loss.

    ``records`` hold ``epoch``, ``train_loss`` and ``validation_loss``. While the model still learns, say how many
    epochs are ``planned``: the axis reaches them and the sentence stays the same, so that a new epoch neither moves
    the curves nor makes the browser build the chart again. Of a training in stages the last one is drawn: losses of two
    have two units.
    """
    if not records:
        return nothing(theme, "no epoch has ended yet")
    records = [record for record in records if record.get("stage") == records[-1].get("stage")]
    epochs, train, held_out = (
        np.array([record[key] for record in records], dtype=float)
        for key in ("epoch", "train_loss", "validation_loss")
    )
    best = int(np.argmin(np.where(np.isfinite(held_out), held_out, np.inf)))
    drawn = thin(epochs, held_out, np.arange(len(epochs)) == best, n=MAX_EPOCHS).tolist()
    last = max(int(epochs[-1]), planned or 0, 2)
    tables = {
        "losses": [
            {"epoch": epochs[i], "train": finite(train[i]), "held_out": finite(held_out[i])} for i in drawn
        ],
        "best": [{"epoch": epochs[best], "loss": finite(held_out[best])}],
        "ends": _ends(float(epochs[-1]), float(train[-1]), float(held_out[-1])),
    }
    words = GROWING
    if planned is None:
        words = (
            f"Loss over {counted(len(records), 'epoch')}: from {number(train[0])} to {number(train[-1])} on the rows "
            f"learned from, from {number(held_out[0])} to {number(held_out[-1])} on rows held out; the best is epoch "
            f"{epochs[best]:.0f} with {number(held_out[best])}."
        )
    return filled(_loss_spec(theme, last), words, tables)


def loss_parts(records: Sequence[Mapping[str, float]], *, theme: Theme) -> Chart:
    """The training loss of each epoch, and the parts it adds up from, weighted as they are added up.

    ``records`` hold ``epoch``, ``train_loss`` and some of :data:`PARTS`; those that one of them lacks are left out.
    """
    drawn = {key: name for key, name in PARTS.items() if has_parts(records, key)}
    if not drawn:
        return nothing(theme, "the parts of the loss were not recorded")
    curves = {"train_loss": TOTAL, **drawn}
    epochs = np.array([record["epoch"] for record in records], dtype=float)
    every = np.array([[record[key] for key in curves] for record in records], dtype=float)
    log = bool(every.min() > 0 and every.max() > APART * every.min())
    rows, ends = [], []
    for key, name in curves.items():
        losses = np.array([record[key] for record in records], dtype=float)
        kept = thin(epochs, losses, n=MAX_EPOCHS).tolist()
        rows += [{"part": name, "epoch": epochs[i], "loss": finite(losses[i])} for i in kept]
        ends.append(f"{name} from {number(losses[0])} to {number(losses[-1])}")
    words = f"What the training loss adds up from, over {counted(len(records), 'epoch')}: {', '.join(ends)}."
    return filled(_parts_spec(theme, max(int(epochs[-1]), 2), log), words, {"parts": rows})


def has_parts(records: Sequence[Mapping[str, float]], *keys: str) -> bool:
    """Whether every epoch has recorded a part of its loss: one of ``keys``, by default of any part."""
    return bool(records) and any(all(key in record for record in records) for key in keys or PARTS)


def _ends(epoch: float, train: float, held_out: float) -> list[dict[str, Any]]:
    """The words at the ends of the two curves, the higher one's above the lower one's."""
    sides = ("above", "below") if train > held_out else ("below", "above")
    losses = {"training": train, "held out": held_out}
    return [
        {"epoch": epoch, "loss": finite(loss), "label": f"{name} {number(loss)}", "side": side}
        for side, (name, loss) in zip(sides, losses.items(), strict=True)
    ]


def _ticks(last: int) -> list[int]:
    """Round numbers up to the last epoch, ten at most."""
    step = next(s * 10**power for power in range(9) for s in (1, 2, 5) if last <= 10 * s * 10**power)
    return list(range(step, last + 1, step))


@lru_cache(maxsize=32)
def _loss_spec(theme: Theme, last: int) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    x = alt.X(
        "epoch:Q",
        title="epoch",
        scale=alt.Scale(domain=[1, last + ROOM * (last - 1)], nice=False, zero=False),
        axis=alt.Axis(values=_ticks(last), format=",d", grid=False),
    )

    def y(field: str) -> Any:
        return alt.Y(f"{field}:Q", title="loss", scale=alt.Scale(zero=False, padding=PADDING))

    tooltip = [
        alt.Tooltip("epoch:Q", title="epoch", format=",d"),
        alt.Tooltip("train:Q", title="training loss", format=",.4~g"),
        alt.Tooltip("held_out:Q", title="held-out loss", format=",.4~g"),
    ]

    def curve(field: str, colour: str, width: float) -> Any:
        point = {"filled": True, "size": 14, "color": colour}  # a single epoch is no line yet
        line = alt.Chart(alt.NamedData(name="losses")).mark_line(color=colour, strokeWidth=width, point=point)
        return line.encode(x=x, y=y(field), tooltip=tooltip)

    def words(side: str, lower: int) -> Any:
        text = alt.Chart(alt.NamedData(name="ends")).transform_filter(f"datum.side == '{side}'")
        return text.mark_text(
            color=palette.ink, fontSize=LABEL_SIZE, align="left", baseline="middle", dx=9, dy=lower
        ).encode(x=x, y=y("loss"), text="label:N")

    scale = alt.Scale(domain=["best epoch"], range=[palette.anomaly])
    mark = {key: value for key, value in dot(palette, 100).items() if key != "color"}
    point = alt.Chart(alt.NamedData(name="best")).mark_point(**mark)
    best = point.encode(
        x=x,
        y=y("loss"),
        tooltip=[
            alt.Tooltip("epoch:Q", title="best epoch", format=",d"),
            alt.Tooltip("loss:Q", title="held-out loss", format=",.4~g"),
        ],
    )
    return compiled(
        alt.layer(
            curve("train", palette.muted, 1.5),
            curve("held_out", palette.line, 2.25),
            named(best, "best epoch", scale),
            words("above", -8),
            words("below", 8),
            height=HEIGHT,
        )
    )


@lru_cache(maxsize=32)
def _parts_spec(theme: Theme, last: int, log: bool) -> Spec:
    import altair as alt

    palette = PALETTES[theme]
    names = [TOTAL, *PARTS.values()]
    scale = alt.Scale(type="log") if log else alt.Scale(domainMin=0)
    title = "training loss, logarithmic" if log else "training loss"
    colours = [palette.ink, palette.line, palette.muted, palette.anomaly]
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3)
    line = alt.Chart(alt.NamedData(name="parts")).mark_line(
        strokeWidth=2, point={"filled": True, "size": 14}, clip=True
    )
    drawn = line.encode(
        x=alt.X(
            "epoch:Q",
            title="epoch",
            scale=alt.Scale(domain=[1, last], nice=False, zero=False, padding=6),
            axis=alt.Axis(values=_ticks(last), format=",d", grid=False),
        ),
        y=alt.Y("loss:Q", title=title, scale=scale),
        color=alt.Color("part:N", legend=legend, scale=alt.Scale(domain=names, range=colours)),
        tooltip=[
            alt.Tooltip("part:N", title="part"),
            alt.Tooltip("epoch:Q", title="epoch", format=",d"),
            alt.Tooltip("loss:Q", title="loss", format=",.4~g"),
        ],
    )
    return compiled(drawn.properties(height=HEIGHT))
