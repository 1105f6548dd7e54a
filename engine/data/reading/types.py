"""What reading a file hands on: the table, what was noticed on the way, and the choices made."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import pandas as pd

ColumnType = Literal["integer", "number", "boolean", "datetime", "text"]
Level = Literal["info", "warning"]


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How to read a file. ``None`` means: work it out, and say what was found.

    Every field can be set by the analyst to overrule what was sniffed.
    """

    delimiter: str | None = None
    encoding: str | None = None
    header_row: int | None = None  # 1-based row of the file or sheet that holds the names; 0 = there is none
    sheet: str | None = None
    decimal: Literal[".", ","] | None = None
    thousands: str | None = None  # "" = there is none
    day_first: bool | None = None  # 03/04/2026 is 3 April
    drop_totals: bool | None = None  # leave out trailing total rows
    text_columns: tuple[str, ...] = ()  # columns to keep as text whatever they look like
    number_columns: tuple[str, ...] = ()  # columns to read as numbers in spite of `007`
    datetime_columns: tuple[str, ...] = ()  # columns to read as dates or epoch numbers

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready choices, defaults left out."""
        return {
            k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if v not in (None, ())
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ReadingOptions:
        """The inverse of :meth:`as_dict`."""
        chosen: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**chosen)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing noticed while reading, in a sentence an analyst understands.

    ``option`` names the field of :class:`ReadingOptions` that overrules it and ``value`` what was chosen.
    """

    kind: str  # "delimiter", "encoding", "header_row", "decimal", "leading_zeros", "totals", ...
    text: str
    level: Level = "info"
    column: str | None = None
    option: str | None = None
    value: Any = None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A file as a table. Rows and columns count the data proper: no preamble, header, totals, empty rows.

    ``frame`` has unique text column names in file order, a RangeIndex, and only these dtypes: int64,
    float64, bool, boolean, datetime64 (naive; UTC when the file had offsets) and str.
    """

    frame: pd.DataFrame
    types: dict[str, ColumnType]
    findings: tuple[Finding, ...] = ()
    delimiter: str | None = None
    encoding: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = field(default=())
