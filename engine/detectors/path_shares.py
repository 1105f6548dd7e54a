"""Which columns shorten a row's paths through the trees of an Isolation Forest, exactly and without scoring again.

On its way down a tree a row is at every node expected to have a path of some length: the mean over the training rows
that came by. A cut changes this number, and the change is the doing of the column that was cut. Added up along the path
the changes are the path's length less the mean of all (Saabas, 2014, Interpreting random forests); as the trees choose
columns by lot, the mean over trees is one over many orders of the columns, as in a Shapley value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def path_shares(
    trees: Iterable[tuple[Any, NDArray[np.int64], Array]], X: NDArray[np.float32], *, n_columns: int
) -> Array:
    """By how many cuts each column shortens the mean path of rows (n_samples, n_columns); negative where it lengthens.

    ``trees``: each with the columns it looks at and the path length to each of its nodes (n_nodes,).
    """
    shorter, count = np.zeros((len(X), n_columns)), 0
    for tree, columns, path_length in trees:
        seen = np.ascontiguousarray(X[:, columns])
        shorter[:, columns] += _by_node(tree, path_length)[tree.apply(seen)]
        count += 1
    return shorter / max(count, 1)


def _by_node(tree: Any, path_length: Array) -> Array:
    """By how much the cuts on the way to each node shorten the expected path, by column (n_nodes, n_features)."""
    left, right, cut = tree.children_left, tree.children_right, tree.feature
    rows = tree.n_node_samples.astype(np.float64)
    levels = _levels(left, right)
    expected = path_length.copy()  # of a leaf; of an inner node the mean of its children, weighted by rows
    for nodes in reversed(levels):
        a, b = left[nodes], right[nodes]
        expected[nodes] = (rows[a] * expected[a] + rows[b] * expected[b]) / (rows[a] + rows[b])
    shorter = np.zeros((tree.node_count, tree.n_features))
    for nodes in levels:
        for child in (left[nodes], right[nodes]):
            shorter[child] = shorter[nodes]
            shorter[child, cut[nodes]] += expected[nodes] - expected[child]
    return shorter


def _levels(left: NDArray[np.int64], right: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The inner nodes of a tree, those equally deep together, from the root down."""
    levels, nodes = [], np.flatnonzero(left[:1] >= 0)
    while len(nodes):
        levels.append(nodes)
        children = np.concatenate([left[nodes], right[nodes]])
        nodes = children[left[children] >= 0]
    return levels
