"""Times stored as a count since 1970: recognised by their size, and only where the column speaks for it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

_TIME_WORDS = re.compile(
    r"(^|[^a-z])(time|times|timestamp|timestamps|ts|date|datetime|epoch|unix|unixtime|zeit|zeitstempel|datum|uhrzeit|when)([^a-z]|$)"
    r"|(_at|_ts|_on|time|stamp|epoch|_dt)$",
    re.IGNORECASE,
)
# 2000-01-01 to 2040-01-01; a thousand times more means the next smaller unit
_FIRST_SECOND, _LAST_SECOND = 946_684_800, 2_208_988_800
_UNITS = (("seconds", 1), ("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9))
MANY_ROWS = 10  # fewer rising numbers prove nothing


def is_time_like(name: str) -> bool:
    """Whether a column's name speaks of time: timestamp, ts, created_at, Zeit."""
    return bool(_TIME_WORDS.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)))


def epoch_unit(name: str, values: npt.NDArray[Any], *, forced: bool) -> tuple[str, int] | None:
    """The unit (name, counts per second) of a column of epoch times; None where it is just numbers."""
    numbers = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    if not len(numbers):
        return None
    low, high = numbers.min(), numbers.max()
    unit = next((u for u in _UNITS if _FIRST_SECOND * u[1] <= low and high <= _LAST_SECOND * u[1]), None)
    if forced and unit is None:
        return next((u for u in _UNITS if high <= _LAST_SECOND * u[1] * 10), _UNITS[-1])
    if unit is None or forced or is_time_like(name):
        return unit
    rising = len(numbers) >= MANY_ROWS and len(numbers) == len(values) and bool((np.diff(numbers) > 0).all())
    return unit if rising and (unit[0] != "seconds" or _is_regular(numbers)) else None


def _is_regular(numbers: npt.NDArray[Any]) -> bool:
    """Ten-digit ids also rise; a clock mostly ticks in equal steps."""
    steps = np.diff(numbers)
    return bool(np.mean(steps == np.median(steps)) >= 0.9 and np.median(steps) > 1)


def from_epoch(values: npt.NDArray[Any], per_second: int) -> npt.NDArray[np.datetime64]:
    """Counts since 1970 as instants; nanoseconds keep their digits."""
    if per_second == 10**9 and values.dtype.kind == "i":
        return values.view("M8[ns]")
    if values.dtype.kind == "i":
        return (values * (10**6 // per_second) if per_second <= 10**6 else values // 1000).view("M8[us]")
    missing = np.isnan(values)
    moments = np.rint(np.where(missing, 0, values) / per_second * 1e6).astype(np.int64).view("M8[us]")
    return np.where(missing, np.datetime64("NaT", "us"), moments)
