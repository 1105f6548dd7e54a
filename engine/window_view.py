"""The window around a reading as its detector sees it, in the units of the table, and how that is kept for a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from engine.arrays import pack, unpack
from engine.data.column_codes import decoded
from engine.data.prepared import Prepared
from engine.data.roles import seconds_of
from engine.detectors.window_inspection import Inspection
from engine.detectors.window_library import View
from engine.detectors.window_matching import Alike
from engine.errors import StoreError
from engine.model import Model
from engine.results import ResultStore
from engine.scoring.explanations import shares

MOST_CHANNELS = 30  # drawn, those that add most to the score
VERSION = 1  # of what is kept; another one is worked out anew

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a network makes of a window: (length, n_channels) each, numbers of the table where nothing else is said."""

    begin: int  # the reading of the view with which the window begins
    teacher: Floats  # each reading as rebuilt in the pass that hid it, NaN where none did
    student: Floats
    error: Floats  # how far the teacher is off, in sizes of the window; NaN as above
    discrepancy: Floats  # how far teacher and student are apart, in sizes of the window; NaN as above
    masks: Flags  # what each pass hid (n_passes, length)


@dataclass(frozen=True, kw_only=True)
class Normal:
    """The most similar normal window of the training readings, beside a window as long."""

    begin: int  # the reading of the view with which the window beside it begins
    values: Floats  # (length, n_channels), at the level and size of that window where ``view`` minds neither
    view: View  # in which the two were compared
    ratio: float  # its distance in usual ones
    percentile: float  # percentage of training windows that have a nearer one, 0 to 100
    origin: (
        float  # when it began, seconds since 1970 or steps; NaN where its readings are not among those judged
    )
    parts: Floats  # (n_channels,): what each channel adds to the square of the distance, 0 to 1


@dataclass(frozen=True, kw_only=True)
class WindowView:
    """Readings around a judged one, and what its detector sees in them."""

    channels: list[str]  # under the names of the data; what adds most to the score first
    shares: Floats  # (n_channels,): share of the score
    at: int  # which of the readings is the row's
    seconds: Floats  # (n_readings,): since 1970, or steps
    values: Floats  # (n_readings, n_channels), as the model takes them: with short pauses filled
    rebuilt: Rebuilt | None = None
    normal: Normal | None = None

    def as_bytes(self) -> bytes:
        """All of it, for :meth:`from_bytes`."""
        arrays: dict[str, NDArray[Any]] = {"about": np.zeros(0, dtype=np.uint8)}
        about: dict[str, Any] = {"version": VERSION}
        for prefix, part in (("", self), ("rebuilt/", self.rebuilt), ("normal/", self.normal)):
            for name in _parts(part):
                value = getattr(part, name)
                kept = arrays if isinstance(value, np.ndarray) else about
                kept[prefix + name] = value
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        return pack(arrays)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """What :meth:`as_bytes` gave; a :class:`StoreError` for anything else."""
        try:
            arrays = unpack(data)
            about = json.loads(arrays.pop("about").tobytes())
            known = {**about, **arrays}
            if known.pop("version") != VERSION:
                raise ValueError("it is of another version")
            rebuilt, normal = _under("rebuilt/", known), _under("normal/", known)
            view = cls(
                **_under("", known),
                rebuilt=Rebuilt(**rebuilt) if rebuilt else None,
                normal=Normal(**normal) if normal else None,
            )
            _check(view)
        except (KeyError, TypeError, ValueError, AttributeError) as problem:
            raise StoreError(f"a kept window is damaged ({problem})") from problem
        return view


def window_view(
    model: Model,
    prepared: Prepared,
    row: int,
    mapping: Mapping[str, str] | None = None,
    *,
    at_reading: Callable[[int, int], Prepared | None] | None = None,
) -> WindowView | None:
    """What the detector of a model sees around a row of a table that was encoded by :meth:`Model.encode`.

    ``mapping`` as it was given there: channels have the names of the data. Where ``prepared`` is a part of a series,
    ``at_reading`` gives another: that with some readings of the series, by the number of the first and how many they
    are. None where the model judges rows for themselves, and for a row that could not be judged.
    """
    readings = prepared.readings
    if readings is None or not prepared.encoded.judged[row]:
        return None
    place, reach = int(readings.places[row]), model.sequential.window_
    low, high = max(0, place - reach), min(len(readings.values), place + reach)
    same = np.flatnonzero(readings.stretches[low:high] == readings.stretches[place])
    low, high = low + int(same[0]), low + int(same[-1]) + 1
    around, at = readings.values[low:high], place - low
    seen = model.sequential.inspect(around, at)
    alike = model.sequential.most_alike(around, at)
    parts = shares(model.sequential.parts_at(around, np.array([at])))[0]
    columns = np.argsort(-parts, kind="stable")[:MOST_CHANNELS]
    first, last = _covered(at, len(around), seen, alike)
    table = _Table(model=model, prepared=prepared, columns=columns)
    names = [model.recipe.encoder.columns[column] for column in columns.tolist()]
    return WindowView(
        channels=[(mapping or {}).get(name, name) for name in names],
        shares=parts[columns],
        at=at - first,
        seconds=table.seconds(low + first, low + last),
        values=table.numbers(around[first:last]),
        rebuilt=None if seen is None else table.rebuilt(seen, first),
        normal=None if alike is None else table.normal(alike, first, _origin(table, alike, at_reading)),
    )


def _origin(table: _Table, alike: Alike, at_reading: Callable[[int, int], Prepared | None] | None) -> float:
    """When a normal window began, if the readings judged are those it was taken from; NaN if not."""
    prepared = at_reading(alike.origin, len(alike.readings)) if at_reading else table.prepared
    if prepared is None or prepared.readings is None:
        return float("nan")
    here, wanted = prepared.readings.values.astype(np.float32), alike.readings.astype(np.float32)
    begins = np.array([alike.origin])
    if at_reading:  # as it lies about there
        begins = np.flatnonzero((here == wanted[0]).all(axis=1))
    for begin in begins.tolist():
        if np.array_equal(here[begin : begin + len(wanted)], wanted):
            return float(replace(table, prepared=prepared).seconds(begin, begin + len(wanted))[0])
    return float("nan")


def kept_window(results: ResultStore, id: str, row: int) -> WindowView | None:
    """What was seen around a row of a result and kept; None for nothing, or nothing that can be read any more."""
    data = results.window(id, row)
    try:
        return None if data is None else WindowView.from_bytes(data)
    except StoreError:
        return None


@dataclass(frozen=True, kw_only=True)
class _Table:
    """From readings as a detector sees them back to the table they came from."""

    model: Model
    prepared: Prepared
    columns: NDArray[np.int64]  # of the matrix, those to be drawn; each is one column of the table

    def numbers(self, scaled: Floats) -> Floats:
        """Readings (n, n_encoded) in the units of the table (n, n_channels)."""
        codes = self.model.recipe.encoder.codes
        drawn = [decoded(codes[column], scaled[:, column]) for column in self.columns.tolist()]
        return np.stack(drawn, axis=1)

    def rebuilt(self, seen: Inspection, first: int) -> Rebuilt:
        hidden = np.asarray(seen.masks.any(axis=0))[:, None]
        return Rebuilt(
            begin=seen.begin - first,
            teacher=self.numbers(seen.teacher),
            student=self.numbers(seen.student),
            error=np.where(hidden, np.sqrt(seen.error[:, self.columns]), np.nan),
            discrepancy=np.where(hidden, np.sqrt(seen.discrepancy[:, self.columns]), np.nan),
            masks=seen.masks,
        )

    def normal(self, alike: Alike, first: int, origin: float) -> Normal:
        return Normal(
            begin=alike.begin - first,
            values=self.numbers(alike.matched),
            view=alike.view,
            ratio=alike.ratio,
            percentile=alike.percentile,
            origin=origin,
            parts=alike.parts[self.columns],
        )

    def seconds(self, low: int, high: int) -> Floats:
        """When some neighbouring readings of one stretch were taken (high - low,): rows know, others lie between."""
        pace, roles, readings = self.model.recipe.pace, self.model.recipe.roles, self.prepared.readings
        assert pace is not None, "readings in order have a pace"
        assert readings is not None, "readings in order have a pace"
        room = round(pace.gap_seconds / pace.step_seconds)  # no more readings than this lie between two rows
        rows = np.flatnonzero((readings.places >= low - room) & (readings.places < high + room))
        rows = rows[readings.stretches[readings.places[rows]] == readings.stretches[low]]
        places, first = np.unique(readings.places[rows], return_index=True)
        at = seconds_of(self.prepared.table[str(roles.time)].iloc[rows[first]])
        if pace.uneven:  # readings stand at multiples of the step, rows near them
            return (np.rint(at[0] / pace.step_seconds) + np.arange(low, high) - places[0]) * pace.step_seconds
        return np.interp(np.arange(low, high), places, at)


def _covered(at: int, n: int, *windows: Inspection | Alike | None) -> tuple[int, int]:
    """The first reading of some windows around one, and the one after their last."""
    spans = [
        (w.begin, w.begin + len(w.teacher if isinstance(w, Inspection) else w.readings)) for w in windows if w
    ]
    return min([at, *(begin for begin, _ in spans)]), min(n, max([at + 1, *(end for _, end in spans)]))


def _parts(part: Any) -> list[str]:
    return [] if part is None else [f.name for f in fields(part) if f.name not in ("rebuilt", "normal")]


def _under(prefix: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """What stands under a prefix, and no deeper."""
    return {
        name.removeprefix(prefix): value
        for name, value in known.items()
        if name.startswith(prefix) and "/" not in name.removeprefix(prefix)
    }


def _check(view: WindowView) -> None:
    """A ValueError unless all parts of a view fit each other."""
    n, n_channels = len(view.seconds), len(view.channels)
    sound = view.values.shape == (n, n_channels) and view.shares.shape == (n_channels,) and 0 <= view.at < n
    if view.rebuilt is not None:
        length = view.rebuilt.masks.shape[1]
        shapes = {
            getattr(view.rebuilt, name).shape for name in ("teacher", "student", "error", "discrepancy")
        }
        sound &= shapes == {(length, n_channels)} and 0 <= view.rebuilt.begin <= n - length
    if view.normal is not None:
        length = len(view.normal.values)
        sound &= view.normal.values.shape == (length, n_channels) and 0 <= view.normal.begin <= n - length
        sound &= view.normal.parts.shape == (n_channels,) and view.normal.view in get_args(View)
    if not sound:
        raise ValueError("its parts do not fit each other")
