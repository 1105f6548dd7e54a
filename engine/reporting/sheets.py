"""A report as a workbook: all that the page says, its tables as sheets that can be sorted, its charts as pictures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

from engine.cells import fitted
from engine.charts.chart import Spec
from engine.charts.picture import complete, still
from engine.detectors.base import Progress, quiet
from engine.report import arrow_table
from engine.reporting.content import Code, Facts, Figure, Report, Section, Table, Text
from engine.reporting.drawing import BY_ITSELF, Easel
from engine.reporting.visible import visible, visible_chart
from engine.workbook import DENSITY, Sheet, workbook

LONGEST_TAB = 31  # characters of a sheet's name
WIDTH = 600  # pixels of a chart's plot


def sheets(report: Report, progress: Progress = quiet, easel: Easel = BY_ITSELF) -> bytes:
    """The report as the content of an .xlsx file; nothing in it is a formula.

    The first sheet holds what is said, in the order of the page; then comes a sheet a table, and one for the charts.
    """
    figures = [b for section in report.sections for b in section.blocks if isinstance(b, Figure)]
    waiting = [easel.start(_spec(figure), "png", DENSITY) for figure in figures]
    lines = [("Report", name, text) for name, text in _header(report)]
    lines += [line for section in report.sections for line in _said(section)]
    said = [tuple(map(visible, line)) for line in lines]
    told = pd.DataFrame(said, columns=["Section", "What", "Text"], dtype="str")
    tables = [b for section in report.sections for b in section.blocks if isinstance(b, Table)]
    written = [Sheet(title="Report", table=_fitted(told))]
    written += [Sheet(title=table.title[:LONGEST_TAB], table=_fitted(_frame(table))) for table in tables]
    if figures:
        pictures = []
        for number, figure in enumerate(figures):
            progress(number / len(figures), f"Drawing: {figure.title}")
            pictures.append(waiting[number]())
        words = {
            "Chart": [visible(figure.title) for figure in figures],
            "In words": [visible(figure.chart.alt) for figure in figures],
        }
        charts = _fitted(pd.DataFrame(words, dtype="str"))
        written.append(Sheet(title="Charts", table=charts, pictures=pictures))
    return workbook(written)


def _spec(figure: Figure) -> Spec:
    return still(complete(visible_chart(figure.chart), visible(figure.title), width=WIDTH))


def _header(report: Report) -> Iterator[tuple[str, str]]:
    yield "Title", report.title
    yield "About", report.subtitle
    yield from [("Author", report.author)] if report.author else []
    yield "Made", f"{report.made:%Y-%m-%d %H:%M} UTC"
    yield from [("Note", report.note)] if report.note else []
    yield from report.figures.items()


def _said(section: Section) -> Iterator[tuple[str, str, str]]:
    """The words of a section, one line each; a table or a chart is named where it stands on the page."""
    heading = ""
    for block in section.blocks:
        if isinstance(block, Text) and block.tone == "heading":
            heading = block.text
        elif isinstance(block, Text):
            yield section.title, heading, block.text
        elif isinstance(block, Facts):
            yield from ((section.title, name, text) for name, text in block.facts.items())
        elif isinstance(block, Code):
            yield section.title, block.title, block.text
        elif isinstance(block, Table):
            below = f" {block.below}" if block.below else ""
            yield section.title, block.title, f"See the sheet '{block.title[:LONGEST_TAB]}'.{below}"
        else:
            yield section.title, block.title, block.chart.alt


def _frame(table: Table) -> pd.DataFrame:
    """A table's cells as they are: numbers stay numbers."""
    if table.sheet is not None:
        return table.sheet()
    return pd.DataFrame({visible(column.title): _typed(column.values) for column in table.columns})


def _typed(values: Any) -> pd.Series:
    texts = any(isinstance(value, str) for value in values)
    cells = [visible(value) if isinstance(value, str) else value for value in values]
    return pd.Series(cells, dtype="str" if texts else None)


def _fitted(frame: pd.DataFrame) -> pa.Table:
    return fitted(arrow_table(frame))[0]
