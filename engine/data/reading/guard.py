"""Spreadsheets are checked before anything parses them: parts, growth, entities, and cells far out."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.data.reading.limits import MAX_CELLS, MAX_INFLATED, MAX_PARTS
from engine.data.reading.unpacking import bomb, check_entry, check_growth
from engine.errors import ReadingError

_CHUNK = 1 << 18  # what is made of so much stays in the processor's cache: twice as fast as with megabytes
_OVERLAP = 1 << 10  # a cell may stand across two chunks
_LONGEST = 16  # letters, and digits, looked at per reference; XFD1048576 has three and seven
_ERROR_CELL = re.compile(rb't="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>(#[^<]{1,12})</v>')
_FILLED = re.compile(rb"<c\b([^>]*[^/>])>")
_REPEATED = re.compile(rb'number-(columns|rows)-repeated="(\d+)"')


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """What the guard saw on its way through."""

    n_error_cells: int = 0
    error_examples: tuple[str, ...] = ()


def check_workbook(data: bytes, name: str) -> Inspection:
    """Read every part of an XLSX or ODS once, bounded; a ReadingError for anything no honest workbook has."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _check_parts(archive, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError) as error:
        raise ReadingError(
            f"'{name}' is a damaged workbook; open it in Excel, save it again and retry."
        ) from error


def _check_parts(archive: zipfile.ZipFile, name: str) -> Inspection:
    entries = archive.infolist()
    if len(entries) > MAX_PARTS:
        raise ReadingError(
            f"'{name}' has {len(entries)} parts, more than any workbook; export the sheet as CSV."
        )
    if len({entry.filename for entry in entries}) != len(entries):
        raise ReadingError(f"'{name}' holds the same part twice; open it in Excel, save it again and retry.")
    for entry in entries:
        check_entry(entry, name)
    if sum(entry.file_size for entry in entries) > MAX_INFLATED:
        raise bomb(name)
    n_errors, examples, total = 0, set[str](), 0
    for entry in entries:
        if not entry.filename.lower().endswith((".xml", ".rels", ".vml")):
            continue
        extent = Extent()
        for chunk, seen in _chunks(archive, entry, name):
            total += len(chunk) - seen
            if total > MAX_INFLATED:
                raise bomb(name)
            _refuse_entities(chunk, name)
            if "worksheets" in entry.filename:
                extent.grow(chunk)
                if b't="e"' in chunk:
                    found = [cell[1] for cell in _ERROR_CELL.finditer(chunk) if cell.end() > seen]
                    n_errors += len(found)
                    examples |= {error.decode("latin-1") for error in found[:100]}
            elif entry.filename.endswith("content.xml"):
                _refuse_repeats(chunk, name)
        if extent.n_cells > MAX_CELLS:
            _refuse_far_cells(archive, entry, name)
    return Inspection(n_error_cells=n_errors, error_examples=tuple(sorted(examples)))


def _chunks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> Iterator[tuple[bytes, int]]:
    """The part in pieces that overlap, counted as they are inflated, and how much of each the last one had."""
    tail, total = b"", 0
    with archive.open(entry) as part:
        while piece := part.read(_CHUNK):
            total += len(piece)
            check_growth(name, entry.compress_size, total)
            chunk = tail + piece
            yield chunk, len(tail)
            tail = chunk[-_OVERLAP:]


def _refuse_entities(chunk: bytes, name: str) -> None:
    declares = b"!" in chunk and (
        b"<!DOCTYPE" in chunk or b"<!ENTITY" in chunk
    )  # one byte is found much faster
    if declares or chunk[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ReadingError(
            f"'{name}' defines XML entities, which no spreadsheet program does; "
            "open it in Excel and save it again."
        )


def _refuse_repeats(chunk: bytes, name: str) -> None:
    """An OpenDocument cell may say 'a million times me'; only empty ones honestly do."""
    for match in re.finditer(rb"<table:table-cell\b([^>]*office:value[^>]*)>", chunk):
        repeated = _REPEATED.search(match.group(1))
        if repeated and int(repeated.group(2)) > 1_000:
            raise _too_wide(name)


@dataclass
class Extent:
    """The last row and column that any cell reference of a sheet names."""

    row: int = 0
    column: int = 0

    @property
    def n_cells(self) -> int:
        """Cells of the rectangle a reader would allocate."""
        return self.row * self.column

    def grow(self, chunk: bytes) -> None:
        """Take in every r="AB12" of a piece of XML, on the bytes at once because sheets hold millions."""
        buffer = np.frombuffer(chunk + bytes(2 * _LONGEST + 2), np.uint8)
        equals = np.flatnonzero(buffer[: len(chunk)] == ord("="))  # few: what follows looks at these alone
        equals = equals[(equals >= 2) & (buffer[equals - 1] == ord("r")) & (buffer[equals - 2] <= ord(" "))]
        quotes = buffer[equals + 1]
        starts = equals[(quotes == ord('"')) | (quotes == ord("'"))] + 2
        if len(starts):
            columns, rows = _references(buffer, starts)
            self.row, self.column = max(self.row, int(rows.max())), max(self.column, int(columns.max()))


def _references(
    buffer: npt.NDArray[np.uint8], starts: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Column and row numbers of the references that begin at ``starts``; 0 where there is none."""
    columns, rows = np.zeros(len(starts)), np.zeros(len(starts))  # floats: a long lie must not wrap around
    at = starts.copy()
    for numbers, first, case, base in ((columns, ord("A"), 0xDF, 26), (rows, ord("0"), 0xFF, 10)):
        for _ in range(_LONGEST):
            digits = (buffer[at] & case) - first  # of bytes: what stands before the first wraps around
            reading = digits < base
            if not reading.any():
                break
            values = digits + 1.0 if numbers is columns else digits  # A is 1, 0 is 0
            np.copyto(numbers, numbers * base + values, where=reading)
            at += reading
    return columns, rows


def _refuse_far_cells(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str) -> None:
    """Raise unless the far cells are only formatted: an empty cell costs a reader nothing."""
    extent = Extent()
    for chunk, _ in _chunks(archive, entry, name):
        extent.grow(b" ".join(b" " + attributes for attributes in _FILLED.findall(chunk)))
        if extent.n_cells > MAX_CELLS:
            raise _too_wide(name)


def _too_wide(name: str) -> ReadingError:
    return ReadingError(
        f"'{name}' has cells so far out that a sheet spans more than {MAX_CELLS // 1_000_000} million cells; "
        "delete what lies beyond the table, or export the table as CSV."
    )
