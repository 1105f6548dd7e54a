"""One column of a table as numbers: how it is encoded, learned from training rows, and how it is read back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.roles import seconds_of

Scaling = Literal["standard", "robust", "minmax", "quantile", "none"]
CodeKind = Literal["number", "category", "moment"]

IMPOSSIBLE = 1e15  # beyond this a float64 sum of squares loses the ordinary values entirely
EXACT = 2**53  # whole numbers up to here are exact in a float64
KEPT_LEVELS = 5_000  # levels whose share is remembered
MOST_CELLS = 64  # levels that get a cell each; of a category with more a detector sees the rarity alone
RANKS = 101  # quantiles by which the quantile scaling ranks a number
TYPICAL = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)  # quantiles kept to say what is usual


@dataclass(kw_only=True)
class ColumnCode:
    """How one column is encoded, learned from the training rows."""

    name: str
    kind: CodeKind
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0  # training median, in the column's own unit
    typical: list[float] = field(default_factory=list)  # quantiles at TYPICAL, in the column's own unit
    levels: dict[str, float] = field(default_factory=dict)  # share of each level in training
    n_rows: int = 0
    n_missing: int = 0  # of a category: the cells beside those of n_rows; levels are shares of n_rows
    one_cell_a_level: bool = False
    ranks: list[float] = field(default_factory=list)  # scaled quantiles from 0 to 1, of the quantile scaling

    @property
    def encoded_names(self) -> list[str]:
        """Names of the matrix columns this column becomes."""
        if self.one_cell_a_level:
            return [*(f"{self.name} = {level}" for level in self.levels), f"{self.name} (never seen)"]
        if self.kind == "category":
            return [f"{self.name} (rarity)"]
        return (
            [self.name, f"{self.name} (hour)", f"{self.name} (weekday)"]
            if self.kind == "moment"
            else [self.name]
        )

    @property
    def usual_level(self) -> str:
        return next(iter(self.levels), "")

    @property
    def knows_every_level(self) -> bool:
        """Whether a level that is not remembered was never seen; of very many only the commonest are."""
        return len(self.levels) < KEPT_LEVELS

    def rarity(self, level: str) -> float:
        """``-log`` of the level's share; a level never seen counts as half a row."""
        return float(-np.log(self.levels.get(level, 0.5 / (self.n_rows + 1))))


def as_numbers(column: pd.Series, code: ColumnCode) -> NDArray[np.float64]:
    """A column in the number the code was learned in; what is no number becomes missing."""
    if code.kind == "moment" or pd.api.types.is_datetime64_any_dtype(column):
        return seconds_of(column)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)


def decoded(code: ColumnCode, scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scaled numbers of a column in the column's own unit again."""
    if code.ranks:
        ranks = np.asarray(code.ranks)
        beyond = scaled - np.clip(scaled, -1.0, 1.0)
        scaled = np.interp(scaled, np.linspace(-1.0, 1.0, len(ranks)), ranks) + beyond
    return scaled * code.scale + code.center


def as_levels(column: pd.Series) -> tuple[NDArray[np.int64], list[str]]:
    """A column as text levels: the number of each cell's level (n_samples,), -1 where it is missing, and their names.

    Names are made once for each different cell: a column of long texts is never written out row by row.
    """
    cells: Any = column
    if pd.api.types.is_float_dtype(column):
        cells = column.to_numpy(dtype=np.float64, na_value=np.nan)
    elif column.dtype == object:  # here 1, 1.0 and True would be one cell
        missing = column.isna().to_numpy()
        texts = [None if gone else level_name(cell) for cell, gone in zip(column, missing, strict=True)]
        cells = np.array(texts, dtype=object)  # as fixed-width text every row would be as wide as the longest
    numbers, different = pd.factorize(cells)
    return numbers.astype(np.int64), [level_name(cell) for cell in different.tolist()]


def level_name(cell: Any) -> str:
    """What a cell is called as a level, whatever stands in the rows beside it.

    7.0 and 7 are the same level, and so are a day and its midnight.
    """
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))
    return str(cell).removesuffix(" 00:00:00") if isinstance(cell, pd.Timestamp) else str(cell)


# ---- learning one column


def learn(name: str, column: pd.Series, scaling: Scaling, mixed: bool) -> tuple[ColumnCode | None, str]:
    if column.notna().sum() == 0:
        return None, "is empty"
    is_moment = pd.api.types.is_datetime64_any_dtype(column)
    if is_moment or pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return _learn_number(ColumnCode(name=name, kind="moment" if is_moment else "number"), column, scaling)
    return _learn_category(name, column, mixed)


def _learn_number(code: ColumnCode, column: pd.Series, scaling: Scaling) -> tuple[ColumnCode | None, str]:
    numbers = as_numbers(column, code)
    # Sorted, so that not even the last digit of a mean depends on the order of rows.
    usable = np.sort(numbers[np.isfinite(numbers) & (np.abs(numbers) <= IMPOSSIBLE)])
    code.n_rows = len(numbers)
    if len(usable) == 0:
        return None, "holds no possible number"
    if usable.min() == usable.max():
        return None, "has the same value in every row"
    code.typical = [float(q) for q in np.quantile(usable, TYPICAL)]
    code.fill = code.typical[TYPICAL.index(0.5)]
    code.center, code.scale = _center_and_scale(usable, scaling)
    if scaling == "quantile":
        code.ranks = [
            float(q) for q in (np.quantile(usable, np.linspace(0, 1, RANKS)) - code.center) / code.scale
        ]
    return code, ""


def _center_and_scale(usable: NDArray[np.float64], scaling: Scaling) -> tuple[float, float]:
    if scaling == "none":
        return 0.0, 1.0
    if scaling == "minmax":
        center, scale = float(usable.min()), float(np.ptp(usable))
    elif scaling in ("robust", "quantile"):
        low, center, high = (float(q) for q in np.quantile(usable, (0.25, 0.5, 0.75)))
        scale = (
            high - low
        ) / 1.349  # the quartiles of a normal distribution lie 1.349 standard deviations apart
    else:
        assert scaling == "standard", f"unknown scaling {scaling}; known: {get_args(Scaling)}"
        center, scale = float(usable.mean()), float(usable.std())
    spread = scale if scale > 0 else float(usable.std())
    return center, spread if spread > 0 else 1.0


def _learn_category(name: str, column: pd.Series, mixed: bool) -> tuple[ColumnCode | None, str]:
    numbers, names = as_levels(column)
    counts: Counter[str] = Counter()
    for level, count in zip(
        names, np.bincount(numbers[numbers >= 0], minlength=len(names)).tolist(), strict=True
    ):
        counts[level] += count
    code = ColumnCode(name=name, kind="category", n_rows=counts.total(), n_missing=int((numbers < 0).sum()))
    if len(counts) == 1:
        return None, "has the same value in every row"
    # Equal counts are ordered by name, so that row order does not matter.
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    code.levels = {level: count / code.n_rows for level, count in ordered[:KEPT_LEVELS]}
    code.one_cell_a_level = mixed and len(ordered) <= MOST_CELLS
    rarities = np.array([code.rarity(level) for level, _ in ordered])
    weights = np.array([float(count) for _, count in ordered])
    code.center = float(np.average(rarities, weights=weights))
    spread = float(np.sqrt(np.average((rarities - code.center) ** 2, weights=weights)))
    # Levels that are all equally common spread by nothing; one natural unit keeps a new level visible.
    code.scale = max(spread, 0.5)
    return code, ""


# ---- encoding one column


def encode_number(code: ColumnCode, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    filled = np.where(np.isnan(numbers), code.fill, numbers)
    # A column of tiny numbers can meet one 1e30 times its spread: far out, but still a number to every detector.
    with np.errstate(over="ignore"):
        blocks = [np.clip((filled - code.center) / code.scale, -IMPOSSIBLE, IMPOSSIBLE)]
    if code.ranks:
        blocks = [_ranked(blocks[0], np.asarray(code.ranks))]
    if code.kind == "moment":
        hours = filled / 3600
        # A uniform spread over 24 hours or 7 days has the deviation of its range over the root of 12.
        blocks.append((hours % 24 - 12) / (24 / np.sqrt(12)))
        blocks.append(((np.floor(hours / 24) + 3) % 7 - 3) / (7 / np.sqrt(12)))
    return np.stack(blocks, axis=1)


def _ranked(scaled: NDArray[np.float64], ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from -1 to 1 among the training numbers; beyond them the distance counts, so that far out stays far out."""
    beyond = np.maximum(scaled - ranks[-1], 0.0) - np.maximum(ranks[0] - scaled, 0.0)
    return np.interp(scaled, ranks, np.linspace(-1.0, 1.0, len(ranks))) + beyond


def encode_category(code: ColumnCode, levels: NDArray[np.int64], names: list[str]) -> NDArray[np.float64]:
    """Cells given by the number of their level, -1 where missing: one cell a level, the last for those never seen in
    training (n_samples, n_levels + 1), or the standardized rarity (n_samples, 1).
    """
    if code.one_cell_a_level:
        place = {level: number for number, level in enumerate(code.levels)}
        cells = np.zeros((len(names) + 1, len(place) + 1))
        cells[np.arange(len(names)), [place.get(name, len(place)) for name in names]] = 1.0
        return cells[levels]
    rarity = np.array([(code.rarity(name) - code.center) / code.scale for name in names] + [0.0])
    return rarity[levels][:, None]
