"""The AutoEncoder: what a network sees of a row, what it expects, and that broken relations are found and named."""

import numpy as np
import pytest
import torch

from engine.detectors.autoencoder import AutoEncoder
from engine.detectors.cells import SEEN_LIMIT, TARGET_LIMIT, Cells
from engine.detectors.ordinary_rows import MOST_KEPT, OrdinaryRows
from engine.detectors.rebuilding import HiddenCells, WholeRows
from engine.errors import StoreError
from tests import naive

BOTH = pytest.mark.parametrize("mode", ["classic", "robust"])
GROUPS = np.array([0, 1, 1, 1, 2])  # a number, a category of three levels, a number


def mixed(n=300, seed=0, missing=0.1):
    """A number, a category of three levels and a number that follows from both; some cells missing."""
    rng = np.random.default_rng(seed)
    number, level = rng.normal(size=n), rng.integers(0, 3, n)
    X = np.column_stack([number, np.eye(3)[level], 2 * number + level + 0.1 * rng.normal(size=n)])
    for group in range(3):
        X[np.ix_(rng.random(n) < missing, np.flatnonzero(group == GROUPS))] = np.nan
    X[np.isnan(X).all(axis=1), 0] = 0.0
    return X


def sums(n, seed):
    """x1, x2 and noise by themselves; x3 = x1 + x2 within 0.1."""
    rng = np.random.default_rng(seed)
    x1, x2, noise = rng.normal(size=(3, n))
    return np.column_stack([x1, x2, x1 + x2 + 0.1 * rng.normal(size=n), noise])


@pytest.fixture(scope="module")
def adder():
    """Trained on 2,000 rows in which x3 = x1 + x2."""
    return AutoEncoder(encoder_dims=(32, 32)).fit(sums(2_000, 0))


# ---- cells


def test_cells_are_centred_and_scaled_as_by_hand():
    X = mixed()
    values, known = Cells.fit(X, GROUPS, rescale=True).scaled(X)
    twin = naive.scaled_cells(X.tolist(), GROUPS.tolist(), TARGET_LIMIT)
    np.testing.assert_allclose(values, twin, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(known, [[not np.isnan(row[c]) for c in (0, 1, 4)] for row in X])


def test_only_cells_with_exactly_one_level_a_row_are_a_category():
    X = np.column_stack([mixed(missing=0)[:, :4], np.ones(300)])
    X[:, 4] = X[:, 1]  # two cells of one column, of which none, one or both are 1
    groups = np.array([0, 1, 1, 1, 1])
    assert not Cells.fit(X, groups, rescale=True).choice.any()
    assert Cells.fit(mixed(), GROUPS, rescale=True).choice.tolist() == [False, True, True, True, False]


def test_spans_say_where_each_category_lies():
    X, level = mixed(missing=0), np.eye(2)[np.arange(300) % 2]
    cells = Cells.fit(np.hstack([X, level]), np.array([0, 1, 1, 1, 2, 3, 3]), rescale=True)
    assert cells.spans == [(1, 1, 4), (3, 5, 7)]


def test_categories_of_as_many_levels_are_taken_together():
    X, level = mixed(missing=0), np.eye(3)[np.arange(300) % 3]
    cells = Cells.fit(
        np.hstack([X, level, level[:, :2], 1 - level[:, :2]]),
        np.array([0, 1, 1, 1, 2, 3, 3, 3, 4, 4, 5, 5]),
        rescale=True,
    )
    ((chosen, levels),) = cells.choices
    assert (chosen.tolist(), levels.tolist()) == ([1, 3], [[1, 2, 3], [5, 6, 7]])


def test_scaling_back_gives_the_numbers_again():
    X = mixed(missing=0)
    cells = Cells.fit(X, GROUPS, rescale=True)
    np.testing.assert_allclose(cells.unscaled(cells.scaled(X)[0].astype(float)), X, atol=1e-5)


def test_a_number_far_out_is_held_at_the_limit():
    X = mixed(missing=0)
    cells = Cells.fit(X, GROUPS, rescale=True)
    X[0, 0], X[1, 0] = 1e300, -1e300
    assert cells.scaled(X)[0][:2, 0].tolist() == [TARGET_LIMIT, -TARGET_LIMIT]
    assert SEEN_LIMIT < TARGET_LIMIT


def test_cells_that_do_not_add_up_are_refused():
    arrays = Cells.fit(mixed(), GROUPS, rescale=True).arrays()
    for change in (
        {"cells/groups": np.array([0, 2, 2, 2, 3])},
        {"cells/scale": arrays["cells/scale"] * 0},
        {"cells/center": arrays["cells/center"] * np.nan},
        {"cells/choice": arrays["cells/choice"].astype(np.int8)},
        {"cells/scale": np.ones(4)},
    ):
        with pytest.raises(StoreError, match="its columns do not add up"):
            Cells.restore(arrays | change, n_cells=5)


def test_errors_are_squares_of_numbers_and_surprise_at_categories():
    X = mixed(n=50, missing=0)
    network = WholeRows(Cells.fit(X, GROUPS, rescale=True), (4,), 2, 0.0)
    values = network.cells.scaled(X)[0]
    guess = np.random.default_rng(1).normal(size=values.shape).astype(np.float32)
    errors = network._errors(torch.tensor(guess), torch.tensor(values)).numpy()
    twin = [naive.cell_errors(g, v) for g, v in zip(guess.tolist(), values.tolist(), strict=True)]
    np.testing.assert_allclose(errors, twin, rtol=1e-4, atol=1e-5)


def test_every_member_hides_every_column_once():
    hidden = HiddenCells.parts(7, 4, 3, np.random.default_rng(0))
    assert hidden.shape == (3, 4, 7)
    assert (hidden.sum(axis=0) == 1).all()
    assert hidden.sum(axis=2).tolist() == [[3] * 4, [2] * 4, [2] * 4]


def test_what_is_hidden_makes_no_difference_to_what_is_filled_in():
    fitted = AutoEncoder(epochs=2, encoder_dims=(8,)).fit(mixed(), groups=GROUPS)
    X = mixed(n=5, seed=3, missing=0)
    expected = fitted.expectation(X).expected[:, 0]
    X[:, 0] = [100, -100, np.nan, 0, 7]
    np.testing.assert_array_equal(fitted.expectation(X).expected[:, 0], expected)


# ---- what comes of it


@BOTH
def test_missing_cells_and_categories_give_finite_scores(mode):
    fitted = AutoEncoder(mode=mode, epochs=3, encoder_dims=(16, 8), bottleneck_dim=4)
    fitted.fit(mixed(), groups=GROUPS)
    X = mixed(seed=1, missing=0.4)
    assert np.isfinite(fitted.decision_function(X)).all()
    assert fitted.contributions(X).shape == (300, 3)
    assert (fitted.contributions(X)[np.isnan(X[:, [0, 1, 4]])] == 0).all(), "nobody knows, nobody is blamed"


@BOTH
def test_contributions_sum_to_the_score(mode):
    fitted = AutoEncoder(mode=mode, epochs=3, encoder_dims=(16, 8), bottleneck_dim=4)
    fitted.fit(mixed(), groups=GROUPS)
    X = mixed(seed=1)
    np.testing.assert_allclose(fitted.contributions(X).sum(axis=1), fitted.decision_function(X), rtol=1e-12)
    assert (fitted.contributions(X) >= 0).all()


def test_classic_scores_are_mean_squared_errors():
    X = np.random.default_rng(0).normal(size=(200, 4))
    fitted = AutoEncoder(mode="classic", epochs=2, encoder_dims=(8,), bottleneck_dim=2).fit(X)
    errors = fitted.rows_.errors(*fitted.cells_.scaled(X))
    np.testing.assert_allclose(fitted.decision_function(X), errors.mean(axis=1), rtol=1e-12)


def test_robust_scores_are_errors_and_distances_in_units():
    X = np.random.default_rng(0).normal(size=(200, 4))
    fitted = AutoEncoder(mode="robust", epochs=2, encoder_dims=(8,)).fit(X)
    cells = fitted.cells_.scaled(X)
    errors, apart = fitted.rows_.errors(*cells), fitted.ordinary_.distances(*cells)
    expected = (errors / fitted.unit_ + apart / fitted.distance_unit_).mean(axis=1)
    np.testing.assert_allclose(fitted.decision_function(X), expected, rtol=1e-12)


def test_an_ordinary_row_scores_one_two_thirds_of_it_by_error():
    X = np.random.default_rng(0).normal(size=(12_000, 6))
    fitted = AutoEncoder(epochs=2, encoder_dims=(8,)).fit(X[:6_000])
    cells = fitted.cells_.scaled(X[6_000:])
    error = (fitted.rows_.errors(*cells) / fitted.unit_).mean()
    distance = (fitted.ordinary_.distances(*cells) / fitted.distance_unit_).mean()
    np.testing.assert_allclose([error, distance], [2 / 3, 1 / 3], atol=0.05)


def test_the_worst_rows_of_a_mini_batch_are_not_learned_from():
    """Two rows in a hundred are impossible; what is learned is bit for bit what is learned of others in their place."""

    def gradient(odd, trim):
        X = sums(100, 0)
        X[:2] = odd
        torch.manual_seed(0)
        cells = Cells.fit(sums(100, 0), np.arange(4), rescale=True)
        hidden = HiddenCells.parts(4, 2, 2, np.random.default_rng(0))
        rows = HiddenCells(cells, hidden, 8, 1, trim=trim)
        rows.learn_from(X, np.array([99]))
        torch.manual_seed(1)
        return torch.autograd.grad(rows.loss(torch.arange(99), 0.0), list(rows.network.parameters()))

    def same(a, b):
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    assert same(gradient(15.0, 0.03), gradient(18.0, 0.03))
    assert not same(gradient(15.0, 0.0), gradient(18.0, 0.0))


# ---- ordinary rows


def ordinary(kept, oddness=None, nearest=3):
    """Rows kept as they are, and cells that leave numbers alone."""
    kept = np.asarray(kept, dtype=np.float32)
    width = kept.shape[1]
    cells = Cells(
        groups=np.arange(width),
        choice=np.zeros(width, dtype=bool),
        center=np.zeros(width),
        scale=np.ones(width),
    )
    return OrdinaryRows(cells, kept, None if oddness is None else np.asarray(oddness, np.float32), nearest)


def test_distances_are_mean_squared_differences_from_the_three_nearest():
    rng = np.random.default_rng(0)
    kept, X = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(300, 5)).astype(np.float32)
    found = ordinary(kept).distances(X, np.ones(X.shape, dtype=bool))
    np.testing.assert_allclose(found, naive.apart(X.tolist(), kept.tolist(), 3), rtol=1e-5)


def test_a_row_lies_as_far_beside_rows_with_missing_cells():
    rng = np.random.default_rng(0)
    kept, X = rng.normal(size=(40, 5)).astype(np.float32), rng.normal(size=(30, 5)).astype(np.float32)
    known = rng.random(X.shape) < 0.9
    found = ordinary(kept).distances(X * known, known)
    whole = known.all(axis=1)
    assert 0 < whole.sum() < 30
    np.testing.assert_array_equal(found[whole], ordinary(kept).distances(X[whole], known[whole]))


def test_a_kept_row_does_not_vouch_for_itself_but_a_twin_does():
    apart = ordinary([[0, 0], [3, 0], [3, 0], [0, 4], [9, 9]]).distances
    known = np.ones((1, 2), dtype=bool)
    one, two = (apart(np.array([row], dtype=np.float32), known)[0] for row in ([0.0, 0.0], [3.0, 0.0]))
    np.testing.assert_allclose(one, [(9 + 9 + 0) / 3, (0 + 0 + 16) / 3])  # (3, 0) twice and (0, 4)
    np.testing.assert_allclose(two, [(0 + 9 + 9) / 3, (0 + 0 + 16) / 3])  # its twin, (0, 0) and (0, 4)


def test_what_is_not_known_lies_nowhere():
    kept = [[0, 0], [1, 50], [2, 0], [3, 0], [4, 0]]
    found = ordinary(kept).distances(np.array([[1.0, 0.0]], dtype=np.float32), np.array([[True, False]]))
    np.testing.assert_allclose(
        found, [[(1 + 1 + 4) / 3, 0]]
    )  # beside (1, 50), which is equal where it is known


def test_rows_with_errors_far_out_are_kept_last():
    rng = np.random.default_rng(0)
    candidates = np.arange(2 * MOST_KEPT, dtype=np.float32)[:, None]
    errors = np.exp(rng.normal(size=2 * MOST_KEPT))
    errors[:30] *= 1_000
    found, odd = OrdinaryRows.chosen(ordinary([[0]]).cells, candidates, errors, rng)
    assert len(found.kept) == MOST_KEPT
    assert 0 < len(odd) < 30
    np.testing.assert_array_equal(found.kept[-len(odd) :, 0], odd)
    assert found.kept[: -len(odd)].min() >= 30


def test_an_odd_row_vouches_for_others_only_as_far_as_it_is_ordinary():
    kept, known = [[0, 0], [9, 0], [9, 9]], np.ones((1, 2), dtype=bool)

    def apart(row, oddness):
        return ordinary(kept, oddness, 1).distances(np.array([row], dtype=np.float32), known)[0]

    np.testing.assert_allclose(apart([9.0, 8.0], None), [0, 1])
    np.testing.assert_allclose(apart([9.0, 8.0], [[5, 2]]), [5, 3], err_msg="its own oddness is added")
    np.testing.assert_allclose(apart([9.0, 8.0], [[60, 60]]), [0, 64], err_msg="another is nearer then")
    np.testing.assert_allclose(apart([9.0, 9.0], [[5, 2]]), [0, 81], err_msg="never for itself")


def test_an_odd_row_counts_for_known_cells_alone():
    found = ordinary([[50, 0], [0, 9]], [[5, 2]], 1)
    apart = found.distances(np.array([[1.0, 0.0]], dtype=np.float32), np.array([[True, False]]))
    np.testing.assert_allclose(apart, [[6, 0]])


def test_rows_stored_before_are_compared_with_three():
    stored = {"ordinary/kept": np.zeros((5, 2), dtype=np.float32)}
    cells = ordinary([[0, 0]]).cells
    found = OrdinaryRows.restore(stored, cells)
    assert found.nearest == 3
    assert OrdinaryRows.restore(ordinary([[0, 0]] * 5, [[1, 1]], 2).arrays(), cells).nearest == 2


@pytest.mark.parametrize(
    "kept",
    [
        np.zeros((0, 2)),
        np.zeros((3, 1)),
        np.full((3, 2), 21.0),
        np.full((3, 2), np.nan),
        np.zeros((MOST_KEPT + 1, 2)),
    ],
)
def test_damaged_ordinary_rows_are_refused(kept):
    with pytest.raises(StoreError, match="ordinary rows do not add up"):
        OrdinaryRows.restore({"ordinary/kept": kept.astype(np.float32)}, ordinary([[0, 0]]).cells)


@pytest.mark.parametrize(
    "part",
    [
        {"oddness": np.full((1, 2), -1.0, dtype=np.float32)},
        {"oddness": np.zeros((9, 2), dtype=np.float32)},
        {"oddness": np.zeros((1, 3), dtype=np.float32)},
        {"nearest": np.array([0])},
        {"nearest": np.array([2.0])},
    ],
)
def test_damaged_facts_of_ordinary_rows_are_refused(part):
    arrays = ordinary([[0, 0]] * 5).arrays() | {f"ordinary/{name}": array for name, array in part.items()}
    with pytest.raises(StoreError, match="ordinary rows do not add up"):
        OrdinaryRows.restore(arrays, ordinary([[0, 0]]).cells)


def test_a_row_that_follows_the_rule_where_no_row_ever_was_is_found():
    """Far along the line on which all rows lie every column agrees with every other."""
    rng = np.random.default_rng(0)
    along = rng.normal(size=(3_000, 1))
    X = along @ np.ones((1, 4)) + 0.1 * rng.normal(size=(3_000, 4))
    fitted = AutoEncoder(encoder_dims=(32, 32), epochs=20).fit(X[:2_000])
    extrapolated = 6 + 0.1 * rng.normal(size=(50, 4))
    threshold = np.quantile(fitted.decision_function(X[2_000:]), 0.99)
    assert (fitted.decision_function(extrapolated) > threshold).all()


@BOTH
def test_a_row_has_the_same_score_in_any_company(mode):
    rows = np.random.default_rng(2).normal(size=(700, 23))
    fitted = AutoEncoder(mode=mode, epochs=1).fit(rows)
    whole = fitted.decision_function(rows)
    for some in (slice(0, 1), slice(255, 258), slice(100, 613)):
        np.testing.assert_array_equal(fitted.decision_function(rows[some]), whole[some])


def test_the_expected_value_follows_from_the_other_columns(adder):
    X = sums(1_000, 1)
    expected = adder.expectation(X).expected[:, 2]
    assert np.abs(expected - (X[:, 0] + X[:, 1])).mean() < 0.2
    np.testing.assert_allclose(np.abs(adder.expectation(X).expected[:, 3]).mean(), 0, atol=0.3)


def test_about_nine_in_ten_new_cells_lie_in_the_expected_range(adder):
    X = sums(4_000, 2)
    told = adder.expectation(X)
    covered = ((told.low <= X) & (told.high >= X)).mean(axis=0)
    assert (np.abs(covered - 0.9) < 0.06).all(), covered


def test_a_broken_relation_is_found_and_its_column_is_named_first():
    """Every value comes from an ordinary row; only beside the others it is impossible."""
    rng = np.random.default_rng(4)
    mixing = np.array([[1, 1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1]])
    X = rng.normal(size=(3_000, 2)) @ mixing + 0.15 * rng.normal(size=(3_000, 8))
    fitted = AutoEncoder(encoder_dims=(32, 32)).fit(X[:2_000])
    ordinary, planted, columns = X[2_000:2_900], X[2_900:].copy(), rng.integers(0, 8, 100)
    for row, column in zip(planted, columns, strict=True):
        others = ordinary[:, column]
        row[column] = rng.choice(others[np.abs(others - row[column]) > 1.2])
    threshold = np.quantile(fitted.decision_function(ordinary), 0.95)
    found = fitted.decision_function(planted) > threshold
    named = fitted.contributions(planted).argmax(axis=1) == columns
    assert (found & named).mean() >= 0.9, (found.mean(), named.mean())
