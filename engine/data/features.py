"""The feature recipe: from a table with roles to the matrix a detector judges, stored with the model.

A table is encoded column by column; a series first becomes rolling features, so that tabular detectors judge every
timestamp by what led up to it. A sequential detector gets the readings themselves, in order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import ColumnCode, Scaling
from engine.data.encoding import Encoded, Encoder
from engine.data.pace import Pace, Readings
from engine.data.roles import Role, Roles
from engine.data.windows import Windows, numeric_channels
from engine.errors import UsageError

NO_CURVE = "is no number, and this detector compares curves of numbers"


@dataclass(frozen=True, kw_only=True)
class FeatureRecipe:
    """How rows become a matrix: rolling windows for a series, then the encoding; or its readings in order."""

    roles: Roles
    encoder: Encoder
    windows: Windows | None = None
    pace: Pace | None = None

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        roles: Roles,
        *,
        scaling: Scaling = "standard",
        window: int | None = None,
        mixed: bool = False,
        sequential: bool = False,
    ) -> FeatureRecipe:
        """Learn the recipe from training rows. The matrix has its columns by name, in whichever order they come."""
        if sequential:
            return cls._of_readings(frame, roles, scaling)
        if roles.kind != "series":
            encoder = Encoder.fit(frame, tuple(sorted(roles.features)), scaling, mixed=mixed)
            return cls(roles=roles, encoder=encoder)
        windows = Windows.fit(frame, roles, window)
        features, full = windows.transform(frame, roles)
        usable = features[full] if full.any() else features
        encoder = Encoder.fit(usable, tuple(features.columns), scaling, mixed=mixed)
        used = {windows.describe(code.name)[0] for code in encoder.codes}
        return cls(roles=_without_others(roles, used), encoder=encoder, windows=windows)

    @classmethod
    def _of_readings(cls, frame: pd.DataFrame, roles: Roles, scaling: Scaling) -> FeatureRecipe:
        """The recipe for a sequential detector: the channels that are numbers, or on and off, and the pace of time."""
        if roles.kind != "series":
            raise UsageError("readings in order need a series, and these rows are a table")
        curves = {*numeric_channels(frame, roles), *_switches(frame, roles)}
        encoder = Encoder.fit(frame, tuple(sorted(curves)), scaling, mixed=True)
        encoder.left_out |= {column: NO_CURVE for column in roles.features if column not in curves}
        used = set(encoder.columns)
        return cls(roles=_without_others(roles, used), encoder=encoder, pace=Pace.fit(frame, roles))

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

    def readings(self, frame: pd.DataFrame, encoded: Encoded) -> Readings | None:
        """The readings of an encoded table in order; None where each row is judged for itself."""
        if self.pace is None:
            return None
        return self.pace.readings(frame, self.roles, encoded, self.encoder.typical_row)

    @property
    def ordered(self) -> bool:
        """Whether rows are readings of a series, judged with those around them."""
        return self.windows is not None or self.pace is not None

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
            "pace": self.pace.as_dict() if self.pace else None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FeatureRecipe:
        return cls(
            roles=Roles.from_dict(values["roles"]),
            encoder=Encoder.from_dict(values["encoder"]),
            windows=Windows.from_dict(values["windows"]) if values["windows"] else None,
            pace=Pace.from_dict(kept) if (kept := values.get("pace")) else None,
        )


def _without_others(roles: Roles, used: Collection[str]) -> Roles:
    """The roles without the features that are not used: nothing may look for them in new data."""
    columns: dict[str, Role] = {
        column: "ignore" if role == "feature" and column not in used else role
        for column, role in roles.columns.items()
    }
    return Roles(columns, roles.kind)


def _switches(frame: pd.DataFrame, roles: Roles) -> list[str]:
    """The feature columns that are on or off."""
    return [c for c in roles.features if pd.api.types.is_bool_dtype(frame[c])]
