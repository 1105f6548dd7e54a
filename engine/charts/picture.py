"""A chart as a file: a picture for a report, or a web page of its own that stays interactive.

Drawn by the library that browsers draw with, inside this process, and without a network: no fonts, no scripts and no
data are fetched.
"""

from __future__ import annotations

import html
import json
from typing import Any, Literal, get_args

from engine.charts.chart import LABEL_SIZE, PALETTES, Chart, Spec, Theme
from engine.charts.painter import paint
from engine.errors import UsageError

Format = Literal["png", "svg", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)
WIDTH = 760  # pixels of the plot without its axes
SCALE = 2.0  # of a PNG, so that it is sharp on paper
MARGIN = 16
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"  # the first comes with the library that draws

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body style="background: {ground}">
<div id="chart"></div>
<script>{library}</script>
<script>
vegaEmbed("#chart", {spec}, {{renderer: "svg", actions: {{editor: false, source: false, compiled: false}}}});
</script>
</body>
</html>
"""


def picture(
    chart: Chart,
    format: Format,
    *,
    title: str = "",
    below: str = "",
    theme: Theme = "light",
    width: int = WIDTH,
) -> bytes:
    """A chart as a file of that format, on the ground of its theme: ``theme`` must be the one it was drawn for.

    ``title`` and the line ``below`` it say what it shows, to who finds the file alone; a chart's own title comes
    between them.
    """
    spec = complete(chart, title, below, theme, width)
    if format == "html":
        return _page(spec, title or chart.alt, theme).encode()
    if format not in FORMATS:
        raise UsageError(f"a chart is written as {', '.join(FORMATS)}, not as '{format}'")
    drawn = paint(still(spec), format, SCALE)
    return described(drawn, chart.alt) if format == "svg" else drawn


def html_page(chart: Chart, *, width: int = 900) -> str:
    """The chart as a web page, ``width`` pixels wide, to keep beside a report."""
    return picture(chart, "html", width=width).decode()


def described(drawn: bytes, words: str) -> bytes:
    """An SVG with a sentence for who cannot see it."""
    return drawn.replace(b">", f"><desc>{html.escape(words)}</desc>".encode(), 1)


def still(spec: Spec) -> Spec:
    """A specification without the selections a reader would make: what a pointer may move is clipped, which is slow.

    One that something drawn depends on stays.
    """
    needed = _named_in(spec)

    def left(node: Any) -> Any:
        if isinstance(node, list):
            return [left(each) for each in node]
        if not isinstance(node, dict):
            return node
        return {
            key: [each for each in value if each.get("name") in needed] if key == "params" else left(value)
            for key, value in node.items()
            if key != "datasets"
        }

    return {**left(spec), **({"datasets": spec["datasets"]} if "datasets" in spec else {})}


def _named_in(node: Any) -> set[str]:
    """The selections that encodings and filters of a specification name."""
    if isinstance(node, list):
        return set().union(*map(_named_in, node))
    if not isinstance(node, dict):
        return set()
    own = {node["param"]} if isinstance(node.get("param"), str) else set()
    return own.union(*(_named_in(value) for key, value in node.items() if key not in ("datasets", "params")))


def complete(
    chart: Chart, title: str = "", below: str = "", theme: Theme = "light", width: int = WIDTH
) -> Spec:
    """The specification with all that a page would give it."""
    spec: Spec = {**chart.spec, "width": width, "description": chart.alt, "config": _config(theme)}
    own = spec.get("title")
    lines = [own["text"] if isinstance(own, dict) else own, below]
    if title:
        spec["title"] = {
            "text": title,
            "subtitle": [line for line in lines if line],
            "anchor": "start",
            "frame": "group",
            "offset": 12,
        }
    return spec


def _config(theme: Theme) -> dict[str, Any]:
    """How axes, legends and text look, where no page says so."""
    palette = PALETTES[theme]
    text = {"labelColor": palette.muted, "titleColor": palette.ink, "labelFontSize": LABEL_SIZE - 1}
    return {
        "background": palette.ground,
        "padding": MARGIN,
        "font": FONT,
        "view": {"stroke": None},
        "axis": {
            **text,
            "titleFontSize": LABEL_SIZE,
            "titleFontWeight": "normal",
            "titlePadding": 10,
            "gridColor": palette.muted,
            "gridOpacity": 0.2,
            "domainColor": palette.muted,
            "tickColor": palette.muted,
        },
        "legend": {**text, "labelColor": palette.ink, "titleFontWeight": "normal"},
        "title": {
            "color": palette.ink,
            "fontSize": LABEL_SIZE + 4,
            "subtitleColor": palette.muted,
            "subtitleFontSize": LABEL_SIZE,
            "subtitlePadding": 5,
        },
    }


def _page(spec: Spec, title: str, theme: Theme) -> str:
    import vl_convert

    library = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    # A name in a file may hold "</script>": inside a string of JSON the sign may be written in another way.
    safe = json.dumps(spec, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return PAGE.format(title=html.escape(title), ground=PALETTES[theme].ground, library=library, spec=safe)
