"""Rows of a table disturbed on purpose, so that it is known which are anomalies; a series has its own injection.

Two kinds, each in one to three columns of a row: a number *moved* far out of its column, and a cell *mixed up* with
that of another row, which may be ordinary by itself. Everything is drawn by seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from pandas.api import types

Kind = Literal["moved", "mixed up"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NEAREST, FURTHEST = 4.0, 10.0  # robust standard deviations from the median to which a number is moved
MOST_COLUMNS = 3  # of a row
NORMAL_IQR = 1.349  # quartiles of a normal distribution lie so many standard deviations apart

Rows = NDArray[np.int64]


def moved_columns(frame: pd.DataFrame, features: Sequence[str]) -> list[str]:
    """The feature columns whose numbers can be moved: those that vary."""
    return [name for name in features if _spread(frame[name]) > 0]


def disturbed_rows(
    frame: pd.DataFrame, rows: Rows, features: Sequence[str], kind: Kind, seed: int
) -> pd.DataFrame:
    """Copies of some ``rows`` of a table, each disturbed in one to three of its ``features``.

    A row whose cells all came back as they were has none: it is not among those returned.
    """
    rng = np.random.default_rng(seed)
    before = frame.iloc[rows].reset_index(drop=True)
    after = before.copy()
    columns = moved_columns(frame, features) if kind == "moved" else list(features)
    chosen = _chosen(len(rows), len(columns), rng)
    for name, here in zip(columns, chosen.T, strict=True):
        at = np.flatnonzero(here)
        if kind == "moved":
            after[name] = _moved(frame[name], after[name], at, rng)
        else:
            others = frame[name].iloc[rng.integers(len(frame), size=len(at))]
            column = after[name].copy()
            column.iloc[at] = others.array
            after[name] = column
    same = (after == before) | (after.isna() & before.isna())
    return after[~same.fillna(False).all(axis=1).to_numpy(dtype=bool)].reset_index(drop=True)


def _chosen(n: int, columns: int, rng: Generator) -> NDArray[np.bool_]:
    """Which columns of each row are disturbed (n_rows, n_columns): one to three."""
    many = rng.integers(1, min(MOST_COLUMNS, max(columns, 1)) + 1, size=n)
    return rng.random((n, columns)).argsort(axis=1).argsort(axis=1) < many[:, None]


def _moved(whole: pd.Series, column: pd.Series, at: Rows, rng: Generator) -> pd.Series:
    """A column in which the numbers ``at`` some places lie far from the median, above or below."""
    far = rng.uniform(NEAREST, FURTHEST, len(at)) * rng.choice([-1.0, 1.0], len(at)) * _spread(whole)
    values = column.to_numpy(dtype=np.float64, na_value=np.nan).copy()
    values[at] = float(whole.median()) + far
    if types.is_integer_dtype(whole.dtype):
        values[at] = np.round(values[at])
    return pd.Series(values, index=column.index, name=column.name)


def _spread(column: pd.Series) -> float:
    """The robust standard deviation of a column of numbers, its plain one where most are equal; 0 for any other."""
    if not types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
        return 0.0
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return 0.0
    low, high = np.percentile(values, [25, 75])
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float((high - low) / NORMAL_IQR or values.std())
    return spread if np.isfinite(spread) else 0.0
