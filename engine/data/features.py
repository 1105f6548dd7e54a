"""The feature recipe: from a table with roles to the matrix a detector judges, stored with the model.

A table is encoded column by column; a series first becomes rolling features, so that tabular detectors judge every
timestamp by what led up to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import ColumnCode, Scaling
from engine.data.encoding import Encoded, Encoder
from engine.data.roles import Role, Roles
from engine.data.windows import Windows


@dataclass(frozen=True, kw_only=True)
class FeatureRecipe:
    """How rows become a matrix: rolling windows for a series, then the encoding."""

    roles: Roles
    encoder: Encoder
    windows: Windows | None = None

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        roles: Roles,
        *,
        scaling: Scaling = "standard",
        window: int | None = None,
        mixed: bool = False,
    ) -> FeatureRecipe:
        """Learn the recipe from training rows. The matrix has its columns by name, in whichever order they come."""
        if roles.kind != "series":
            encoder = Encoder.fit(frame, tuple(sorted(roles.features)), scaling, mixed=mixed)
            return cls(roles=roles, encoder=encoder)
        windows = Windows.fit(frame, roles, window)
        features, full = windows.transform(frame, roles)
        usable = features[full] if full.any() else features
        encoder = Encoder.fit(usable, tuple(features.columns), scaling, mixed=mixed)
        # A channel that was left out is not asked for again, so the windows must not look for it.
        used = {windows.describe(code.name)[0] for code in encoder.codes}
        columns: dict[str, Role] = {
            column: "ignore" if role == "feature" and column not in used else role
            for column, role in roles.columns.items()
        }
        return cls(roles=Roles(columns, roles.kind), encoder=encoder, windows=windows)

    def transform(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, Encoded]:
        """The features of rows and their encoding, in the order they come.

        The features are the table itself, or the rolling features of a series; rows of a series without a full
        window behind them are not judged.
        """
        if self.windows is None:
            return frame, self.encoder.transform(frame)
        features, full = self.windows.transform(frame, self.roles)
        encoded = self.encoder.transform(features)
        early = f"fewer than {self.windows.length} readings in a row came before"
        # Without a window most features are missing too; that is no news.
        obstacles = encoded.obstacles | {int(row): early for row in np.flatnonzero(~full)}
        return features, replace(encoded, judged=encoded.judged & full, obstacles=obstacles)

    @cached_property
    def channels(self) -> list[str]:
        """The columns of the table that the model looks at, in order."""
        return list(dict.fromkeys(self.describe(code)[0] for code in self.encoder.codes))

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """For each matrix column, the number of the channel it comes from (n_encoded,)."""
        number = {channel: i for i, channel in enumerate(self.channels)}
        of_code = np.array([number[self.describe(code)[0]] for code in self.encoder.codes])
        return of_code[self.encoder.sources]

    def describe(self, code: ColumnCode) -> tuple[str, str]:
        """The channel a feature comes from and what it measures of it in words ('' for the value itself)."""
        return (code.name, "") if self.windows is None else self.windows.describe(code.name)

    def as_dict(self) -> dict[str, Any]:
        return {
            "roles": self.roles.as_dict(),
            "encoder": self.encoder.as_dict(),
            "windows": self.windows.as_dict() if self.windows else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeatureRecipe:
        return cls(
            roles=Roles.from_dict(values["roles"]),
            encoder=Encoder.from_dict(values["encoder"]),
            windows=Windows.from_dict(values["windows"]) if values["windows"] else None,
        )
