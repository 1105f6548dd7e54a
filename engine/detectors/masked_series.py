"""Masked series: readings are strange when a network that restores ordinary windows cannot, or says they are odd."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.cores import side_by_side, torch_threads
from engine.data.pseudo_anomalies import VERSION
from engine.detectors.base import Course, Progress, Scores, quiet, within
from engine.detectors.distilling import Distilled, Knobs, Marks, Plain, WindowLearner
from engine.detectors.sequential import Ints, SequentialDetector, bounds
from engine.detectors.series_evidence import Evidence, fitted_nearest
from engine.detectors.stored_network import fill, weights_of
from engine.detectors.window_inspection import Inspection, inspected
from engine.detectors.window_matching import Alike
from engine.detectors.window_signals import Chunk, Scale, chunks, signals
from engine.detectors.window_split import learned_and_watched, patches_of, usual_readings
from engine.errors import StoreError, UsageError
from engine.hyperparameters import hyperparameter
from engine.training import Plan, train

if TYPE_CHECKING:
    from engine.networks.series_transformer import SeriesTransformer

LAYERS = ("num_encoder_layers", "num_teacher_decoder_layers", "num_student_decoder_layers")
EXPLAINED = 128  # readings explained at once
STEPS = 5  # mini-batches of an epoch, at most
SAMPLED = 2_000  # windows that say what is usual of level and size
Together = Callable[[Scores, slice], Scores]


@dataclass(kw_only=True, eq=False, repr=False)
class MaskedSeries(SequentialDetector):
    """A transformer learns to rebuild hidden patches of ordinary windows, and to restore disturbed ones.

    ``score="fused"``: five signals are compared with those of held-out ordinary readings, and their surprises added
    up: the teacher's error where a patch was hidden (each is, once), its error where everything was seen, the map on
    which it draws what is odd, how far a smaller student disagrees with it, and the distance to the nearest normal
    windows, which alone minds how high and how large a window is. In training half of the windows are disturbed; the
    teacher is asked for the undisturbed ones. Channels are looked at one by one by the same network; only the
    distance sees them together.

    ``score="discrepancy"``: L_rec + lambda L_disc and the distance of teacher and student, as first formulated.

    Anomalies labelled when it is fitted are never rebuilt: they enter L_disc, and the loss that chooses the best epoch.

    References
    ----------
    Ristea, Croitoru, Ionescu, Popescu, Khan and Shah (2024), Self-distilled masked auto-encoders are efficient video
    anomaly detectors; Nie, Nguyen, Sinthong and Kalagnanam (2023), A time series is worth 64 words (patches).
    """

    name: ClassVar[str] = "masked_series"
    title: ClassVar[str] = "Masked Series"
    summary: ClassVar[str] = (
        "Readings are strange when a network cannot predict them from those around them, or no normal stretch is alike."
    )
    works_when: ClassVar[str] = (
        "Shapes vary from one time to the next and follow rules; there are thousands of readings, mostly ordinary."
    )
    struggles_when: ClassVar[str] = (
        "There are only some hundred readings, or the columns are strange only in combination."
    )
    speed: ClassVar[int] = 1
    reference: ClassVar[str] = "Ristea et al. (2024)"
    learning_share: ClassVar[float] = 0.95
    probe_tolerance: ClassVar[float] = 1e-3
    learns_from_labels: ClassVar[bool] = True
    explained_by: ClassVar[str] = (
        "Share of the score: how much of what surprised the network, and of the distance to the most similar normal "
        "stretch, lies in the column."
    )

    score: Literal["fused", "discrepancy"] = hyperparameter(
        "fused",
        "fused adds up how surprising five signals are; discrepancy is the distance of teacher and student alone.",
    )
    mask: Literal["complementary", "last"] = hyperparameter(
        "complementary",
        "complementary hides every reading once when a window is judged; last hides the end of the window only.",
        advanced=True,
    )
    mask_last_n: int = hyperparameter(
        10, "Readings hidden at the end of a window, with mask: last.", low=1, high=1_000, advanced=True
    )
    seq_length: int = hyperparameter(
        100, "Readings of a window; fewer where the series is short.", low=8, high=1_000, title="Window"
    )
    patch_length: int = hyperparameter(
        10, "Readings of a patch; fewer in short windows.", low=1, high=100, advanced=True, title="Patch"
    )
    d_model: int = hyperparameter(64, "Numbers of a token.", low=8, high=512, advanced=True)
    nhead: int = hyperparameter(
        4,
        "Attention heads of a block; d_model must be a multiple.",
        low=1,
        high=16,
        advanced=True,
        title="Heads",
    )
    num_encoder_layers: int = hyperparameter(
        3, "Blocks of the encoder.", low=1, high=12, advanced=True, title="Encoder layers"
    )
    num_teacher_decoder_layers: int = hyperparameter(
        4, "Blocks of the teacher.", low=1, high=12, advanced=True, title="Teacher layers"
    )
    num_student_decoder_layers: int = hyperparameter(
        1, "Blocks of the student.", low=1, high=12, advanced=True, title="Student layers"
    )
    masking_ratio: float = hyperparameter(
        0.6, "Share of the patches hidden in training.", low=0.4, high=0.75, advanced=True
    )
    margin: float = hyperparameter(
        1.0,
        "How far apart teacher and student shall be on anomalies; with score: fused in threefold usual distances.",
        low=0.0,
        high=100.0,
        advanced=True,
    )
    lambda_disc: float = hyperparameter(
        0.5, "Weight of the discrepancy loss.", low=0.0, high=100.0, advanced=True
    )
    num_epochs: int = hyperparameter(
        100,
        "Length of the training, in passes over the windows or 5 mini-batches, whichever is shorter.",
        low=1,
        high=10_000,
        log=True,
        title="Epochs",
    )
    warm_up: float = hyperparameter(
        0.2, "Share of the training in which anomalies come to count.", low=0.0, high=1.0, advanced=True
    )
    batch_size: int = hyperparameter(64, "Windows learned from at a time.", low=1, high=65_536, advanced=True)
    learning_rate: float = hyperparameter(
        0.002, "Largest size of a learning step.", low=1e-6, high=1.0, log=True, advanced=True
    )
    weight_decay: float = hyperparameter(
        0.05, "Pull of the weights towards zero.", low=0.0, high=1.0, advanced=True
    )

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        stretches: ArrayLike | None = None,
        labelled: ArrayLike | None = None,
        progress: Progress = quiet,
        course: Course | None = None,
    ) -> Self:
        """Learn from readings ``X`` (n_readings, n_channels), known anomalies where ``labelled`` (n_readings,) is 1."""
        self._labels = labelled
        try:
            return super().fit(X, y, groups=groups, stretches=stretches, progress=progress, course=course)
        finally:
            del self._labels

    # ---- learning

    def _learn_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> None:
        if self.d_model % self.nhead:
            raise UsageError(f"d_model must be a multiple of nhead, got {self.d_model} and {self.nhead}")
        labelled = np.zeros(len(X), dtype=bool)
        if self._labels is not None:
            if np.shape(self._labels) != (len(X),):
                raise UsageError(f"labelled must hold one number for each of {len(X):,} readings")
            labelled |= np.asarray(self._labels) == 1
        rng = np.random.default_rng(self.random_state)
        self.patch_, self.n_patches_ = patches_of(ends - starts, self.seq_length, self.patch_length)
        begins, watched = learned_and_watched(ends, labelled, self.length, rng)
        if self.score == "fused":
            nearest, near = fitted_nearest(X, starts, labelled, self.random_state, within(progress, 0.0, 0.1))
        self.scale_ = Scale.of(X, begins[rng.permutation(len(begins))[:SAMPLED]], self.length)
        self.learner_ = self._learner()
        self.learner_.learn_from(self.scale_.scaled(X), begins, watched, labelled)
        self.history_ = train(
            self.learner_,
            self._plan(len(begins) * X.shape[1]),
            content=self._content(X, starts, labelled),
            course=self._course,
            progress=within(progress, 0.1, 0.8),
        )
        told = np.empty((len(self.learner_.signals), *X.shape))
        for part, found in self._told(X, starts, ends, lambda told, _: told, within(progress, 0.8, 1.0)):
            told[:, part] = found
        ordinary = usual_readings((ends - starts >= self.length) & ~labelled, self.length)
        self.evidence_ = None
        if self.score == "fused":
            judged = ordinary & (ends - starts >= nearest.window_)
            self.evidence_ = Evidence.of(told, near, judged, nearest, windows=X.size / self.length)
        scores = self.evidence_.scores(told, near) if self.evidence_ else told[0].mean(axis=1)
        scores[ends - starts < self.window_] = np.nan
        self._learned_scores, self._held_out = scores, ordinary

    @property
    def length(self) -> int:
        """Readings of a window the network sees."""
        return self.patch_ * self.n_patches_

    @property
    def window_(self) -> int:
        """Readings of the longest window."""
        return max(self.length, self.evidence_.nearest.window_ if self.evidence_ else 0)

    def _learner(self) -> WindowLearner:
        """A network of these hyperparameters with its first weights."""
        last = min(-(-self.mask_last_n // self.patch_), self.n_patches_ - 1) if self.mask == "last" else 0
        knobs = Knobs(
            masking_ratio=self.masking_ratio,
            margin=self.margin,
            lambda_disc=self.lambda_disc,
            warm_up=self.warm_up,
            mask_last=last,
            seed=self.random_state,
        )
        if self.score == "discrepancy":
            return Plain(self._network(n_facts=0, branched=False), knobs)
        return Distilled(self._network(n_facts=2, branched=True), knobs, self.scale_.facts)

    def _network(self, *, n_facts: int, branched: bool) -> SeriesTransformer:
        import torch

        from engine.networks.series_transformer import SeriesTransformer

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.random_state)
            return SeriesTransformer(
                seq_length=self.length,
                patch_length=self.patch_,
                n_channels=len(self.scale_.center),
                n_facts=n_facts,
                branched=branched,
                **{name: getattr(self, name) for name in ("d_model", "nhead", *LAYERS)},
            )

    def _plan(self, rows: int) -> Plan:
        return Plan(
            epochs=self.num_epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.num_epochs,  # the loss of a cycle falls most at its end
            schedule="cycle",
            steps=min(STEPS, -(-rows // self.batch_size)),
            seed=self.random_state,
            threads=1,  # in products this small, threads wait for each other longer than they work
        )

    def _content(self, X: Scores, starts: Ints, labelled: Marks) -> str:
        """A hash of everything that training depends on beside its plan."""
        told = hashlib.sha256(repr((self.get_params(), X.shape, VERSION)).encode())
        for part in (np.ascontiguousarray(X), starts, labelled):
            told.update(part.view(np.uint8).data)
        return told.hexdigest()

    # ---- scoring

    def _score_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> Scores:
        evidence, scores = self.evidence_, np.empty(len(X))
        near = evidence.near(X, starts, within(progress, 0.0, 0.3)) if evidence else scores

        def together(told: Scores, part: slice) -> Scores:
            return evidence.scores(told, near[part]) if evidence else told[0].mean(axis=1)

        for part, found in self._told(X, starts, ends, together, within(progress, 0.3, 1.0)):
            scores[part] = found
        scores[ends - starts < self.window_] = np.nan
        return scores

    def _told(
        self, X: Scores, starts: Ints, ends: Ints, together: Together, progress: Progress
    ) -> Iterator[tuple[slice, Scores]]:
        """What is made of what the network says of readings (n_signals, n, n_channels), part by part."""

        def judge(chunk: Chunk) -> Scores:
            scaled = self.scale_.scaled(X[chunk.around])
            return together(signals(self.learner_, scaled, chunk.ends(ends))[:, chunk.own], chunk.place)

        parts = list(chunks(starts, ends, self.length, X.shape[1]))
        with torch_threads(1):  # in products this small, threads wait for each other longer than they work
            for chunk, found in zip(parts, side_by_side(judge, parts), strict=True):
                progress(chunk.place.stop / len(X), "Scoring")
                yield chunk.place, found

    def _reference_scores(self, X: Scores, progress: Progress) -> Scores:
        del X  # judged when its signals were measured
        progress(1.0, "Scoring")
        scores: Scores = self.__dict__.pop("_learned_scores")
        return scores

    def _held_out_scores(self) -> Scores:
        held_out: Marks = self.__dict__.pop("_held_out")
        scores = self.decision_scores_[held_out]
        return scores[np.isfinite(scores)]

    # ---- saying why

    def parts_at(self, X: Scores, rows: Ints, *, stretches: ArrayLike | None = None) -> Scores:
        """What each channel adds to the scores (n_rows, n_channels); rows sum to the score."""
        starts, ends = bounds(stretches, len(X))
        blocks = [rows[first : first + EXPLAINED] for first in range(0, len(rows), EXPLAINED)]
        return np.vstack([np.empty((0, X.shape[1])), *(self._parts(X, few, starts, ends) for few in blocks)])

    def _parts(self, X: Scores, rows: Ints, starts: Ints, ends: Ints) -> Scores:
        """:meth:`parts_at` of a few readings, from those around them alone."""
        reach = np.arange(-self.window_, self.window_ + 1)
        around = np.unique(np.clip(rows[:, None] + reach, starts[rows, None], ends[rows, None] - 1))
        cut = (np.diff(around) > 1) | (np.diff(starts[around]) > 0)
        stretches = np.cumsum(np.r_[0, cut])
        readings, here = X[around], np.searchsorted(around, rows)
        with torch_threads(1):
            told = signals(self.learner_, self.scale_.scaled(readings), bounds(stretches, len(around))[1])
        if self.evidence_ is None:
            return told[0, here] / X.shape[1]
        near = self.evidence_.near(readings, stretches)[here]
        apart = self.evidence_.nearest.parts_at(readings, here, stretches=stretches)
        return self.evidence_.parts(told[:, here], near, apart)

    def inspect(self, X: Scores, row: int, *, stretches: ArrayLike | None = None) -> Inspection:
        """The window around a judged reading of ``X`` as the network sees it."""
        starts, ends = bounds(stretches, len(X))
        begin = int(np.clip(row - self.length // 2, starts[row], ends[row] - self.length))
        return inspected(self.learner_, self.scale_, X[begin : begin + self.length], begin)

    def most_alike(self, X: Scores, row: int, *, stretches: ArrayLike | None = None) -> Alike | None:
        """The normal window most like the one around a judged reading; None with ``score="discrepancy"``."""
        return self.evidence_.nearest.most_alike(X, row, stretches=stretches) if self.evidence_ else None

    # ---- storage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, scales, what is usual, and the normal windows."""
        layout = {"layout": np.array([self.patch_, self.n_patches_, VERSION])}
        own = weights_of(self.learner_.network) | layout | self.scale_.arrays()
        return own | (self.evidence_.arrays() if self.evidence_ else {})

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Build the network the hyperparameters describe and fill it; every shape must be what it should be."""
        layout = arrays["layout"]
        sound = layout.shape == (3,) and layout.dtype == np.int64 and (layout > 0).all() and layout[1] > 1
        if not sound or layout[0] > self.patch_length or layout[0] * layout[1] > self.seq_length:
            raise StoreError("the stored network is damaged: its windows are not those of this detector")
        self.patch_, self.n_patches_ = int(layout[0]), int(layout[1])
        self.scale_ = Scale.restore(arrays, n_channels=n_features)
        self.learner_ = self._learner()
        fill(self.learner_.network, arrays)
        self.evidence_ = Evidence.restore(arrays, n_channels=n_features) if self.score == "fused" else None
        self.n_features_in_ = n_features
        return self
