"""Masked Table: a transformer that fills in hidden columns of a row; from labels it learns to name a row's class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.cores import torch_threads
from engine.detectors.base import Course, Progress, Scores, quiet, within
from engine.detectors.cells import Cells
from engine.detectors.masked_rows import MaskedRows
from engine.detectors.ordinary_rows import NearRows, OrdinaryRows
from engine.detectors.rebuilding_detector import CHUNK, DAMAGED, RebuildingDetector
from engine.detectors.row_classes import Recipe, RowClasses, restored_classes
from engine.detectors.stored_network import content_of, weights_of
from engine.detectors.table_inputs import MOST_TOKENS, TableInputs
from engine.detectors.table_start import TableStart
from engine.detectors.unseen_rows import by_chunks, held_out_rows
from engine.errors import StoreError, UsageError
from engine.hyperparameters import hyperparameter
from engine.training import Plan, train

TOKENS = 4  # of a row, in the recipe 'fast': its cost does not grow with the square of the columns
STAGES = ("pretrain", "finetune")
PARTS = (2, 3)  # columns are hidden by halves and by thirds when a row is judged
FEW_COLUMNS = 6  # of at most so many, by halves and each by itself
STEPS = 150  # mini-batches of an epoch of the recipe 'fast', whatever the number of rows
HIGHEST_RATE = 5.0  # of its cycle, in learning rates
WEIGHT_DECAY = 1e-4


@dataclass(kw_only=True, eq=False, repr=False)
class MaskedTable(RebuildingDetector[MaskedRows]):
    """A transformer learns to fill in hidden columns of rows; the score is how badly it does, and how far a row lies.

    Stage 1 needs no labels: columns are hidden at random and filled in from the others, numbers by mean squared error,
    categories by cross-entropy, each column in units of what a blind guess costs. A row is judged by hiding its columns
    by halves and by thirds or, where there are few, one by one: each column's error counts against the root of its
    usual error on held-out rows. Added to it is the squared distance to the nearest two of some known rows. An
    ordinary row scores 1, half of it by error.

    Stage 2, where classes are told: a head on the encoder names each row's class; see
    :meth:`class_probabilities`. Scores stay what they are without labels.

    ``recipe="spec"`` has a token for each column, hides each cell with ``mask_probability``, goes through all rows in
    each epoch and trains the head, the encoder frozen, at a tenth of the learning rate. ``recipe="fast"`` has four
    tokens that all see every column, an epoch of 150 mini-batches, a varied share of hidden columns, and has the
    encoder go on learning in stage 2.

    References
    ----------
    Devlin, Chang, Lee and Toutanova (2019), BERT; Huang, Khetan, Cvitkovic and Karnin (2020), TabTransformer;
    Thimonier, Popineau, Rimmel and Doan (2024), Beyond individual input for deep anomaly detection on tabular data.
    """

    name: ClassVar[str] = "masked_table"
    title: ClassVar[str] = "Masked Table"
    summary: ClassVar[str] = (
        "A row is strange when a transformer cannot fill in its hidden columns, or no ordinary row is near; taught by "
        "labels, it names a row's class."
    )
    works_when: ClassVar[str] = (
        "Columns depend on each other, and some rows may be labelled with what happened; texts and gaps are welcome."
    )
    struggles_when: ClassVar[str] = (
        "There are only some hundred rows, or the training rows hold many anomalies alike to each other."
    )
    speed: ClassVar[int] = 1
    reference: ClassVar[str] = "Huang et al. (2020); Thimonier et al. (2024)"
    learns_from_labels: ClassVar[bool] = True
    names_classes: ClassVar[bool] = True
    learning_share: ClassVar[float] = 0.9
    distance_share: ClassVar[float] = 0.5
    ordinary_rows: ClassVar[type[OrdinaryRows]] = NearRows
    explained_by: ClassVar[str] = (
        "Share of the score: how much of the error in filling in the row's hidden columns, and of its distance from "
        "ordinary rows, lies in the column."
    )

    recipe: Literal["fast", "spec"] = hyperparameter(
        "fast",
        "fast: a few tokens see all columns, the encoder goes on learning in stage 2. spec: a token a column, "
        "the encoder frozen in stage 2.",
    )
    use_two_stage: bool = hyperparameter(
        True,
        "Learn to fill in hidden columns before learning from labels; false: from labels alone, in one stage.",
        title="Two stages",
    )
    mask_probability: float = hyperparameter(
        0.2,
        "How likely a cell is hidden in stage 1; in the recipe fast it varies around that.",
        low=0.01,
        high=0.9,
    )
    max_epochs_pretrain: int = hyperparameter(
        10,
        "Epochs of stage 1: passes over the rows, in the recipe fast 150 mini-batches each.",
        low=1,
        high=10_000,
        log=True,
        title="Epochs of stage 1",
    )
    max_epochs_finetune: int = hyperparameter(
        20, "Epochs of stage 2, from labels.", low=1, high=10_000, log=True, title="Epochs of stage 2"
    )
    learning_rate: float = hyperparameter(
        0.001, "Size of a learning step.", low=1e-6, high=1.0, log=True, advanced=True
    )
    batch_size: int = hyperparameter(256, "Rows learned from at a time.", low=1, high=65_536, advanced=True)
    d_model: int = hyperparameter(
        32, "Numbers a token has; a multiple of the heads.", low=4, high=512, advanced=True
    )
    n_heads: int = hyperparameter(4, "Ways tokens look at each other.", low=1, high=32, advanced=True)
    n_layers: int = hyperparameter(2, "Transformer blocks.", low=1, high=12, advanced=True)
    validation_split: float = hyperparameter(
        0.1, "Share of the rows kept from training.", low=0.01, high=0.5, title="Share held out"
    )

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        start: TableStart | None = None,
        progress: Progress = quiet,
        course: Course | None = None,
    ) -> Self:
        """Learn from rows ``X`` (n_samples, n_cells); see :meth:`Detector.fit`. ``y`` is there for scikit-learn.

        ``classes`` (n_samples,): the class of each row in words, "" or None where it is not known; without them nothing
        is learned from labels. ``start``: the encoder to go on from.
        """
        self._told, self._start = classes, start
        try:
            return super().fit(X, y, groups=groups, progress=progress, course=course)
        finally:
            del self._told, self._start

    # ---- learning

    def _learn(self, X: Scores, progress: Progress) -> None:
        if self.d_model % self.n_heads:
            raise UsageError(f"d_model must be a multiple of n_heads, got {self.d_model} and {self.n_heads}")
        rng = np.random.default_rng(self.random_state)
        held_out = held_out_rows(len(X), self.validation_split, rng)
        self.cells_ = Cells.fit(X, self.groups_, rescale=True)
        if self._start is not None:
            self.cells_ = self._start.cells(self.cells_)
        inputs = TableInputs.fit(self.cells_, *self.cells_.scaled(X))
        passes = MaskedRows.partitions(self.cells_.n_groups, _parts(self.cells_.n_groups), rng)
        self.rows_ = self._masked_rows(inputs if self._start is None else self._start.inputs(inputs), passes)
        if self._start is not None:
            self._start.fill(self.rows_)
        self.rows_.learn_from(X, held_out)
        share = 1.0 if self._told is None else 0.6
        self.history_ = self._pretrained(X, within(progress, 0.0, share))
        with torch_threads(1):
            self._measure(X, held_out, rng)
        self.classes_: RowClasses | None = None
        if self._told is not None:
            self._name_classes(X, np.asarray(self._told, dtype=object), within(progress, share, 1.0))

    def _masked_rows(self, inputs: TableInputs, passes: tuple[NDArray[np.bool_], ...]) -> MaskedRows:
        """Stage 1 with its first weights."""
        import torch

        from engine.networks.table_transformer import MaskedTable as Network
        from engine.networks.table_transformer import TableEncoder

        apart = self.recipe == "spec"
        views, own = inputs.views(min(self.cells_.n_groups, MOST_TOKENS) if apart else TOKENS, apart=apart)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            encoder = TableEncoder(views, self.d_model, self.n_heads, self.n_layers)
            network = Network(encoder, own, direct=not apart)
        trim = 0.0 if apart else self.contamination
        return MaskedRows(inputs, network, passes, self.mask_probability, varied=not apart, trim=trim)

    def _pretrained(self, X: Scores, progress: Progress) -> list[dict[str, float]]:
        """Stage 1: learn to fill in hidden columns, unless there is nothing to learn that the start does not know."""
        alone = self._told is not None and not self.use_two_stage
        if alone or (self._start is not None and self._start.complete):
            return []
        course, content = self._stage(1), self._content(X)
        records = train(self.rows_, self._plan(), content=content, course=course, progress=progress)
        return [record | {"stage": 1} for record in records]

    def _plan(self) -> Plan:
        plan = Plan(
            epochs=self.max_epochs_pretrain,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=WEIGHT_DECAY,
            patience=self.max_epochs_pretrain,
            seed=self.random_state,
            threads=1,  # in products this small, threads wait for each other longer than they work
        )
        if self.recipe == "spec":
            return plan
        return replace(plan, schedule="cycle", peak=HIGHEST_RATE, steps=STEPS)

    def _name_classes(self, X: Scores, told: NDArray[Any], progress: Progress) -> None:
        """Stage 2: learn to name the classes of the labelled rows."""
        self.classes_ = RowClasses.of(self.rows_, told, recipe=self._second, seed=self.random_state)
        plan = self.classes_.plan(self.max_epochs_finetune, self.batch_size, self.learning_rate)
        self.classes_.learn_from(X)
        course, content = self._stage(2, after=len(self.history_)), self._content(X, told)
        records = train(self.classes_, plan, content=content, course=course, progress=progress)
        before = len(self.history_)
        self.history_ += [record | {"stage": 2, "epoch": before + record["epoch"]} for record in records]
        self.classes_.calibrate()

    @property
    def _second(self) -> Recipe:
        """How classes are learned."""
        return self.recipe if self.use_two_stage else "single"

    def _stage(self, number: int, after: int = 0) -> Course:
        """The course of one of both stages, ``after`` so many epochs, with a checkpoint of its own."""
        course, path = self._course, self._course.checkpoint

        def record(**values: float) -> None:
            course.record(**values | {"epoch": after + values["epoch"], "stage": number})

        return Course(record=record, checkpoint=path and path.with_stem(f"{path.stem}-{STAGES[number - 1]}"))

    def checkpoints(self) -> dict[str, dict[str, NDArray[Any]]]:
        """The weights each stage ended with, under the stage, their epoch and its held-out loss.

        Beside them what tells classes, under its accuracy on held-out rows.
        """
        kept = {}
        networks = (self.rows_.network, self.classes_.network if self.classes_ else None)
        for number, (stage, network) in enumerate(zip(STAGES, networks, strict=True), start=1):
            records = [record for record in self.history_ if record["stage"] == number]
            if records and network is not None:
                best = min(records, key=lambda record: record["validation_loss"])
                of = records[-1] if number == 2 and self._second != "spec" else best
                epoch = of["epoch"] - records[0]["epoch"] + 1
                kept[f"{stage}_{{name}}_{epoch:.0f}_{of['validation_loss']:.4f}"] = weights_of(network)
        if self.classes_ is not None:
            stages, accuracy = "two" if self.use_two_stage else "one", self.classes_.measured["accuracy"]
            whole = weights_of(self.rows_.network) | self.classes_.arrays()
            kept[f"{stages}_stage_model_{{name}}_acc_{accuracy:.3f}"] = whole
        return kept

    def _content(self, X: Scores, told: NDArray[Any] | None = None) -> str:
        """What a stage learns from, and where it starts."""
        facts = (self.get_params(), None if told is None else told.tolist())
        return content_of(facts, X, self.groups_, *weights_of(self.rows_.network).values())

    # ---- judging

    def class_probabilities(self, X: Scores, progress: Progress = quiet) -> Scores:
        """How likely each row belongs to each of ``classes_.names`` (n_samples, n_classes); rows sum to 1.

        A :class:`UsageError` where no classes were told.
        """
        classes = self.classes_
        if classes is None:
            raise UsageError("this model was taught no classes; train it with a column that holds them")
        return by_chunks(classes.probabilities, X, CHUNK, progress, "Naming classes")

    # ---- storage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What both stages learned."""
        return super().arrays() | (self.classes_.arrays() if self.classes_ else {})

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Build the networks the hyperparameters describe and fill them; every shape must be what it should be."""
        super().restore(arrays, n_features=n_features)
        self.classes_ = restored_classes(arrays, self.rows_, recipe=self._second, seed=self.random_state)
        return self

    def _restored_rows(self, arrays: dict[str, NDArray[Any]]) -> MaskedRows:
        n_groups = self.cells_.n_groups
        parts = _parts(n_groups)
        passes = tuple(arrays[f"passes/{number}"] for number in range(len(parts)))
        sound = self.d_model % self.n_heads == 0 and all(
            hidden.dtype == np.bool_
            and hidden.shape == (min(n_parts, n_groups), n_groups)
            and (hidden.sum(axis=0) == 1).all()
            for hidden, n_parts in zip(passes, parts, strict=True)
        )
        if not sound:
            raise StoreError(DAMAGED)
        return self._masked_rows(TableInputs.restore(arrays, self.cells_), passes)


def _parts(n_groups: int) -> tuple[int, ...]:
    """In how many parts the columns of a row are hidden, once for each."""
    return PARTS if n_groups > FEW_COLUMNS else (PARTS[0], n_groups)
