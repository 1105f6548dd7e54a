"""From recordings to a table: one row a snapshot or window, every channel's features beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.roles import seconds_of
from engine.data.vibration.measures import FEWEST_SAMPLES, measured
from engine.data.vibration.settings import Settings
from engine.data.vibration.signals import Array
from engine.data.vibration.snapshots import Snapshot, SnapshotFile, is_clock, read_snapshot, snapshot_files
from engine.detectors.base import Progress, quiet
from engine.errors import DataError, ReadingError, UsageError

Starts = NDArray[np.int64]

SNAPSHOT, WINDOW, TIME, SECONDS, BASELINE = "snapshot", "window_no", "time", "begins_s", "baseline"
"""The columns beside the features: the file, which of its windows from 1, when it began (as a moment, or in seconds of
the recording's own clock), known to be normal. :mod:`engine.data.roles` learns from none of them."""

BATCH_SAMPLES = 1 << 20  # measured at once: memory stays below some 100 MB
MOST_EQUAL_TIMES = 0.01  # of steps between samples; more, and the clock is coarser than the samples
GAP = 3.0  # steps without a sample that no window reaches across


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Windows of ``window`` samples, each beginning ``hop`` samples after the one before (None: where it ends)."""

    window: int
    hop: int | None = None

    def __post_init__(self) -> None:
        if self.window < FEWEST_SAMPLES:
            raise UsageError(f"a window must hold at least {FEWEST_SAMPLES} samples, got {self.window}")
        if self.hop is not None and self.hop < 1:
            raise UsageError(f"the hop from window to window must be at least 1 sample, got {self.hop}")

    def starts(self, n_samples: int) -> Starts:
        """Where the windows begin that fit into so many samples (n_windows,)."""
        return np.arange(0, n_samples - self.window + 1, self.hop or self.window)


def snapshot_table(
    path: Path,
    settings: Settings,
    *,
    channels: Sequence[str] | None = None,
    cut: Cut | None = None,
    baseline: int | None = None,
    progress: Progress = quiet,
) -> pd.DataFrame:
    """The features of a folder or zip of snapshots, in the order they were taken.

    One row a snapshot, or a window of it where ``cut`` is given. ``channels`` names the channels, or chooses some.
    The first ``baseline`` snapshots are marked as known to be normal in a column ``baseline``. Every snapshot must
    have the same channels and, unless it is cut, the same length. Raises :class:`ReadingError` naming the file.
    """
    with snapshot_files(path) as files:
        if baseline is not None and not 0 < baseline <= len(files):
            raise UsageError(f"the baseline must be 1 to {len(files):,} snapshots, got {baseline:,}")
        first = read_snapshot(files[0], channels)
        names = first.channels or tuple(f"ch{i + 1}" for i in range(len(first.signals)))
        parts = []
        for number, part in enumerate(_each(files, first, channels, settings, cut)):
            parts.append(part)
            progress((number + 1) / len(files), "Measuring snapshots")
    rows = np.array([part.n_windows for part in parts])
    columns = _origins(parts, rows, cut, settings.rate)
    columns |= _columns(
        {name: np.concatenate([part.features[name] for part in parts]) for name in parts[0].features}, names
    )
    if baseline is not None:
        columns[BASELINE] = np.repeat(np.arange(len(parts)) < baseline, rows)
    return pd.DataFrame(columns)


def signal_table(
    frame: pd.DataFrame,
    settings: Settings,
    cut: Cut,
    *,
    channels: Sequence[str] | None = None,
    time: str | None = None,
    baseline: int | None = None,
    progress: Progress = quiet,
) -> pd.DataFrame:
    """The features of one long recording, a row of ``frame`` a sample, cut into windows.

    ``channels`` are columns of numbers, None for all but times and counters. ``time`` is a column of moments or
    seconds: samples are put into its order, and no window reaches across a gap. The first ``baseline`` windows are
    marked.
    """
    names = _numeric(frame, channels, time)
    order, pieces = _pieces(frame, time, settings.rate)
    signals = frame[names].to_numpy(dtype=np.float64, na_value=np.nan)[order].T
    starts = np.concatenate([begin + cut.starts(end - begin) for begin, end in pieces])
    if len(starts) == 0:
        longest = max(end - begin for begin, end in pieces)
        raise DataError(
            f"no window of {cut.window:,} samples fits: the longest stretch without a gap has {longest:,}; "
            "take shorter windows"
        )
    if baseline is not None and not 0 < baseline <= len(starts):
        raise UsageError(f"the baseline must be 1 to {len(starts):,} windows, got {baseline:,}")
    settings.check_length(cut.window)
    columns: dict[str, Any] = {WINDOW: np.arange(1, len(starts) + 1)}
    if time is not None:
        moments = pd.api.types.is_datetime64_any_dtype(frame[time])
        columns[TIME if moments else SECONDS] = frame[time].to_numpy()[order][starts]
    columns |= _columns(_windows_measured(signals, starts, cut.window, settings, progress), names)
    if baseline is not None:
        columns[BASELINE] = np.arange(len(starts)) < baseline
    return pd.DataFrame(columns)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """The features of one snapshot: each (n_windows, n_channels)."""

    file: SnapshotFile
    starts: Starts  # of its windows (n_windows,)
    features: dict[str, Array]

    @property
    def n_windows(self) -> int:
        return len(self.starts)


def _each(
    files: list[SnapshotFile],
    first: Snapshot,
    channels: Sequence[str] | None,
    settings: Settings,
    cut: Cut | None,
) -> Iterator[_Part]:
    """The features of every file in turn, measured when it is asked for."""
    settings.check_length(cut.window if cut else first.signals.shape[1])

    def one(file: SnapshotFile) -> _Part:
        snapshot = read_snapshot(file, channels)
        _check_like(snapshot, first, cut)
        n_samples = snapshot.signals.shape[1]
        starts = cut.starts(n_samples) if cut else np.zeros(1, dtype=np.int64)
        window = cut.window if cut else n_samples
        features = _windows_measured(snapshot.signals, starts, window, settings, quiet)
        return _Part(file=file, starts=starts, features=features)

    # One at a time: parsing and short spectra hold the interpreter, so threads were measured to be slower.
    return map(one, files)


def _check_like(snapshot: Snapshot, first: Snapshot, cut: Cut | None) -> None:
    """Raise where a snapshot cannot stand in one table with the first."""
    (n_channels, n_samples), (channels, samples) = snapshot.signals.shape, first.signals.shape
    if n_channels != channels or snapshot.channels != first.channels:
        raise ReadingError(
            f"every snapshot must have the same channels, but '{snapshot.name}' has "
            f"{_listed(snapshot)} and '{first.name}' has {_listed(first)}; take one of them out"
        )
    if cut is None and n_samples != samples:
        raise ReadingError(
            f"every snapshot must be as long as the first, but '{snapshot.name}' has {n_samples:,} samples and "
            f"'{first.name}' has {samples:,}; take it out, or cut all of them into windows"
        )
    if cut is not None and n_samples < cut.window:
        raise ReadingError(
            f"'{snapshot.name}' has {n_samples:,} samples, less than a window of {cut.window:,}; "
            "take it out, or take shorter windows"
        )


def _listed(snapshot: Snapshot) -> str:
    if snapshot.channels is None:
        return str(len(snapshot.signals))
    return ", ".join(map(repr, snapshot.channels))


def _windows_measured(
    signals: Array,
    starts: Starts,
    window: int,
    settings: Settings,
    progress: Progress,
) -> dict[str, Array]:
    """Each feature of the windows of signals (n_channels, n_samples): (n_windows, n_channels)."""
    views = np.lib.stride_tricks.sliding_window_view(signals, window, axis=1)
    at_once = max(1, BATCH_SAMPLES // (window * len(signals)))
    parts = []
    for begin in range(0, len(starts), at_once):
        batch = views[:, starts[begin : begin + at_once]].swapaxes(0, 1)  # (n_windows, n_channels, window)
        features = measured(batch.reshape(-1, window), settings)
        parts.append({name: values.reshape(batch.shape[:2]) for name, values in features.items()})
        progress(min(1.0, (begin + at_once) / len(starts)), "Measuring windows")
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _origins(parts: list[_Part], rows: Starts, cut: Cut | None, rate: float) -> dict[str, Any]:
    """Where each row comes from: its snapshot, which window of it, and when that began if the names tell."""
    columns: dict[str, Any] = {SNAPSHOT: np.repeat([part.file.name for part in parts], rows)}
    if cut is not None:
        columns[WINDOW] = np.concatenate([np.arange(1, n + 1) for n in rows])
    if parts[0].file.taken is not None:
        began = np.array([part.file.taken for part in parts], dtype="datetime64[us]")
        into = np.concatenate([part.starts for part in parts]) / rate
        columns[TIME] = np.repeat(began, rows) + np.round(1e6 * into).astype("timedelta64[us]")
    return columns


def _columns(features: dict[str, Array], channels: Sequence[str]) -> dict[str, Array]:
    return {
        f"{channel}_{name}": values[:, i]
        for i, channel in enumerate(channels)
        for name, values in features.items()
    }


def sampling_rate(frame: pd.DataFrame, time: str | None) -> float:
    """The samples a second of a recording, from its times: 1 over the mean step, gaps left out.

    To four digits: bands, and with them columns, are named after it, and must be called alike in the next recording.
    """
    if time is None:
        raise UsageError("without a time column the sampling rate is not known; give it in Hz")
    _check_columns(frame, [time])
    steps = np.diff(np.sort(seconds_of(frame[time])))
    steps = steps[np.isfinite(steps)]
    if len(steps) == 0 or (steps == 0).mean() > MOST_EQUAL_TIMES:
        raise DataError(f"the times in '{time}' are too coarse to tell the sampling rate; give it in Hz")
    return float(f"{1 / steps[steps <= GAP * np.median(steps)].mean():.4g}")


def _check_columns(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise UsageError(
                f"there is no column '{name}'; the columns are {', '.join(map(repr, frame.columns))}"
            )


def _numeric(frame: pd.DataFrame, channels: Sequence[str] | None, time: str | None) -> list[str]:
    """The columns that are channels."""
    _check_columns(frame, [*(channels or ()), *([time] if time else [])])
    numeric = [
        c
        for c in frame.columns
        if pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])
    ]
    for column in channels or ():
        if column not in numeric:
            raise DataError(f"a channel must be a column of numbers, and '{column}' is none")
    names = list(channels or [c for c in numeric if c != time and not is_clock(c)])
    if not names:
        raise DataError("there is no column of numbers to measure")
    return names


def _pieces(frame: pd.DataFrame, time: str | None, rate: float) -> tuple[Starts, list[tuple[int, int]]]:
    """The order of the samples (n_samples,), and where each stretch without a gap begins and ends in it."""
    if time is None:
        return np.arange(len(frame)), [(0, len(frame))]
    seconds = seconds_of(frame[time])
    if np.isnan(seconds).any():
        raise DataError(
            f"every sample must have a time, but '{time}' is missing in {np.isnan(seconds).sum():,} rows"
        )
    order = np.argsort(seconds, kind="stable")
    steps = np.diff(seconds[order])
    # A clock coarser than the rate gives several samples one time; the next tick is no gap.
    tick = steps[steps > 0].min() if (steps > 0).any() else 0.0
    edges = np.flatnonzero(steps > GAP * max(1 / rate, tick)) + 1
    return order, list(zip([0, *edges.tolist()], [*edges.tolist(), len(frame)], strict=True))
