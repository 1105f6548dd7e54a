"""Networks that rebuild rows, with what training and scoring need of them: losses, errors, filled-in cells.

Two ways: :class:`WholeRows` squeezes a row through a bottleneck; :class:`HiddenCells` hides some columns and has an
ensemble fill them in from the others. Both serve :func:`engine.training.train` as its learner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.detectors.cells import SEEN_LIMIT, Array, Cells

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_WATCHED = 512  # held-out rows whose loss is asked after every epoch
LEAST_HIDDEN, MOST_HIDDEN = 0.1, 0.5  # share of a row's columns hidden in training, drawn for every row
SEEN_WEIGHT = 0.1  # of a column that was seen, against 1 of one that was hidden
MOST_TRIMMED = 0.1


class RowNetwork:
    """A network over rows of cells, and the rows it learns from.

    Rows go through it ``block`` at a time, always: few stay in the processor's cache, and a processor sums another
    number of rows in another order, in the last digit.
    """

    block: ClassVar[int]
    network: nn.Module

    def __init__(self, cells: Cells) -> None:
        self.cells = cells

    def learn_from(self, X: Array, held_out: NDArray[np.int64]) -> None:
        """Take training rows (n_samples, n_cells), of which ``held_out`` (n_held_out,) are kept from training."""
        import torch

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network.to(self.device)
        values, known = self.cells.scaled(X)
        self._values, self._known = self._tensor(values), self._tensor(known)
        watched = held_out[:: -(-len(held_out) // MOST_WATCHED)]
        self._watched = torch.as_tensor(watched, device=self.device)
        self.rows = torch.as_tensor(np.setdiff1d(np.arange(len(X)), held_out), device=self.device)

    def loss(self, rows: Tensor, done: float) -> Tensor:
        raise NotImplementedError

    def held_out_loss(self) -> float:
        import torch

        rebuilt = self._rebuilding()
        blocks = [(self._values[few], self._known[few]) for few in self._watched.split(self.block)]
        errors = torch.cat([self._errors(rebuilt(*block), block[0]).mean(0) for block in blocks])
        known = self._known[self._watched]
        return float((self._weighed(errors) * known).sum() / known.sum().clamp(min=1))

    def loss_parts(self) -> dict[str, float]:
        """None: all of the loss is reconstruction."""
        return {}

    def errors(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> Array:
        """Errors (n, n_groups) of rows as :meth:`Cells.scaled` gives them."""
        return self._looked(values, known, fill=False)[0]

    def look(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Errors (n, n_groups) of rows as :meth:`Cells.scaled` gives them, and the rebuilt cells (n, n_cells)."""
        return self._looked(values, known, fill=True)

    def _looked(
        self, values: NDArray[np.float32], known: NDArray[np.bool_], *, fill: bool
    ) -> tuple[Array, Array]:
        import torch

        device = next(self.network.parameters()).device
        self.network.eval()
        whole = ((0, -len(values) % self.block), (0, 0))
        cells, groups = (torch.as_tensor(np.pad(part, whole), device=device) for part in (values, known))
        errors = torch.empty(groups.shape, device=device)
        filled = torch.empty(cells.shape if fill else (0, 0), device=device)
        rebuilding = self._rebuilding()
        with torch.inference_mode():
            for start in range(0, len(values), self.block):
                block = slice(start, start + self.block)
                rebuilt = rebuilding(cells[block], groups[block])
                errors[block] = self._errors(rebuilt, cells[block]).mean(0)
                if fill:
                    filled[block] = self._as_cells(rebuilt).mean(0)
        rows = slice(len(values))
        return errors[rows].double().cpu().numpy(), filled[rows].double().cpu().numpy()

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """What has to be stored beside weights and cells."""
        return {}

    def _rebuilding(self) -> Callable[[Tensor, Tensor], Tensor]:
        """What each member makes of every cell (members, n, n_cells), asked block by block with the same weights."""
        return self._rebuilt

    def _rebuilt(self, values: Tensor, known: Tensor) -> Tensor:
        raise NotImplementedError

    def _weighed(self, errors: Tensor) -> Tensor:
        """Errors (…, n_groups) as they count in the loss."""
        return errors

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        import torch

        return torch.as_tensor(values, device=self.device)

    def _errors(self, filled: Tensor, values: Tensor) -> Tensor:
        """Error of each group (…, n_groups): mean squared error of numbers, negative log-likelihood of a category."""
        import torch

        squared = (filled - values) ** 2
        if self.cells.n_groups == squared.shape[-1]:
            return squared
        groups = torch.tensor(self.cells.groups, device=squared.device)
        sizes = torch.bincount(groups).to(squared.dtype)
        errors = torch.zeros(*squared.shape[:-1], len(sizes), dtype=squared.dtype, device=squared.device)
        errors = errors.index_add(-1, groups, squared) / sizes
        for chosen, levels in self.cells.choices:
            likely = torch.log_softmax(filled[..., levels], -1) * values[..., levels]
            errors[..., chosen] = -likely.sum(-1)
        return errors

    def _as_cells(self, filled: Tensor) -> Tensor:
        """Network output as cells: the levels of a category as probabilities."""
        import torch

        if self.cells.choices:
            filled = filled.clone()
        for _, levels in self.cells.choices:
            filled[..., levels] = torch.softmax(filled[..., levels], -1)
        return filled


class WholeRows(RowNetwork):
    """The classic autoencoder: a row through a bottleneck and back."""

    block = 1_024

    def __init__(
        self, cells: Cells, encoder_dims: Sequence[int], bottleneck_dim: int, dropout: float
    ) -> None:
        from engine.networks.autoencoder import AutoEncoder

        super().__init__(cells)
        self.network = AutoEncoder(len(cells.groups), encoder_dims, bottleneck_dim, dropout)

    def loss(self, rows: Tensor, done: float) -> Tensor:
        del done
        values, known = self._values[rows], self._known[rows]
        errors: Tensor = self._errors(self.network(values), values)
        return (errors * known).sum() / known.sum().clamp(min=1)

    def _rebuilt(self, values: Tensor, known: Tensor) -> Tensor:
        del known  # a missing cell stands at its column's mean
        rebuilt: Tensor = self.network(values)
        return rebuilt[None]


class HiddenCells(RowNetwork):
    """An ensemble that fills in hidden columns from those it sees; a missing cell is one that is always hidden."""

    block = 128  # each row is there once a member and part

    def __init__(
        self, cells: Cells, hidden: NDArray[np.bool_], width: int, depth: int, *, trim: float
    ) -> None:
        """``hidden`` (n_parts, members, n_groups): what each member does not see when rows are judged.

        ``trim`` is the share of each mini-batch, the rows with the largest losses, that is not learned from: what is
        odd in the training data should not be learned (Shen and Sanghavi, 2019, Iterative trimmed loss minimization).
        """
        import torch

        from engine.networks.autoencoder import MaskedEnsemble

        super().__init__(cells)
        members = hidden.shape[1]
        self.network = MaskedEnsemble(len(cells.groups), cells.n_groups, width, depth, members)
        self.hidden, self._trim = hidden, min(trim, MOST_TRIMMED)
        self._of_cell = torch.tensor(cells.groups)

    @staticmethod
    def parts(n_groups: int, members: int, n_parts: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Which groups (n_parts, members, n_groups) are hidden together: each group once by each member."""
        hidden = np.zeros((n_parts, members, n_groups), dtype=bool)
        for member in range(members):
            order = rng.permutation(n_groups)
            for part in range(n_parts):
                hidden[part, member, order[part::n_parts]] = True
        return hidden

    def own_arrays(self) -> dict[str, NDArray[Any]]:
        """What each member does not see."""
        return {"hidden": self.hidden}

    def loss(self, rows: Tensor, done: float) -> Tensor:
        import torch

        del done
        values, known = self._values[rows], self._known[rows]
        members, (n, n_groups) = self.hidden.shape[1], known.shape
        share = torch.empty(members, n, 1).uniform_(LEAST_HIDDEN, MOST_HIDDEN)
        drawn = torch.rand(members, n, n_groups)
        hidden = (drawn < share) | (drawn == drawn.amin(-1, keepdim=True))  # at least one
        hidden = hidden.to(self.device)
        errors = self._errors(self._filled(values, known, hidden), values)
        weights = torch.where(hidden, 1.0, SEEN_WEIGHT) * known
        if trimmed := int(self._trim * n):
            mean = (errors.detach() * weights).sum((0, 2)) / weights.sum((0, 2)).clamp(min=SEEN_WEIGHT)
            weights[:, mean.topk(trimmed).indices] = 0.0
        return (errors * weights).sum() / weights.sum().clamp(min=1)

    def _filled(self, values: Tensor, known: Tensor, hidden: Tensor) -> Tensor:
        """What each member makes of the rows without the hidden groups: (members, n, n_cells).

        ``hidden`` (members, n, n_groups), or (members, parts, 1, n_groups) for all rows in some parts one after the
        other: (members, parts * n, n_cells).
        """
        import torch

        seen = (known & ~hidden).to(values.dtype)
        of_cell, bits = self._of_cell.to(values.device), seen
        if self.cells.n_groups < len(
            of_cell
        ):  # what is hidden from all rows alike is spread over the cells once
            bits = (known[..., of_cell] & ~hidden[..., of_cell]).to(values.dtype)
        shown = values.clamp(-SEEN_LIMIT, SEEN_LIMIT) * bits
        filled: Tensor = self.network(torch.cat([shown, seen], -1).flatten(1, -2))
        return filled

    def _rebuilt(self, values: Tensor, known: Tensor) -> Tensor:
        """Every cell as it was filled in when it was hidden."""
        import torch

        hidden = torch.tensor(self.hidden, device=values.device).transpose(0, 1)[:, :, None]
        members, parts, _, _ = hidden.shape
        filled = self._filled(values, known, hidden).view(members, parts, *values.shape)
        rebuilt: Tensor = filled.mul_(hidden[..., self._of_cell.to(values.device)]).sum(1)
        return rebuilt
