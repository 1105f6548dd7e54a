"""Starting a masked table from an encoder that was trained before, on these columns or on others as well."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.detectors.cells import Cells
from engine.detectors.table_inputs import TableInputs

if TYPE_CHECKING:
    from torch import Tensor

    from engine.detectors.masked_rows import MaskedRows

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TableStart:
    """A trained stage 1, and which of its columns and cells are those of a new table."""

    stage: MaskedRows
    groups: Ints  # (n_groups,) of each new column the number of the old one, -1 where it is new
    levels: Ints  # (n_cells,) the same of cells

    @property
    def complete(self) -> bool:
        """Whether it knows every column and level of the new table."""
        return bool((self.levels >= 0).all())

    def cells(self, cells: Cells) -> Cells:
        """The new cells with known numbers on the scale they were learned on."""
        new, old = _known(self.levels)
        center, scale = cells.center.copy(), cells.scale.copy()
        center[new], scale[new] = self.stage.cells.center[old], self.stage.cells.scale[old]
        return replace(cells, center=center, scale=scale)

    def inputs(self, inputs: TableInputs) -> TableInputs:
        """The new inputs with known numbers ranked among the rows they were learned from."""
        old_place = {int(cell): place for place, cell in enumerate(self.stage.inputs.numbers)}
        ranks, balance = inputs.ranks.copy(), inputs.balance.copy()
        for place, cell in enumerate(inputs.numbers):
            if self.levels[cell] >= 0:
                ranks[place] = self.stage.inputs.ranks[old_place[int(self.levels[cell])]]
        new, old = _known(self.groups)
        balance[new] = self.stage.inputs.balance[old]
        return TableInputs(inputs.cells, ranks, balance)

    def fill(self, stage: MaskedRows) -> None:
        """Give a new network the weights that are known: of all blocks, and of each column that is known."""
        import torch

        mine, theirs = stage.network, self.stage.network
        inputs, cells = self._inputs(stage.inputs), _known(self.levels)
        tokens = self._tokens(stage)
        with torch.no_grad():
            mine.encoder.blocks.load_state_dict(theirs.encoder.blocks.state_dict())
            mine.encoder.encoded.load_state_dict(theirs.encoder.encoded.state_dict())
            width = mine.encoder.d_model
            for new, old, rows in (
                (mine.encoder.enter, theirs.encoder.enter, inputs),
                (mine.encoder.columns[None], theirs.encoder.columns[None], (np.array([0]), np.array([0]))),
                (mine.leave, theirs.leave, cells),
            ):
                _take(new.view(len(new), -1, width), old.view(len(old), -1, width), rows, tokens)
            mine.usual[cells[0]] = theirs.usual[cells[1]]
            if mine.direct is not None and theirs.direct is not None:
                _take(mine.direct.weight, theirs.direct.weight, cells, inputs)

    def _inputs(self, inputs: TableInputs) -> tuple[Ints, Ints]:
        """The known inputs of the network, by their numbers in the new and in the old one."""
        theirs = self.stage.inputs
        old_place = {int(cell): place for place, cell in enumerate(theirs.numbers)}
        ranks = [
            len(theirs.cells.groups) + old_place[int(old)] if old >= 0 else -1
            for old in self.levels[inputs.numbers]
        ]
        bits = np.where(self.groups >= 0, self.groups + len(theirs.of_shown), -1)
        return _known(np.r_[self.levels, np.array(ranks, dtype=np.int64), bits])

    def _tokens(self, stage: MaskedRows) -> tuple[Ints, Ints]:
        """The tokens that go on: all where each sees every column, else those of known columns."""
        mine, theirs = stage.network.encoder.n_tokens, self.stage.network.encoder.n_tokens
        if not stage.network.own.numel():
            every = np.arange(min(mine, theirs))
            return every, every
        new, old = _known(self.groups)
        return new * mine // len(self.groups), old * theirs // self.stage.cells.n_groups


def _known(old: Ints) -> tuple[Ints, Ints]:
    """The numbers of what is known, in the new and in the old table."""
    new = np.flatnonzero(old >= 0)
    return new, old[new]


def _take(new: Tensor, old: Tensor, first: tuple[Ints, Ints], second: tuple[Ints, Ints]) -> Any:
    """Copy the entries at some places of both leading axes."""
    new[np.ix_(first[0], second[0])] = old[np.ix_(first[1], second[1])]
