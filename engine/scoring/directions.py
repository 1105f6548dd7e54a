"""In which way a value is unusual, in a few words that many rows can share: high, low, never seen, missing …"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import TYPICAL, ColumnCode, level_name

RARE = 0.05  # share of the training rows below which a category is called rare
MOST_NAMED = 50  # levels of a category that are called by their names

HIGH, LOW = "high", "low"  # above what 95 % of the training rows have; below what 95 % have
LATE, EARLY = "later than usual", "earlier than usual"
HIGH_HERE, LOW_HERE = "high for its other columns", "low for its other columns"
MISSING, NEW, RARE_LEVEL = "missing", "never seen before", "rare"
UNLIKELY = "unlikely beside the other columns"
ODD = "odd in combination"  # ordinary by itself
BESIDE_OTHERS = (ODD, HIGH_HERE, LOW_HERE)  # said of numbers that only their row makes unusual
COURSE = "odd in its course"  # of a series' channel whose reading is ordinary by itself

Numbers = NDArray[np.float64]


def of_numbers(
    code: ColumnCode, values: Numbers, spans: Numbers | None = None, *, ordered: bool = False
) -> list[str]:
    """The way of each of some numbers or moments (n,), against training and then against what was expected of it.

    ``spans`` (n, 2): where 90 % of ordinary rows with the same other columns lie. ``ordered``: of a series.
    """
    low, high = (code.typical[TYPICAL.index(quantile)] for quantile in (0.05, 0.95))
    found = np.full(len(values), COURSE if ordered else ODD, dtype=object)
    above, below = values > high, values < low
    if spans is not None:  # a high value may still be lower than its row lets expect
        over, under = values > spans[:, 1], values < spans[:, 0]
        found[over], found[under] = HIGH_HERE, LOW_HERE
        above, below = above & ~under, below & ~over
    found[above], found[below] = HIGH, LOW
    found[np.isnan(values)] = MISSING
    if code.kind == "moment":
        found[above], found[below] = LATE, EARLY
    return list(found)


def is_missing(value: Any) -> bool:
    """Whether a cell is empty."""
    return (
        bool(value != value) if isinstance(value, float) else bool(pd.isna(value))
    )  # pandas takes a while to ask


def of_categories(code: ColumnCode, values: Sequence[Any], likely: Numbers | None = None) -> list[str]:
    """The way of each of some categories; ``likely`` (n, n_levels) says how likely each level was beside the others."""
    numbers, found = {level: number for number, level in enumerate(code.levels)}, []
    for i, value in enumerate(values):
        name = "" if is_missing(value) else level_name(value)
        if is_missing(value):
            found.append(MISSING)
            continue
        if name not in numbers:
            found.append(NEW if code.knows_every_level else RARE_LEVEL)
            continue
        way = RARE_LEVEL if code.levels[name] < RARE else ""
        if likely is not None and likely[i, numbers[name]] < likely[i].max():
            way = UNLIKELY
        named = f"'{name[:40]}'" if len(numbers) <= MOST_NAMED else ""
        found.append(", ".join(filter(None, (named, way))) or ODD)
    return found
