"""Snapshots of vibration as files: a folder or zip with one short recording a file, in the order they were taken.

A file is text: one line a sample, one column a channel, separated by tabs, spaces, commas or semicolons, with or
without a line of names. When it was taken stands in its name, as in ``2003.10.22.12.06.24``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np

from engine.data.reading.limits import MAX_BYTES, MB
from engine.data.reading.unpacking import WORKBOOKS, check_entry, inflated, is_litter
from engine.data.vibration.measures import FEWEST_SAMPLES
from engine.data.vibration.signals import Array
from engine.errors import ReadingError, UsageError

MOST_FILES = 100_000
_STAMP = re.compile(r"(?<!\d)(\d{4})[-._]?(\d\d)[-._]?(\d\d)[-._ T]?(\d\d)[-._:]?(\d\d)[-._:]?(\d\d)(?!\d)")
_CLOCK = re.compile(
    r"(timestamp|datetime|time|date|seconds?|index|samples?)(?![a-z0-9])|t$|t ", re.IGNORECASE
)
_NO_NUMBER = re.compile(r"could not convert string '(.*)' to float64 at row (\d+), column (\d+)", re.DOTALL)
_RAGGED = re.compile(r"the number of columns changed from (\d+) to (\d+) at row (\d+)")


@dataclass(frozen=True, kw_only=True)
class SnapshotFile:
    """One file of a folder or zip, not read yet."""

    name: str
    taken: datetime | None
    content: Callable[[], bytes]


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One recording: signals (n_channels, n_samples), and the channels' names if the file has them."""

    name: str
    taken: datetime | None
    channels: tuple[str, ...] | None
    signals: Array


def holds_snapshots(path: Path) -> bool:
    """Whether a path is a folder, or a zip with several files: one snapshot a file. Else it is one long table."""
    if path.is_dir():
        return True
    if path.suffix.lower() in WORKBOOKS or not zipfile.is_zipfile(path):  # a workbook is a zip inside
        return False
    with _archive(path) as archive:
        return len(_entries(archive)) > 1


@contextmanager
def snapshot_files(path: Path) -> Iterator[list[SnapshotFile]]:
    """The files of a folder or zip by the time in their names, or by their numbers where there is none.

    They can be read until the context ends. Raises :class:`ReadingError` if there are none, or of several folders.
    """
    if path.is_dir():
        files = [p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")]
        yield _ordered([_file(p.name, partial(_bytes, p)) for p in files if not is_litter(p.name)], path)
        return
    with _archive(path) as archive:
        entries = _entries(archive)
        folders = sorted({str(Path(entry.filename).parent) for entry in entries})
        if len(folders) > 1:
            raise ReadingError(
                f"'{path.name}' must hold the snapshots of one run, got the folders "
                f"{', '.join(map(repr, folders[:4]))}; unpack it and choose one"
            )
        yield _ordered(
            [_file(Path(e.filename).name, partial(inflated, archive, e, path.name)) for e in entries], path
        )


def taken_at(name: str) -> datetime | None:
    """The moment in a file's name, such as 2003.10.22.12.06.24 or 2004-02-12_10-32-39; None without one."""
    for found in _STAMP.finditer(name):
        try:
            return datetime(*map(int, found.groups()))  # type: ignore[arg-type]
        except ValueError:  # digits that are no date
            continue
    return None


def is_clock(name: str) -> bool:
    """Whether a column is called like a time or a counter, which is no channel."""
    return _CLOCK.match(name) is not None


def read_snapshot(file: SnapshotFile, wanted: Sequence[str] | None = None) -> Snapshot:
    """Read one file. ``wanted`` names its channels, or chooses some where the file names them itself.

    Columns called time, date, index or sample are no channels. Raises :class:`ReadingError` with the line at fault.
    """
    text = _text(file)
    first = text.lstrip().partition("\n")[0]
    delimiter = next((mark for mark in "\t;," if mark in first), None)
    body = text if delimiter == "," else _decimal_points(text)
    names = _names(first, delimiter)
    columns = _chosen(file.name, names, wanted)
    # Runs of tabs and spaces count as one; between commas and semicolons a cell may be empty.
    separator = delimiter if delimiter in (",", ";") else None
    try:
        values = np.loadtxt(
            io.StringIO(body.lstrip().partition("\n")[2] if names else body),
            delimiter=separator,
            comments=None,
            ndmin=2,
            usecols=None if columns == list(range(len(names))) else columns,
        )
    except ValueError as problem:
        raise ReadingError(_in_words(file.name, str(problem))) from None
    if len(values) < FEWEST_SAMPLES:
        raise ReadingError(
            f"'{file.name}' must hold at least {FEWEST_SAMPLES} lines of numbers, got {len(values)}"
        )
    n_channels = values.shape[1]
    if names and n_channels != len(columns):
        raise ReadingError(f"'{file.name}' names {len(columns)} columns, but its rows have {n_channels}")
    if not names and wanted and len(wanted) != n_channels:
        raise UsageError(f"'{file.name}' has {n_channels} channels, but {len(wanted)} names are given")
    channels = tuple(names[i] for i in columns) if names else tuple(wanted or ()) or None
    return Snapshot(
        name=file.name, taken=file.taken, channels=channels, signals=np.ascontiguousarray(values.T)
    )


def _file(name: str, content: Callable[[], bytes]) -> SnapshotFile:
    return SnapshotFile(name=name, taken=taken_at(name), content=content)


def _ordered(files: list[SnapshotFile], path: Path) -> list[SnapshotFile]:
    name = path.resolve().name  # "." has none of its own
    if not files:
        raise ReadingError(f"'{name}' holds no files; choose the folder that holds the snapshots")
    if len(files) > MOST_FILES:
        raise ReadingError(f"'{name}' holds {len(files):,} files, at most {MOST_FILES:,} can be read")
    timed = [file for file in files if file.taken]
    if timed and len(timed) < len(files):
        other = next(file.name for file in files if not file.taken)
        raise ReadingError(
            f"every snapshot's name must hold its time, as '{timed[0].name}' does, but '{other}' does not; "
            "take it out of the folder, or rename it"
        )
    return sorted(files, key=lambda file: (file.taken or datetime.min, _natural(file.name)))


def _natural(name: str) -> list[tuple[int, str]]:
    """A key that puts 'snapshot 10' after 'snapshot 9'."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReadingError(f"'{path.name}' has more than {MAX_BYTES // MB} MB; cut it into pieces")
        return path.read_bytes()
    except OSError as problem:
        raise ReadingError(f"'{path.name}' cannot be opened ({problem.strerror})") from None


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as problem:
        raise ReadingError(f"'{path.name}' is a damaged or unusual zip archive; unpack it") from problem


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir() and not is_litter(entry.filename)]
    for entry in entries:
        check_entry(entry, Path(entry.filename).name)
    return entries


def _text(file: SnapshotFile) -> str:
    data = file.content()
    if not data.strip():
        raise ReadingError(f"'{file.name}' is empty; take it out of the folder")
    if b"\0" in data[:4096]:
        raise ReadingError(f"'{file.name}' is no text; a snapshot must be lines of numbers")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # a unit such as µm in the line of names


def _decimal_points(text: str) -> str:
    """Decimal commas as points; where another mark separates the cells, a comma is nothing else."""
    return text.replace(",", ".")


def _names(first: str, delimiter: str | None) -> list[str]:
    """The channels' names if the first line holds them, else nothing: names are no numbers, not even one of them."""
    cells = [cell.strip().strip("\"'") for cell in first.strip("\r\n").split(delimiter)]
    return cells if not any(_is_number(cell) for cell in cells) else []


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _chosen(name: str, names: list[str], wanted: Sequence[str] | None) -> list[int]:
    """Which columns are channels, where the file names them."""
    if not names:
        return []
    unknown = [channel for channel in wanted or () if channel not in names]
    if unknown:
        raise UsageError(
            f"there is no channel '{unknown[0]}' in '{name}'; it has {', '.join(map(repr, names[:12]))}"
        )
    columns = (
        [names.index(c) for c in wanted] if wanted else [i for i, n in enumerate(names) if not is_clock(n)]
    )
    if not columns:
        raise ReadingError(f"'{name}' has no channel beside {', '.join(map(repr, names))}")
    return columns


def _in_words(name: str, problem: str) -> str:
    if found := _NO_NUMBER.search(problem):
        text, row, column = found[1][:40], int(found[2]) + 1, found[3]
        what = f"'{text}'" if text else "nothing"
        return (
            f"'{name}' must hold numbers only, got {what} in column {column} of its data row {row}; "
            "mend it, or take it out of the folder"
        )
    if found := _RAGGED.search(problem):
        return (
            f"'{name}' must have as many columns in every row, got {found[2]} after {found[1]} "
            f"in data row {found[3]}; mend it, or take it out of the folder"
        )
    return f"'{name}' cannot be read as rows of numbers; mend it, or take it out of the folder"
