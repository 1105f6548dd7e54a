"""What a spreadsheet's cell can hold, and which texts it might run as a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

MAX_ROWS = 1_048_575  # 2^20, less the header
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767  # UTF-16 units; Excel drops the rest without a word
MAX_EXACT = 2**53  # a cell's number is a double: beyond this, neighbouring integers become one

# Excel believes that 1900 had a 29 February, so days are numbered alike everywhere only after it.
FIRST_DAY, LAST_DAY = np.datetime64("1900-03-01"), np.datetime64("9999-12-31")

# What a spreadsheet may take for a formula (OWASP ASVS 5.0, 1.2.10), also after blanks that programs trim.
# Apostrophes in front change nothing: a text that looks escaped is escaped too, so that both can be undone.
_BLANK = "[\\x00-\\x20\\x7f-\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufeff]|%0[09ADad]"
_FORMULA = f"^'*([\\x00\\t\\r\\n]|({_BLANK})*[-=+@＝＋－＠﹢﹣﹦﹫])"
_NUMBER = r"^'* *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *$"


def risky(texts: pa.Array) -> pa.Array:
    """Which texts a spreadsheet might run as a formula; a number, such as ``-5.2``, is none."""
    import pyarrow.compute as pc

    return pc.and_not(pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER))


def check_size(rows: int, columns: int) -> None:
    """Raise a :class:`~engine.errors.DataError` unless a sheet has room for that many."""
    for size, limit, what in ((rows, MAX_ROWS, "rows"), (columns, MAX_COLUMNS, "columns")):
        if size > limit:
            raise DataError(
                f"an Excel sheet must have at most {limit:,} {what}, got {size:,}; "
                "choose CSV or Parquet instead"
            )


def fitted(table: pa.Table) -> tuple[pa.Table, dict[str, str]]:
    """The table in types a sheet can hold, and in words what could not stay as it was."""
    import pyarrow as pa

    columns, notes, n_cut = [], {}, 0
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_timestamp(column.type) and column.type.tz:
            notes[f"Time zone of '{name}'"] = "converted to UTC"
        column, n_long = _cut(_in_sheet_type(column.combine_chunks()))
        columns.append(column)
        n_cut += n_long
    names, n_long = _cut(pa.array(table.column_names, pa.large_string()))
    n_cut += n_long
    if n_cut:
        limit = f"a cell holds {MAX_TEXT:,} characters, CSV and Parquet have all"
        notes["Texts cut"] = f"{n_cut:,}, each ends in …; {limit}"
    return pa.Table.from_arrays(columns, names=names.to_pylist()), notes


def texts_of(column: pa.Array) -> pa.Array:
    """Any column as text, null where a value is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(column, pa.large_string())
    except pa.ArrowException:  # lists, structures, bytes that are no text
        return pa.array([None if v is None else str(v) for v in column.to_pylist()], pa.large_string())


def plain_times(column: pa.Array) -> pa.Array:
    """Times in the coarsest unit (days, seconds, …) that keeps them exact; a time zone becomes UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = "UTC" if column.type.tz else None
    column = pc.cast(column, pa.timestamp(column.type.unit, zone))
    for unit in ("s", "ms", "us"):
        try:
            column = pc.cast(column, pa.timestamp(unit, zone))
            break
        except pa.ArrowInvalid:  # it would lose digits
            continue
    if column.type.unit != "s" or zone:
        return column
    days = pc.cast(column, pa.date32(), safe=False)
    return days if pc.cast(days, column.type).equals(column) else column


def _in_sheet_type(column: pa.Array) -> pa.Array:
    """The column as booleans, numbers, days or naive times where a sheet can hold all of it, else as text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_float32(kind) or pa.types.is_float64(kind):
        return column
    if pa.types.is_float16(kind) or pa.types.is_decimal(kind):
        return pc.cast(column, pa.float64())
    if pa.types.is_integer(kind):
        bounds = pc.min_max(column).as_py()
        exact = bounds["min"] is None or -MAX_EXACT <= bounds["min"] <= bounds["max"] <= MAX_EXACT
        return column if exact else texts_of(column)
    if pa.types.is_date(kind):
        column = pc.cast(pc.cast(column, pa.date32()), pa.timestamp("s"))
    elif not pa.types.is_timestamp(kind):
        return texts_of(column)
    elif kind.tz:
        column = pc.cast(column, pa.timestamp(kind.unit))  # what Arrow keeps under a time zone is UTC
    days = column.to_numpy(zero_copy_only=False).astype("datetime64[D]")
    days = days[~np.isnat(days)]
    times = plain_times(column)
    return times if ((days >= FIRST_DAY) & (days <= LAST_DAY)).all() else texts_of(times)


def _cut(column: pa.Array) -> tuple[pa.Array, int]:
    """A column whose texts fit into cells, and how many had to be cut."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_large_string(column.type):
        return column, 0
    # A text has no more UTF-16 units than bytes in UTF-8, so few have to be looked at one by one.
    suspects = np.flatnonzero(pc.fill_null(pc.greater(pc.binary_length(column), MAX_TEXT), False))
    if not len(suspects):
        return column, 0
    texts, n_cut = column.to_pylist(), 0
    for row in suspects:
        units = texts[row].encode("utf-16-le")
        if len(units) > 2 * MAX_TEXT:
            texts[row] = units[: 2 * (MAX_TEXT - 1)].decode("utf-16-le", "ignore") + "…"
            n_cut += 1
    return pa.array(texts, column.type), n_cut
