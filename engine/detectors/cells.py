"""The cells of a row as a network sees them: on a bounded scale, and gathered into the columns they come from.

Cells of one *group* come from one column and are hidden together: a number is a group of one cell, a category a group
of one cell a level, of which exactly one is 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import StoreError

Array = NDArray[np.float64]

PARTS = ("groups", "choice", "center", "scale")
SEEN_LIMIT = (
    8.0  # what a network sees of a cell: further out looks the same, so that one cell cannot drown the others
)
TARGET_LIMIT = (
    20.0  # what it is held against: a cell is missed by the more the further out it lies, up to here
)


@dataclass(frozen=True, kw_only=True)
class Cells:
    """How the columns of a matrix become cells, learned from training rows."""

    groups: NDArray[np.int64]  # the group of each cell (n_cells,), numbers from 0 in order
    choice: NDArray[np.bool_]  # whether the cell is one of a category's (n_cells,)
    center: Array  # (n_cells,)
    scale: Array  # (n_cells,)

    @classmethod
    def fit(cls, X: Array, groups: NDArray[np.int64], *, rescale: bool) -> Cells:
        """Learn from rows (n_samples, n_cells), NaN where missing.

        ``rescale`` brings numbers to mean 0 and deviation 1; a cell that is the same in all rows has scale 1.
        """
        choice = _choices(X, groups)
        known = np.isfinite(X)
        count = np.maximum(known.sum(axis=0), 1)
        center = np.where(known, X, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, X - center, 0.0) ** 2).sum(axis=0) / count)
        if not rescale:
            spread = np.ones_like(spread)
        center = np.where(choice | (not rescale), 0.0, center)
        return cls(
            groups=groups, choice=choice, center=center, scale=np.where(choice | (spread <= 0), 1.0, spread)
        )

    @property
    def n_groups(self) -> int:
        return int(self.groups[-1]) + 1

    @property
    def spans(self) -> list[tuple[int, int, int]]:
        """Group, first cell and end of each category."""
        starts = np.searchsorted(self.groups, np.arange(self.n_groups + 1))
        return [
            (group, int(starts[group]), int(starts[group + 1]))
            for group in range(self.n_groups)
            if self.choice[starts[group]]
        ]

    @cached_property
    def choices(self) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Categories of as many levels together: their groups (n,) and the cells of their levels (n, n_levels)."""
        of_size: dict[int, list[tuple[int, int, int]]] = {}
        for span in self.spans:
            of_size.setdefault(span[2] - span[1], []).append(span)
        return [
            (
                np.array([group for group, _, _ in spans]),
                np.array([range(start, end) for _, start, end in spans]),
            )
            for spans in of_size.values()
        ]

    def scaled(self, X: Array) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Cells (n_samples, n_cells), 0 where missing, and which groups are known (n_samples, n_groups)."""
        with np.errstate(over="ignore"):
            cells = np.clip((X - self.center) / self.scale, -TARGET_LIMIT, TARGET_LIMIT)
        known = np.isfinite(X[:, np.searchsorted(self.groups, np.arange(self.n_groups))])
        return np.nan_to_num(cells, nan=0.0).astype(np.float32), known

    def unscaled(self, cells: Array) -> Array:
        """Cells in the units of the matrix again."""
        return cells * self.scale + self.center

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {f"cells/{name}": getattr(self, name) for name in PARTS}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], *, n_cells: int) -> Self:
        """Cells as :meth:`arrays` gave them; a :class:`StoreError` when they are not whole."""
        parts = {name: arrays[f"cells/{name}"] for name in PARTS}
        groups, scale = parts["groups"], parts["scale"]
        whole = (
            all(array.shape == (n_cells,) for array in parts.values())
            and parts["choice"].dtype == np.bool_
            and np.issubdtype(groups.dtype, np.integer)
            and groups[0] == 0
            and np.isin(np.diff(groups), (0, 1)).all()
            and np.isfinite(parts["center"]).all()
            and np.isfinite(scale).all()
            and (scale > 0).all()
        )
        if not whole:
            raise StoreError("the stored network is damaged: its columns do not add up")
        return cls(**parts)


def _choices(X: Array, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The cells of groups with several cells of which every row has exactly one at 1 (n_cells,)."""
    choice = np.zeros(X.shape[1], dtype=bool)
    for group in np.flatnonzero(np.bincount(groups) > 1):
        cells = np.flatnonzero(groups == group)
        known = X[:, cells][np.isfinite(X[:, cells[0]])]
        choice[cells] = bool(np.isin(known, (0.0, 1.0)).all() and (known.sum(axis=1) == 1).all())
    return choice
