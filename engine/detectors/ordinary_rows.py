"""Ordinary rows kept from training, and how far a row lies from the nearest of them, column by column.

What can be rebuilt is not always ordinary: a network that learned a rule goes on with it where no row was ever seen
(Gong et al., 2019, Memorizing normality to detect anomaly). The distance to known rows says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.cells import TARGET_LIMIT, Array, Cells
from engine.errors import StoreError

if TYPE_CHECKING:
    from torch import Tensor

MOST_KEPT = 1_024  # few enough that rows alike to each other, but to no others, seldom vouch for one another
NEAREST = 2
NEAREST_BEFORE = 3  # in what was stored before the number was
MOST_NEAREST = 16
FAR_OUT = 2.2  # interquartile ranges above the upper quartile (Hoaglin and Iglewicz, 1987)
MANY = 2_048  # numbers of which the smallest are sought among those of the best stretches
STRETCH = 32
BLOCK = 128  # rows are compared so many at a time, always: scores are the same in any company


class OrdinaryRows:
    """Rows (n_kept, n_cells) on the scale of :class:`Cells`; a missing cell stands at its column's mean.

    The last of them may look odd themselves. Rare ordinary rows and odd ones cannot be told apart, so these vouch for
    a row only as far as they are ordinary: a row lies as far from one as it differs from it and as the odd row itself
    lies from what is expected, column by column.
    """

    most: ClassVar[int] = MOST_KEPT
    candidates: ClassVar[int] = 4 * MOST_KEPT  # that are rebuilt to find ordinary ones among them

    def __init__(
        self,
        cells: Cells,
        kept: NDArray[np.float32],
        oddness: NDArray[np.float32] | None = None,
        nearest: int = NEAREST,
    ) -> None:
        """``oddness`` (n_odd, n_groups) of the last of the rows kept, in squared differences; None: of none.

        ``nearest``: how many rows a row is compared with.
        """
        self.cells, self.kept, self.nearest = cells, kept, nearest
        self.oddness = np.zeros((0, cells.n_groups), dtype=np.float32) if oddness is None else oddness

    @classmethod
    def chosen(
        cls, cells: Cells, candidates: NDArray[np.float32], errors: Array, rng: np.random.Generator
    ) -> tuple[Self, NDArray[np.int64]]:
        """Some of the candidates (n, n_cells), and which are the last of them: those whose error is far out.

        ``errors`` (n,): of each candidate.
        """
        logarithms = np.log(np.maximum(errors, np.finfo(float).tiny))
        lower, upper = np.quantile(logarithms, (0.25, 0.75))
        odd = logarithms > upper + FAR_OUT * (upper - lower)
        drawn = np.sort(rng.permutation(len(candidates))[: cls.most])
        return cls(cells, candidates[np.r_[drawn[~odd[drawn]], drawn[odd[drawn]]]]), drawn[odd[drawn]]

    def doubted(self, oddness: Array) -> Self:
        """The same rows, the last of them as odd as said (n_odd, n_groups), in squared differences."""
        return type(self)(self.cells, self.kept, oddness.astype(np.float32), self.nearest)

    def distances(self, values: NDArray[np.float32], known: NDArray[np.bool_]) -> Array:
        """Squared differences of rows (n, n_cells) from the nearest kept ones, the mean of these (n, n_groups).

        A kept row that equals the row cell by cell may be the row itself; it is passed over once, so that a row that
        was kept is judged as one that was not. Groups that are not ``known`` (n, n_groups) count nothing.
        """
        found = np.zeros((len(values), self.cells.n_groups))
        complete = known.all(axis=1)
        for rows, near in ((complete, self._complete), (~complete, self._lifted)):
            if rows.any():
                found[rows] = self._distances(values[rows], known[rows], near)
        return found

    def _distances(self, values: NDArray[np.float32], known: NDArray[np.bool_], lifted: Tensor) -> Array:
        import torch

        whole = ((0, -len(values) % BLOCK), (0, 0))
        cells, of_cell = (
            torch.as_tensor(np.pad(part, whole)) for part in (values, known[:, self.cells.groups])
        )
        kept, groups = torch.tensor(self.kept), torch.tensor(self.cells.groups)
        found = torch.zeros(len(cells), self.cells.n_groups)
        with torch.inference_mode():
            for start in range(0, len(cells), BLOCK):
                block = slice(start, start + BLOCK)
                apart = self._apart(cells[block], of_cell[block].to(cells.dtype), kept, lifted)
                found[block].index_add_(1, groups, apart)
        distances: Array = found[: len(values)].double().numpy()
        return distances

    def _apart(self, cells: Tensor, known: Tensor, kept: Tensor, lifted: Tensor) -> Tensor:
        """Mean squared differences of rows from the nearest kept ones (n, n_cells).

        ``lifted``: of kept rows, their squares, cell by cell or summed up where all is known, and minus twice
        themselves.
        """
        import torch

        taken = min(self.nearest, max(1, len(kept) - 1))
        # One product finds who is near; rounding may swap neighbours that are as good as equally near, and no more.
        first = known[:, : len(lifted) - cells.shape[1]]
        squared = torch.cat([first, cells * known], 1) @ lifted
        nearest = _smallest(squared, min(taken + 1, len(kept)))
        differences = (kept[nearest] - cells[:, None]) ** 2 * known[:, None]
        apart = differences.sum(-1)
        smallest, itself = apart.min(1, keepdim=True)
        there = smallest == 0  # the row itself
        odd = nearest >= len(kept) - len(self.oddness)
        if odd.any():
            odd.scatter_(1, itself, odd.gather(1, itself) & ~there)
            row, place = odd.nonzero(as_tuple=True)
            doubt = self._doubt[nearest[row, place] - len(kept)] * known[row]
            differences[row, place] += doubt
            apart[row, place] += doubt.sum(-1)
        counted = torch.ones_like(apart)
        if nearest.shape[1] > taken:  # one too many: the row itself, which adds nothing, or else the furthest
            counted.scatter_(1, apart.argmax(1, keepdim=True), there.to(counted.dtype))
        return (differences * counted[..., None]).sum(1) / taken

    @cached_property
    def _doubt(self) -> Tensor:
        """How odd the last rows kept are, each column's oddness spread over its cells (n_odd, n_cells)."""
        import torch

        groups = self.cells.groups
        return torch.tensor(self.oddness[:, groups] / np.bincount(groups)[groups].astype(np.float32))

    @cached_property
    def _lifted(self) -> Tensor:
        """Finds the nearest kept rows in one product (2 * n_cells, n_kept): their squares, minus twice themselves."""
        import torch

        kept = torch.tensor(self.kept)
        squares = kept**2
        squares[len(kept) - len(self.oddness) :] += self._doubt
        return torch.cat([squares, -2 * kept], 1).T.contiguous()

    @cached_property
    def _complete(self) -> Tensor:
        """The same for rows of which every cell is known (1 + n_cells, n_kept), in half the time."""
        import torch

        n_cells = self.kept.shape[1]
        return torch.cat([self._lifted[:n_cells].sum(0, keepdim=True), self._lifted[n_cells:]])

    def arrays(self) -> dict[str, NDArray[Any]]:
        nearest = np.array([self.nearest])
        return {"ordinary/kept": self.kept, "ordinary/oddness": self.oddness, "ordinary/nearest": nearest}

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]], cells: Cells) -> Self:
        """Rows as :meth:`arrays` gave them; a :class:`StoreError` when they are not whole."""
        kept = arrays["ordinary/kept"]
        oddness, nearest = np.zeros((0, cells.n_groups), dtype=np.float32), np.array([NEAREST_BEFORE])
        if not {"ordinary/oddness", "ordinary/nearest"}.isdisjoint(
            arrays
        ):  # stored before, there were neither
            oddness, nearest = arrays["ordinary/oddness"], arrays["ordinary/nearest"]
        whole = (
            kept.ndim == 2
            and 1 <= len(kept) <= cls.most
            and kept.shape[1] == len(cells.groups)
            and kept.dtype == oddness.dtype == np.float32
            and (np.abs(kept) <= TARGET_LIMIT).all()
            and oddness.ndim == 2
            and len(oddness) <= len(kept)
            and oddness.shape[1] == cells.n_groups
            and np.isfinite(oddness).all()
            and (oddness >= 0).all()
            and nearest.shape == (1,)
            and np.issubdtype(nearest.dtype, np.integer)
            and 1 <= nearest[0] <= MOST_NEAREST
        )
        if not whole:
            raise StoreError("the stored network is damaged: its ordinary rows do not add up")
        return cls(cells, kept, oddness, int(nearest[0]))


class NearRows(OrdinaryRows):
    """Ordinary rows enough to tell what lies between them."""

    most: ClassVar[int] = 4 * MOST_KEPT
    candidates: ClassVar[int] = 8 * MOST_KEPT


def _smallest(numbers: Tensor, count: int) -> Tensor:
    """Where in each row of numbers (n, n_kept) the ``count`` smallest are (n, count).

    Of many: the smallest lie in the stretches with the smallest minima, and finding those takes a fifth of the time.
    """
    import torch

    if numbers.shape[1] < MANY:
        return numbers.topk(count, largest=False).indices
    whole = torch.nn.functional.pad(numbers, (0, -numbers.shape[1] % STRETCH), value=torch.inf)
    stretches = whole.view(len(numbers), -1, STRETCH)
    best = stretches.amin(-1).topk(count, largest=False).indices
    among = stretches.gather(1, best[..., None].expand(-1, -1, STRETCH)).flatten(1)
    found = among.topk(count, largest=False).indices
    return best.gather(1, found // STRETCH) * STRETCH + found % STRETCH
