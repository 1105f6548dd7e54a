"""Stage 1 of a masked table: hidden columns of a row are filled in by a transformer that sees the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.detectors.cells import Array
from engine.detectors.rebuilding import MOST_TRIMMED, RowNetwork
from engine.detectors.table_inputs import TableInputs

if TYPE_CHECKING:
    from torch import Tensor

    from engine.networks.table_transformer import MaskedTable

SPREAD = (0.5, 2.5)  # of the mask probability: the share of a row's columns that is hidden lies between these
MOST_HIDDEN = 0.9


class MaskedRows(RowNetwork):
    """A masked transformer over rows, and the rows it learns from.

    Each column's loss counts in units of what a guess costs that knows nothing of the row: so no column drowns the
    others, be it a number or a category.
    """

    block = 256

    def __init__(
        self,
        inputs: TableInputs,
        network: MaskedTable,
        passes: tuple[NDArray[np.bool_], ...],
        mask_probability: float,
        *,
        varied: bool,
        trim: float,
    ) -> None:
        """``passes``: partitions of the columns, each (n_parts, n_groups) with every column hidden once.

        ``varied``: how much is hidden differs from row to row; else every cell by itself with ``mask_probability``.
        ``trim``: share of a mini-batch, the rows with the largest losses, that is not learned from (Shen and Sanghavi,
        2019, Iterative trimmed loss minimization).
        """
        import torch

        super().__init__(inputs.cells)
        self.inputs, self.network, self.passes = inputs, network, passes
        self._probability, self._varied, self._trim = mask_probability, varied, min(trim, MOST_TRIMMED)
        self._of_cell = torch.tensor(inputs.cells.groups)
        self._balance = torch.tensor(inputs.balance, dtype=torch.float32)

    @staticmethod
    def partitions(
        n_groups: int, parts: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[NDArray[np.bool_], ...]:
        """Columns cut at random into so many parts, once for each of ``parts``: (n_parts, n_groups) each."""
        found = []
        for wanted in parts:
            n_parts = min(wanted, n_groups)
            hidden = np.zeros((n_parts, n_groups), dtype=bool)
            hidden[np.arange(n_groups) % n_parts, rng.permutation(n_groups)] = True
            found.append(hidden)
        return tuple(found)

    def learn_from(self, X: Array, held_out: NDArray[np.int64]) -> None:
        super().learn_from(X, held_out)
        self._shown = self.inputs.shown(self._values)

    def loss(self, rows: Tensor, done: float) -> Tensor:
        import torch

        del done
        values, known = self._values[rows], self._known[rows]
        n, n_groups = known.shape
        share: Tensor | float = self._probability
        if self._varied:
            low, high = (min(edge * self._probability, MOST_HIDDEN) for edge in SPREAD)
            share = torch.empty(n, 1).uniform_(low, high)
        drawn = torch.rand(n, n_groups)
        hidden = ((drawn < share) | (drawn == drawn.amin(-1, keepdim=True))).to(self.device)  # at least one
        seen = (known & ~hidden).to(values.dtype)
        filled = self.network(self.inputs.hiding(self._shown[rows], seen))
        weights = (hidden & known).to(values.dtype)
        errors = self._weighed(self._errors(filled, values)) * weights
        if trimmed := int(self._trim * n):
            worst = errors.detach().sum(1) / weights.sum(1).clamp(min=1)
            kept = worst.topk(n - trimmed, largest=False).indices
            errors, weights = errors[kept], weights[kept]
        return errors.sum() / weights.sum().clamp(min=1)

    def _weighed(self, errors: Tensor) -> Tensor:
        return errors / self._balance.to(errors.device)

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """What inputs are made with, and which columns are hidden together."""
        passes = {f"passes/{number}": hidden for number, hidden in enumerate(self.passes)}
        return {**self.inputs.arrays(), **passes}

    def _rebuilding(self) -> Callable[[Tensor, Tensor], Tensor]:
        """Every cell as it was filled in when it was hidden, once a partition (n_partitions, n, n_cells)."""
        import torch

        from engine.networks.table_looks import TableLooks

        device = next(self.network.parameters()).device
        columns = (self.inputs.of_input, self.inputs.cells.groups)
        parts = [torch.tensor(each, device=device) for each in (*columns, *self.passes)]
        with torch.no_grad():
            looks = TableLooks(self.network, parts[0], parts[1], parts[2:])

        def rebuilt(values: Tensor, known: Tensor) -> Tensor:
            return looks(self.inputs.hiding(self.inputs.shown(values), known.to(values.dtype))).transpose(
                1, 2
            )

        return rebuilt

    def _as_cells(self, filled: Tensor) -> Tensor:
        """What is expected of cells: as they were filled in with the most of the row in sight."""
        return super()._as_cells(filled[-1:])
