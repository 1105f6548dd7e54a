"""A table in the form a model judges: the columns it knows, the matrix they became, and the readings in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from engine.data.encoding import Encoded
from engine.data.features import FeatureRecipe
from engine.data.pace import Readings


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table in the columns the model knows, and the matrix it became."""

    table: pd.DataFrame
    features: pd.DataFrame  # what was encoded: the table itself, or the rolling features of a series
    encoded: Encoded
    notes: tuple[str, ...] = ()
    readings: Readings | None = None  # in order, for a sequential detector

    @classmethod
    def by(cls, recipe: FeatureRecipe, table: pd.DataFrame, notes: Sequence[str] = ()) -> Prepared:
        """Bring a table with the recipe's columns into the form a detector judges."""
        features, encoded = recipe.transform(table)
        new = [
            f"'{column}' holds {cells:,} cells with a category the model has never seen"
            for column, cells in encoded.unseen.items()
        ]
        readings = recipe.readings(table, encoded)
        notes = (*notes, *new, *(readings.notes if readings else ()))
        return cls(table=table, features=features, encoded=encoded, notes=notes, readings=readings)

    def for_windows(self, length: int) -> Prepared:
        """The same with the rows left aside whose stretch of readings is shorter than a window."""
        if self.readings is None:
            return self
        encoded = self.encoded
        lonely = encoded.judged & (self.readings.neighbours < length)
        why = f"fewer than {length} readings in a row around it"
        obstacles = encoded.obstacles | {int(row): why for row in np.flatnonzero(lonely)}
        return replace(self, encoded=replace(encoded, judged=encoded.judged & ~lonely, obstacles=obstacles))
