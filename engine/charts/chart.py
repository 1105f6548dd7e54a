"""What every chart shares: its two parts, its colours, and how numbers are written on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from engine.charts.keeping import kept
from engine.errors import UsageError

Theme = Literal["light", "dark"]
Spec = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]

TITLE = "<title>"  # stands in a compiled chart for words that depend on the data
MAX_MARKS = 5_000  # beyond it a browser takes seconds; thin or count before drawing
LABEL_SIZE = 13
DECADES = [10.0**power for power in range(13)]  # where a logarithmic axis of counts has its lines

# Vega gives one prefix to a whole axis ("0k", "0.2k"); here every tick has its own, and 0.2 is not "200m".
COUNT_LABEL = "format(datum.value, datum.value < 1000 ? '~r' : '.3~s')"
VALUE_LABEL = "format(datum.value, abs(datum.value) < 100000 ? ',.6~g' : '.4~s')"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification ready to draw, and one sentence with its numbers for who cannot see it."""

    spec: Spec
    alt: str


@dataclass(frozen=True)
class Palette:
    """One meaning, one colour. Orange and blue stay apart for every kind of colour blindness."""

    normal: str
    line: str  # a curve or a measured series: the normal hue, stronger
    anomaly: str
    ink: str  # rules and text: Vega's own are black, also on black
    muted: str  # what stands behind: chance, typical ranges
    ground: str  # the rim of a dot that lies on a line

    @property
    def as_set(self) -> frozenset[str]:
        return frozenset({self.normal, self.line, self.anomaly, self.ink, self.muted, self.ground})


PALETTES: Mapping[Theme, Palette] = {
    "light": Palette(
        normal="#8FA6C4", line="#4A6FA5", anomaly="#D9480F", ink="#1F2937", muted="#6B7280", ground="#FFFFFF"
    ),
    "dark": Palette(
        normal="#6D87AB", line="#8FB3E3", anomaly="#FF7A45", ink="#E5E7EB", muted="#9CA3AF", ground="#0E1117"
    ),
}


def compiled(chart: Any) -> Spec:
    """An Altair chart as a plain specification, without Altair's own theme so that the page's applies."""
    spec: Spec = chart.to_dict()
    spec.pop("config", None)
    return spec


def titled(node: Any, title: str) -> Any:
    """A compiled specification with every ``TITLE`` replaced: cheaper than to compile one for each column."""
    if isinstance(node, dict):
        return {key: titled(value, title) for key, value in node.items()}
    if isinstance(node, list):
        return [titled(value, title) for value in node]
    return title if node == TITLE else node


def bounded(node: Any, **domains: tuple[float, float]) -> Any:
    """A compiled specification whose measured ``x`` or ``y`` go from one number to another, whatever is drawn.

    A scale that follows its data has the browser draw every mark anew when a single one of them moves.
    """
    if isinstance(node, list):
        return [bounded(each, **domains) for each in node]
    if not isinstance(node, dict):
        return node
    changed = {key: bounded(value, **domains) for key, value in node.items()}
    for channel, (low, high) in domains.items():
        told = changed.get("encoding", {}).get(channel)
        if told and told.get("type") == "quantitative":
            scale = {**(told.get("scale") or {}), "domain": [low, high]}
            scale = {
                key: value for key, value in scale.items() if key not in ("zero", "domainMin", "domainMax")
            }
            changed["encoding"] = {**changed["encoding"], channel: {**told, "scale": scale}}
    return changed


def filled(spec: Spec, alt: str, tables: Mapping[str, Rows], **changed: Any) -> Chart:
    """A compiled specification with its tables, and with those top-level properties that the data decide."""
    marks = sum(len(rows) for rows in tables.values())
    if marks > MAX_MARKS:
        raise UsageError(
            f"a chart must draw at most {MAX_MARKS:,} marks, got {marks:,}; thin or count the data first"
        )
    return Chart({**spec, **changed, "datasets": {name: list(rows) for name, rows in tables.items()}}, alt)


def nothing(theme: Theme, why: str = "there are no judged rows") -> Chart:
    """In place of an empty chart: a line that says there is nothing to show, and why."""
    text = f"Nothing to show: {why}."
    return filled(_nothing_spec(theme), text, {"words": [{"text": text}]})


@kept
def _nothing_spec(theme: Theme) -> Spec:
    import altair as alt

    words = alt.Chart(alt.NamedData(name="words"), height=120)
    return compiled(
        words.mark_text(color=PALETTES[theme].muted, fontSize=LABEL_SIZE + 1).encode(text="text:N")
    )


def dot(palette: Palette, size: int = 110) -> dict[str, Any]:
    """How the one point that matters is drawn."""
    return {
        "color": palette.anomaly,
        "size": size,
        "opacity": 1,
        "filled": True,
        "stroke": palette.ground,
        "strokeWidth": 1.5,
    }


def named(layer: Any, name: str, scale: Any) -> Any:
    """A layer in one colour that the legend explains, also without marks, so that the plot never jumps."""
    import altair as alt

    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    coloured = layer.transform_calculate(legend=f"'{name}'")
    return coloured.encode(color=alt.Color("legend:N", scale=scale, legend=legend))


def side_text(data: Any, palette: Palette, *, gap: int = 8, lower: int = 0, **encoding: Any) -> Any:
    """A ``label`` beside a mark, on the side that the table's ``side`` names: the one with more room.

    A rim in the colour of the ground keeps it legible across a curve.
    """
    import altair as alt

    def on(side: str, align: str, dx: int) -> list[Any]:
        words = alt.Chart(data).transform_filter(f"datum.side == '{side}'")
        look = {"fontSize": LABEL_SIZE, "align": align, "dx": dx, "dy": lower, "baseline": "middle"}
        rim = {"color": palette.ground, "stroke": palette.ground, "strokeWidth": 4, "strokeJoin": "round"}
        return [
            words.mark_text(**look, **colours).encode(text="label:N", **encoding)
            for colours in (rim, {"color": palette.ink})
        ]

    return alt.layer(*on("right", "left", gap), *on("left", "right", -gap))


def number(value: float) -> str:
    """A measured number in four digits, readable at any size: 0.04821, 12.5, 1,234,000, 3.1e-09."""
    if not math.isfinite(value):
        return "unknown" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if value != 0 and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    decimals = 0 if value == 0 else max(0, 3 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(share: float) -> str:
    """A share as a percentage that never rounds something to nothing or nearly all to all."""
    if math.isnan(share):
        return "unknown"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def counted(n: int, one: str, many: str | None = None) -> str:
    """``1 row``, ``2,000 rows``."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def finite(value: float) -> float | None:
    """A number as JSON has it: what is not finite is null."""
    return value if math.isfinite(value) else None
