"""Answers to take away: a result as CSV, Excel or Parquet, and the code that makes the same result again.

The code is made by :mod:`engine.snippets`.
"""

from __future__ import annotations

import errno
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.errors import DataError, EngineError
from engine.files import write_atomically
from engine.result_files import check_suffix
from engine.scoring.wording import NOT_MEASURED
from engine.snippets import cli_line, python_snippet

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "ADDED",
    "SETTINGS_KEY",
    "arrow_table",
    "cli_line",
    "put",
    "python_snippet",
    "result_bytes",
    "result_table",
    "write_result",
]

ADDED = ("anomaly_score", "severity", "is_anomaly", "reasons")
"""What a result adds to the columns of the data, always as its last four."""

SETTINGS_KEY = b"loupe"  # in a Parquet file's metadata: the settings as a JSON object


def result_table(
    frame: pd.DataFrame,
    *,
    scores: NDArray[np.float64],
    severity: NDArray[np.float64],
    flags: NDArray[np.bool_],
    judged: NDArray[np.bool_],
    reasons: Mapping[int, str],
    obstacles: Mapping[int, str],
    classes: Mapping[str, Any] | None = None,
) -> pd.DataFrame:
    """The rows of the data in their order, with what a model says of each in four more columns.

    All arrays are (n_rows,); ``reasons`` and ``obstacles`` go by row number. A row that could not be judged
    has no score and no flag, and its obstacle in ``reasons``; a flagged row that was not explained says so
    there. ``classes`` are more columns, before these four. If the data have a column of the same name
    already, the added one has " (Loupe)" behind its name.
    """
    assert all(len(values) == len(frame) for values in (scores, severity, flags, judged))
    words = np.full(len(frame), None, dtype=object)
    words[flags & judged] = NOT_MEASURED
    for row, text in reasons.items():
        words[row] = text
    for row in np.flatnonzero(~judged).tolist():
        obstacle = obstacles.get(row)
        words[row] = f"could not be judged: {obstacle}" if obstacle else "could not be judged"
    values: tuple[Any, ...] = (
        np.where(judged, scores, np.nan),
        np.where(judged, severity, np.nan),
        flags.copy() if judged.all() else pd.arrays.BooleanArray(flags & judged, ~judged),
        pd.array(words, dtype="str"),
    )
    return with_columns(frame, {**(classes or {}), **dict(zip(ADDED, values, strict=True))})


def with_columns(frame: pd.DataFrame, added: Mapping[str, Any]) -> pd.DataFrame:
    """The rows with more columns behind theirs, each called " (Loupe)" if there is one of its name already."""
    table = frame.copy(deep=False)
    for name, column in added.items():
        table[_free_name(name, table.columns)] = column
    return table


def write_result(
    path: Path,
    table: pd.DataFrame,
    settings: Mapping[str, str],
    *,
    events: pd.DataFrame | None = None,
    raw: bool = False,
) -> None:
    """Write a result in the format of the file's suffix: all of it, or nothing and an EngineError.

    ``events`` are those of a series, for a format that has room. ``raw`` leaves texts in a CSV as they are, also those
    a spreadsheet would run as a formula.
    """
    put(path, result_bytes(check_suffix(path), table, settings, events=events, raw=raw))


def put(path: Path, data: bytes) -> None:
    """Write a file to take away: all of it, or nothing and an EngineError."""
    try:
        write_atomically(path, data)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            reason = f"it needs {len(data):,} bytes, {shutil.disk_usage(path.parent).free:,} are free"
        raise EngineError(f"'{path}' was not written: {reason}; choose another place") from None


def result_bytes(
    suffix: str,
    table: pd.DataFrame,
    settings: Mapping[str, str],
    *,
    events: pd.DataFrame | None = None,
    raw: bool = False,
) -> bytes:
    """A result (see :func:`result_table`) as the content of a file.

    ``.csv``: UTF-8 without a byte order mark, which many programs would take for a part of the first name;
    Excel's users have ``.xlsx``. A text or name that a spreadsheet might run as a formula has an apostrophe
    in front. Times with a zone are in UTC. There is no room for settings.

    ``.xlsx``: the sheets "Events" of a series, "Anomalies" (worst first, with the row's number from 1), "All scores",
    "Settings".
    Nothing is a formula, and what a sheet cannot hold is told in the settings.

    ``.parquet``: exact values; the settings are in the metadata under ``SETTINGS_KEY``.
    """
    suffix = check_suffix(suffix)
    if suffix == ".csv":
        return _csv(arrow_table(table), raw=raw)
    if suffix == ".xlsx":
        return _xlsx(table, settings, events)
    return _parquet(arrow_table(table), settings)


# ---- formats


def arrow_table(table: pd.DataFrame) -> pa.Table:
    """The table in Arrow's types; a column of objects that has none becomes text."""
    import pyarrow as pa

    names = [_encodable(str(name)) for name in table.columns]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"columns must have different names, got '{twice[0]}' twice; rename one of them")
    columns = {}
    for number, name in enumerate(names):
        values = table.iloc[:, number]
        try:
            pa.array(values if values.dtype.kind in "Oc" else values[:0], from_pandas=True)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            texts = [
                None if missing else _encodable(str(v))
                for v, missing in zip(values, values.isna(), strict=True)
            ]
            values = pd.Series(texts, index=table.index, dtype="str")
        columns[name] = values
    return pa.Table.from_pandas(pd.DataFrame(columns, index=table.index), preserve_index=False)


def _csv(table: pa.Table, *, raw: bool) -> bytes:
    import pyarrow as pa
    from pyarrow.csv import write_csv

    columns = [_csv_column(column.combine_chunks(), raw=raw) for column in table.columns]
    names = _csv_column(pa.array(table.column_names, pa.large_string()), raw=raw)
    sink = BytesIO()
    write_csv(pa.Table.from_arrays(columns, names=names.to_pylist()), sink)
    return sink.getvalue()


def _csv_column(column: pa.Array, *, raw: bool) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    from engine.cells import plain_times, risky, texts_of

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_timestamp(kind):
        return plain_times(column)
    as_it_is = (
        pa.types.is_boolean,
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_decimal,
        pa.types.is_date,
    )
    if any(is_kind(kind) for is_kind in as_it_is):
        return column
    texts = texts_of(column)
    dangers = None if raw else risky(texts)
    if dangers is None or not pc.any(dangers).as_py():
        return texts
    apostrophe, nothing = (pa.scalar(text, pa.large_string()) for text in ("'", ""))
    return pc.if_else(dangers, pc.binary_join_element_wise(apostrophe, texts, nothing), texts)


def _xlsx(table: pd.DataFrame, settings: Mapping[str, str], events: pd.DataFrame | None) -> bytes:
    import pyarrow as pa

    from engine.cells import MAX_ROWS, check_size, fitted
    from engine.workbook import Sheet, workbook

    check_size(len(table), table.shape[1] + 1)  # the anomalies have their row's number too
    scores, flags = table.iloc[:, -4].to_numpy(), table.iloc[:, -2].fillna(False).to_numpy(dtype=bool)
    rows = np.flatnonzero(flags)
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    everything, notes = fitted(arrow_table(table))
    number = _free_name("row", everything.column_names)
    anomalies = everything.take(pa.array(rows)).add_column(0, number, pa.array(rows + 1))
    lines = {**settings, **notes}
    told, _ = fitted(
        pa.table({"setting": list(lines), "value": [_encodable(str(v)) for v in lines.values()]})
    )
    first = [] if events is None else [Sheet(title="Events", table=fitted(arrow_table(events[:MAX_ROWS]))[0])]
    return workbook(
        [
            *first,
            Sheet(title="Anomalies", table=anomalies),
            Sheet(title="All scores", table=everything, marked=flags),
            Sheet(title="Settings", table=told),
        ]
    )


def _parquet(table: pa.Table, settings: Mapping[str, str]) -> bytes:
    from pyarrow.parquet import write_table

    told = {SETTINGS_KEY: json.dumps(dict(settings)).encode()}
    sink = BytesIO()
    write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), **told}), sink, compression="zstd"
    )
    return sink.getvalue()


# ---- small things


def _free_name(name: str, taken: Sequence[object] | pd.Index) -> str:
    names, number = set(taken), 1
    free = name
    while free in names:
        free = f"{name} (Loupe)" if number == 1 else f"{name} (Loupe {number})"
        number += 1
    return free


def _encodable(text: str) -> str:
    """The text without halves of characters (lone surrogates), which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
