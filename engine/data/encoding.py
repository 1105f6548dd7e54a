"""Columns of any kind -> a finite matrix that a detector can judge, the same way at training and scoring.

One policy, stated once:

* numbers are scaled;
* a category becomes a number, how rare it is: ``-log`` of its share in training; one never seen is the rarest of all;
* dates become seconds, the hour of the day and the day of the week;
* a missing cell counts as typical: the training median, or a category of mean rarity;
* a number that is infinite or beyond ±1e15 is impossible; its row cannot be judged and is counted apart;
* a row with more than half of its cells missing cannot be judged;
* constant and empty columns are left out, and named.

A detector that is ``mixed`` gets more of the table: a category of few levels as one cell a level, and a missing cell as
NaN, for the detector to see that nothing is known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import (
    IMPOSSIBLE,
    ColumnCode,
    Scaling,
    as_levels,
    as_numbers,
    encode_category,
    encode_number,
    learn,
)
from engine.errors import DataError

MOST_MISSING = 0.5  # share of missing cells above which a row is not judged


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A finite matrix, which of its rows may be judged, and why the others may not."""

    values: NDArray[np.float64]  # (n_samples, n_encoded)
    judged: NDArray[np.bool_]  # (n_samples,)
    obstacles: dict[int, str]  # row number -> why it cannot be judged
    unseen: dict[str, int]  # column -> cells with a category never seen in training


@dataclass(kw_only=True)
class Encoder:
    """A fitted encoding of a table's feature columns."""

    codes: list[ColumnCode]
    left_out: dict[str, str]  # column -> why it is not used
    mixed: bool = False  # one cell a level, and missing cells as NaN

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        columns: tuple[str, ...],
        scaling: Scaling = "standard",
        *,
        mixed: bool = False,
    ) -> Encoder:
        """Learn how to encode ``columns`` from training rows. Rows that cannot be judged teach nothing.

        The rows learned from are exactly those that :meth:`transform` will judge. A row is judged by the columns in
        use, and a column may fall out of use without the rows left aside: so both are settled together, which ends
        because columns only ever fall out.
        """
        judged, left_out = np.ones(len(frame), dtype=bool), dict[str, str]()
        while True:
            encoder = cls(codes=[], left_out=left_out, mixed=mixed)
            for name in columns:
                column = frame[name] if judged.all() else frame.loc[judged, name]
                code, reason = learn(name, column, scaling, mixed)
                if code is None:
                    left_out[name] = reason
                else:
                    encoder.codes.append(code)
            if not encoder.codes:
                said = "; ".join(f"'{name}' {reason}" for name, reason in left_out.items())
                raise DataError(f"no column is left to learn from: {said or 'every column has another role'}")
            found = encoder._judged(frame)
            if not found.any() or np.array_equal(found, judged):
                return encoder
            judged, columns = found, tuple(encoder.columns)

    @property
    def columns(self) -> list[str]:
        """The source columns in use."""
        return [code.name for code in self.codes]

    @property
    def encoded_names(self) -> list[str]:
        return [name for code in self.codes for name in code.encoded_names]

    @property
    def sources(self) -> NDArray[np.int64]:
        """For each matrix column, the number of the source column it comes from (n_encoded,)."""
        return np.repeat(np.arange(len(self.codes)), [len(code.encoded_names) for code in self.codes])

    @property
    def typical_row(self) -> NDArray[np.float64]:
        """The encoded row of medians and commonest levels (n_encoded,)."""
        blocks = []
        for code in self.codes:
            if code.kind == "category":
                blocks.append(encode_category(code, np.array([0]), [code.usual_level]))
            else:
                blocks.append(encode_number(code, np.array([code.fill])))
        return np.hstack(blocks)[0]

    def _judged(self, frame: pd.DataFrame) -> NDArray[np.bool_]:
        """The rows that :meth:`transform` will judge (n_samples,), without encoding them."""
        missing, possible = np.zeros(len(frame), dtype=np.int64), np.ones(len(frame), dtype=bool)
        for code in self.codes:
            if code.kind == "category":
                missing += frame[code.name].isna().to_numpy()
            else:
                numbers = as_numbers(frame[code.name], code)
                missing += np.isnan(numbers)
                possible &= ~(np.abs(numbers) > IMPOSSIBLE)
        return possible & (missing <= MOST_MISSING * len(self.codes))

    def transform(self, frame: pd.DataFrame) -> Encoded:
        """Encode rows. Cells that cannot be used are filled, and their rows marked as not judged."""
        blocks, missing, obstacles, unseen = [], np.zeros(len(frame), dtype=np.int64), {}, {}
        impossible = np.zeros(len(frame), dtype=bool)
        for code in self.codes:
            if code.kind == "category":
                levels, names = as_levels(frame[code.name])
                absent = levels < 0
                blocks.append(encode_category(code, levels, names))
                new = np.array([name not in code.levels for name in names] + [False])[levels]
                if new.any() and code.knows_every_level:
                    unseen[code.name] = int(new.sum())
            else:
                numbers = as_numbers(frame[code.name], code)
                strange = np.isinf(numbers) | (np.abs(numbers) > IMPOSSIBLE)
                for row in np.flatnonzero(strange):
                    obstacles[int(row)] = f"'{code.name}' is impossibly large ({numbers[row]:g})"
                impossible |= strange
                absent = np.isnan(numbers)
                blocks.append(encode_number(code, np.where(strange, np.nan, numbers)))
            if self.mixed:
                blocks[-1][absent] = np.nan
            missing += absent
        empty = missing > MOST_MISSING * len(self.codes)
        for row in np.flatnonzero(empty & ~impossible):
            obstacles[int(row)] = f"{missing[row]} of {len(self.codes)} values are missing"
        return Encoded(
            values=np.hstack(blocks), judged=~(empty | impossible), obstacles=obstacles, unseen=unseen
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "codes": [asdict(code) for code in self.codes],
            "left_out": self.left_out,
            "mixed": self.mixed,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Encoder:
        return cls(
            codes=[ColumnCode(**code) for code in values["codes"]],
            left_out=dict(values["left_out"]),
            mixed=bool(values.get("mixed", False)),
        )
