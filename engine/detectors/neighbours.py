"""k nearest neighbours: a row is strange when it lies far from the rows most like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.base import Detector, Progress, Scores
from engine.errors import StoreError
from engine.hyperparameters import hyperparameter

CHUNK = 8_192  # rows scored between two looks at the cancel flag
SMALLEST_REACH = 1e-10  # keeps the density of coinciding rows finite, as scikit-learn does


@dataclass(kw_only=True, eq=False, repr=False)
class KNearestNeighbours(Detector):
    """Compares a row with its ``n_neighbors`` nearest training rows.

    ``lof`` compares the density around the row with the density around its neighbours (local outlier factor:
    about 1 is ordinary, 2 means half as dense). ``distance`` is the mean distance to the neighbours.

    A row that is also in the training data is judged without itself, so that training rows and new rows are
    comparable: training scores equal scikit-learn's ``-negative_outlier_factor_``.

    References
    ----------
    Breunig, Kriegel, Ng and Sander (2000), LOF: Identifying density-based local outliers.
    Ramaswamy, Rastogi and Shim (2000), Efficient algorithms for mining outliers from large data sets.
    """

    name: ClassVar[str] = "neighbours"
    title: ClassVar[str] = "Nearest Neighbours"
    summary: ClassVar[str] = (
        "A row is strange when the rows most like it are far away, or far denser than it is."
    )
    works_when: ClassVar[str] = (
        "Unusual combinations of ordinary values matter, or groups in the data differ in density."
    )
    struggles_when: ClassVar[str] = (
        "There are many irrelevant columns, or anomalies repeat so often that they are each other's neighbours."
    )
    speed: ClassVar[int] = 2
    reference: ClassVar[str] = "Breunig et al. (2000)"
    imports: ClassVar[tuple[str, ...]] = ("sklearn.neighbors",)

    mode: Literal["lof", "distance"] = hyperparameter(
        "lof",
        "lof: density against the neighbours' density. distance: mean distance to the neighbours.",
        title="Compare",
    )
    n_neighbors: int = hyperparameter(
        20,
        "How many neighbours to look at. Larger than the largest group of anomalies.",
        low=1,
        high=1000,
        title="Number of neighbours",
    )
    max_reference: int = hyperparameter(
        20_000,
        "Most training rows kept to compare with; beyond it a random sample is kept.",
        low=100,
        high=200_000,
        advanced=True,
        log=True,
        title="Rows to compare with",
    )

    def _learn(self, X: Scores, progress: Progress) -> None:
        sampled = len(X) > self.max_reference
        if sampled:
            rng = np.random.default_rng(self.random_state)
            X = X[np.sort(rng.choice(len(X), self.max_reference, replace=False))]
        self.reference_ = np.ascontiguousarray(X)
        self._index()
        distances, neighbours = self._neighbours(self.reference_, progress)
        if not sampled:
            self._searched = distances, neighbours
        self.k_distance_ = distances[:, -1]
        self.density_ = _density(distances, self.k_distance_[neighbours])

    def _reference_scores(self, X: Scores, progress: Progress) -> Scores:
        if not hasattr(self, "_searched"):
            return self._score(X, progress)
        distances, neighbours = self._searched  # of the same rows, found while learning
        del self._searched
        return self._judge(distances, neighbours)

    def _score(self, X: Scores, progress: Progress) -> Scores:
        return self._judge(*self._neighbours(X, progress))

    def _judge(self, distances: Scores, neighbours: NDArray[np.int64]) -> Scores:
        """Scores from the distances to and numbers of each row's neighbours, both (n_samples, k)."""
        if self.mode == "distance":
            return distances.mean(axis=1)
        density = _density(distances, self.k_distance_[neighbours])
        return self.density_[neighbours].mean(axis=1) / density

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The reference rows (n_reference, n_features), their distance to the k-th neighbour and their density."""
        return {"reference": self.reference_, "k_distance": self.k_distance_, "density": self.density_}

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Take the reference rows back and index them."""
        reference = arrays["reference"]
        sound = (
            reference.ndim == 2
            and reference.shape[1] == n_features
            and arrays["k_distance"].shape == arrays["density"].shape == (len(reference),)
            and all(np.isfinite(a).all() for a in arrays.values())
        )
        if not sound or len(reference) < 2:
            raise StoreError(
                "the stored Nearest Neighbours model is damaged: its reference rows do not hold together"
            )
        self.reference_, self.k_distance_, self.density_ = reference, arrays["k_distance"], arrays["density"]
        self.n_features_in_ = n_features
        self._index()
        return self

    def _index(self) -> None:
        from sklearn.neighbors import NearestNeighbors

        self.k_ = min(self.n_neighbors, len(self.reference_) - 1)
        self.index_ = NearestNeighbors(n_neighbors=self.k_).fit(self.reference_)

    def _neighbours(self, X: Scores, progress: Progress) -> tuple[Scores, NDArray[np.int64]]:
        """Distances to and numbers of the k nearest other reference rows, nearest first: both (n_samples, k)."""
        distances = np.empty((len(X), self.k_))
        neighbours = np.empty((len(X), self.k_), dtype=np.int64)
        for start in range(0, len(X), CHUNK):
            rows = X[start : start + CHUNK]
            found, numbers = self.index_.kneighbors(rows, n_neighbors=self.k_ + 1)
            keep = ~_first_itself(rows, self.reference_, numbers)
            shape = (len(rows), self.k_)
            distances[start : start + CHUNK] = found[keep].reshape(shape)
            neighbours[start : start + CHUNK] = numbers[keep].reshape(shape)
            progress(min(1.0, (start + CHUNK) / len(X)), "Comparing with neighbours")
        return distances, neighbours


def _first_itself(rows: Scores, reference: Scores, neighbours: NDArray[np.int64]) -> NDArray[np.bool_]:
    """One neighbour to leave out per row: the first that *is* the row, else the furthest (n_rows, k + 1).

    Values are compared, not distances: a fast distance to an equal row can come out slightly above zero.
    """
    same = np.stack([(reference[column] == rows).all(axis=1) for column in neighbours.T], axis=1)
    first = np.where(same.any(axis=1), same.argmax(axis=1), neighbours.shape[1] - 1)
    return np.arange(neighbours.shape[1]) == first[:, None]


def _density(distances: Scores, k_distance_of_neighbour: Scores) -> Scores:
    """Local reachability density: one over the mean reach to the neighbours (Breunig et al., definition 6)."""
    reach = np.maximum(distances, k_distance_of_neighbour)
    return 1.0 / (reach.mean(axis=1) + SMALLEST_REACH)
