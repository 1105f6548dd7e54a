"""What every detector is: hyperparameters, ``fit``, and one anomaly score per row.

A detector works on a matrix (n_samples, n_features), finite unless it is ``mixed``: encoding columns, filling missing
cells and ordering rows is the business of :mod:`engine.data.encoding`. It follows scikit-learn's estimator contract
without importing scikit-learn, so that a web page can list detectors and their knobs at no cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import UsageError
from engine.hyperparameters import checked, declared, hyperparameter

Scores = NDArray[np.float64]
Progress = Callable[[float, str], None]  # fraction done, what is being done; raises Cancelled to stop


def quiet(fraction: float, message: str) -> None:
    """A progress listener that does not listen."""


def within(progress: Progress, start: float, stop: float) -> Progress:
    """Progress of a part of the work, from 0 to 1, as progress of the whole."""
    return lambda done, message: progress(start + (stop - start) * done, message)


def unrecorded(**values: float) -> None:
    """Keeps no curve."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """Where a long training leaves its traces."""

    record: Callable[..., None] = unrecorded  # takes an epoch's numbers by name
    checkpoint: Path | None = None  # file to write after every epoch, and to go on from if it is there


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What cells should be given the other columns of their row, in the matrix' units (n_samples, n_features)."""

    expected: Scores
    low: Scores  # in 5 % of ordinary rows the cell lies further below
    high: Scores  # in 5 % further above

    def of(self, rows: NDArray[np.int64], cells: NDArray[np.int64]) -> Expectation:
        """What is expected of some cells of some rows (n_rows, n_cells)."""
        at = np.ix_(rows, cells)
        return Expectation(expected=self.expected[at], low=self.low[at], high=self.high[at])


@dataclass(kw_only=True, eq=False, repr=False)
class Detector:
    """An algorithm that gives every row an anomaly score: **higher = more anomalous**.

    Subclasses are keyword-only dataclasses whose fields are hyperparameters; they implement :meth:`_learn`,
    :meth:`_score`, and :meth:`arrays` / :meth:`restore` for storage. Learned attributes end in ``_``.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    summary: ClassVar[str]  # one sentence for the analyst: what counts as strange
    works_when: ClassVar[str]
    struggles_when: ClassVar[str]
    speed: ClassVar[int]  # 1 slow .. 3 fast
    reference: ClassVar[str]  # author (year)
    learns_from_labels: ClassVar[bool] = False  # where it is asked to
    names_classes: ClassVar[bool] = False  # what it learns from labels is to name a row's class
    explained_by: ClassVar[str] = ""  # "Name: what its contributions are"; empty where ablation tells them
    # Heavy modules it works with, for a process that has time to spare.
    imports: ClassVar[tuple[str, ...]] = ()
    sequential: ClassVar[bool] = False  # judges readings in order, each by those around it
    mixed: ClassVar[bool] = False  # takes categories as one cell a level, and missing cells as NaN
    learning_share: ClassVar[float] = 0.5  # of the time to fit; the rest goes into scoring the training rows
    probe_tolerance: ClassVar[float] = 1e-9  # by how much a score may differ, relatively, on another machine

    contamination: float = hyperparameter(
        0.05,
        "Share of the training rows expected to be anomalous. Sets the first threshold, which can be moved later.",
        low=0.0001,
        high=0.5,
        title="Expected share of anomalies",
    )
    random_state: int = hyperparameter(
        0,
        "Seed. The same seed on the same data gives the same scores.",
        low=0,
        high=2**31 - 1,
        advanced=True,
        title="Seed",
    )

    # ---- fitting and scoring

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        progress: Progress = quiet,
        course: Course | None = None,
    ) -> Self:
        """Learn what is usual in ``X`` (n_samples, n_features). ``y`` is there for scikit-learn.

        ``groups`` (n_features,) numbers from 0: matrix columns that come from one column of the table share a number.
        """
        checked(type(self), self.get_params())
        matrix = self._validated(X, reset=True)
        self.groups_ = np.arange(matrix.shape[1]) if groups is None else np.asarray(groups, dtype=np.int64)
        self._course = course or Course()
        progress(0.0, "Learning")
        # Learning and scoring each count from 0 to 1; together they must not fall back.
        share = self.learning_share
        self._learn(matrix, lambda done, message: progress(share * done, message))
        self.decision_scores_: Scores = self._reference_scores(
            matrix, lambda done, message: progress(share + (1 - share) * done, message)
        )
        self.reference_scores_: Scores = self._held_out_scores()
        self.set_threshold(contamination=self.contamination)
        del self._course
        progress(1.0, "Learned")
        return self

    def decision_function(self, X: ArrayLike, *, progress: Progress = quiet) -> Scores:
        """Anomaly scores (n_samples,), higher = more anomalous. Each depends on its own row alone."""
        self._require_fitted()
        return self._score(self._validated(X, reset=False), progress)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """1 where the anomaly score is strictly above ``threshold_``, else 0 (n_samples,)."""
        return (self.decision_function(X) > self.threshold_).astype(np.int64)

    def set_threshold(
        self,
        value: float | None = None,
        *,
        percentile: float | None = None,
        contamination: float | None = None,
    ) -> Self:
        """Move the threshold: to a score, to a percentile of the training scores, or to a share flagged.

        A detector read from a file has left its training scores behind: it takes a score only.
        """
        self._require_fitted()
        scores = getattr(self, "decision_scores_", None)
        if value is None:
            share = contamination if percentile is None else 1 - percentile / 100
            if share is None:
                raise UsageError("a threshold needs a value, a percentile or a contamination, got none")
            if scores is None:
                raise UsageError(
                    "this detector was loaded without its training scores, so it takes no percentile or share; "
                    "give a score, such as a rule draws from the reference scores of the model's card"
                )
            value = float(np.quantile(self.reference_scores_, 1 - share))
        self.threshold_ = float(value)
        if scores is not None:
            self.labels_ = (scores > self.threshold_).astype(np.int64)
        return self

    # ---- what a subclass provides

    def _learn(self, X: Scores, progress: Progress) -> None:
        raise NotImplementedError

    def _score(self, X: Scores, progress: Progress) -> Scores:
        raise NotImplementedError

    def _reference_scores(self, X: Scores, progress: Progress) -> Scores:
        """Scores of the training rows, from which thresholds and severities are derived."""
        return self._score(X, progress)

    def _held_out_scores(self) -> Scores:
        """Scores of rows it did not learn from, as far as it kept some; else the training rows' own."""
        return self.decision_scores_

    def contributions(self, X: Scores) -> Scores | None:
        """What each group of columns adds to the scores of rows (n_samples, n_groups), if the detector can tell."""
        return None

    def falls(self, X: Scores) -> Scores | None:
        """The same for rows that stand for themselves, in a way that would mislead in a series, if it has one."""
        return None

    def expectation(self, X: Scores) -> Expectation | None:
        """What each cell of rows should be, given the other columns, if the detector can tell."""
        return None

    def checkpoints(self) -> dict[str, dict[str, NDArray[Any]]]:
        """Weights worth keeping beside the model, by a name in which ``{name}`` stands for the model's."""
        return {}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything learned, as named arrays: what a model file holds. See :meth:`restore`."""
        raise NotImplementedError

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Take back what :meth:`arrays` gave, after checking that it is structurally sound."""
        raise NotImplementedError

    # ---- scikit-learn's estimator contract

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Hyperparameters by name. ``deep`` is there for scikit-learn; a detector has no parts with their own."""
        return {name: getattr(self, name) for name in declared(type(self))}

    def set_params(self, **params: Any) -> Self:
        """Set hyperparameters by name; an unknown name is an error."""
        known = declared(type(self))
        for name, value in params.items():
            if name not in known:
                raise UsageError(
                    f"'{name}' is not a hyperparameter of {type(self).__name__}; it has {list(known)}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        changed = [
            f"{k}={getattr(self, k)!r}"
            for k, h in declared(type(self)).items()
            if getattr(self, k) != h.default
        ]
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_in_")  # learned, or read from a file

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, Tags, TargetTags

        missing = InputTags(allow_nan=self.mixed)
        return Tags(estimator_type=None, target_tags=TargetTags(required=False), input_tags=missing)

    def _require_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"this {type(self).__name__} is not fitted yet; call fit first")

    def _validated(self, X: ArrayLike, *, reset: bool) -> Scores:
        if type(X) is np.ndarray and self._plainly_sound(X, reset=reset):
            self.n_features_in_ = X.shape[1]
            return X
        from sklearn.utils.validation import validate_data

        matrix: Scores = validate_data(
            self,
            X,
            reset=reset,
            dtype=np.float64,
            ensure_min_samples=2 if reset else 1,
            ensure_all_finite="allow-nan" if self.mixed else True,
        )
        return matrix

    def _plainly_sound(self, X: NDArray[Any], *, reset: bool) -> bool:
        """Whether nobody could object to a matrix, so that scikit-learn need not be loaded to look for objections."""
        return (
            X.dtype == np.float64
            and X.ndim == 2
            and len(X) >= 2
            and X.shape[1] > 0
            and (reset or X.shape[1] == self.n_features_in_)
            and not hasattr(self, "feature_names_in_")
            and not (np.isinf(X) if self.mixed else ~np.isfinite(X)).any()
        )
