"""A report as one web page: everything in one file, nothing fetched, nothing that runs, made to be printed on A4.

Names and cells of a file are a stranger's: all text is escaped, characters that cannot be seen or that turn the
direction of writing are written out, and the page's own policy forbids scripts, requests and every style but the one
of the report. Charts are pictures of their own, so that nothing in them belongs to the page.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from itertools import groupby

from engine.charts import Chart
from engine.charts.chart import Spec
from engine.charts.picture import complete, described, still
from engine.detectors.base import Progress, quiet
from engine.reporting.content import Block, Code, Column, Facts, Figure, Report, Section, Table, Text
from engine.reporting.drawing import BY_ITSELF, Easel, Waiting
from engine.reporting.style import STYLE
from engine.reporting.visible import visible, visible_chart
from engine.scoring.wording import number_in_words

WIDTH, HALF = 700, 330  # pixels of a chart's plot, of one that fills the page and of one of a pair
SHORT = 24  # characters of a cell that stays on one line
WHOLE = 12  # rows of a table that is not torn between two sheets of paper
POLICY = "default-src 'none'; img-src data:; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Loupe">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def page(report: Report, progress: Progress = quiet, easel: Easel = BY_ITSELF) -> bytes:
    """The report as the content of an .html file."""
    figures = [b for section in report.sections for b in section.blocks if isinstance(b, Figure)]
    drawings = {id(figure): easel.start(_spec(figure), "svg", 1.0) for figure in figures}
    body = [_header(report)]
    for number, section in enumerate(report.sections):
        progress(number / len(report.sections), f"Writing: {section.title}")
        body.append(_section(section, drawings))
    style = b64encode(sha256(STYLE.encode()).digest()).decode()
    said = PAGE.format(
        policy=POLICY.format(style=style), title=safe(report.title), style=STYLE, body="\n".join(body)
    )
    return said.encode()


def safe(text: object) -> str:
    """Any text as HTML that shows it and does nothing else, between tags as well as in an attribute."""
    return html.escape(visible(str(text)), quote=True)


def _set(text: str) -> str:
    """Text in lines, in which a number stays beside its per cent."""
    return safe(text).replace(" %", "\u00a0%")


def shown(column: Column) -> Iterator[str]:
    """The cells of a column as a person reads them."""
    for value in column.values:
        if value is None or value != value:
            yield ""
        elif isinstance(value, int):
            yield f"{value:,}"
        elif isinstance(value, float):
            yield number_in_words(value) if column.digits is None else f"{value:.{column.digits}f}"
        else:
            yield str(value)


# ---- pieces


def _header(report: Report) -> str:
    by = [f"By {report.author}"] if report.author else []
    by.append(f"{report.made:%Y-%m-%d %H:%M} UTC")
    parts = [f"<h1>{safe(report.title)}</h1>", f'<p class="lead">{safe(report.subtitle)}</p>']
    parts.append(f'<p class="by">{safe(" · ".join(by))}</p>')
    if report.note:
        parts.append(f'<p class="note">{safe(report.note)}</p>')
    figures = "".join(
        f"<div><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in report.figures.items()
    )
    parts.append(f'<dl class="figures">{figures}</dl>')
    if len(report.sections) > 1:
        links = "".join(f'<li><a href="#{s.key}">{safe(s.title)}</a></li>' for s in report.sections)
        parts.append(f"<nav><ol>{links}</ol></nav>")
    return "<header>\n" + "\n".join(parts) + "\n</header>"


def _section(section: Section, drawings: Mapping[int, Waiting]) -> str:
    blocks = [f"<h2>{safe(section.title)}</h2>"]
    for narrow, group in groupby(section.blocks, lambda b: isinstance(b, Figure) and not b.wide):
        written = [_block(block, drawings) for block in group]
        blocks += [f'<div class="pair">{"".join(written)}</div>'] if narrow else written
    return f'<section id="{section.key}">\n' + "\n".join(blocks) + "\n</section>"


def _block(block: Block, drawings: Mapping[int, Waiting]) -> str:
    if isinstance(block, Text):
        if block.tone == "heading":
            return f"<h3>{safe(block.text)}</h3>"
        tone = "" if block.tone == "plain" else f' class="{block.tone}"'
        return f"<p{tone}>{_set(block.text)}</p>"
    if isinstance(block, Facts):
        return _facts(block.facts, block.title)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Code):
        title = f"<h3>{safe(block.title)}</h3>" if block.title else ""
        return f"{title}<pre><code>{safe(block.text)}</code></pre>"
    return _figure(block, described(drawings[id(block)](), visible(block.chart.alt)))


def _facts(facts: Mapping[str, str], title: str) -> str:
    caption = f"<caption>{safe(title)}</caption>" if title else ""
    lines = "".join(
        f'<tr><th scope="row">{safe(name)}</th><td>{_set(said)}</td></tr>' for name, said in facts.items()
    )
    return f'<table class="facts">{caption}<tbody>{lines}</tbody></table>'


def _table(table: Table) -> str:
    cells = [list(shown(column)) for column in table.columns]
    kinds = [
        _kind(column, written, last=number == len(table.columns) - 1)
        for number, (column, written) in enumerate(zip(table.columns, cells, strict=True))
    ]
    heads = "".join(
        f'<th scope="col"{kind}>{safe(c.title)}</th>' for c, kind in zip(table.columns, kinds, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{_set(cell)}</td>" for cell, kind in zip(line, kinds, strict=True))
        + "</tr>"
        for line in zip(*cells, strict=True)
    )
    below = f'<p class="below">{safe(table.below)}</p>' if table.below else ""
    caption = f"<caption>{safe(table.title)}</caption>"
    whole = ' class="whole"' if table.rows <= WHOLE else ""
    return f"<table{whole}>{caption}<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>{below}"


def _kind(column: Column, written: Iterable[str], *, last: bool) -> str:
    """How a column is set: numbers to the right; short words on one line, but for the last column, which has room."""
    if column.values and all(value is None or isinstance(value, int | float) for value in column.values):
        return ' class="n"'
    short = not last and all(len(cell) <= SHORT for cell in written)
    return ' class="word"' if short else ""


def _spec(figure: Figure) -> Spec:
    chart = visible_chart(figure.chart)
    if figure.height:
        chart = Chart({**chart.spec, "height": figure.height}, chart.alt)
    return still(complete(chart, width=WIDTH if figure.wide else HALF))


def _figure(figure: Figure, drawn: bytes) -> str:
    size = re.match(rb'<svg[^>]* width="(\d+)" height="(\d+)"', drawn)
    measures = f' width="{int(size[1])}" height="{int(size[2])}"' if size else ""
    source = b64encode(drawn).decode()
    return (
        f"<figure><figcaption>{safe(figure.title)}</figcaption>"
        f'<img{measures} alt="{safe(figure.chart.alt)}" src="data:image/svg+xml;base64,{source}"></figure>'
    )
