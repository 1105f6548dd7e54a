"""What every sequential detector is: it judges each reading of a series by windows of readings on both sides of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.detectors.base import Course, Detector, Progress, Scores, quiet
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.detectors.window_inspection import Inspection
    from engine.detectors.window_matching import Alike

Ints = NDArray[np.int64]

PART = 0.25  # of the usual stretch without a gap: what a window may take up, so that most readings are judged


@dataclass(kw_only=True, eq=False, repr=False)
class SequentialDetector(Detector):
    """A detector of readings in order: rows are readings, columns are channels.

    ``stretches`` (n_readings,) says which readings follow one another without a gap: neighbours with equal numbers do.
    Windows never cross from one stretch to another. Without it all readings are one stretch.

    A reading's score depends on the readings less than ``window_`` away from it in its stretch and on nothing else;
    readings of a stretch shorter than ``window_`` are not judged: their score is NaN.

    Subclasses implement :meth:`_learn_stretches` and :meth:`_score_stretches`; ``starts`` and ``ends`` (n_readings,)
    are the first reading of each reading's stretch and the one after its last.
    """

    sequential: ClassVar[bool] = True

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
        """Learn what is usual in the readings ``X`` (n_readings, n_channels); see :meth:`Detector.fit`."""
        self._stretches = stretches
        try:
            return super().fit(X, y, groups=groups, progress=progress, course=course)
        finally:
            del self._stretches

    def decision_function(
        self, X: ArrayLike, *, stretches: ArrayLike | None = None, progress: Progress = quiet
    ) -> Scores:
        """Anomaly scores (n_readings,), higher = more anomalous, NaN where no window of full length fits."""
        self._require_fitted()
        matrix = self._validated(X, reset=False)
        return self._score_stretches(matrix, *bounds(stretches, len(matrix)), progress)

    def predict(self, X: ArrayLike, *, stretches: ArrayLike | None = None) -> Ints:
        """1 where the anomaly score is strictly above ``threshold_``, else 0 (n_readings,); 0 where it is NaN."""
        return (self.decision_function(X, stretches=stretches) > self.threshold_).astype(np.int64)

    # ---- what a subclass provides

    @property
    def window_(self) -> int:
        """Readings of the longest window."""
        raise NotImplementedError

    def _learn_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> None:
        raise NotImplementedError

    def _score_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> Scores:
        raise NotImplementedError

    def parts_at(self, X: Scores, rows: Ints, *, stretches: ArrayLike | None = None) -> Scores:
        """What each channel adds to the scores of some judged ``rows`` of ``X`` (n_rows, n_channels)."""
        raise NotImplementedError

    def inspect(self, X: Scores, row: int, *, stretches: ArrayLike | None = None) -> Inspection | None:
        """The window around a judged reading as a network rebuilds it; None where nothing is rebuilt."""
        del X, row, stretches
        return None

    def most_alike(self, X: Scores, row: int, *, stretches: ArrayLike | None = None) -> Alike | None:
        """The normal window most like the one around a judged reading; None where windows are not compared."""
        del X, row, stretches
        return None

    # ---- the contract of every detector

    def _learn(self, X: Scores, progress: Progress) -> None:
        self._learn_stretches(X, *bounds(self._stretches, len(X)), progress)

    def _score(self, X: Scores, progress: Progress) -> Scores:
        return self._score_stretches(X, *bounds(self._stretches, len(X)), progress)

    def _held_out_scores(self) -> Scores:
        return self.decision_scores_[np.isfinite(self.decision_scores_)]


def bounds(stretches: ArrayLike | None, n: int) -> tuple[Ints, Ints]:
    """For each of ``n`` readings the first of its stretch and the one after its last (n_readings,) each."""
    numbers = np.zeros(n, dtype=np.int64) if stretches is None else np.asarray(stretches)
    if numbers.shape != (n,):
        raise UsageError(f"stretches must hold one number for each of {n:,} readings, got {numbers.shape}")
    cuts = np.r_[0, np.flatnonzero(np.diff(numbers)) + 1, n]
    sizes = np.diff(cuts)
    return np.repeat(cuts[:-1], sizes), np.repeat(cuts[1:], sizes)


def longest_window(starts: Ints, ends: Ints) -> int:
    """The longest window with which most readings are judged: a part of the stretch of the median reading."""
    return int(PART * np.median(ends - starts))
