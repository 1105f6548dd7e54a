"""A first look at a table: what each column holds, and the roles that suggest themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.data.reading.types import ColumnType, Reading
from engine.data.roles import Roles, sampling, suggest

BINS = 20  # bars of a column's small picture
COMMONEST = 8


def describe(reading: Reading) -> dict[str, Any]:
    """The profile of a table just read, JSON-ready: ``columns``, ``roles``, ``reasons``, ``sampling``, ``notes``."""
    frame = reading.frame
    suggestion = suggest(frame, reading.types)
    columns = {name: describe_column(frame[name], reading.types[name]) for name in frame.columns}
    return {
        "columns": columns,
        "roles": suggestion.roles.as_dict(),
        "reasons": dict(suggestion.reasons),
        "sampling": sampling(frame, suggestion.roles),
        "notes": _notes(
            frame, suggestion.roles, {name: facts["distinct"] for name, facts in columns.items()}
        ),
    }


def describe_column(column: pd.Series, kind: ColumnType) -> dict[str, Any]:
    """Counts, range and a small picture of one column.

    ``shape`` holds the rows in each of 20 equal steps of the range for numbers and dates, and the counts of the
    commonest values for text.
    """
    facts: dict[str, Any] = {
        "type": kind,
        "missing": int(column.isna().sum()),
        "distinct": int(column.nunique(dropna=True)),
    }
    known = column.dropna()
    if known.empty:
        return facts | {"low": None, "high": None, "shape": []}
    if kind in ("text", "boolean"):
        counts = known.astype(str).value_counts().head(COMMONEST)
        return facts | {
            "low": None,
            "high": None,
            "shape": [int(n) for n in counts],
            "commonest": {str(value)[:60]: int(n) for value, n in counts.items()},
        }
    if kind == "datetime":
        seconds = known.astype("datetime64[us]").astype("int64").to_numpy() / 1e6
        return facts | {"low": str(known.min()), "high": str(known.max()), "shape": _shape(seconds)}
    numbers = known.to_numpy(dtype=np.float64)
    finite = numbers[np.isfinite(numbers)]
    return facts | {
        "low": float(finite.min()) if len(finite) else None,
        "high": float(finite.max()) if len(finite) else None,
        "median": float(np.median(finite)) if len(finite) else None,
        "infinite": int(len(numbers) - len(finite)),
        "shape": _shape(finite),
    }


def _shape(numbers: np.ndarray) -> list[int]:
    if len(numbers) == 0:
        return []
    # One far value would press all others into a single bar: the picture shows the middle 99 %.
    low, high = np.quantile(numbers, (0.005, 0.995))
    counts, _ = np.histogram(np.clip(numbers, low, high), bins=BINS)
    return [int(n) for n in counts]


def _notes(frame: pd.DataFrame, roles: Roles, distinct: Mapping[str, int]) -> list[str]:
    """What an analyst should know before training, in sentences; ``distinct`` values there are of each column."""
    notes = []
    n_rows, n_features = len(frame), len(roles.features)
    if n_rows < 50:
        rows = "1 row" if n_rows == 1 else f"{n_rows} rows"
        notes.append(f"Only {rows}: the result will be shaky.")
    elif 0 < n_rows <= n_features:
        notes.append(f"{n_rows} rows for {n_features} columns: leave out columns that do not matter.")
    features = list(roles.features)
    # Rows that differ in one column differ: most tables need no look at whole rows.
    may_repeat = all(distinct[name] < 0.5 * n_rows for name in features)
    if features and may_repeat and n_rows <= 2_000_000:
        repeated = int(frame[features].duplicated().sum())
        if repeated > 0.5 * n_rows:
            notes.append(f"{repeated:,} of {n_rows:,} rows repeat an earlier row.")
    if roles.label is not None:
        notes.append(
            f"'{roles.label}' looks like a known answer: it checks the result, and trains nothing unless asked to."
        )
    return notes
