"""One file to one table; the single place where every failure gets a sentence."""

from __future__ import annotations

from pathlib import Path

from engine.data.reading.assembling import assembled
from engine.data.reading.delimited import read_delimited
from engine.data.reading.formats import Kind, kind_of
from engine.data.reading.labels import safe_label
from engine.data.reading.limits import MAX_BYTES, MB
from engine.data.reading.raw import RawTable
from engine.data.reading.types import Finding, Reading, ReadingOptions
from engine.data.reading.unpacking import gunzipped, unzipped
from engine.errors import EngineError, ReadingError

_USUAL = {
    "xlsx": (".xlsx", ".xlsm", ".xltx"),
    "xls": (".xls",),
    "ods": (".ods",),
    "parquet": (".parquet", ".pq", ".parq"),
    "json": (".json", ".jsonl", ".ndjson"),
}
_SPOKEN = {"xlsx": "an Excel workbook", "xls": "an old Excel workbook", "ods": "an OpenDocument spreadsheet",
           "parquet": "a Parquet file", "json": "JSON", "text": "delimited text"}  # fmt: skip
_NOT_TEXT = (".xlsx", ".xlsm", ".xls", ".ods", ".parquet", ".pq")


def read_table(
    path: Path | str, options: ReadingOptions | None = None, *, name: str | None = None
) -> Reading:
    """Read a file in this process; files from strangers go through :func:`convert`, which limits the damage.

    ``name`` is what the user calls the file when ``path`` does not show it; it is a label, never a path.
    """
    path = Path(path)
    label = safe_label(Path(name or path.name).name) or "the file"
    try:
        return _read(_content(path, label), label, options or ReadingOptions())
    except EngineError:
        raise
    except MemoryError as error:
        raise ReadingError(
            f"'{label}' needs more memory than is allowed; bring fewer rows or columns."
        ) from error
    except Exception as error:
        raise ReadingError(
            f"'{label}' is damaged or unusual and cannot be read; export it again as CSV."
        ) from error
    except BaseException as error:  # a panic in calamine's Rust code is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise ReadingError(
            f"'{label}' is a damaged workbook; open it in Excel, save it again and retry."
        ) from error


def _content(path: Path, label: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ReadingError(
                f"'{label}' has {size // MB} MB; at most {MAX_BYTES // MB} MB can be read, bring fewer rows."
            )
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ReadingError(f"'{label}' cannot be opened ({error.strerror}); check the path.") from error
    if len(data) != size:
        raise ReadingError(
            f"'{label}' changed while reading; wait until it is written completely and try again."
        )
    if not data:
        raise ReadingError(f"'{label}' is empty (0 bytes); choose a file with a header and rows.")
    return data


def _read(data: bytes, label: str, options: ReadingOptions) -> Reading:
    kind = kind_of(data, label)
    findings: list[Finding] = []
    inner = label
    if kind in ("gz", "zip"):
        data, inner = gunzipped(data, label) if kind == "gz" else unzipped(data, label)
        inner = safe_label(inner) or label
        if not data:
            raise ReadingError(
                f"'{inner}' in '{label}' is empty (0 bytes); choose a file with a header and rows."
            )
        kind = kind_of(data, inner)
        if kind in ("gz", "zip"):
            raise ReadingError(
                f"'{label}' is an archive inside an archive; unpack it and bring the table itself."
            )
        if inner.lower() != label.lower().removesuffix(".gz"):
            findings.append(Finding(kind="archive", text=f"'{inner}' was read from the archive '{label}'."))
    findings += _lie(inner, kind)
    raw = _raw(data, inner, options, kind)
    raw.findings = [*findings, *raw.findings]
    return assembled(raw, inner, options)


def _raw(data: bytes, label: str, options: ReadingOptions, kind: Kind) -> RawTable:
    if kind in ("xlsx", "xls", "ods"):
        return _workbook(data, label, options, kind)
    if kind == "parquet":
        from engine.data.reading.parquet_tables import (
            read_parquet,
        )  # loaded only where needed: starts are quick

        return read_parquet(data, label)
    if kind == "json":
        from engine.data.reading.json_tables import read_json

        return read_json(data, label, options)
    return read_delimited(data, label, options)


def _workbook(data: bytes, label: str, options: ReadingOptions, kind: Kind) -> RawTable:
    from python_calamine import CalamineError

    from engine.data.reading.workbook import read_workbook

    try:
        return read_workbook(data, label, options, kind)
    except CalamineError as error:
        raise ReadingError(
            f"'{label}' is a damaged workbook; open it in Excel, save it again and retry."
        ) from error


def _lie(label: str, kind: Kind) -> list[Finding]:
    """A name that promises another format is harmless where the content can be read."""
    low = label.lower()
    usual = _USUAL.get(kind, ())
    suffix = "." + low.rsplit(".", 1)[-1] if "." in low else ""
    known = [ending for endings in _USUAL.values() for ending in endings] + [".csv", ".tsv", ".txt"]
    promised_other = (
        suffix in known and suffix not in usual if usual else suffix in _NOT_TEXT or suffix == ".json"
    )
    if not promised_other:
        return []
    return [
        Finding(
            kind="format",
            text=f"'{label}' is {_SPOKEN[kind]} in spite of its name; it was read as that.",
            level="warning",
        )
    ]
