"""A week of an air compressor, minute by minute, with five kinds of trouble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

AnomalyType = Literal["spike", "noise", "drift", "trend", "frequency"]
Values = np.ndarray[Any, np.dtype[np.float64]]

START = pd.Timestamp("2024-05-06")  # a Monday
DAY_MINUTES = 1_440
CYCLE_MINUTES = 24.0  # load, unload, load: the compressor's own rhythm
COLUMNS = ("temperature_c", "pressure_bar", "current_a", "vibration_mm_s")
GAPS = ((1_731, 1_738), (4_388, 4_433), (8_902, 8_910))  # minutes the logger was away
MISSING_SHARE = 0.004


@dataclass(frozen=True)
class Planted:
    """One stretch of trouble: its kind, first minute, length in minutes and what it does."""

    kind: AnomalyType
    start: int
    length: int
    column: str
    strength: float

    @property
    def minutes(self) -> slice:
        return slice(self.start, self.start + self.length)


# The first two days are sound, so that a model can learn from them.
PLANTED = (
    Planted("spike", 2_961, 1, "current_a", 9.0),
    Planted("noise", 3_180, 45, "vibration_mm_s", 4.0),
    Planted("spike", 3_540, 2, "vibration_mm_s", 2.1),
    Planted("frequency", 3_800, 110, "pressure_bar", 11.0),
    Planted("spike", 4_207, 1, "temperature_c", -11.0),
    Planted("drift", 4_700, 120, "pressure_bar", 0.60),
    Planted("spike", 5_003, 1, "pressure_bar", -1.1),
    Planted("trend", 5_300, 120, "temperature_c", 0.17),
    Planted("spike", 5_777, 1, "current_a", -8.0),
    Planted("noise", 6_090, 40, "current_a", 3.0),
    Planted("spike", 6_512, 2, "vibration_mm_s", 1.7),
    Planted("drift", 6_900, 110, "vibration_mm_s", 1.1),
    Planted("spike", 7_391, 1, "pressure_bar", 0.9),
    Planted("frequency", 7_640, 100, "pressure_bar", 45.0),
    Planted("spike", 8_105, 1, "temperature_c", 9.0),
    Planted("trend", 8_420, 110, "temperature_c", -0.16),
    Planted("spike", 8_844, 2, "current_a", 7.0),
    Planted("noise", 9_120, 50, "vibration_mm_s", 3.2),
    Planted("spike", 9_600, 1, "vibration_mm_s", 2.4),
)


def machine_sensor(*, seed: int = 37, n_days: int = 7) -> pd.DataFrame:
    """Temperature, pressure, current and vibration of one compressor, about 10,000 minutes.

    The machine loads and unloads every 24 minutes, works hardest in the day shift and warms with
    the hall. Planted from the third day on (`PLANTED` lists each with its minute), labelled in
    `anomaly` and named in `anomaly_type`:

    - *spike*: one or two minutes far off in one sensor;
    - *noise*: a sensor flutters three to four times as much as it should for most of an hour;
    - *drift*: a sensor slides off zero slowly until it is calibrated again;
    - *trend*: the temperature leaves its rhythm on a slope, as when a cooler blocks;
    - *frequency*: the load cycle runs twice as fast (a leak) or half as fast; every value stays
      within its ordinary range, so only a view over time shows it.

    The logger lost three stretches of minutes (rows absent) and 0.4 % of the cells (missing).
    """
    rng = np.random.default_rng(seed)
    n_minutes = n_days * DAY_MINUTES
    planted = [trouble for trouble in PLANTED if trouble.start + trouble.length < n_minutes]
    values = _sound(rng, n_minutes, [trouble for trouble in planted if trouble.kind == "frequency"])
    kinds = np.full(n_minutes, "none", dtype=object)
    for trouble in planted:
        _disturb(rng, values, trouble)
        kinds[trouble.minutes] = trouble.kind
    decimals = {"temperature_c": 2, "pressure_bar": 3, "current_a": 2, "vibration_mm_s": 3}
    table = pd.DataFrame({column: values[column].round(decimals[column]) for column in COLUMNS})
    table = table.mask(rng.random(table.shape) < MISSING_SHARE)
    table.insert(0, "timestamp", pd.date_range(START, periods=n_minutes, freq="min"))
    table["anomaly"] = (kinds != "none").astype(int)
    table["anomaly_type"] = kinds
    away = [minute for first, last in GAPS for minute in range(first, last) if minute < n_minutes]
    return table.drop(index=away).reset_index(drop=True)


def _sound(rng: np.random.Generator, n_minutes: int, retimed: list[Planted]) -> dict[str, Values]:
    """The undisturbed sensors; only the speed of the load cycle follows `retimed`."""
    minute = np.arange(n_minutes)
    hour = minute % DAY_MINUTES / 60
    weekend = minute // DAY_MINUTES >= 5
    shift = 1 / (1 + np.exp(-(hour - 6) * 2)) / (1 + np.exp((hour - 21) * 2))  # 0 at night, 1 by day
    demand = (0.35 + 0.65 * shift) * np.where(weekend, 0.75, 1.0) + 0.06 * _wander(rng, n_minutes, 0.97)

    period = CYCLE_MINUTES * np.exp(0.05 * _wander(rng, n_minutes, 0.995))
    for trouble in retimed:
        period[trouble.minutes] = trouble.strength
    phase = np.cumsum(2 * np.pi / period)
    cycle = np.sin(phase) + 0.25 * np.sin(2 * phase)

    hall = 22.0 + 3.0 * np.sin(2 * np.pi * (hour - 9) / 24) + 0.8 * _wander(rng, n_minutes, 0.999)
    effort = demand + 0.15 * cycle
    working = _lagged(effort, memory=0.97, start=demand[0])
    return {
        "temperature_c": hall + 18.0 + 24.0 * working + 0.20 * rng.normal(size=n_minutes),
        "pressure_bar": 7.2 - 0.25 * demand + 0.22 * cycle + 0.030 * rng.normal(size=n_minutes),
        "current_a": 18.0 + 15.0 * demand + 2.2 * cycle + 0.50 * rng.normal(size=n_minutes),
        "vibration_mm_s": 1.6 + 0.9 * demand + 0.15 * cycle + 0.09 * rng.normal(size=n_minutes),
    }


def _disturb(rng: np.random.Generator, values: dict[str, Values], trouble: Planted) -> None:
    """Work one stretch of trouble into the sensors, in place."""
    sensor = values[trouble.column]
    elapsed = np.arange(trouble.length)
    match trouble.kind:
        case "spike":
            sensor[trouble.minutes] += trouble.strength * rng.uniform(0.9, 1.1, trouble.length)
        case "noise":
            sound = {"vibration_mm_s": 0.09, "current_a": 0.5}[trouble.column]
            sensor[trouble.minutes] += trouble.strength * sound * rng.normal(size=trouble.length)
        case "drift":
            sensor[trouble.minutes] += trouble.strength * elapsed / trouble.length
        case "trend":
            sensor[trouble.minutes] += trouble.strength * elapsed
            # a hot motor draws more; it cools over the following hour, which is no longer labelled
            values["current_a"][trouble.minutes] += 0.15 * trouble.strength * elapsed
            after = slice(trouble.start + trouble.length, trouble.start + trouble.length + 60)
            left = trouble.strength * trouble.length * np.exp(-np.arange(60) / 12.0)
            sensor[after] += left[: len(sensor[after])]
        case "frequency":
            pass  # the cycle was already retimed


def _wander(rng: np.random.Generator, n: int, memory: float) -> Values:
    """Noise that remembers: a stationary first-order autoregression of unit variance. Shape: (n,)."""
    steps = rng.normal(size=n) * np.sqrt((1 + memory) / (1 - memory))
    return _lagged(steps, memory=memory, start=rng.normal())


def _lagged(values: Values, *, memory: float, start: float) -> Values:
    """The values seen through a first-order lag that stands at `start` before them. Shape as given."""
    out = np.empty_like(values)
    level = start
    for i, value in enumerate(values):
        level = memory * level + (1 - memory) * value
        out[i] = level
    return out
