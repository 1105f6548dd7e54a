"""JSON as a table: records, columns, lines, or any of them one level down."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from engine.data.reading.encodings import decoded
from engine.data.reading.limits import MAX_CELLS, MAX_COLUMNS, MAX_JSON_BYTES, MB
from engine.data.reading.objects import as_text, column_of
from engine.data.reading.raw import RawColumn, RawTable
from engine.data.reading.types import Finding, ReadingOptions
from engine.errors import ReadingError

_HOW = 'write it as a list of records: [{"time": ..., "value": ...}, ...]'
_DEEPEST = 6  # nested records are flattened to names like 'motor.temperature'
_LIKELY = ("data", "records", "rows", "results", "items", "values")


def read_json(data: bytes, name: str, options: ReadingOptions) -> RawTable:
    """A JSON document or JSON lines as columns."""
    if len(data) > MAX_JSON_BYTES:
        raise ReadingError(
            f"'{name}' is JSON of {len(data) // MB} MB; at most {MAX_JSON_BYTES // MB} MB can be read, "
            "save it as CSV or Parquet."
        )
    text = decoded(data, name, options.encoding)
    content = text.utf8.decode("utf-8", "replace")
    try:
        document = _parsed(content, name)
        columns, findings = _table(document, name)
    except RecursionError as error:
        raise ReadingError(f"'{name}' is nested too deeply to be a table; {_HOW}.") from error
    return RawTable(
        columns=columns, cells_had_types=True, findings=[*text.findings, *findings], encoding=text.encoding
    )


def _parsed(content: str, name: str) -> Any:
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        lines = [(i, line) for i, line in enumerate(content.split("\n"), 1) if line.strip()]
        if len(lines) > 1 and _is_whole(lines[0][1]):
            return list(_lines(lines, name))
        raise ReadingError(
            f"'{name}' is not complete JSON: line {error.lineno}, {error.msg.lower()}; export it again."
        ) from error


def _is_whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), (dict, list))
    except json.JSONDecodeError:
        return False


def _lines(lines: list[tuple[int, str]], name: str) -> Iterator[Any]:
    for number, line in lines:
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise ReadingError(
                f"line {number} of '{name}' is no JSON record; mend or remove the line."
            ) from error


def _table(document: Any, name: str) -> tuple[list[RawColumn], list[Finding]]:
    if isinstance(document, list):
        return _from_list(document, name, [])
    if not isinstance(document, dict):
        raise ReadingError(f"'{name}' holds a single JSON value, not a table; {_HOW}.")
    columns = document.get("columns")
    if isinstance(columns, list) and isinstance(document.get("data"), list):  # pandas' "split"
        return _from_list(document["data"], name, [as_text(column) for column in columns])
    if document and all(isinstance(values, list) for values in document.values()):
        lengths = {len(values) for values in document.values()}
        if len(lengths) == 1 and not (len(document) == 1 and _is_records(next(iter(document.values())))):
            return _finished({str(key): values for key, values in document.items()}, name)
    inner = _inner_records(document)
    if inner is not None:
        return _from_list(inner, name, [])
    if document and all(isinstance(values, dict) for values in document.values()):
        return _from_nested(document, name)
    if document and not any(isinstance(values, (list, dict)) for values in document.values()):
        return _from_list([document], name, [])
    raise ReadingError(f"'{name}' is JSON, but no list of records could be found in it; {_HOW}.")


def _is_records(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and isinstance(values[0], (dict, list))


def _inner_records(document: dict[str, Any]) -> list[Any] | None:
    """The list of records one level down: under a usual name, or the only one there is."""
    named = next((document[key] for key in _LIKELY if _is_records(document.get(key))), None)
    if named is not None:
        return named
    lists = [values for values in document.values() if _is_records(values)]
    return lists[0] if len(lists) == 1 else None


def _from_nested(document: dict[str, dict[str, Any]], name: str) -> tuple[list[RawColumn], list[Finding]]:
    """pandas' default {column: {row: value}}, or {row: {column: value}} where inner keys are names."""
    inner = list(dict.fromkeys(key for values in document.values() for key in values))
    by_column = all(key.lstrip("-").isdigit() for key in inner) or len(inner) > len(document)
    if by_column and not all(key.lstrip("-").isdigit() for key in document):
        return _finished({key: [values.get(row) for row in inner] for key, values in document.items()}, name)
    return _from_list(list(document.values()), name, [])


def _from_list(rows: list[Any], name: str, names: list[str]) -> tuple[list[RawColumn], list[Finding]]:
    if not rows:
        raise ReadingError(f"'{name}' holds an empty list: no rows; choose a file with data.")
    if all(isinstance(row, dict) for row in rows):
        return _from_records(rows, name)
    if all(isinstance(row, list) for row in rows):
        return _from_rows(rows, name, names)
    if any(isinstance(row, (dict, list)) for row in rows):
        raise ReadingError(f"'{name}' mixes records and single values in one list; {_HOW}.")
    return _finished({"value": rows}, name)


def _from_rows(rows: list[list[Any]], name: str, names: list[str]) -> tuple[list[RawColumn], list[Finding]]:
    if not names and len(rows) > 1 and all(isinstance(cell, str) for cell in rows[0]) and rows[0]:
        names, rows = rows[0], rows[1:]
    width = max(len(names), max(map(len, rows)))
    _check_size(width, len(rows), name)
    names = names + [f"column_{i}" for i in range(len(names) + 1, width + 1)]
    uneven = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if uneven is not None:
        raise ReadingError(
            f"row {uneven + 1} of '{name}' has {len(rows[uneven])} cells instead of {width}; mend it."
        )
    return _built([(column, [row[i] for row in rows]) for i, column in enumerate(names)])


def _from_records(rows: list[dict[str, Any]], name: str) -> tuple[list[RawColumn], list[Finding]]:
    if any(isinstance(value, dict) for row in rows for value in row.values()):
        rows = [_flat(row) for row in rows]
    keys: dict[str, None] = {}
    for row in rows:
        keys.update(dict.fromkeys(row))
        if len(keys) > MAX_COLUMNS:
            break
    _check_size(len(keys), len(rows), name)
    return _built([(key, [row.get(key) for row in rows]) for key in keys])


def _check_size(width: int, n_rows: int, name: str) -> None:
    if width > MAX_COLUMNS or width * n_rows > MAX_CELLS:
        fields = f"over {MAX_COLUMNS:,}" if width > MAX_COLUMNS else f"{width:,}"
        raise ReadingError(
            f"'{name}' has {n_rows:,} records with {fields} different fields, more than can be read; "
            "bring fewer fields."
        )


def _flat(row: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """{'motor': {'temperature': 5}} as {'motor.temperature': 5}."""
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            flat |= _flat(value, f"{prefix}{key}.", depth + 1)
        else:
            flat[prefix + key] = value
    return flat


def _finished(columns: dict[str, list[Any]], name: str) -> tuple[list[RawColumn], list[Finding]]:
    _check_size(len(columns), max(map(len, columns.values()), default=0), name)
    return _built(list(columns.items()))


def _built(columns: list[tuple[str, list[Any]]]) -> tuple[list[RawColumn], list[Finding]]:
    """Typed columns; those of lists or records are left out and named."""
    built, nested = [], []
    for key, cells in columns:
        if any(isinstance(cell, (dict, list)) for cell in cells):
            nested.append(key)
        else:
            built.append(column_of(key, cells))
    findings = [left_out(key, "lists or records") for key in nested]
    return built, findings


def left_out(column: str, what: str) -> Finding:
    """The finding for a column that no table cell can hold."""
    return Finding(
        kind="left_out", text=f"'{column}' was left out: it holds {what}.", level="warning", column=column
    )
