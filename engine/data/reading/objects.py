"""Python values from spreadsheets and JSON as Arrow columns: typed where they agree, else text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from engine.data.reading.raw import RawColumn

_LARGEST = 2**63
_NUMBERS = frozenset({int, float})
_STAMPS = frozenset({dt.datetime, dt.date})


def column_of(name: str, cells: Sequence[Any], *, empty: str | None = None) -> RawColumn:
    """Cells as a column; None is empty, and so is the text ``empty``."""
    kinds = set(map(type, cells))
    if empty is not None and str in kinds and empty in cells:
        return column_of(name, [None if cell == empty else cell for cell in cells])
    kinds.discard(type(None))
    if kinds == {str} or not kinds:
        return RawColumn(name=name, cells=pa.array(cells, pa.string()) if kinds else pa.nulls(len(cells)))
    if kinds == {float}:
        return RawColumn(
            name=name, cells=pa.array(np.array(cells, float), from_pandas=True)
        )  # None -> NaN -> null
    if kinds == {bool}:
        return RawColumn(name=name, cells=pa.array(cells, pa.bool_()))
    if kinds <= _NUMBERS and all(-_LARGEST <= c < _LARGEST for c in cells if type(c) is int):
        return RawColumn(name=name, cells=pa.array(cells, pa.int64() if kinds == {int} else pa.float64()))
    if kinds <= _STAMPS:
        midnight = dt.time()
        moments = [dt.datetime.combine(c, midnight) if type(c) is dt.date else c for c in cells]
        return RawColumn(name=name, cells=pa.array(moments, pa.timestamp("us")))
    if kinds == {dt.timedelta}:
        seconds = [None if c is None else c.total_seconds() for c in cells]
        return RawColumn(name=name, cells=pa.array(seconds, pa.float64()))
    texts = [None if c is None else as_text(c) for c in cells]
    marks = pa.array([type(c) is str for c in cells])
    return RawColumn(name=name, cells=pa.array(texts, pa.string()), written_as_text=marks)


def as_text(cell: Any) -> str:
    """A cell the way it would stand in a CSV file."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    if isinstance(cell, (dt.datetime, dt.date, dt.time)):
        return cell.isoformat(sep=" ") if isinstance(cell, dt.datetime) else cell.isoformat()
    if isinstance(cell, dt.timedelta):
        return str(cell.total_seconds())
    return str(cell)
