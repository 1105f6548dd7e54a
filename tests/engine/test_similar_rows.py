"""What a score owes to a column beside rows like it: falls by hand, rows that pass themselves over, damaged files."""

import numpy as np
import pytest

from engine.analysis import train
from engine.detectors import IsolationForest
from engine.detectors.similar_rows import TRIED, SimilarRows
from engine.errors import StoreError
from engine.scoring.reasons import explain
from tests.planted import hits, out_of_step

RNG = np.random.default_rng(4)
GROUPS = np.arange(3)


def off(X):
    """A score that can be told by hand: how far the third column is from the sum of the others."""
    return np.abs(X[:, 2] - X[:, 0] - X[:, 1])


@pytest.fixture(scope="module")
def rows():
    X = RNG.integers(-20, 20, (4_000, 3)).astype(float)
    X[:, 2] = X[:, 0] + X[:, 1]
    return SimilarRows.chosen(X, off(X), seed=0)


def test_the_column_that_contradicts_the_others_is_owed_all_of_the_score(rows):
    found = rows.falls(off, np.array([[5.0, 5.0, 30.0]]), GROUPS)[0]
    assert found[2] == pytest.approx(20, abs=2)
    assert found.argmax() == 2


def test_a_row_that_was_kept_does_not_vouch_for_itself():
    alone = SimilarRows(np.array([[0, 0, 50], [0, 1, 1], [1, 0, 1], [1, 1, 2]], dtype=np.float32))
    found = alone.falls(off, np.array([[0.0, 0.0, 50.0]]), GROUPS)[0]
    assert found[2] == pytest.approx(50 - 4 / 3)


def test_cells_of_one_column_are_replaced_together():
    kept = SimilarRows(np.array([[0, 1, 0], [1, 0, 0], [1, 0, 1]], dtype=np.float32))
    seen = []
    kept.falls(lambda X: (seen.append(X.copy()), X.sum(axis=1))[1], np.ones((1, 3)), np.array([0, 0, 1]))
    assert {tuple(row) for row in seen[0]} == {(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1, 1)}


def test_of_many_columns_those_that_differ_most_are_tried():
    X = RNG.normal(size=(200, TRIED + 8))
    row = X[:1].copy()
    row[0, 5] += 9
    found = SimilarRows.chosen(X, np.zeros(200), 0).falls(
        lambda X: np.abs(X).sum(axis=1), row, np.arange(TRIED + 8)
    )
    assert np.count_nonzero(found) == TRIED
    assert found.argmax() == 5


def test_no_rows_have_no_falls(rows):
    assert rows.falls(off, np.zeros((0, 3)), GROUPS).shape == (0, 3)


def test_enormous_cells_are_compared_too():
    X = RNG.normal(size=(50, 3))
    row = np.array([[0.0, 1e300, 0.0]])
    found = SimilarRows.chosen(X, np.zeros(50), 0).falls(
        lambda X: (np.abs(X) > 1e10).sum(axis=1) * 1.0, row, GROUPS
    )
    np.testing.assert_array_equal(found, [[0, 1, 0]])


@pytest.mark.parametrize("far", [30, 1e4, 1e6])
def test_of_a_row_with_a_value_far_out_the_other_columns_are_still_compared(far):
    X = 0.1 * np.random.default_rng(0).normal(size=(2_000, 7))
    X[:, 0] = X[:, 1] = 20 * X[:, 1]
    asked = []
    SimilarRows.chosen(X, np.zeros(len(X)), 0).falls(
        lambda rows: (asked.append(rows), rows[:, 0])[1],
        np.array([[2.0, -2, 0, 0, 0, 0, far]]),
        np.arange(7),
    )
    given = asked[0][asked[0][:, 1] != -2, 1]
    assert len(given) == 3
    np.testing.assert_allclose(given, 2, atol=0.5)


def test_the_most_unusual_rows_are_not_kept():
    X = np.r_[np.zeros((95, 2)), np.ones((5, 2))]
    assert not SimilarRows.chosen(X, X[:, 0], 0).kept.any()


def test_a_forest_names_a_value_that_is_ordinary_by_itself_and_contradicts_the_others():
    faults = out_of_step(rows=900, columns=8, faults=40, seed=2)
    model = train(faults.frame, faults.roles, "isolation_forest", {"n_estimators": 60})
    prepared = model.encode(faults.frame)
    found = explain(model, prepared, faults.at(model.judge(prepared).values))
    first, _ = hits([[r.column for r in reasons] for reasons in found.reasons], faults.columns)
    assert first >= 0.92


def test_a_forest_stored_before_rows_were_kept_tells_its_paths():
    X = RNG.normal(size=(300, 3))
    forest = IsolationForest(n_estimators=10).fit(X)
    arrays = forest.arrays()
    again = IsolationForest(n_estimators=10).restore(arrays, n_features=3)
    np.testing.assert_array_equal(again.falls(X[:5]), forest.falls(X[:5]))
    older = {name: array for name, array in arrays.items() if name != "similar"}
    assert IsolationForest(n_estimators=10).restore(older, n_features=3).falls(X[:5]) is None


@pytest.mark.parametrize(
    "kept", [np.zeros((0, 3), np.float32), np.zeros((2, 3)), np.full((2, 3), np.nan, np.float32)]
)
def test_damaged_rows_are_refused(kept):
    with pytest.raises(StoreError, match="do not add up"):
        SimilarRows.restore(kept, n_features=3)
