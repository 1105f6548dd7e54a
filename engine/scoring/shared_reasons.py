"""Flagged rows gathered by the reasons they share: "38 rows: amount high".

A pattern is one reason or two: a column and in which way its value is unusual. The pattern to which most of the scores
is owed comes first, and takes its rows with it; then the next among the rows that are left (greedy set cover; Chvátal,
1979). All patterns of all explained rows are gathered once, so that a moved threshold costs some counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.scoring.directions import BESIDE_OTHERS
from engine.scoring.reasons import MOST_REASONS, SMALLEST_SHARE

MOST_GROUPS = 8
FEWEST_ROWS = 2

Rows = NDArray[np.int64]
Marks = NDArray[np.bool_]
Cause = tuple[
    str, str, str
]  # column, what of it ("spread of the last 32 readings"; empty for the value), in which way


@dataclass(frozen=True, kw_only=True)
class ReasonGroup:
    """Explained rows that share their reasons."""

    causes: tuple[Cause, ...]  # one or two, the stronger first
    places: Rows  # among the explained rows, most unusual first (n_rows,)
    share: float  # of their scores, 0 to 1: what the causes are answerable for

    @property
    def beside_others(self) -> bool:
        """Whether some of it is unusual only beside the rest of its row, so that a category may say why."""
        return any(how in BESIDE_OTHERS for _, _, how in self.causes)

    @property
    def text(self) -> str:
        """The causes in words."""
        return " and ".join(
            f"{column} ({measure}) {how}" if measure else f"{column} {how}"
            for column, measure, how in self.causes
        )


@dataclass(frozen=True, kw_only=True)
class SharedReasons:
    """Which patterns each of some explained rows has."""

    patterns: list[tuple[Cause, ...]]
    row: Rows  # (n_pairs,): the place of an explained row …
    pattern: Rows  # … and the number of a pattern it has …
    share: NDArray[np.float64]  # … with the share of the row's score that this pattern is answerable for
    n_rows: int

    @classmethod
    def of(cls, reasons: Sequence[Sequence[dict[str, Any]]]) -> SharedReasons:
        """Gather the patterns of rows, given the fields of their reasons, strongest first."""
        numbers: dict[tuple[Cause, ...], int] = {}
        pairs: list[tuple[int, int, float]] = []
        for place, all_of_row in enumerate(reasons):
            worth = [r for r in all_of_row[:MOST_REASONS] if r["share"] >= SMALLEST_SHARE and r.get("how")]
            single = [((r["column"], r["measure"], r["how"]), r["share"]) for r in worth]
            sets = [(cause,) for cause in single] + list(combinations(single, 2))
            for chosen in sets:
                key = tuple(sorted(cause for cause, _ in chosen))
                pairs.append((place, numbers.setdefault(key, len(numbers)), sum(part for _, part in chosen)))
        row, pattern, share = zip(*pairs, strict=True) if pairs else ((), (), ())
        return cls(
            patterns=list(numbers),
            row=np.array(row, dtype=np.int64),
            pattern=np.array(pattern, dtype=np.int64),
            share=np.array(share, dtype=np.float64),
            n_rows=len(reasons),
        )

    def groups(self, chosen: Marks, most: int = MOST_GROUPS) -> list[ReasonGroup]:
        """The groups of the chosen explained rows (n_rows,), the one with most rows first; no row is in two."""
        left, found = chosen.copy(), list[ReasonGroup]()
        while len(found) < most:
            open_pairs = left[self.row]
            weight = np.bincount(
                self.pattern[open_pairs], self.share[open_pairs], minlength=len(self.patterns)
            )
            count = np.bincount(self.pattern[open_pairs], minlength=len(self.patterns))
            weight[count < FEWEST_ROWS] = 0.0
            if not weight.any():
                break
            best = int(np.argmax(weight))
            here = open_pairs & (self.pattern == best)
            places = np.sort(self.row[here])
            left[places] = False
            causes = self._strongest_first(self.patterns[best], places)
            found.append(ReasonGroup(causes=causes, places=places, share=float(self.share[here].mean())))
        return sorted(found, key=lambda group: -len(group.places))

    def _strongest_first(self, causes: tuple[Cause, ...], places: Rows) -> tuple[Cause, ...]:
        strength = {
            cause: self.share[
                (self.pattern == self.patterns.index((cause,))) & np.isin(self.row, places)
            ].sum()
            for cause in causes
        }
        return tuple(sorted(causes, key=lambda cause: -strength[cause]))
