"""What a transformer is shown of a row: each cell, how each number ranks among the training rows, and what is hidden.

A rank shows as clearly what lies between two cents as what lies between two millions; no one scale does both
(Gorishniy, Rubachev and Babenko, 2022, On embeddings for numerical features in tabular deep learning).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.cells import SEEN_LIMIT, TARGET_LIMIT, Array, Cells
from engine.errors import StoreError

if TYPE_CHECKING:
    from torch import Tensor

RANKS = 64  # training quantiles a number is ranked by
MOST_TOKENS = 64  # columns that have a token each; of more, neighbours share one
SMALLEST_BALANCE = 0.05  # of a column's usual loss: what hardly varies must not outweigh all others


class TableInputs:
    """Cells of rows (n, n_cells), as :meth:`Cells.scaled` gives them, as inputs of a network.

    Inputs are the cells, held within ``SEEN_LIMIT``; the rank of each number from -1 to 1; a bit for each group of
    cells, 1 where it is seen. All of a group that is hidden or missing is 0.
    """

    def __init__(self, cells: Cells, ranks: NDArray[np.float32], balance: Array) -> None:
        """``ranks`` (n_numbers, RANKS) are quantiles of each number, ``balance`` (n_groups,) of each column the loss of
        a guess that knows nothing of the row.
        """
        import torch

        self.cells, self.ranks, self.balance = cells, ranks, balance
        self.numbers = np.flatnonzero(~cells.choice)
        self.of_shown = np.r_[
            cells.groups, cells.groups[self.numbers]
        ]  # the group of each input but the bits
        self.of_input = np.r_[self.of_shown, np.arange(cells.n_groups)]
        self._of_shown, self._numbers = torch.tensor(self.of_shown), torch.tensor(self.numbers)
        # Each quantile and the next number below: how many are smaller than a number is its rank from below plus its
        # rank from above, so that equal ones stand in the middle of their ranks.
        twice = np.concatenate([ranks, np.nextafter(ranks, np.float32(-np.inf))], axis=1)
        self._ranks = torch.tensor(np.sort(twice, axis=1))

    @classmethod
    def fit(cls, cells: Cells, values: NDArray[np.float32], known: NDArray[np.bool_]) -> Self:
        """Learn ranks and balance from training rows (n, n_cells), known where ``known`` (n, n_groups)."""
        numbers = np.flatnonzero(~cells.choice)
        ranks = np.zeros((len(numbers), RANKS), dtype=np.float32)
        balance = np.ones(cells.n_groups)
        for number, cell in enumerate(numbers):
            found = values[known[:, cells.groups[cell]], cell]
            if len(found):
                # Numbers that occur, not between two: equal ones have equal ranks.
                ranks[number] = np.quantile(found, np.linspace(0, 1, RANKS), method="nearest")
        spread = np.where(known[:, cells.groups], values, np.nan)
        counted = np.maximum(known.sum(0), 1)
        for group in range(cells.n_groups):
            own = np.flatnonzero(cells.groups == group)
            if cells.choice[own[0]]:
                shares = np.nansum(spread[:, own], 0) / counted[group]
                balance[group] = -(shares * np.log(np.maximum(shares, 1e-12))).sum()
            elif known[:, group].any():
                balance[group] = np.nanvar(spread[:, own], axis=0).mean()
        return cls(cells, ranks, np.maximum(balance, SMALLEST_BALANCE))

    @property
    def n_inputs(self) -> int:
        return len(self.of_input)

    def views(self, n_tokens: int, *, apart: bool) -> tuple[Tensor, Tensor]:
        """Which inputs (n_inputs, n_tokens) each token sees and which cells (n_cells, n_tokens) it fills in.

        ``apart``: each column has a token of its own, up to ``n_tokens``; else every token sees all.
        """
        import torch

        if not apart:
            return torch.ones(self.n_inputs, n_tokens), torch.ones(len(self.cells.groups), n_tokens)
        token = np.arange(self.cells.n_groups) * n_tokens // self.cells.n_groups
        mine = torch.eye(n_tokens)
        return mine[token[self.of_input]], mine[token[self.cells.groups]]

    def shown(self, values: Tensor) -> Tensor:
        """Cells (n, n_cells) and ranks as they are shown where nothing is hidden (n, n_shown)."""
        import torch

        cells = values.clamp(-SEEN_LIMIT, SEEN_LIMIT)
        if not len(self.numbers):
            return cells
        numbers, ranks = (part.to(values.device) for part in (self._numbers, self._ranks))
        below = torch.searchsorted(ranks, values.T[numbers], out_int32=True)
        return torch.cat([cells, (below.T / RANKS) - 1.0], 1)

    def hiding(self, shown: Tensor, seen: Tensor) -> Tensor:
        """Inputs of rows (…, n, n_inputs) of which a network sees the groups ``seen`` (…, n, n_groups), 1 or 0."""
        import torch

        return torch.cat([shown * seen[..., self._of_shown.to(shown.device)], seen], -1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"inputs/ranks": self.ranks, "inputs/balance": self.balance}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], cells: Cells) -> Self:
        """Inputs as :meth:`arrays` gave them; a :class:`StoreError` when they are not whole."""
        ranks, balance = arrays["inputs/ranks"], arrays["inputs/balance"]
        whole = (
            ranks.shape == (int((~cells.choice).sum()), RANKS)
            and ranks.dtype == np.float32
            and (np.abs(ranks) <= TARGET_LIMIT).all()
            and (np.diff(ranks, axis=1) >= 0).all()
            and balance.shape == (cells.n_groups,)
            and np.isfinite(balance).all()
            and (balance > 0).all()
        )
        if not whole:
            raise StoreError("the stored network is damaged: its inputs do not add up")
        return cls(cells, ranks.copy(), balance)
