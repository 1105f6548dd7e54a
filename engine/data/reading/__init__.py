"""Bytes to a table: any delimited text, Excel, Parquet or JSON file, with all that was noticed on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.data.reading.converting import convert
from engine.data.reading.limits import MAX_BYTES, MAX_CELLS, MAX_COLUMNS, MAX_JSON_BYTES
from engine.data.reading.types import ColumnType, Finding, Reading, ReadingOptions

if TYPE_CHECKING:
    from engine.data.reading.table import read_table

__all__ = [
    "MAX_BYTES",
    "MAX_CELLS",
    "MAX_COLUMNS",
    "MAX_JSON_BYTES",
    "ColumnType",
    "Finding",
    "Reading",
    "ReadingOptions",
    "convert",
    "read_table",
]


def __getattr__(name: str) -> Any:
    """The reader is imported when it is first asked for: a caller of :func:`convert` never needs it."""
    if name == "read_table":
        from engine.data.reading.table import read_table

        return read_table
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
