"""The share of each column in the paths of an Isolation Forest: it adds up, and equals a walk from node to node."""

import numpy as np
import pytest

from engine.detectors import IsolationForest


@pytest.fixture(scope="module", params=[1.0, 0.5])
def forest(request):
    X = np.random.default_rng(2).normal(size=(300, 4))
    return IsolationForest(n_estimators=12, max_features=request.param).fit(X), X


def walked(tree, columns, path_length, row):
    """By how much each cut on a row's way shortens the expected path, one node after the other (n_features,)."""

    def expected(node):
        left, right = tree.children_left[node], tree.children_right[node]
        if left < 0:
            return path_length[node]
        n = tree.n_node_samples
        return (n[left] * expected(left) + n[right] * expected(right)) / (n[left] + n[right])

    shorter, node = np.zeros(len(row)), 0
    while tree.children_left[node] >= 0:
        column = columns[tree.feature[node]]
        way = tree.children_left if np.float32(row[column]) <= tree.threshold[node] else tree.children_right
        shorter[column] += expected(node) - expected(way[node])
        node = way[node]
    return shorter


def test_shares_equal_a_walk_down_every_tree(forest):
    detector, X = forest
    rows = np.vstack([X[:5], [[9.0, 0, 0, -9]]])
    trees = list(zip(detector.trees_, detector.columns_, detector.path_lengths_, strict=True))
    twin = [np.mean([walked(*tree, row) for tree in trees], axis=0) for row in rows]
    np.testing.assert_allclose(detector.contributions(rows), twin, atol=1e-9)


def test_shares_add_up_to_how_much_shorter_the_path_is(forest):
    detector, X = forest
    usual = detector.expected_path_length_
    path = -np.log2(detector.decision_function(X)) * usual
    left = path + detector.contributions(X).sum(axis=1)
    np.testing.assert_allclose(left, left[0])  # the mean path length of all, the same for every row


def test_columns_of_one_group_count_together(forest):
    detector, X = forest
    apart = detector.contributions(X)
    detector.groups_ = np.array([0, 0, 1, 1])
    together = detector.contributions(X)
    detector.groups_ = np.arange(4)
    np.testing.assert_allclose(together, apart[:, [0, 2]] + apart[:, [1, 3]])
