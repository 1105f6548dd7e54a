"""Beside which category a number is unusual that is ordinary by itself: "amount high for this merchant"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import level_name
from engine.data.features import FeatureRecipe
from engine.scoring.directions import BESIDE_OTHERS, MOST_NAMED, ODD
from engine.scoring.shared_reasons import Cause, ReasonGroup

ENOUGH = 0.8  # share of a group's rows that must lie beyond what is usual for their level
FEWEST_OF_LEVEL = 20  # ordinary rows of a level, to know what is usual for it
USUAL = (0.05, 0.95)  # between these quantiles of the ordinary rows of its level a number is usual

Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Contexts:
    """Which explained rows lie beyond what ordinary rows of the same category have, column by column."""

    rows: pd.DataFrame  # the explained rows, in the columns of the data
    ordinary: pd.DataFrame  # some ordinary rows, in the same columns
    categories: list[str]
    names: Mapping[str, str]  # column of the model -> column of the data, where they differ
    _beyond: dict[tuple[str, str], tuple[Marks, Marks]] = field(default_factory=dict)
    _levels: dict[str, NDArray[np.object_]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, recipe: FeatureRecipe, rows: pd.DataFrame, ordinary: pd.DataFrame, names: Mapping[str, str]
    ) -> Contexts:
        """Beside the categories of few levels that a model looks at; none of a series, where time is the context."""
        codes = [] if recipe.ordered else recipe.encoder.codes
        few = [code.name for code in codes if code.kind == "category" and len(code.levels) <= MOST_NAMED]
        here = [names.get(name, name) for name in few]
        return cls(rows, ordinary, [name for name in here if name in rows.columns], dict(names))

    def told(self, group: ReasonGroup) -> ReasonGroup:
        """The group with the category beside which its numbers are unusual, where there is one."""
        return replace(group, causes=tuple(self._cause(cause, group.places) for cause in group.causes))

    def _cause(self, cause: Cause, places: NDArray[np.int64]) -> Cause:
        column, measure, how = cause
        name = self.names.get(column, column)
        if how not in BESIDE_OTHERS or measure or not self._is_number(name):
            return cause
        best, said = 0.0, how
        for category in self.categories:
            for way, marks in zip(("high", "low"), self._marks(name, category), strict=True):
                share = float(marks[places].mean())
                if share >= ENOUGH and share > best and (how == ODD or how.startswith(way)):
                    best, said = share, f"{way} for {self._which(category, places)}"
        return column, measure, said

    def _which(self, category: str, places: NDArray[np.int64]) -> str:
        """The level that all rows of a group have, or that it is another in each."""
        levels = set(self._levels[category][places])
        return f"{category} '{levels.pop()}'" if len(levels) == 1 else f"this {category}"

    def _is_number(self, name: str) -> bool:
        """Whether a column has quantiles; true and false, which pandas counts among the numbers, have none."""
        return all(
            name in rows.columns
            and pd.api.types.is_numeric_dtype(rows[name])
            and not pd.api.types.is_bool_dtype(rows[name])
            for rows in (self.rows, self.ordinary)
        )

    def _marks(self, name: str, category: str) -> tuple[Marks, Marks]:
        """Which explained rows lie above, and which below, what is usual for their level; kept once known."""
        if (name, category) not in self._beyond:
            grouped = self.ordinary.groupby(category, observed=True)[name]
            quantiles = grouped.quantile(list(USUAL)).unstack()[grouped.count() >= FEWEST_OF_LEVEL]
            ends = {
                level_name(level): (float(low), float(high))
                for level, low, high in quantiles.astype(float).itertuples(name=None)
            }
            if category not in self._levels:
                names = [level_name(level) for level in self.rows[category].tolist()]
                self._levels[category] = np.array(names, dtype=object)
            unknown = (-np.inf, np.inf)
            usual = np.array([ends.get(level, unknown) for level in self._levels[category]]).reshape(-1, 2)
            numbers = self.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)
            self._beyond[name, category] = numbers > usual[:, 1], numbers < usual[:, 0]
        return self._beyond[name, category]
