"""A series as a table: what each channel did over the last few readings, aligned to every timestamp.

Windows look back only, so a reading is judged by what was known when it came, and a reading gets the same
features in whichever longer slice it is scored. They never reach across a gap or from one entity to another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.roles import Roles, sampling, seconds_of

SHORTEST, LONGEST, FALLBACK = 8, 64, 32
CHUNK = 16_384  # windows measured at once
GAP = 3.0  # steps without a reading that start a new segment

DESCRIPTIONS = {
    "level": "mean of the last {w} readings",
    "spread": "spread of the last {w} readings",
    "range": "range of the last {w} readings",
    "jump": "change from the reading before",
    "roughness": "mean change between the last {w} readings",
    "offset": "distance from the mean of the last {w} readings",
    "trend": "trend over the last {w} readings",
}


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
        """Choose the window: the dominant period (median of the channels) if it is short, else 32 readings."""
        facts = sampling(frame, roles)
        step = facts["step_seconds"] if facts else 1.0
        if length is None:
            ordered = frame.iloc[_order(frame, roles)]
            numbers = [_numbers(ordered[c]) for c in numeric_channels(frame, roles)]
            periods = [p for p in (dominant_period(n) for n in numbers) if p is not None]
            period = int(np.median(periods)) if periods else FALLBACK
            # A long rhythm, such as a day of minutes, is no window: it would smear what lasts a few readings.
            length = max(SHORTEST, period) if period <= LONGEST else FALLBACK
            length = max(4, min(length, len(frame) // 10))
        return cls(length=length, step_seconds=step)

    def transform(self, frame: pd.DataFrame, roles: Roles) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
        """Rolling features in the order of ``frame``'s rows, and which rows had a full window behind them."""
        order = _order(frame, roles)
        ordered = frame.iloc[order]
        segment = self._segments(ordered, roles)
        position = _position_in(segment)
        columns: dict[str, NDArray[Any]] = {}
        for channel in roles.features:
            if channel in numeric_channels(frame, roles):
                columns |= self._channel(channel, _numbers(ordered[channel]), segment)
            else:
                columns[channel] = ordered[channel].to_numpy()
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        features = pd.DataFrame(columns, index=ordered.index).iloc[back]
        full = (position >= self.length - 1)[back]
        return features.reset_index(drop=True), full

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

    def _segments(self, ordered: pd.DataFrame, roles: Roles) -> NDArray[np.int64]:
        """A number for each stretch of one entity without a gap (n_samples,)."""
        assert roles.time is not None
        seconds = seconds_of(ordered[roles.time])
        new = np.zeros(len(ordered), dtype=bool)
        with np.errstate(invalid="ignore"):
            new[1:] = ~(np.diff(seconds) <= GAP * self.step_seconds)
        if roles.entity:
            entity = ordered[roles.entity].astype(str).to_numpy()
            new[1:] |= entity[1:] != entity[:-1]
        return np.cumsum(new)

    def _channel(self, name: str, x: NDArray[np.float64], segment: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Rolling features of one channel; values are filled forward inside a segment, never across."""
        position = _position_in(segment)
        filled = pd.Series(np.where(np.isfinite(x), x, np.nan)).groupby(segment).ffill().to_numpy()
        jump = np.diff(filled, prepend=np.nan)
        jump[position == 0] = np.nan
        before = np.roll(filled, self.length - 1)
        level = _rolling(filled, self.length, np.mean)
        parts = {
            "level": level,
            "spread": _rolling(filled, self.length, np.std),
            "range": _rolling(filled, self.length, np.ptp),
            "jump": jump,
            "roughness": _rolling(np.abs(jump), self.length - 1, np.mean),
            "offset": filled - level,
            "trend": filled - before,
        }
        # Windows that would reach into the segment before are blanked: their rows are not judged.
        whole = position >= self.length - 1
        columns: dict[str, NDArray[Any]] = {name: x}
        return columns | {name + SEPARATOR + what: np.where(whole, values, np.nan) for what, values in parts.items()}


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
    x = x[np.isfinite(x)][: 20 * longest]
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


def _order(frame: pd.DataFrame, roles: Roles) -> NDArray[np.int64]:
    """Row numbers by entity and time; rows of equal time keep their order."""
    assert roles.time is not None, "a series has a time column"
    keys = [seconds_of(frame[roles.time])]
    if roles.entity:
        keys.append(pd.factorize(frame[roles.entity], sort=True)[0])
    return np.lexsort(keys)


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def _position_in(segment: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows of the same segment stand before each row (n_samples,)."""
    starts = np.flatnonzero(np.r_[True, np.diff(segment) != 0]) if len(segment) else np.array([], dtype=np.int64)
    return np.arange(len(segment)) - np.repeat(starts, np.diff(np.r_[starts, len(segment)]))


def _rolling(values: NDArray[np.float64], length: int, measure: Callable[..., Any]) -> NDArray[np.float64]:
    """``measure`` of each window of ``length`` values that ends at a row (n_samples,), NaN before the first.

    Each window is measured on its own. A running sum (as in pandas) would be faster, but would leave the rounding
    of a huge value behind in later windows, and give a reading another score in a longer slice.
    """
    measured = np.full(len(values), np.nan)
    if len(values) >= length:
        windows = np.lib.stride_tricks.sliding_window_view(values, length)
        for start in range(0, len(windows), CHUNK):
            part = measure(windows[start : start + CHUNK], axis=1)
            measured[start + length - 1 : start + length - 1 + len(part)] = part
    return measured
