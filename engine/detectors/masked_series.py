"""Masked series: readings are strange when a network that restores ordinary windows cannot, or says they are odd."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.data.pseudo_anomalies import VERSION
from engine.detectors.base import Course, Progress, Scores, quiet
from engine.detectors.distilling import Distilled, Knobs, Marks, Plain, WindowLearner
from engine.detectors.nearest_windows import NearestWindows
from engine.detectors.sequential import Ints, SequentialDetector, bounds
from engine.detectors.surprise import Surprise
from engine.detectors.window_signals import Scale, chunks, signals
from engine.errors import DataError, StoreError, UsageError
from engine.hyperparameters import hyperparameter
from engine.training import Plan, train

if TYPE_CHECKING:
    from engine.networks.series_transformer import SeriesTransformer

FEWEST_WINDOWS = 16  # side by side in the training readings; windows become shorter before there are fewer
FEWEST_PATCHES = 8  # of a window; patches become shorter before there are fewer
SHORTEST = 2  # readings of a window
MOST_WINDOWS = 50_000  # learned from; drawn by lot where there are more
STEPS = 5  # mini-batches of an epoch, at most
HELD_OUT = 10  # every tenth block of readings is kept from training
BLOCK_WINDOWS = 4  # windows side by side in such a block
FEWEST_HELD_OUT = 500  # readings; where fewer are held out, those learned from say what is usual too
SAMPLED = 2_000  # windows that say what is usual of level and size
FLOOR = 0.1  # of what is usual in the other channels: what a channel's own usual signal is not below
FINEST = 1e-3
CLOSEST = 0.01  # of the usual signal: less is as ordinary as can be
WEIGHTS = {"reconstruction": 1.0, "repair": 1.0, "map": 1.0, "discrepancy": 0.5, "nearest": 1.0}


@dataclass(kw_only=True, eq=False, repr=False)
class MaskedSeries(SequentialDetector):
    """A transformer learns to rebuild hidden patches of ordinary windows, and to restore disturbed ones.

    ``score="fused"``: five signals are compared with those of held-out ordinary readings, and their surprises added up:
    the teacher's error where a patch was hidden (each is, once), its error where everything was seen, the map on which it
    draws what is odd, how far a smaller student disagrees with it, and the distance to the nearest normal windows, which
    alone minds how high and how large a window is. In training half of the windows are disturbed; the teacher is asked for
    the undisturbed ones. Channels are looked at one by one by the same network; only the distance sees them together.

    ``score="discrepancy"``: L_rec + lambda L_disc and the distance of teacher and student, as first formulated.

    Labelled anomalies (``y`` = 1) are never rebuilt: they enter L_disc, and the loss that chooses the best epoch.

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
    learns_from_labels: ClassVar[bool] = True
    learning_share: ClassVar[float] = 0.95
    probe_tolerance: ClassVar[float] = 1e-3
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
        10,
        "Readings of a patch; fewer where windows are short.",
        low=1,
        high=100,
        advanced=True,
        title="Patch",
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
    batch_size: int = hyperparameter(
        128, "Windows learned from at a time.", low=1, high=65_536, advanced=True
    )
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
        progress: Progress = quiet,
        course: Course | None = None,
    ) -> Self:
        """Learn from readings ``X`` (n_readings, n_channels), of which those with ``y`` = 1 are known anomalies."""
        self._labels = y
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
            labelled |= np.asarray(self._labels) == 1
        rng = np.random.default_rng(self.random_state)
        self.patch_, self.n_patches_ = self._patches(ends - starts)
        begins, held_out = self._windows(ends, labelled, rng)
        self.nearest_ = None
        if self.score == "fused":
            progress(0.0, "Comparing windows")
            kept, stretch = ~labelled, starts + np.cumsum(labelled)
            self.nearest_ = NearestWindows(random_state=self.random_state).fit(
                X[kept], stretches=stretch[kept], progress=_part(progress, 0.0, 0.1)
            )
        self.scale_ = Scale.of(X, begins[rng.permutation(len(begins))[:SAMPLED]], self.length)
        self.learner_ = self._learner()
        self.learner_.learn_from(self.scale_.scaled(X), begins, held_out, labelled)
        self.history_ = train(
            self.learner_,
            self._plan(len(begins) * X.shape[1]),
            content=self._content(X, starts, labelled),
            course=self._course,
            progress=_part(progress, 0.1, 0.8),
        )
        self._measure(X, starts, ends, labelled, _part(progress, 0.8, 1.0))

    def _patches(self, sizes: Ints) -> tuple[int, int]:
        """Readings of a patch and patches of a window: shorter where there would be too few windows or patches."""
        length = max(SHORTEST, min(self.seq_length, int(np.median(sizes)), len(sizes) // FEWEST_WINDOWS))
        patch = max(1, min(self.patch_length, length // FEWEST_PATCHES))
        return patch, length // patch

    @property
    def length(self) -> int:
        """Readings of a window the network sees."""
        return self.patch_ * self.n_patches_

    @property
    def window_(self) -> int:
        """Readings of the longest window."""
        return max(self.length, self.nearest_.window_ if self.nearest_ else 0)

    def _windows(self, ends: Ints, labelled: Marks, rng: np.random.Generator) -> tuple[Ints, Ints]:
        """Where windows to learn from and to watch begin; as a rule no reading is in one of either kind."""
        begins = np.flatnonzero(ends - np.arange(len(ends)) >= self.length)
        if not len(begins):
            raise DataError(
                f"Masked Series needs {self.length} readings in a row without a gap, and no stretch is as long"
            )
        apart = np.r_[0, np.cumsum(self._kept_apart(len(ends)))]
        inside = apart[begins + self.length] - apart[begins]
        learned, held_out = begins[inside == 0], begins[inside == self.length]
        if not len(learned) or not len(held_out):
            learned = held_out = begins
        known = np.r_[0, np.cumsum(labelled)]
        if (known[learned + self.length] > known[learned]).all():
            raise DataError(
                "every window holds a labelled anomaly; Masked Series needs ordinary ones to learn from"
            )
        return np.sort(rng.permutation(learned)[:MOST_WINDOWS]), held_out

    def _kept_apart(self, n: int) -> Marks:
        """True for readings that the network does not learn from (n_readings,): every tenth block of a few windows."""
        block = np.arange(n) // (BLOCK_WINDOWS * self.length)
        return np.asarray(block % HELD_OUT == HELD_OUT // 2)

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
                d_model=self.d_model,
                nhead=self.nhead,
                num_encoder_layers=self.num_encoder_layers,
                num_teacher_decoder_layers=self.num_teacher_decoder_layers,
                num_student_decoder_layers=self.num_student_decoder_layers,
                branched=branched,
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

    def _measure(self, X: Scores, starts: Ints, ends: Ints, labelled: Marks, progress: Progress) -> None:
        """Learn what is usual of each signal, from readings the network did not learn from if they are enough."""
        told = np.empty((len(self.learner_.signals), *X.shape))
        for part, own, found in self._told(X, starts, ends, progress):
            told[:, part] = found[:, own]
        judged = (ends - starts >= self.window_) & ~labelled
        apart = judged & self._kept_apart(len(X))
        self._ordinary = apart if apart.sum() >= FEWEST_HELD_OUT else judged
        if not self._ordinary.any():
            raise DataError(
                f"no reading has {self.window_} others in a row around it; Masked Series needs such stretches"
            )
        usual = np.median(told[:, self._ordinary], axis=1)  # (n_signals, n_channels)
        floor = FLOOR * np.median(usual, axis=1, keepdims=True)
        self.usual_ = np.maximum(usual, np.maximum(floor, FINEST))
        near = self._near(X, starts, quiet)
        if self.score == "fused":
            self.surprise_ = Surprise.of(self._logarithms(told, near)[:, self._ordinary])
        self._learned_scores = np.where(ends - starts >= self.window_, self._combined(told, near), np.nan)

    # ---- scoring

    def _score_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> Scores:
        near = self._near(X, starts, _part(progress, 0.0, 0.3))
        scores = np.empty(len(X))
        for part, own, found in self._told(X, starts, ends, _part(progress, 0.3, 1.0)):
            scores[part] = self._combined(found[:, own], near[part])
        scores[ends - starts < self.window_] = np.nan
        return scores

    def _told(
        self, X: Scores, starts: Ints, ends: Ints, progress: Progress
    ) -> Iterator[tuple[slice, slice, Scores]]:
        """What the network says of readings, part by part: the part, its place among those judged, all these."""
        for around, own, bound in chunks(starts, ends, self.window_, X.shape[1]):
            found = signals(self.learner_, self.scale_.scaled(X[around]), bound)
            part = slice(around.start + own.start, around.start + own.stop)
            progress(part.stop / len(X), "Scoring")
            yield part, own, found

    def _near(self, X: Scores, starts: Ints, progress: Progress) -> Scores:
        """The distance to the nearest normal windows (n_readings,)."""
        if self.nearest_ is None:
            return np.zeros(len(X))
        return self.nearest_.decision_function(X, stretches=starts, progress=progress)

    def _logarithms(self, told: Scores, near: Scores) -> Scores:
        """Each signal as a logarithm, channels together (n_signals + 1, n_readings); what is not known counts as usual."""
        together = np.vstack([(told / self.usual_[:, None]).mean(axis=2), near])
        return np.log(np.nan_to_num(together, nan=1.0) + CLOSEST)

    def _combined(self, told: Scores, near: Scores) -> Scores:
        """One score a reading, from what the network says of each channel (n_signals, n, n_channels)."""
        if self.score == "discrepancy":
            return np.asarray(told[0].mean(axis=1))
        weights = np.array(list(WEIGHTS.values()))
        return np.asarray(weights @ self.surprise_(self._logarithms(told, near)))

    def _reference_scores(self, X: Scores, progress: Progress) -> Scores:
        scores = self._learned_scores
        del self._learned_scores
        return scores

    def _held_out_scores(self) -> Scores:
        scores = self.decision_scores_[self._ordinary]
        del self._ordinary
        return scores

    # ---- saying why

    def parts_at(self, X: Scores, rows: Ints, *, stretches: ArrayLike | None = None) -> Scores:
        """What each channel adds to the scores (n_rows, n_channels); rows sum to the score."""
        starts, ends = bounds(stretches, len(X))
        parts = np.empty((len(rows), X.shape[1]))
        for number, row in enumerate(rows):
            around = slice(max(starts[row], row - self.window_), min(ends[row], row + self.window_))
            here, n = row - around.start, around.stop - around.start
            told = signals(self.learner_, self.scale_.scaled(X[around]), np.full(n, n))[:, [here]]
            if self.nearest_ is None:
                parts[number] = told[0, 0] / X.shape[1]
                continue
            near = self.nearest_.decision_function(X[around])[[here]]
            shares = np.vstack(
                [(told / self.usual_[:, None])[:, 0], self.nearest_.parts_at(X[around], np.array([here]))]
            )
            shares = (shares + FINEST) / (shares + FINEST).sum(axis=1, keepdims=True)
            surprise = self.surprise_(self._logarithms(told, near))[:, 0]
            parts[number] = (np.array(list(WEIGHTS.values())) * surprise) @ shares
        return parts

    # ---- storage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, scales, what is usual, and the normal windows."""
        weights = self.learner_.network.state_dict()
        own = {f"network/{name}": values.detach().numpy() for name, values in weights.items()}
        own |= {"layout": np.array([self.patch_, self.n_patches_, VERSION]), "usual": self.usual_}
        if self.nearest_ is not None:
            own |= {f"nearest/{name}": values for name, values in self.nearest_.arrays().items()}
            own |= self.surprise_.arrays()
        return own | self.scale_.arrays()

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Build the network the hyperparameters describe and fill it; every shape must be what it should be."""
        import torch

        layout, self.usual_ = arrays["layout"], arrays["usual"]
        sound = layout.shape == (3,) and layout.dtype == np.int64 and (layout > 0).all() and layout[1] > 1
        if not sound or layout[0] > self.patch_length or layout[0] * layout[1] > self.seq_length:
            raise StoreError("the stored network is damaged: its windows are not those of this detector")
        self.patch_, self.n_patches_ = int(layout[0]), int(layout[1])
        self.scale_ = Scale.restore(arrays, n_channels=n_features)
        self.learner_ = self._learner()
        n_signals = len(self.learner_.signals)
        sound = self.usual_.shape == (n_signals, n_features) and self.usual_.dtype == np.float64
        if not sound or not np.isfinite(self.usual_).all() or (self.usual_ <= 0).any():
            raise StoreError("the stored network is damaged: its usual signals do not add up")
        network = self.learner_.network
        weights = {name: torch.from_numpy(arrays[f"network/{name}"].copy()) for name in network.state_dict()}
        if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
            raise StoreError("the stored network is damaged: a weight is not a number")
        try:
            network.load_state_dict(weights)
        except RuntimeError:
            raise StoreError(
                "the stored network is damaged: its layers are not those of this detector"
            ) from None
        self.nearest_ = None
        if self.score == "fused":
            own = {k.removeprefix("nearest/"): v for k, v in arrays.items() if k.startswith("nearest/")}
            self.nearest_ = NearestWindows().restore(own, n_features=n_features)
            self.surprise_ = Surprise.restore(arrays, n_signals=n_signals + 1)
        self.n_features_in_ = n_features
        return self


def _part(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of a part of the work, from 0 to 1, as progress of the whole."""
    return lambda done, message: progress(start + (stop - start) * done, message)
