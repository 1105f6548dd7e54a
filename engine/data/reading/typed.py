"""Columns with a type: the end of reading, and the plain cases where the file itself knew the type."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading.distinct import Distinct
from engine.data.reading.types import ColumnType, Finding

MAX_EXACT = 2**53  # integers a float64 still tells apart


@dataclass(kw_only=True)
class Typed:
    """The values of one column as they go into the frame, with what was noticed."""

    values: Any  # numpy or pandas array
    type: ColumnType
    findings: list[Finding] = field(default_factory=list)
    missing_words: dict[str, int] = field(default_factory=dict)


def text(cells: pa.Array) -> Typed:
    """Strings as pandas' own string type; null is missing."""
    arrow = pc.cast(cells, pa.large_string())
    return Typed(values=pd.array(arrow, dtype=pd.StringDtype("pyarrow", na_value=np.nan)), type="text")


def spread_text(distinct: Distinct, texts: pa.Array) -> Typed:
    """Distinct texts back to one per row."""
    codes = pa.array(distinct.codes, mask=distinct.codes < 0)
    return text(texts.take(codes) if len(texts) else pa.nulls(len(codes), pa.string()))


def integers(numbers: pa.Array, name: str) -> Typed:
    """int64, or float64 where cells are missing; text where a float64 would blur them."""
    if not numbers.null_count:
        return Typed(
            values=numbers.to_numpy(zero_copy_only=False).astype(np.int64, copy=False), type="integer"
        )
    extremes = pc.min_max(numbers).as_py()
    if max(-(extremes["min"] or 0), extremes["max"] or 0) > MAX_EXACT:
        column = text(pc.cast(numbers, pa.string()))
        column.findings.append(
            Finding(
                kind="long_integers",
                text=f"'{name}' kept as text: its numbers are too long to be exact beside missing cells.",
                column=name,
                option="number_columns",
            )
        )
        return column
    return Typed(values=pc.cast(numbers, pa.float64()).to_numpy(zero_copy_only=False), type="integer")


def floats(values: npt.NDArray[np.float64], name: str, *, may_be_integers: bool) -> Typed:
    """float64 with infinities taken out; whole numbers become integers where the format has no others."""
    infinite = np.isinf(values)
    column = Typed(values=np.where(infinite, np.nan, values) if infinite.any() else values, type="number")
    if infinite.any():
        column.findings.append(out_of_range(name, int(infinite.sum())))
    here = column.values[~np.isnan(column.values)]
    if may_be_integers and len(here) and (here == np.rint(here)).all() and (np.abs(here) <= MAX_EXACT).all():
        column.type = "integer"
        column.values = here.astype(np.int64) if len(here) == len(values) else column.values
    return column


def out_of_range(name: str, n: int) -> Finding:
    """Numbers no computer number can hold."""
    cells = "1 cell holds" if n == 1 else f"{n} cells hold"
    return Finding(
        kind="out_of_range",
        text=f"In '{name}' {cells} infinity or a number beyond 1.8e308; read as missing.",
        level="warning",
        column=name,
        option="text_columns",
    )


def booleans(flags: pa.Array) -> Typed:
    """bool, or the nullable boolean where cells are missing."""
    if flags.null_count:
        mask = np.asarray(pc.is_null(flags))
        held = np.asarray(pc.fill_null(flags, False))
        return Typed(values=pd.arrays.BooleanArray(held, mask), type="boolean")
    return Typed(values=np.asarray(flags), type="boolean")


def instants(stamps: pa.Array) -> Typed:
    """Naive datetime64; a time zone must have been turned to UTC before."""
    unit = "ns" if stamps.type.unit == "ns" else "us"
    values = pc.cast(stamps, pa.timestamp(unit, stamps.type.tz), safe=False)
    raw = pc.fill_null(values.cast(pa.int64()), np.iinfo(np.int64).min)  # numpy's NaT
    return Typed(values=raw.to_numpy(zero_copy_only=False).view(f"M8[{unit}]"), type="datetime")


def native(column: pa.Array, name: str, *, may_be_integers: bool) -> Typed:
    """A column whose Arrow type already says what it holds."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return booleans(column)
    if pa.types.is_timestamp(kind):
        return instants(column)
    if pa.types.is_integer(kind):
        return integers(column, name)
    if pa.types.is_null(kind):
        return floats(np.full(len(column), np.nan), name, may_be_integers=False)
    return floats(column.to_numpy(zero_copy_only=False), name, may_be_integers=may_be_integers)
