"""Isolation Forest: a row is strange when few random cuts are enough to set it apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.base import Detector, Progress, Scores
from engine.detectors.path_shares import path_shares
from engine.detectors.similar_rows import SimilarRows
from engine.errors import StoreError
from engine.hyperparameters import hyperparameter

CHUNK = 65_536  # rows scored between two looks at the cancel flag
SIMILAR = "similar"  # array of the ordinary rows kept beside the trees


@dataclass(kw_only=True, eq=False, repr=False)
class IsolationForest(Detector):
    """Random trees cut the data until every row stands alone; anomalies are alone after few cuts.

    The score is ``2 ** -(mean path length / expected path length)``, in (0, 1): about 0.5 is ordinary, near 1 is
    isolated at once. scikit-learn grows the trees; scores equal ``-score_samples`` of its ``IsolationForest``.

    References
    ----------
    Liu, Ting and Zhou (2008), Isolation Forest.
    """

    name: ClassVar[str] = "isolation_forest"
    title: ClassVar[str] = "Isolation Forest"
    summary: ClassVar[str] = (
        "A row is strange when a few random cuts are enough to separate it from all others."
    )
    works_when: ClassVar[str] = (
        "Anomalies are few and extreme in some columns. A good first choice for any table."
    )
    struggles_when: ClassVar[str] = (
        "A row is unusual only in the combination of ordinary values, or anomalies come in dense groups."
    )
    speed: ClassVar[int] = 3
    reference: ClassVar[str] = "Liu, Ting and Zhou (2008)"
    imports: ClassVar[tuple[str, ...]] = ("sklearn.ensemble",)
    explained_by: ClassVar[str] = (
        "Fall beside similar rows: how far the anomaly score falls when the column has what the ordinary rows most "
        "like this one have there. Of a series, and by a model stored without such rows, the share of its paths is "
        "told: by how many cuts the column sets the row apart sooner than an average row."
    )

    n_estimators: int = hyperparameter(
        100, "Number of random trees. More trees: steadier scores.", low=1, high=2000, title="Number of trees"
    )
    max_samples: int = hyperparameter(
        256,
        "Rows drawn for each tree. Small samples separate groups of anomalies better.",
        low=2,
        high=100_000,
        log=True,
        title="Rows per tree",
    )
    max_features: float = hyperparameter(
        1.0,
        "Share of the columns each tree may use.",
        low=0.05,
        high=1.0,
        advanced=True,
        title="Share of columns per tree",
    )
    bootstrap: bool = hyperparameter(
        False, "Draw rows with replacement.", advanced=True, title="Draw with replacement"
    )

    def _learn(self, X: Scores, progress: Progress) -> None:
        from sklearn.ensemble import IsolationForest as Forest

        forest = Forest(
            n_estimators=self.n_estimators,
            max_samples=min(self.max_samples, len(X)),
            max_features=self.max_features,
            bootstrap=self.bootstrap,
            random_state=self.random_state,
        )
        # scikit-learn sums over all of X at fit when contamination is a number; "auto" (the default) does not.
        forest.fit(X)
        progress(0.5, "Trees grown")
        self.trees_ = [estimator.tree_ for estimator in forest.estimators_]
        self.columns_ = [np.asarray(columns) for columns in forest.estimators_features_]
        self.path_lengths_ = [_path_lengths(tree) for tree in self.trees_]
        self.expected_path_length_ = float(_expected_path_length(np.array([forest.max_samples_]))[0])

    def _score(self, X: Scores, progress: Progress) -> Scores:
        scores = np.empty(len(X))
        for start in range(0, len(X), CHUNK):
            rows = np.ascontiguousarray(
                X[start : start + CHUNK], dtype=np.float32
            )  # trees compare in float32
            scores[start : start + CHUNK] = self._score_chunk(rows)
            progress(min(1.0, (start + CHUNK) / len(X)), "Scoring")
        return scores

    def _score_chunk(self, rows: NDArray[np.float32]) -> Scores:
        length = np.zeros(len(rows))
        all_columns = np.arange(rows.shape[1])
        for tree, columns, path_length in zip(self.trees_, self.columns_, self.path_lengths_, strict=True):
            seen = rows if np.array_equal(columns, all_columns) else np.ascontiguousarray(rows[:, columns])
            length += path_length[tree.apply(seen)]
        # With two training rows or fewer there is nothing to isolate: every row is ordinary.
        usual = len(self.trees_) * self.expected_path_length_
        return np.power(2.0, -length / usual) if usual > 0 else np.full(len(rows), 0.5)

    def _reference_scores(self, X: Scores, progress: Progress) -> Scores:
        scores = self._score(X, progress)
        self.similar_: SimilarRows | None = SimilarRows.chosen(X, scores, self.random_state)
        return scores

    def falls(self, X: Scores) -> Scores | None:
        """See :meth:`SimilarRows.falls`: paths alone miss a value that contradicts the others."""
        return None if self.similar_ is None else self.similar_.falls(self.decision_function, X, self.groups_)

    def contributions(self, X: Scores) -> Scores:
        """By how many cuts each group of columns shortens the mean path (n_samples, n_groups)."""
        trees = zip(self.trees_, self.columns_, self.path_lengths_, strict=True)
        shorter = path_shares(trees, np.asarray(X, dtype=np.float32), n_columns=X.shape[1])
        parts = np.zeros((len(X), int(self.groups_.max()) + 1))
        np.add.at(parts.T, self.groups_, shorter.T)
        return parts

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Tree nodes, all trees in one row, with the number of nodes of each."""
        nodes = [tree.__getstate__()["nodes"] for tree in self.trees_]
        joined = np.concatenate(nodes)
        return {
            "node_count": np.array([len(n) for n in nodes], dtype=np.int64),
            "columns": np.stack(self.columns_).astype(np.int64),
            "expected_path_length": np.array([self.expected_path_length_]),
            **{field: np.ascontiguousarray(joined[field]) for field in NODE_FIELDS},
            **({} if self.similar_ is None else {SIMILAR: self.similar_.kept}),
        }

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Rebuild the trees after checking every link, so that a damaged file cannot crash the scorer."""
        from sklearn.tree._tree import NODE_DTYPE, Tree

        counts, columns, expected = arrays["node_count"], arrays["columns"], arrays["expected_path_length"]
        n_nodes = arrays["feature"].size
        whole = (
            counts.ndim == 1
            and columns.ndim == 2
            and np.issubdtype(columns.dtype, np.integer)
            and len(columns) == len(counts) > 0
            and (counts >= 1).all()
            and counts.sum() == n_nodes
            and all(arrays[field].shape == (n_nodes,) for field in NODE_FIELDS)
            and expected.shape == (1,)
            and np.isfinite(expected).all()
        )
        if not whole:
            raise StoreError("the stored Isolation Forest is damaged: its trees do not add up")
        if columns.size == 0 or columns.min() < 0 or columns.max() >= n_features:
            raise StoreError("the stored Isolation Forest is damaged: it points at columns it does not have")
        self.trees_, self.columns_, start = [], [np.asarray(c) for c in columns], 0
        for count in counts:
            nodes = np.zeros(count, dtype=NODE_DTYPE)
            for field in NODE_FIELDS:
                nodes[field] = arrays[field][start : start + count]
            depth = _check_tree(nodes, columns.shape[1])
            tree = Tree(columns.shape[1], np.array([1], dtype=np.intp), 1)
            state = {
                "max_depth": depth,
                "node_count": int(count),
                "nodes": nodes,
                "values": np.zeros((count, 1, 1)),
            }
            tree.__setstate__(state)
            self.trees_.append(tree)
            start += count
        self.path_lengths_ = [_path_lengths(tree) for tree in self.trees_]
        self.expected_path_length_ = float(expected[0])
        self.n_features_in_ = n_features
        self.groups_ = np.arange(n_features)
        stored = arrays.get(SIMILAR)  # models stored before they were kept have none
        self.similar_ = None if stored is None else SimilarRows.restore(stored, n_features=n_features)
        return self


NODE_FIELDS = (
    "left_child",
    "right_child",
    "feature",
    "threshold",
    "n_node_samples",
    "weighted_n_node_samples",
)


def _path_lengths(tree: Any) -> Scores:
    """Cuts from the root to each node, plus the cuts still expected among the rows that ended there (n_nodes,)."""
    depth = np.zeros(tree.node_count)
    left, right = tree.children_left, tree.children_right
    for node in np.flatnonzero(left >= 0):  # parents stand before their children
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    return depth + _expected_path_length(tree.n_node_samples)


def _expected_path_length(n: NDArray[Any]) -> Scores:
    """Mean depth of an unsuccessful search in a binary tree of ``n`` rows (Liu et al., 2008, equation 1)."""
    n = np.asarray(n, dtype=np.float64)
    large = 2.0 * (np.log(np.maximum(n, 2) - 1.0) + np.euler_gamma) - 2.0 * (n - 1.0) / np.maximum(n, 1)
    return np.where(n <= 1, 0.0, np.where(n == 2, 1.0, large))


def _check_tree(nodes: NDArray[Any], n_features: int) -> int:
    """The depth of a sound tree: children after their parents, one parent each, finite cuts, known columns."""
    count = len(nodes)
    left, right = nodes["left_child"], nodes["right_child"]
    inner = left >= 0
    numbers = np.arange(count)
    children = np.concatenate([left[inner], right[inner]])
    sound = (
        ((left == -1) == (right == -1)).all()
        and (left >= -1).all()  # any other negative number would be followed as a link
        and (left[inner] > numbers[inner]).all()
        and (right[inner] > numbers[inner]).all()
        and (children < count).all()
        and len(np.unique(children)) == len(children) == count - 1
        and (nodes["feature"][inner] >= 0).all()
        and (nodes["feature"][inner] < n_features).all()
        and np.isfinite(nodes["threshold"][inner]).all()
        and (nodes["n_node_samples"] > 0).all()
    )
    if not sound:
        raise StoreError("the stored Isolation Forest is damaged: a tree does not hold together")
    depth = np.zeros(count, dtype=np.int64)
    for node in numbers[inner]:
        depth[left[node]] = depth[right[node]] = depth[node] + 1
    return int(depth.max())
