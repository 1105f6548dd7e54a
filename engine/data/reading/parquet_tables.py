"""Parquet files: the footer is judged before the data, nested columns are flattened or named."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.data.reading.json_tables import left_out
from engine.data.reading.limits import MAX_CELLS, MAX_COLUMNS, MAX_TEXT_BYTES, MB
from engine.data.reading.raw import RawColumn, RawTable, one_array
from engine.data.reading.types import Finding
from engine.errors import ReadingError

_LARGEST = 2**63


def read_parquet(data: bytes, name: str) -> RawTable:
    """A Parquet file as columns of the few types a table may have."""
    try:
        # thrift limits: a small file with a huge schema is no table
        source = pq.ParquetFile(
            pa.BufferReader(data), thrift_string_size_limit=100 * MB, thrift_container_size_limit=1_000_000
        )
        _check_footer(source.metadata, name)
        source = pq.ParquetFile(pa.BufferReader(data), read_dictionary=_text_columns(source.schema_arrow))
        table = source.read(use_threads=False)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ReadingError(
            f"'{name}' is a damaged or truncated Parquet file; write or download it again."
        ) from error
    findings: list[Finding] = []
    columns: list[RawColumn] = []
    n_text = 0
    for field, cells in zip(table.schema, table.columns, strict=True):
        for path, flat in _flattened(field.name, cells):
            n_text += _text_bytes(flat)
            if n_text > MAX_TEXT_BYTES:
                raise ReadingError(
                    f"the text in '{name}' would take over {MAX_TEXT_BYTES // MB} MB once unpacked; "
                    "leave out its long text columns."
                )
            column = _plain(path, flat, findings)
            if column is not None:
                columns.append(column)
    return RawTable(columns=columns, texts_may_be_numbers=False, findings=findings)


def _check_footer(footer: Any, name: str) -> None:
    if footer.num_columns > MAX_COLUMNS:
        raise ReadingError(
            f"'{name}' has {footer.num_columns:,} columns, more than the {MAX_COLUMNS:,} that can be read."
        )
    if footer.num_rows * footer.num_columns > MAX_CELLS:
        raise ReadingError(
            f"'{name}' has {footer.num_rows:,} rows and {footer.num_columns:,} columns, more than "
            f"{MAX_CELLS // 1_000_000} million cells; bring fewer rows or columns."
        )
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    if sum(group.num_rows for group in groups) != footer.num_rows or any(
        group.num_rows < 0 for group in groups
    ):
        raise ReadingError(f"'{name}' is a damaged Parquet file: its row counts disagree; write it again.")


def _text_columns(schema: pa.Schema) -> list[str]:
    """A text that repeats stays one text: 463 bytes may otherwise become 3 GB."""
    return [
        field.name
        for field in schema
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)
    ]


def _text_bytes(cells: pa.ChunkedArray) -> int:
    """Bytes the text of a column takes when every row has its own copy."""
    total = 0
    for chunk in cells.chunks:
        if pa.types.is_dictionary(chunk.type) and _is_text(chunk.type.value_type):
            lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
            total += pc.sum(lengths.cast(pa.int64())).as_py() or 0
        elif _is_text(chunk.type):
            total += chunk.nbytes
    return total


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _flattened(path: str, cells: pa.ChunkedArray) -> list[tuple[str, pa.ChunkedArray]]:
    """A record column as one column per field, named 'record.field'."""
    if not pa.types.is_struct(cells.type):
        return [(path, cells)]
    parts = cells.flatten()
    pairs = zip(cells.type, parts, strict=True)
    return [inner for field, part in pairs for inner in _flattened(f"{path}.{field.name}", part)]


def _plain(path: str, cells: pa.ChunkedArray, findings: list[Finding]) -> RawColumn | None:
    """The column in a type the table may have, or None with a finding."""
    name = "index" if path.startswith("__index_level_") else path
    kind = cells.type
    if pa.types.is_dictionary(kind):
        cells, kind = cells.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        sentence = f"'{name}' is in the time zone {kind.tz}; its times are read as UTC."
        findings.append(Finding(kind="time_zone", text=sentence, column=name))
        cells = cells.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp(kind.unit))
    elif pa.types.is_decimal(kind):
        sentence = f"'{name}' holds exact decimals; they are read as ordinary numbers (15 digits)."
        findings.append(Finding(kind="decimal_type", text=sentence, column=name, option="text_columns"))
    elif pa.types.is_duration(kind):
        sentence = f"'{name}' holds durations; they are read as seconds."
        findings.append(Finding(kind="duration", text=sentence, column=name))
    target = _target(kind)
    if target is None:
        findings.append(left_out(name, f"values of the kind {str(kind)[:60]}"))
        return None
    if pa.types.is_duration(kind):
        seconds = cells.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64(), safe=False)
        return RawColumn(name=name, cells=one_array(pc.divide(seconds, 1e6)))
    if pa.types.is_uint64(kind) and (pc.max(cells).as_py() or 0) >= _LARGEST:
        target = pa.string()
    return RawColumn(name=name, cells=one_array(cells.cast(target, safe=False)))


def _target(kind: pa.DataType) -> pa.DataType | None:
    types = pa.types
    if types.is_boolean(kind) or types.is_null(kind):
        return kind
    if types.is_integer(kind):
        return pa.int64()
    if types.is_floating(kind) or types.is_decimal(kind) or types.is_duration(kind):
        return pa.float64()
    if types.is_timestamp(kind):
        return pa.timestamp("ns" if kind.unit == "ns" else "us")
    if types.is_date(kind):
        return pa.timestamp("us")
    if _is_text(kind) or types.is_time(kind):
        return pa.large_string()
    return None
