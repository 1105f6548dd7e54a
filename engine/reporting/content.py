"""What a report is made of: sections of blocks, plain data that knows nothing of how it will be written.

Every text in it is as it was found, names and cells of a file included: whoever writes a block makes it harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from engine.charts.chart import Chart

Tone = Literal["plain", "lead", "small", "good", "caution", "heading"]


@dataclass(frozen=True)
class Text:
    """A paragraph, or a heading within a section."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Facts:
    """Names and what is to be said of each, one a line."""

    facts: Mapping[str, str]
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of a table: texts and whole numbers as they are, other numbers with so many decimals."""

    title: str
    values: Sequence[Any]
    digits: int | None = None  # None: four significant digits


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table small enough to read; a workbook may hold a longer or wider one of the same instead."""

    title: str
    columns: Sequence[Column]
    below: str = ""
    sheet: Callable[[], pd.DataFrame] | None = None  # what a workbook shows in its place

    @property
    def rows(self) -> int:
        return len(self.columns[0].values) if self.columns else 0


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A chart drawn for a light ground; its sentence says the same."""

    title: str
    chart: Chart
    wide: bool = True  # else two stand side by side
    height: int | None = None  # pixels; None: as it was drawn


@dataclass(frozen=True)
class Code:
    """Lines to be typed."""

    text: str
    title: str = ""


Block = Text | Facts | Table | Figure | Code


@dataclass(frozen=True, kw_only=True)
class Section:
    """One chapter of a report."""

    key: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True, kw_only=True)
class Report:
    """A whole report."""

    title: str
    subtitle: str  # which data, which model
    author: str
    note: str
    made: datetime
    figures: Mapping[str, str]  # the few numbers to be seen first
    sections: Sequence[Section]
