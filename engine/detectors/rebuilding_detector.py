"""What detectors share that judge a row by how badly a network rebuilds its cells, and how far it lies from any other.

Errors and distances count in units learned from held-out rows, column by column, so that they can be added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.cores import torch_threads
from engine.detectors.base import Detector, Expectation, Progress, Scores
from engine.detectors.cells import Cells
from engine.detectors.ordinary_rows import OrdinaryRows
from engine.detectors.rebuilding import RowNetwork
from engine.detectors.stored_network import fill, weights_of
from engine.detectors.unseen_rows import by_chunks, mean_known, unseen_scores
from engine.errors import StoreError

CHUNK = 2_048  # rows scored between two looks at the cancel flag; cores share many chunks evenly
SMALLEST_ERROR = 0.01  # what is nearly always rebuilt exactly must not make a tiny slip look enormous
DAMAGED = "the stored network is damaged: its parts do not add up"

Network = TypeVar("Network", bound=RowNetwork)


@dataclass(kw_only=True, eq=False, repr=False)
class RebuildingDetector(Detector, Generic[Network]):
    """A detector around a network that rebuilds rows; an ordinary row scores 1.

    A column's error counts over the root of its usual error on held-out rows. Added to it is the squared distance to
    the nearest of some ordinary rows, ``distance_share`` of an ordinary row's score. A subclass learns ``cells_`` and
    ``rows_``, then calls :meth:`_measure` with the rows it did not learn from.
    """

    imports: ClassVar[tuple[str, ...]] = ("torch",)
    mixed: ClassVar[bool] = True
    probe_tolerance: ClassVar[float] = 1e-4  # sums of 32-bit numbers, in another order on another processor
    distance_share: ClassVar[float]
    ordinary_rows: ClassVar[type[OrdinaryRows]] = OrdinaryRows

    @property
    def _compares(self) -> bool:
        """Whether the distance to ordinary rows is a part of the score."""
        return True

    def _restored_rows(self, arrays: dict[str, NDArray[Any]]) -> Network:
        """The network that the hyperparameters describe, with its first weights, for stored :attr:`cells_`.

        A :class:`StoreError` when what is stored beside its weights does not add up.
        """
        raise NotImplementedError

    # ---- units

    def _measure(self, X: Scores, held_out: NDArray[np.int64], rng: np.random.Generator) -> None:
        """Learn the unit of each group's error and of the distance, and each cell's usual slip, from held-out rows."""
        self._held_out = held_out
        values, known = self.cells_.scaled(X[held_out])
        errors, filled = self.rows_.look(values, known)
        slips = np.where(known[:, self.groups_], values - filled, np.nan)
        slips[:, known.sum(axis=0)[self.groups_] == 0] = 0.0
        self.slip_: Scores = np.nanquantile(slips, (0.05, 0.95), axis=0)
        self.unit_: Scores = self._units(errors, known)
        if self._compares:
            ordinary, errors = self._ordinary_rows(X, rng)
            apart = mean_known(ordinary.distances(values, known), known).sum(1)
            self.distance_unit_ = max(float(apart.mean()), SMALLEST_ERROR) / self.distance_share
            self.ordinary_ = ordinary.doubted(errors * self.distance_unit_)

    def _units(self, errors: Scores, known: NDArray[np.bool_]) -> Scores:
        """What each group's error is divided by (n_groups,), from errors of held-out rows (n, n_groups)."""
        usual = np.where(known, errors, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        root = np.sqrt(np.maximum(usual, SMALLEST_ERROR))
        of_a_row = max(float(mean_known(errors / root, known).sum(1).mean()), SMALLEST_ERROR)
        units: Scores = root / (1 - self.distance_share) * of_a_row
        return units

    def _ordinary_rows(self, X: Scores, rng: np.random.Generator) -> tuple[OrdinaryRows, Scores]:
        """Rows to compare with, held-out ones among them, and the errors in units (n_odd, n_groups) of the odd ones."""
        drawn = X[np.sort(rng.permutation(len(X))[: self.ordinary_rows.candidates])]
        values, known = self.cells_.scaled(drawn)
        errors = np.where(known, self.rows_.errors(values, known) / self.unit_, 0.0)
        ordinary, odd = self.ordinary_rows.chosen(self.cells_, values, mean_known(errors, known).sum(1), rng)
        return ordinary, errors[odd]

    # ---- judging

    def _score(self, X: Scores, progress: Progress) -> Scores:
        return by_chunks(lambda rows: self._parts(rows).sum(axis=1), X, CHUNK, progress, "Scoring")

    def _held_out_scores(self) -> Scores:
        scores = unseen_scores(self.decision_scores_, self._held_out)
        del self._held_out
        return scores

    def contributions(self, X: Scores) -> Scores:
        """What each column adds to the score (n_samples, n_groups); rows sum to the score."""
        with torch_threads(1):
            return self._parts(X)

    def _parts(self, X: Scores) -> Scores:
        values, known = self.cells_.scaled(X)
        parts = self.rows_.errors(values, known) / self.unit_
        if self._compares:
            parts += self.ordinary_.distances(values, known) / self.distance_unit_
        return mean_known(parts, known)

    def expectation(self, X: Scores) -> Expectation:
        """What each cell should be given the other columns, and where 90 % of ordinary rows lie around that."""
        with torch_threads(1):
            _, filled = self.rows_.look(*self.cells_.scaled(X))
        low, high = (self.cells_.unscaled(filled + slip) for slip in self.slip_)
        return Expectation(expected=self.cells_.unscaled(filled), low=low, high=high)

    # ---- storage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, cells, units, usual slips, ordinary rows, and what is hidden together."""
        own = {"unit": self.unit_, "slip": self.slip_, **self.rows_.own_arrays(), **self.cells_.arrays()}
        if self._compares:
            own |= {"distance_unit": np.array([self.distance_unit_]), **self.ordinary_.arrays()}
        return {**weights_of(self.rows_.network), **own}

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Build the network the hyperparameters describe and fill it; every shape must be what it should be."""
        self.cells_ = Cells.restore(arrays, n_cells=n_features)
        self.groups_, self.unit_, self.slip_ = self.cells_.groups, arrays["unit"], arrays["slip"]
        unit = arrays["distance_unit"] if self._compares else np.ones(1)
        sound = (
            self.unit_.shape == (self.cells_.n_groups,)
            and (self.unit_ > 0).all()
            and np.isfinite(self.unit_).all()
            and self.slip_.shape == (2, n_features)
            and np.isfinite(self.slip_).all()
            and unit.shape == (1,)
            and np.isfinite(unit[0])
            and unit[0] > 0
        )
        if not sound:
            raise StoreError(DAMAGED)
        if self._compares:
            self.distance_unit_ = float(unit[0])
            self.ordinary_ = self.ordinary_rows.restore(arrays, self.cells_)
        self.rows_: Network = self._restored_rows(arrays)
        fill(self.rows_.network, arrays)
        self.n_features_in_ = n_features
        return self
