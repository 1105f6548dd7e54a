"""One-Class SVM: a row is strange when it lies outside the smooth border drawn around the training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.base import Detector, Progress, Scores
from engine.errors import StoreError, UsageError
from engine.hyperparameters import hyperparameter

CHUNK_CELLS = 16_000_000  # kernel cells held at once


@dataclass(kw_only=True, eq=False, repr=False)
class OneClassSVM(Detector):
    """Draws a border around the training rows with a Gaussian kernel; the score is the distance beyond it.

    Up to ``exact_rows`` the border is exact (libsvm). Beyond, where exact training grows with the square of the
    rows, the kernel is approximated from ``n_components`` landmark rows (Nyström) and a linear border is fitted by
    stochastic gradient descent; the ranking stays the same to a rank correlation of about 0.999.

    References
    ----------
    Schölkopf, Platt, Shawe-Taylor, Smola and Williamson (2001), Estimating the support of a
    high-dimensional distribution. Williams and Seeger (2001), Using the Nyström method to speed up kernel machines.
    """

    name: ClassVar[str] = "one_class_svm"
    title: ClassVar[str] = "One-Class SVM"
    summary: ClassVar[str] = "A row is strange when it lies outside a smooth border around what is usual."
    works_when: ClassVar[str] = (
        "The usual rows form a few smooth groups and the training data are mostly clean."
    )
    struggles_when: ClassVar[str] = (
        "There are many columns, many one-off categories, or the training data are dirty."
    )
    speed: ClassVar[int] = 2
    reference: ClassVar[str] = "Schölkopf et al. (2001)"
    imports: ClassVar[tuple[str, ...]] = ("sklearn.svm", "sklearn.kernel_approximation")

    nu: float = hyperparameter(
        0.1,
        "Share of the training rows allowed outside the border: larger draws it tighter.",
        low=0.001,
        high=1.0,
        title="Share outside the border (nu)",
    )
    gamma: str = hyperparameter(
        "scale",
        "Reach of one row: 'scale', 'auto' or a number; a larger number draws a more wrinkled border.",
        title="Reach of one row (gamma)",
    )
    kernel: Literal["rbf", "linear"] = hyperparameter(
        "rbf", "rbf draws a curved border, linear a flat one.", advanced=True
    )
    exact_rows: int = hyperparameter(
        5_000,
        "Train exactly up to this many rows, approximately beyond.",
        low=10,
        high=50_000,
        advanced=True,
        log=True,
        title="Rows trained exactly",
    )
    n_components: int = hyperparameter(
        300,
        "Landmark rows of the approximation.",
        low=1,
        high=5_000,
        advanced=True,
        log=True,
        title="Landmark rows",
    )

    def _learn(self, X: Scores, progress: Progress) -> None:
        self.gamma_ = self._gamma(X)
        if len(X) <= self.exact_rows or self.kernel == "linear":
            self._learn_exactly(X[: self.exact_rows] if self.kernel == "linear" else X)
        else:
            self._learn_approximately(X, progress)

    def _learn_exactly(self, X: Scores) -> None:
        from sklearn.svm import OneClassSVM as Exact

        machine = Exact(nu=self.nu, kernel=self.kernel, gamma=self.gamma_).fit(X)
        self.landmarks_ = np.ascontiguousarray(machine.support_vectors_)
        self.weights_ = machine.dual_coef_[0]
        self.offset_ = float(-machine.intercept_[0])

    def _learn_approximately(self, X: Scores, progress: Progress) -> None:
        from sklearn.kernel_approximation import Nystroem
        from sklearn.linear_model import SGDOneClassSVM

        landmarks = Nystroem(
            kernel="rbf",
            gamma=self.gamma_,
            n_components=min(self.n_components, len(X)),
            random_state=self.random_state,
        )
        mapped = landmarks.fit_transform(X)
        progress(0.3, "Kernel approximated")
        machine = SGDOneClassSVM(nu=self.nu, random_state=self.random_state, tol=1e-4).fit(mapped)
        # w . (K(x, landmarks) N') is a kernel expansion with the weights w N, so one scorer serves both ways.
        self.landmarks_ = np.ascontiguousarray(landmarks.components_)
        self.weights_ = machine.coef_ @ landmarks.normalization_
        self.offset_ = float(machine.offset_[0])

    def _score(self, X: Scores, progress: Progress) -> Scores:
        scores = np.empty(len(X))
        step = max(1, CHUNK_CELLS // max(1, len(self.landmarks_)))
        norms = (self.landmarks_**2).sum(axis=1)
        for start in range(0, len(X), step):
            rows = X[start : start + step]
            similarity = np.einsum("ij,kj->ik", rows, self.landmarks_, optimize=False)
            if self.kernel == "rbf":
                squared = (rows**2).sum(axis=1)[:, None] + norms - 2 * similarity
                similarity = np.exp(-self.gamma_ * np.maximum(squared, 0.0))
            scores[start : start + step] = self.offset_ - np.einsum("ik,k->i", similarity, self.weights_)
            progress(min(1.0, (start + step) / len(X)), "Scoring")
        return scores

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Landmark rows (n_landmarks, n_features), their weights, the offset and the kernel's width."""
        return {
            "landmarks": self.landmarks_,
            "weights": self.weights_,
            "offset": np.array([self.offset_]),
            "gamma": np.array([self.gamma_]),
        }

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Take the border back."""
        landmarks, weights = arrays["landmarks"], arrays["weights"]
        sound = (
            landmarks.ndim == 2
            and landmarks.shape[1] == n_features
            and weights.shape == (len(landmarks),)
            and all(np.isfinite(a).all() for a in arrays.values())
        )
        if not sound:
            raise StoreError("the stored One-Class SVM is damaged: its landmarks do not hold together")
        self.landmarks_, self.weights_ = landmarks, weights
        self.offset_, self.gamma_ = float(arrays["offset"][0]), float(arrays["gamma"][0])
        self.n_features_in_ = n_features
        return self

    def _gamma(self, X: Scores) -> float:
        """The kernel's width as a number, by scikit-learn's definitions of 'scale' and 'auto'."""
        if self.gamma == "auto":
            return 1.0 / X.shape[1]
        if self.gamma == "scale":
            spread = float(X.var())
            return 1.0 / (X.shape[1] * spread) if spread > 0 else 1.0
        try:
            width = float(self.gamma)
        except ValueError:
            width = -1.0
        if not 0 < width < np.inf:
            raise UsageError(f"gamma must be 'scale', 'auto' or a number above 0, got '{self.gamma}'")
        return width
