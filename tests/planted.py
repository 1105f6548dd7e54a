"""Tables and series with faults planted in one known column of some rows, for tests and measurements of reasons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.random import Generator

from engine.data.roles import Roles

SERIES_KINDS = ("spike", "shift", "noise", "ramp")


@dataclass(frozen=True)
class Faults:
    """A data set, the rows with a planted fault (n_faults, or of a series first and last of each), and its column."""

    frame: pd.DataFrame
    roles: Roles
    rows: list[range]  # one row of a table, some in a row of a series
    columns: list[str]

    def at(self, scores: np.ndarray) -> np.ndarray:
        """The row of each fault with the highest score (n_faults,)."""
        return np.array([span[int(np.nanargmax(scores[span.start : span.stop]))] for span in self.rows])


def far_out(*, rows: int = 600, columns: int = 10, faults: int = 60, seed: int = 0) -> Faults:
    """Numbers that hang together, and a category: one value of some rows lies far out, or was never seen."""
    rng = np.random.default_rng(seed)
    frame = _correlated(rng, rows, columns, noise=0.6)
    spread = frame.std()
    names = list(frame.columns)
    frame["kind"] = rng.choice(["usual", "common", "known"], rows)
    at = rng.choice(rows, faults, replace=False)
    which = rng.choice([*names, "kind"], faults)
    for row, column in zip(at, which, strict=True):
        if column == "kind":
            frame.loc[row, column] = f"odd {row}"
        else:
            out = rng.choice([-1, 1]) * rng.uniform(6, 9) * spread[column]
            frame.loc[row, column] = frame[column].median() + out
    return _faults(frame, at, which)


def out_of_step(*, rows: int = 600, columns: int = 8, faults: int = 60, seed: int = 0) -> Faults:
    """The same where every value stays in its usual range, and one of some rows contradicts the others."""
    rng = np.random.default_rng(seed)
    frame = _correlated(rng, rows, columns, noise=0.15)
    at = rng.choice(rows, faults, replace=False)
    which = rng.choice(list(frame.columns), faults)
    for row, column in zip(at, which, strict=True):
        ends = frame[column].quantile([0.03, 0.97]).to_numpy()
        frame.loc[row, column] = ends[int(np.argmax(np.abs(ends - frame.loc[row, column])))]
    return _faults(frame, at, which)


def in_one_channel(*, readings: int = 3_000, channels: int = 6, faults: int = 24, seed: int = 0) -> Faults:
    """Waves of several sensors minute by minute; one of them has a spike, or is off for some readings."""
    rng = np.random.default_rng(seed)
    t = np.arange(readings)
    waves = [
        (1 + i % 2) * np.sin(2 * np.pi * t / (20 + 4 * (i % 3)) + i) + 0.15 * rng.normal(size=readings)
        for i in range(channels)
    ]
    frame = pd.DataFrame({f"sensor {i}": wave for i, wave in enumerate(waves)})
    spread, names = frame.std(), list(frame.columns)
    margin = readings // 20
    begins = np.linspace(margin, readings - 2 * margin, faults).astype(int)
    which, spans = rng.choice(names, faults), []
    for number, (begin, name) in enumerate(zip(begins.tolist(), which, strict=True)):
        kind = SERIES_KINDS[number % len(SERIES_KINDS)]
        length = 1 if kind == "spike" else int(rng.integers(8, 24))
        shape = {
            "spike": np.full(1, 6.0),
            "shift": np.full(length, 4.0),
            "noise": 3.0 * rng.normal(size=length),
            "ramp": np.linspace(0.0, 6.0, length),
        }[kind]
        span = range(begin, begin + length)
        frame.loc[span.start : span.stop - 1, name] += rng.choice([-1, 1]) * shape * spread[name]
        spans.append(span)
    frame.insert(0, "time", pd.Timestamp("2024-05-06") + pd.to_timedelta(t, unit="min"))
    roles = {"time": "time"} | dict.fromkeys(names, "feature")
    return Faults(frame, Roles(roles, kind="series"), spans, which.tolist())


def hits(reasons: list[list[str]], columns: list[str]) -> tuple[float, float]:
    """How often the planted column is the first of the columns named of a row, and among the first three."""
    places = [
        named.index(column) if column in named else len(named)
        for named, column in zip(reasons, columns, strict=True)
    ]
    return float(np.mean([place == 0 for place in places])), float(np.mean([place < 3 for place in places]))


def _correlated(rng: Generator, rows: int, columns: int, *, noise: float) -> pd.DataFrame:
    loads = rng.normal(size=(2, columns))
    values = rng.normal(size=(rows, 2)) @ (loads / np.linalg.norm(loads, axis=0))
    values += noise * rng.normal(size=(rows, columns))
    return pd.DataFrame(values, columns=[f"sensor {i}" for i in range(columns)])


def _faults(frame: pd.DataFrame, at: np.ndarray, which: np.ndarray) -> Faults:
    roles = Roles(dict.fromkeys(frame.columns, "feature"))
    return Faults(frame, roles, [range(row, row + 1) for row in at.tolist()], which.tolist())
