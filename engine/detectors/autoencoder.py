"""AutoEncoder: a row is strange when a network that knows ordinary rows cannot rebuild it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from engine.cores import torch_threads
from engine.detectors.base import Progress, Scores
from engine.detectors.cells import Cells
from engine.detectors.rebuilding import HiddenCells, RowNetwork, WholeRows
from engine.detectors.rebuilding_detector import DAMAGED, RebuildingDetector
from engine.detectors.stored_network import content_of
from engine.detectors.unseen_rows import held_out_rows
from engine.errors import StoreError
from engine.hyperparameters import hyperparameter
from engine.training import Plan, train

MEMBERS = 4  # networks of an ensemble
FEWEST_PARTS = 3  # parts a row's columns are hidden in, one after the other
MOST_LOOKS = 36  # columns times parts of a narrow table: columns that explain each other stay apart
STEPS = 34  # mini-batches of an epoch of the ensemble, whatever the number of rows
SMALLEST_BATCH = 128  # of the ensemble; smaller ones keep a processor waiting
HIGHEST_RATE = 7.0  # of the ensemble's cycle, in learning rates


@dataclass(kw_only=True, eq=False, repr=False)
class AutoEncoder(RebuildingDetector[RowNetwork]):
    """Networks learn to rebuild ordinary rows; the score is how badly they rebuild a row, and how far it lies from any.

    ``mode="robust"``: some columns of a row are hidden, an ensemble fills them in from the others, and each column's
    error counts against the square root of its usual error on held-out rows: so columns that cannot be predicted do not
    drown the others, and do not count as much as those that can be. What breaks the relations between columns is found
    even where every single value is ordinary, and each column has an expected value. Missing cells are hidden ones.
    Added to it is the squared distance to the nearest of some ordinary rows, which tells a row that follows the rules
    where there never was one. An ordinary row scores 1: two thirds of it are errors, one third is distance.

    ``mode="classic"``: the whole row through a bottleneck; the score is the mean squared error of its cells.

    The threshold is drawn from rows the networks did not learn from. The learning rate is the ensemble's mean rate.

    References
    ----------
    Sakurada and Yairi (2014), Anomaly detection using autoencoders with nonlinear dimensionality reduction;
    Yin, Qiao, Zhou, Wang and Shen (2024), MCM: Masked cell modeling for anomaly detection in tabular data;
    Gong et al. (2019), Memorizing normality to detect anomaly.
    """

    name: ClassVar[str] = "autoencoder"
    title: ClassVar[str] = "AutoEncoder"
    summary: ClassVar[str] = (
        "A row is strange when a network cannot predict its values from each other, or it is far from any ordinary row."
    )
    works_when: ClassVar[str] = (
        "Columns depend on each other and a row breaks the rule; texts and gaps are welcome. Says what it expected."
    )
    struggles_when: ClassVar[str] = (
        "There are only some hundred rows, or the columns have nothing to do with each other."
    )
    speed: ClassVar[int] = 1
    reference: ClassVar[str] = "Sakurada and Yairi (2014); Yin et al. (2024)"
    learning_share: ClassVar[float] = 0.95
    # Rules between columns say more than how far out a row lies.
    distance_share: ClassVar[float] = 1 / 3
    explained_by: ClassVar[str] = (
        "Share of the score: how much of the error in predicting the row, and of its distance from ordinary rows, "
        "lies in the column."
    )

    mode: Literal["robust", "classic"] = hyperparameter(
        "robust",
        "robust hides columns and predicts them from the others; classic squeezes the whole row through a bottleneck.",
    )
    encoder_dims: tuple[int, ...] = hyperparameter(
        (64, 32, 16),
        "Widths of the hidden layers. The robust mode has one block a layer, all as wide as the first.",
        low=1,
        high=4096,
        advanced=True,
        title="Hidden layers",
    )
    bottleneck_dim: int = hyperparameter(
        8,
        "Numbers a row is squeezed into. Classic mode only.",
        low=1,
        high=1024,
        advanced=True,
        title="Bottleneck",
    )
    epochs: int = hyperparameter(
        50,
        "Longest training, in passes over the rows; in robust mode a pass is 34 mini-batches.",
        low=1,
        high=10_000,
        log=True,
    )
    batch_size: int = hyperparameter(
        64,
        "Rows learned from at a time; the robust mode takes at least 128.",
        low=1,
        high=65_536,
        advanced=True,
    )
    learning_rate: float = hyperparameter(
        0.001, "Size of a learning step.", low=1e-6, high=1.0, log=True, advanced=True
    )
    dropout: float = hyperparameter(
        0.2,
        "Share of hidden numbers dropped in training. Classic mode only.",
        low=0.0,
        high=0.9,
        advanced=True,
    )
    weight_decay: float = hyperparameter(
        1e-4, "Pull of the weights towards zero.", low=0.0, high=1.0, advanced=True
    )
    early_stopping_patience: int = hyperparameter(
        10,
        "Epochs without progress on held-out rows before training ends. Classic mode only.",
        low=1,
        high=10_000,
        title="Patience",
    )
    validation_split: float = hyperparameter(
        0.1, "Share of the rows kept from training.", low=0.01, high=0.5, title="Share held out"
    )

    def _learn(self, X: Scores, progress: Progress) -> None:
        rng = np.random.default_rng(self.random_state)
        held_out = held_out_rows(len(X), self.validation_split, rng)
        self.cells_ = Cells.fit(X, self.groups_, rescale=self.mode == "robust")
        hidden = HiddenCells.parts(self.cells_.n_groups, MEMBERS, _n_parts(self.cells_.n_groups), rng)
        self.rows_ = self._network(hidden)
        self.rows_.learn_from(X, held_out)
        plan, content = self._plan(), content_of(self.get_params(), X, self.groups_)
        self.history_ = train(self.rows_, plan, content=content, course=self._course, progress=progress)
        with torch_threads(1):
            self._measure(X, held_out, rng)

    def _network(self, hidden: NDArray[np.bool_]) -> RowNetwork:
        """A network of this mode with its first weights."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            if self.mode == "classic":
                return WholeRows(self.cells_, self.encoder_dims, self.bottleneck_dim, self.dropout)
            width, depth = self.encoder_dims[0], len(self.encoder_dims)
            return HiddenCells(self.cells_, hidden, width, depth, trim=self.contamination)

    def _plan(self) -> Plan:
        plan = Plan(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.early_stopping_patience,
            seed=self.random_state,
            threads=1,  # in products this small, threads wait for each other longer than they work
        )
        if self.mode == "classic":
            return plan
        return replace(
            plan,
            batch_size=max(self.batch_size, SMALLEST_BATCH),
            schedule="cycle",
            peak=HIGHEST_RATE,
            steps=STEPS,
            patience=self.epochs,  # the loss of a cycle falls most at its end, after standing still half-way
        )

    @property
    def _compares(self) -> bool:
        return self.mode == "robust"

    def _units(self, errors: Scores, known: NDArray[np.bool_]) -> Scores:
        """In classic mode, what makes the mean over groups the mean over cells: plain mean squared errors."""
        if self.mode == "robust":
            return super()._units(errors, known)
        sizes = np.bincount(self.groups_)
        shares: Scores = sizes.mean() / sizes
        return shares

    def _restored_rows(self, arrays: dict[str, NDArray[Any]]) -> RowNetwork:
        if self.mode == "classic":
            return self._network(np.zeros((0, 0, 0), dtype=bool))
        hidden, n_groups = arrays["hidden"], self.cells_.n_groups
        if hidden.dtype != np.bool_ or hidden.shape != (_n_parts(n_groups), MEMBERS, n_groups):
            raise StoreError(DAMAGED)
        return self._network(hidden)


def _n_parts(n_groups: int) -> int:
    """In how many parts the columns of a row are hidden, of so many columns."""
    return min(n_groups, max(FEWEST_PARTS, MOST_LOOKS // n_groups))
