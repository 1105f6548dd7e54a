"""A series as a table: what each channel did over the last few readings, aligned to every timestamp.

Windows look back only, so a reading is judged by what was known when it came, and a reading gets the same
features in whichever longer slice it is scored. They never reach across a gap or from one entity to another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import IMPOSSIBLE
from engine.data.roles import Roles, sampling
from engine.data.timeline import order_in_time, segments_of
from engine.errors import UsageError

SHORTEST, LONGEST, FALLBACK = 8, 64, 32
SHORTEST_CHOSEN = 4  # of a series with few readings
LEAST = 2  # readings of a window: a change needs two
CHUNK_CELLS = 1 << 20  # cells of windows measured at once

DESCRIPTIONS = {
    "level": "mean of the last {w} readings",
    "spread": "spread of the last {w} readings",
    "range": "range of the last {w} readings",
    "jump": "change from the reading before",
    "roughness": "mean change between the last {w} readings",
    "offset": "distance from the mean of the last {w} readings",
    "trend": "trend over the last {w} readings",
}
MEASURES = tuple(DESCRIPTIONS)


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Rolling features of a series.

    For every numeric channel: the reading itself, and over the last ``length`` readings its level, spread, range,
    roughness, trend, the jump from the reading before and the distance from the level.
    """

    length: int
    step_seconds: float

    @classmethod
    def fit(cls, frame: pd.DataFrame, roles: Roles, length: int | None = None) -> Windows:
        """Choose the window: the dominant period (median of the channels) if it is short, else 32 readings.

        At most a quarter of the usual stretch without a gap of one entity, so that most of its readings are judged.
        """
        if length is not None and length < LEAST:
            raise UsageError(f"a window must hold at least {LEAST} readings, got {length}")
        facts = sampling(frame, roles)
        step = facts["step_seconds"] if facts else 1.0
        if length is None:
            ordered = frame.iloc[order_in_time(frame, roles)]
            numbers = [_numbers(ordered[c]) for c in numeric_channels(frame, roles)]
            periods = [p for p in (dominant_period(n) for n in numbers) if p is not None]
            period = int(np.median(periods)) if periods else FALLBACK
            # A long rhythm, such as a day of minutes, is no window: it would smear what lasts a few readings.
            length = max(SHORTEST, period) if period <= LONGEST else FALLBACK
            stretch = _usual_stretch(segments_of(ordered, roles, step))
            length = max(SHORTEST_CHOSEN, min(length, len(frame) // 10, stretch // 4))
        return cls(length=length, step_seconds=step)

    def transform(self, frame: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Rolling features in the order of ``frame``'s rows, and which rows had a full window behind them."""
        order = order_in_time(frame, roles)
        ordered = frame.iloc[order]
        whole = _position_in(segments_of(ordered, roles, self.step_seconds)) >= self.length - 1
        columns: dict[str, NDArray[Any]] = {}
        numeric = set(numeric_channels(frame, roles))
        for channel in sorted(roles.features):
            if channel in numeric:
                columns |= self._channel(channel, _numbers(ordered[channel]), whole)
            else:
                columns[channel] = ordered[channel].to_numpy()
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        features = pd.DataFrame(columns, index=ordered.index).iloc[back]
        return features.reset_index(drop=True), whole[back]

    def describe(self, feature: str) -> tuple[str, str]:
        """The channel a rolling feature belongs to and what it measures in words ('' for the reading itself)."""
        channel, _, what = feature.rpartition(SEPARATOR)
        if not channel:
            return feature, ""
        return channel, DESCRIPTIONS[what].format(w=self.length)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Windows:
        return cls(**values)

    def _channel(
        self, name: str, x: NDArray[np.float64], whole: NDArray[np.bool_]
    ) -> dict[str, NDArray[Any]]:
        """The readings of one channel and, where one ends a ``whole`` window, what they did in it; NaN elsewhere."""
        usable = np.where(np.abs(x) <= IMPOSSIBLE, x, np.nan)
        measured = np.full((len(MEASURES), len(x)), np.nan)
        rows = np.flatnonzero(whole & np.isfinite(usable))
        step = max(1, CHUNK_CELLS // self.length)
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            windows = np.lib.stride_tricks.sliding_window_view(usable, self.length)[part - self.length + 1]
            measured[:, part] = _measured(_filled(windows))
        return {name: x} | {name + SEPARATOR + what: measured[i] for i, what in enumerate(MEASURES)}


SEPARATOR = " · "


def numeric_channels(frame: pd.DataFrame, roles: Roles) -> list[str]:
    """The feature columns that are numbers."""
    return [
        c
        for c in roles.features
        if pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])
    ]


def dominant_period(x: NDArray[np.float64], longest: int = 4_000) -> int | None:
    """The lag of the first strong peak of the autocorrelation, None when nothing repeats (correlation below 0.3)."""
    x = x[np.abs(x) <= IMPOSSIBLE][: 20 * longest]
    if len(x) < 3 * SHORTEST or x.std() == 0:
        return None
    x = x - pd.Series(x).rolling(min(len(x), 4 * longest), min_periods=1, center=True).mean().to_numpy()
    size = 1 << (2 * len(x) - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum), size)[: min(len(x) // 3, longest)]
    if correlation[0] <= 0:
        return None
    correlation = correlation / correlation[0]
    below = np.flatnonzero(correlation < 0)  # the first peak stands after the first dip
    if len(below) == 0:
        return None
    peak = int(below[0] + np.argmax(correlation[below[0] :]))
    return peak if correlation[peak] > 0.3 and peak >= 3 else None


def _usual_stretch(segment: NDArray[np.int64]) -> int:
    """How many readings the stretch of the median reading has: a few readings on their own do not count for much."""
    sizes = np.bincount(segment)
    return int(np.median(sizes[segment])) if len(segment) else 0


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _position_in(segment: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows of the same segment stand before each row (n_samples,)."""
    starts = (
        np.flatnonzero(np.r_[True, np.diff(segment) != 0]) if len(segment) else np.array([], dtype=np.int64)
    )
    return np.arange(len(segment)) - np.repeat(starts, np.diff(np.r_[starts, len(segment)]))


def _filled(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Windows (n_windows, length) where a missing reading counts as the one before it in the same window.

    Never as one before the window: a reading would get other features in a longer slice. At the start of a window
    the first reading known counts.
    """
    known = np.isfinite(windows)
    latest = np.maximum.accumulate(np.where(known, np.arange(windows.shape[1]), -1), axis=1)
    return np.take_along_axis(windows, np.where(latest < 0, known.argmax(axis=1)[:, None], latest), axis=1)


def _measured(windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ``MEASURES`` of each window (n_windows, length): (n_measures, n_windows).

    Each window is measured on its own. A running sum (as in pandas) would be faster, but would leave the rounding
    of a huge value behind in later windows, and give a reading another score in a longer slice.
    """
    steps, last, level = np.diff(windows, axis=1), windows[:, -1], windows.mean(axis=1)
    return np.stack(
        [
            level,
            windows.std(axis=1),
            np.ptp(windows, axis=1),
            steps[:, -1],
            np.abs(steps).mean(axis=1),
            last - level,
            last - windows[:, 0],
        ]
    )
