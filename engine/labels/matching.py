"""Which row of a data set each line of a file of labels is about: by number, by id, or by series and time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.data.reading import Finding
from engine.data.roles import seconds_of
from engine.errors import DataError
from engine.labels.identity import texts_of

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

TIMES = ("timestamp", "time", "datetime", "date", "ds")
SERIES = ("series", "entity", "unique_id")
EPOCHS = {"ns": 1e17, "us": 1e14, "ms": 1e11}  # an epoch counts in this where it is larger; else in seconds
CLOSE = 1e-6  # relative, of a value that stands beside a label

Line = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Matching:
    """How lines are brought to rows. Names of a file are in lower case."""

    dataset: Dataset
    number: str | None = None  # the column of the file with row numbers, from 1
    ids: tuple[tuple[str, str], ...] = ()  # columns of the file and of the data
    time: tuple[str, str] | None = None
    entity: tuple[str, str] | None = None
    channel: str | None = None  # the column of the file that names the channel a line is of
    value: str | None = None  # the column of the file with the channel's value
    own: bool = False  # whether the file may say of which data set its row numbers are

    @classmethod
    def of(cls, header: Sequence[str], dataset: Dataset) -> Matching:
        """How lines under such a header can be brought to rows; a :class:`DataError` where they cannot."""
        roles, names = dataset.roles, set(header)
        own = {"dataset", "row"} <= names
        number = (
            "row" if own or ("row" in names and not {"row"} & set(map(str.lower, dataset.columns))) else None
        )
        ids = tuple((_written(column, names), column) for column in roles.of("id"))
        if ids and all(there for there, _ in ids):
            return cls(dataset=dataset, number=number if own else None, ids=ids, own=own)
        if roles.time is not None:
            there = _written(roles.time, names) or next((name for name in TIMES if name in names), "")
            if there:
                return cls._in_time(header, dataset, there, number if own else None, own)
        if number is None:
            known = [*roles.of("id"), *([roles.time] if roles.time else []), "row"]
            raise DataError(
                f"a file of labels must say which rows it means, by {' or '.join(map(repr, known))}; "
                f"found the columns {', '.join(map(repr, header[:12]))}"
            )
        return cls(dataset=dataset, number=number, own=own)

    @classmethod
    def _in_time(
        cls, header: Sequence[str], dataset: Dataset, time: str, number: str | None, own: bool
    ) -> Matching:
        names, roles = set(header), dataset.roles
        series = next((name for name in SERIES if name in names), "")
        entity = (_written(roles.entity, names) or series) if roles.entity else ""
        if roles.entity and not entity:
            raise DataError(
                f"a file of labels for this data must say of which '{roles.entity}' a line is; add a column "
                f"'{roles.entity}' or 'series'"
            )
        return cls(
            dataset=dataset,
            number=number,
            time=(time, str(roles.time)),
            entity=(entity, str(roles.entity)) if entity else None,
            channel=series if series and series != entity else None,
            value="value" if "value" in names else None,
            own=own,
        )

    @property
    def words(self) -> str:
        """How lines were brought to rows, in words."""
        if self.ids:
            return f"Lines were brought to rows by {' and '.join(repr(column) for _, column in self.ids)}."
        if self.time is not None:
            whose = f"'{self.entity[1]}' and " if self.entity else ""
            return f"Lines were brought to rows by {whose}'{self.time[1]}'."
        return "Lines were brought to rows by the number of the row, from 1."

    def rows(self, lines: Sequence[Line]) -> tuple[list[list[int]], list[Finding]]:
        """The rows each line is about, and what was noticed."""
        here = [self.own and line["dataset"] == self.dataset.id for line in lines]
        if self.ids:
            found = self._by_texts([tuple(line[name] for name, _ in self.ids) for line in lines])
        elif self.time is not None:
            found = self._by_time(lines)
        else:
            found = [
                [] if self.own and not own else self._by_number(line)
                for line, own in zip(lines, here, strict=True)
            ]
        places = [
            self._by_number(line) if own else rows for line, own, rows in zip(lines, here, found, strict=True)
        ]
        return places, [*self._lost(places), *self._other_values(lines, places)]

    def _by_number(self, line: Line) -> list[int]:
        text = line[self.number or "row"].replace(",", "")
        row = int(text) - 1 if text.isascii() and text.isdigit() and len(text) < 16 else -1
        return [row] if 0 <= row < self.dataset.rows else []

    def _by_texts(self, keys: Sequence[tuple[str, ...]]) -> list[list[int]]:
        columns = [column for _, column in self.ids]
        frame = self.dataset.frame(columns)
        return _looked_up(keys, list(zip(*(texts_of(frame[column]) for column in columns), strict=True)))

    def _by_time(self, lines: Sequence[Line]) -> list[list[int]]:
        assert self.time is not None
        here, column = self.time
        frame = self.dataset.frame([column, *([self.entity[1]] if self.entity else [])])
        known, asked = (
            _moments(frame[column]),
            _moments(self._times([line[here] for line in lines], frame[column])),
        )
        if self.entity is None:
            whose, of = [""] * len(frame), [""] * len(lines)
        else:
            whose = [text or "" for text in texts_of(frame[self.entity[1]])]
            of = [line[self.entity[0]] for line in lines]
        return _looked_up(list(zip(of, asked, strict=True)), list(zip(whose, known, strict=True)))

    def _times(self, texts: Sequence[str], like: pd.Series) -> pd.Series:
        """Times of a file in the kind that the data have."""
        told = pd.Series(list(texts), dtype="str")
        if not pd.api.types.is_datetime64_any_dtype(like):
            return pd.to_numeric(told, errors="coerce")
        if told.str.fullmatch("[0-9]{8}").all():
            days = pd.to_datetime(told, errors="coerce", format="%Y%m%d")
            if days.notna().all():
                return days
        numbers = pd.to_numeric(told, errors="coerce")
        if numbers.notna().all() and len(numbers):
            size = numbers.abs().median()
            unit = next((unit for unit, least in EPOCHS.items() if size > least), "s")
            return pd.to_datetime(numbers, unit=unit, errors="coerce")
        return pd.to_datetime(told, errors="coerce", format="mixed", utc=True).dt.tz_convert(None)

    def _lost(self, places: Sequence[Sequence[int]]) -> list[Finding]:
        lost, several = sum(not rows for rows in places), sum(len(rows) > 1 for rows in places)
        found = []
        if lost:
            text = f"{lost:,} of {len(places):,} lines are about no row of this data; they were left out."
            found.append(Finding(kind="lost", text=text, level="warning"))
        if several:
            text = f"{several:,} lines are about several rows each, which all got the label."
            found.append(Finding(kind="several", text=text))
        return found

    def _other_values(self, lines: Sequence[Line], places: Sequence[Sequence[int]]) -> list[Finding]:
        """A warning where the values beside the labels are not those of the data."""
        numbers = [c for c in self.dataset.roles.features if self.dataset.types[c] in ("integer", "number")]
        written = {name.lower(): name for name in numbers}
        only = numbers[0] if len(numbers) == 1 else None
        if self.value is None or not (only or self.channel):
            return []
        channels = [written.get(line[self.channel].lower(), only) if self.channel else only for line in lines]
        frame = self.dataset.frame(sorted({name for name in channels if name}))
        other = 0
        for line, rows, name in zip(lines, places, channels, strict=True):
            value = pd.to_numeric(line[self.value], errors="coerce")
            if rows and name and np.isfinite(value):
                there = float(frame[name].iloc[rows[0]])
                other += abs(there - value) > CLOSE * max(1.0, abs(there))
        if not other:
            return []
        text = f"{other:,} lines have another value than the data at their time; is this the right file?"
        return [Finding(kind="values", text=text, level="warning")]


def _written(column: str | None, names: set[str]) -> str:
    """How the file writes a column of the data; empty where it has none."""
    low = (column or "").lower()
    return next((name for name in (low, f"{low} (data)") if name and name in names), "")


def _moments(column: pd.Series) -> list[float]:
    """Times to the microsecond, NaN where there is none."""
    return [round(second, 6) for second in seconds_of(column).tolist()]


def _looked_up(asked: Sequence[tuple[object, ...]], known: Sequence[tuple[object, ...]]) -> list[list[int]]:
    wanted, found = set(asked), defaultdict[tuple[object, ...], list[int]](list)
    for row, key in enumerate(known):
        if key in wanted:
            found[key].append(row)
    return [found.get(key, []) for key in asked]
