"""A series laid out on disk in the order of time, each channel a file of numbers that is mapped, not loaded.

Made once from the table of a data set, and kept in its folder: a screen that draws a stretch of ten million readings
reads that stretch and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine import files
from engine.data.dataset import Dataset
from engine.data.roles import Role, Roles
from engine.data.timeline import Timeline

FOLDER = "series"  # in the folder of the data set
ABOUT, ORDER, SECONDS, SEGMENTS = "about.json", "order.npy", "seconds.npy", "segments.npy"
VERSION = 1  # of the layout; another one is laid out anew
NOBODY = "(no name)"  # whose readings those are that name no entity
ALL = ""  # the one entity of a series in which readings do not say whose they are
CHUNK = 1 << 20  # readings brought into order at a time

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SeriesFiles:
    """The readings that have a time, by entity and time. Arrays are (n_readings,), read-only maps of files."""

    dataset: Dataset
    folder: Path
    entities: tuple[str, ...]  # in the order of their readings
    starts: Rows  # the first reading of each entity (n_entities,)
    clock: bool  # whether times are dates; else they are steps
    step_seconds: float  # usual from one reading to the next
    seconds: Array
    segments: NDArray[np.int32]  # the same number for readings of one entity without a gap between them
    order: Rows | None  # row number in the table; None where the table is in the order of time itself

    @classmethod
    def of(cls, dataset: Dataset, time: str, entity: str | None) -> SeriesFiles:
        """The layout of a data set by its columns of time and entity; made by the first who asks."""
        key = hashlib.sha256(json.dumps([VERSION, time, entity]).encode()).hexdigest()[:16]
        folder = dataset.folder / FOLDER / key
        if not (folder / ABOUT).exists():
            _lay_out(dataset, time, entity, folder)
        about = json.loads((folder / ABOUT).read_text("utf-8"))
        return cls(
            dataset=dataset,
            folder=folder,
            entities=tuple(about["entities"]),
            starts=np.array(about["starts"], dtype=np.int64),
            clock=about["clock"],
            step_seconds=about["step_seconds"],
            seconds=_mapped(folder / SECONDS),
            segments=_mapped(folder / SEGMENTS),
            order=_mapped(folder / ORDER) if about["reordered"] else None,
        )

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def named(self) -> bool:
        """Whether readings say whose they are."""
        return self.entities != (ALL,)

    @property
    def several(self) -> bool:
        """Whether there is more than one entity."""
        return len(self.entities) > 1

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.entities)}

    def part(self, entity: str) -> slice:
        """The readings of one entity; a KeyError for a name that is none."""
        number = self._numbers[entity]
        stops = [*self.starts[1:].tolist(), len(self)]
        return slice(int(self.starts[number]), stops[number])

    def entity_at(self, place: int) -> str:
        """Whose reading stands at a place in the order of time."""
        return self.entities[int(np.searchsorted(self.starts, place, side="right")) - 1]

    def between(self, entity: str, start: float, end: float) -> slice:
        """The readings of one entity from a moment to another, both included."""
        part = self.part(entity)
        seconds = self.seconds[part]
        first, last = np.searchsorted(seconds, start), np.searchsorted(seconds, end, side="right")
        return slice(part.start + int(first), part.start + int(last))

    def arranged(self, values: NDArray[Any], part: slice = slice(None)) -> NDArray[Any]:
        """Values of the rows of the table (n_rows,), in the order of time; of some readings if ``part`` says so."""
        return values[: len(self)][part] if self.order is None else values[self.order[part]]

    def in_the_table(self, values: Rows, rows: int) -> Rows:
        """Numbers in the order of time as the table has its rows (n_rows,); -1 for a row without a time."""
        found = np.full(rows, -1, dtype=np.int64)
        found[slice(len(self)) if self.order is None else self.order] = values
        return found

    @property
    def readings_a_day(self) -> float | None:
        """About how many readings of all entities come in a day; None without a clock."""
        if not self.clock or self.step_seconds <= 0:
            return None
        return len(self.entities) * 86_400 / self.step_seconds

    def written(self, seconds: Array) -> NDArray[Any]:
        """Times as a table holds them: dates to the microsecond, or steps."""
        if not self.clock:
            return np.asarray(seconds)
        return (np.asarray(seconds) * 1e6).round().astype("datetime64[us]")

    def row(self, place: int) -> int:
        """The row number of the reading at a place in the order of time."""
        return place if self.order is None else int(self.order[place])

    def places(self, rows: Rows) -> Rows:
        """Where rows of the table stand in the order of time (n_rows,); -1 for a row without a time."""
        if self.order is None:
            return np.where(rows < len(self), rows, -1)
        found = np.flatnonzero(np.isin(self.order, rows))
        known = dict(zip(self.order[found].tolist(), found.tolist(), strict=True))
        return np.array([known.get(row, -1) for row in rows.tolist()], dtype=np.int64)

    def channel(self, name: str) -> Array:
        """The numbers of one column, NaN where there is none; brought into order when it is first asked for."""
        path = self.folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.npy"
        if not path.exists():
            column = pd.to_numeric(self.dataset.frame([name])[name], errors="coerce")
            self._write_channel(path, column.to_numpy(dtype=np.float64, na_value=np.nan))
        return _mapped(path)

    def _write_channel(self, path: Path, values: Array) -> None:
        with files.staged_folder(self.folder.parent / ".staging") as staged:
            part = staged / path.name
            target = np.lib.format.open_memmap(part, mode="w+", dtype=np.float64, shape=(len(self),))
            for start in range(0, len(self), CHUNK):
                piece = slice(start, min(start + CHUNK, len(self)))
                target[piece] = self.arranged(values, piece)
            target.flush()
            del target
            part.replace(path)


def _lay_out(dataset: Dataset, time: str, entity: str | None, folder: Path) -> None:
    """Write order, times and segments; whoever comes second leaves the folder of the first alone."""
    frame = dataset.frame([time] if entity is None else [time, entity])
    columns: dict[str, Role] = {time: "time"} if entity is None else {time: "time", entity: "entity"}
    timeline = Timeline.of(frame, Roles(columns, "series"))
    timed = np.isfinite(timeline.seconds)
    order, whose = timeline.order[timed], timeline.entities[timed]
    starts = np.flatnonzero(np.r_[True, whose[1:] != whose[:-1]]) if len(whose) else np.zeros(0, np.int64)
    names = [ALL] * len(starts) if entity is None else _names(frame[entity], order[starts])
    reordered = bool((order != np.arange(len(order))).any())
    about = {
        "entities": names,
        "starts": starts.tolist(),
        "clock": bool(pd.api.types.is_datetime64_any_dtype(frame[time])),
        "step_seconds": timeline.step_seconds,
        "reordered": reordered,
    }
    staging = folder.parent / ".staging"
    files.sweep(staging)
    with files.staged_folder(staging) as staged:
        np.save(staged / SECONDS, timeline.seconds[timed], allow_pickle=False)
        np.save(staged / SEGMENTS, timeline.segments[timed].astype(np.int32), allow_pickle=False)
        if reordered:
            np.save(staged / ORDER, order, allow_pickle=False)
        files.write_new(staged / ABOUT, json.dumps(about).encode())
        try:
            files.publish(staged, folder)
        except OSError:
            if not (folder / ABOUT).exists():
                raise


def _names(column: pd.Series, rows: Rows) -> list[str]:
    return [NOBODY if pd.isna(value) else str(value) for value in column.iloc[rows]]


def _mapped(path: Path) -> NDArray[Any]:
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return mapped.view(np.ndarray)  # a plain array is sliced several times as fast
