"""The fingerprint of a training table: how each column a model looks at was distributed, kept to notice drift.

Of a series the readings themselves are kept, not the rolling features made of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import IMPOSSIBLE, CodeKind, ColumnCode, as_levels, as_numbers
from engine.data.features import FeatureRecipe
from engine.data.roles import seconds_of
from engine.scoring.distributions import LevelPrint, NumberPrint, level_difference, number_difference
from engine.scoring.drift import ColumnDrift
from engine.scoring.wording import day_in_words, number_in_words, percent

SHOWN_LEVELS = 3
WORTH_SAYING = 0.005  # share of cells


@dataclass(frozen=True, kw_only=True)
class ColumnPrint:
    """One column: what kind it is encoded as, and how its values are distributed."""

    kind: CodeKind
    values: NumberPrint | LevelPrint

    @property
    def words(self) -> str:
        """What is usual in this column, as a person says it."""
        found = self.values
        missing = f"{percent(found.missing)} missing" if found.missing >= WORTH_SAYING else ""
        if isinstance(found, LevelPrint):
            shown = [f"'{level[:40]}' {percent(s)}" for level, s in list(found.levels.items())[:SHOWN_LEVELS]]
            return ", ".join([*shown, *filter(None, [missing])])
        if len(found.points) == 0:
            return "no value"
        low, middle, high = (found.quantile(share) for share in (0.05, 0.5, 0.95))
        if self.kind == "moment":
            return ", ".join(filter(None, [f"{day_in_words(low)} to {day_in_words(high)}", missing]))
        usual = f"{number_in_words(low)} to {number_in_words(high)}, median {number_in_words(middle)}"
        return ", ".join(filter(None, [usual if low < high else number_in_words(middle), missing]))


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """How the columns a model looks at were distributed in training."""

    rows: int
    columns: dict[str, ColumnPrint]

    @classmethod
    def of(cls, table: pd.DataFrame, recipe: FeatureRecipe) -> Fingerprint:
        """The fingerprint of training rows, in the columns the recipe needs."""
        order = _order(table, recipe)
        kinds = _kinds(recipe)
        columns = {name: _Content.of(table[name], kind, order).printed() for name, kind in kinds.items()}
        return cls(rows=len(table), columns=columns)

    def compare(self, table: pd.DataFrame, recipe: FeatureRecipe) -> list[ColumnDrift]:
        """Each column of new rows, brought into the form the model knows, against training."""
        order = _order(table, recipe)
        return [_drift(name, table[name], then, order) for name, then in self.columns.items()]

    @property
    def span(self) -> float:
        """Readings in a row that are worth an independent one in the slowest column; 1 for a table."""
        return max((column.values.span for column in self.columns.values()), default=1.0)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        columns = {}
        for name, column in self.columns.items():
            values = asdict(column.values)
            if isinstance(column.values, NumberPrint):
                values |= {"points": column.values.points.tolist(), "below": column.values.below.tolist()}
            columns[name] = {"kind": column.kind, **values}
        return {"rows": self.rows, "columns": columns}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fingerprint:
        """What :meth:`as_dict` gave; a ValueError, TypeError or KeyError for anything that cannot be one."""
        columns = {str(name): _read(dict(column)) for name, column in values["columns"].items()}
        return cls(rows=int(values["rows"]), columns=columns)


def _kinds(recipe: FeatureRecipe) -> dict[str, CodeKind]:
    """How each channel the recipe looks at is encoded; a channel with rolling features is a number."""
    kinds: dict[str, CodeKind] = {}
    for code in recipe.encoder.codes:
        channel, measure = recipe.describe(code)
        kinds[channel] = "number" if measure else kinds.get(channel, code.kind)
    return kinds


def _order(table: pd.DataFrame, recipe: FeatureRecipe) -> NDArray[np.int64] | None:
    """Row numbers of a series by entity and time; None for a table, whose rows have no order."""
    if not recipe.ordered or recipe.roles.time is None:
        return None
    keys = [seconds_of(table[recipe.roles.time])]
    if recipe.roles.entity:
        keys.append(pd.factorize(table[recipe.roles.entity])[0])
    return np.lexsort(keys)


@dataclass(frozen=True, kw_only=True)
class _Content:
    """What one column of a table holds, read once."""

    kind: CodeKind
    cells: int
    numbers: NDArray[np.float64]  # the usable ones (n_values,); none of a category
    counts: Counter[str]  # of the levels of a category
    span: float

    @classmethod
    def of(cls, column: pd.Series, kind: CodeKind, order: NDArray[np.int64] | None) -> _Content:
        if kind == "category":
            levels, names = as_levels(column)
            sizes = np.bincount(levels[levels >= 0], minlength=len(names))
            counts: Counter[str] = Counter()
            for name, size in zip(names, sizes.tolist(), strict=True):
                counts[name] += size
            numbers = np.zeros(0)
            # How long a category lasts is told by its commonest level.
            paced = (
                (levels == sizes.argmax()).astype(np.float64) if order is not None and len(names) else numbers
            )
        else:
            paced = as_numbers(column, ColumnCode(name=str(column.name), kind=kind))
            numbers, counts = _usable(paced), Counter()
        span = 1.0 if order is None or len(paced) == 0 else _span(paced[order])
        return cls(kind=kind, cells=len(column), numbers=numbers, counts=counts, span=span)

    def printed(self) -> ColumnPrint:
        """The print of the column."""
        values: NumberPrint | LevelPrint
        if self.kind == "category":
            values = LevelPrint.of(self.counts, self.cells, self.span)
        else:
            values = NumberPrint.of(self.numbers, self.cells, self.span)
        return ColumnPrint(kind=self.kind, values=values)


def _drift(name: str, column: pd.Series, then: ColumnPrint, order: NDArray[np.int64] | None) -> ColumnDrift:
    content = _Content.of(column, then.kind, order)
    now = content.printed()
    # A short stretch of a slow series looks quick: what was learned of its pace in training counts for both.
    span = max(content.span, then.values.span)
    if isinstance(then.values, LevelPrint):
        found = level_difference(then.values, content.counts, content.cells, span)
    else:
        found = number_difference(then.values, content.numbers, content.cells, span)
    beyond = [(found.unseen, "never seen in training"), (found.outside, "beyond the training range")]
    more = [f"{percent(share)} {what}" for share, what in beyond if share >= WORTH_SAYING]
    return ColumnDrift(
        column=name,
        psi=found.psi,
        p=found.p,
        ks=found.ks,
        outside=found.outside,
        unseen=found.unseen,
        missing_then=then.values.missing,
        missing_now=now.values.missing,
        then=then.words,
        now=", ".join(filter(None, [now.words, *more])),
    )


def _usable(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.abs(values) <= IMPOSSIBLE]


def _span(values: NDArray[np.float64]) -> float:
    """How many readings in a row are worth one independent value: the integrated autocorrelation time.

    ``1 + 2 (r1 + r2 + …)`` up to the first correlation that is not positive (Geyer, 1992).
    """
    x = _usable(values)
    if len(x) < 3 or np.ptp(x) == 0:
        return 1.0
    x = (x - x.mean()) / np.ptp(x)
    size = 1 << (2 * len(x) - 1).bit_length()
    spectrum = np.fft.rfft(x, size)
    correlation = np.fft.irfft(spectrum * np.conj(spectrum), size)[: len(x)]
    positive = correlation > 0
    end = len(x) if positive.all() else int(np.argmin(positive))
    return float(max(1.0, 2 * correlation[:end].sum() / correlation[0] - 1))


# ---- reading one that may come from anywhere


def _read(values: dict[str, Any]) -> ColumnPrint:
    kind, missing, span = values.pop("kind"), float(values["missing"]), float(values["span"])
    if not (0 <= missing <= 1 and 1 <= span < np.inf and int(values["cells"]) >= 0):
        raise ValueError("a fingerprint has impossible shares")
    found: NumberPrint | LevelPrint
    if kind == "category":
        levels = {str(level): float(share) for level, share in values["levels"].items()}
        found, shares = LevelPrint(**values | {"levels": levels}), [*levels.values(), float(values["once"])]
    elif kind in ("number", "moment"):
        points, below = (np.asarray(values[name], dtype=np.float64) for name in ("points", "below"))
        whole = points.ndim == 1 and points.shape == below.shape and np.isfinite(points).all()
        if not whole or (np.diff(points) <= 0).any() or (np.diff(below) < 0).any() or (below[-1:] != 1).any():
            raise ValueError("a fingerprint has quantiles out of order")
        found, shares = NumberPrint(**values | {"points": points, "below": below}), below.tolist()
    else:
        raise ValueError(f"a fingerprint has a column of the unknown kind {kind!r}")
    if not all(0 <= share <= 1 for share in shares):
        raise ValueError("a fingerprint has impossible shares")
    return ColumnPrint(kind=kind, values=found)
