"""Every detector keeps every promise, is a scikit-learn estimator, and agrees with scikit-learn where it can."""

import warnings

import numpy as np
import pytest
import sklearn.ensemble
import sklearn.neighbors
import sklearn.svm
from scipy.stats import spearmanr
from sklearn.utils.estimator_checks import parametrize_with_checks

from engine.detectors import (
    CATALOGUE,
    IsolationForest,
    KNearestNeighbours,
    OneClassSVM,
    detector_class,
    recommended,
)
from engine.errors import UsageError
from tests import naive
from tests.engine import checks

X = np.random.default_rng(0).normal(size=(400, 5)) * [1, 2, 1, 5, 1]
X[:8] += 9


def every(promises, detectors=tuple(CATALOGUE)):
    return [
        pytest.param(detector, promise, id=f"{detector}:{promise.__name__}")
        for detector in detectors
        for promise in promises
    ]


@pytest.mark.parametrize(("detector", "promise"), every(checks.ON_BOTH + checks.ON_TABLES, checks.TABULAR))
def test_promise_on_a_table(detector, promise, table, model_of):
    promise(detector, table, model_of(detector, table))


@pytest.mark.parametrize(("detector", "promise"), every(checks.ON_BOTH + checks.ON_SERIES))
def test_promise_on_a_series(detector, promise, series, model_of):
    if (detector, promise) in checks.NOT_PROMISED:
        pytest.skip(checks.NOT_PROMISED[detector, promise])
    promise(detector, series, model_of(detector, series))


NO_BASE = (
    "Estimator .* does not inherit from `sklearn.base.BaseEstimator`"  # on purpose: listing detectors is free
)

IN_ORDER = {
    "check_methods_sample_order_invariance": "a reading is judged by those around it, so their order matters",
    "check_methods_subset_invariance": "a reading is judged by those around it, so it cannot be scored alone",
}

KNOB = dict.fromkeys(
    ("check_n_features_in_after_fitting", "check_fit_score_takes_y", "check_pipeline_consistency"),
    "its hyperparameter score is called as scikit-learn's method score",
)


def failing(detector):
    """The checks that a detector cannot pass, and why."""
    return (IN_ORDER if detector.sequential else {}) | (KNOB if hasattr(detector, "score") else {})


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", NO_BASE)
    accepted = parametrize_with_checks(
        [kind(**checks.quickest(name)) for name, kind in CATALOGUE.items()],
        expected_failed_checks=failing,
    )


@pytest.mark.filterwarnings(f"ignore:{NO_BASE}")
@accepted
def test_scikit_learn_accepts_the_detector(estimator, check):
    check(estimator)


@pytest.mark.parametrize("detector", CATALOGUE.values(), ids=CATALOGUE)
def test_a_detector_introduces_itself(detector):
    assert CATALOGUE[detector.name] is detector
    for text in (
        detector.title,
        detector.summary,
        detector.works_when,
        detector.struggles_when,
        detector.reference,
    ):
        assert len(text) > 5
    assert detector.summary.endswith(".")
    assert detector.speed in (1, 2, 3)


def test_an_unknown_detector_is_answered_with_the_nearest():
    with pytest.raises(
        UsageError, match="there is no detector 'isolation_forrest'; did you mean 'isolation_forest'"
    ):
        detector_class("isolation_forrest")


@pytest.mark.parametrize(
    "settings", [{}, {"max_samples": 50, "max_features": 0.6}, {"bootstrap": True}], ids=str
)
def test_isolation_forest_scores_as_scikit_learn_with_the_sign_turned(settings):
    ours = IsolationForest(**settings).fit(X)
    theirs = sklearn.ensemble.IsolationForest(random_state=0, **{"max_samples": 256, **settings}).fit(X)
    np.testing.assert_allclose(ours.decision_function(X), -theirs.score_samples(X), rtol=1e-12)


@pytest.mark.parametrize("width", [1, 5, 30])
def test_neighbours_score_training_rows_as_scikit_learn_does(width):
    rows = np.random.default_rng(1).normal(size=(300, width))
    theirs = sklearn.neighbors.LocalOutlierFactor(n_neighbors=20).fit(rows)
    ours = KNearestNeighbours().fit(rows)
    np.testing.assert_allclose(ours.decision_scores_, -theirs.negative_outlier_factor_, rtol=1e-9)


def test_neighbours_score_new_rows_as_scikit_learn_does():
    new = np.random.default_rng(2).normal(size=(50, 5)) * 3
    theirs = sklearn.neighbors.LocalOutlierFactor(n_neighbors=20, novelty=True).fit(X)
    np.testing.assert_allclose(
        KNearestNeighbours().fit(X).decision_function(new), -theirs.score_samples(new), rtol=1e-9
    )


def test_distance_mode_is_the_mean_distance_to_the_other_rows():
    rows = X[:60]
    ours = KNearestNeighbours(mode="distance", n_neighbors=4).fit(rows).decision_scores_
    twin = [naive.mean_distance_to_others(row, np.delete(rows, i, axis=0), 4) for i, row in enumerate(rows)]
    np.testing.assert_allclose(ours, twin, rtol=1e-9)


def test_one_of_two_equal_rows_is_the_neighbour_of_the_other():
    rows = np.vstack([X[:40], X[:1]])
    scores = KNearestNeighbours(mode="distance", n_neighbors=1).fit(rows).decision_scores_
    assert scores[0] == scores[-1] == 0


@pytest.mark.parametrize("width", [4, 25])
def test_neighbours_give_a_row_the_same_score_alone_and_among_many_columns(width):
    rows = np.random.default_rng(3).normal(size=(500, width))
    fitted = KNearestNeighbours().fit(rows[:400])
    whole = fitted.decision_function(rows)
    alone = np.concatenate([fitted.decision_function(rows[[i]]) for i in range(0, 500, 25)])
    np.testing.assert_array_equal(alone, whole[::25])


@pytest.mark.parametrize(
    "settings", [{}, {"kernel": "linear"}, {"gamma": "auto"}, {"gamma": "0.05", "nu": 0.3}], ids=str
)
def test_one_class_svm_is_the_exact_one_up_to_its_limit(settings):
    theirs = sklearn.svm.OneClassSVM(
        nu=settings.get("nu", 0.1),
        kernel=settings.get("kernel", "rbf"),
        gamma=float(settings["gamma"]) if settings.get("gamma") == "0.05" else settings.get("gamma", "scale"),
    ).fit(X)
    np.testing.assert_allclose(
        OneClassSVM(**settings).fit(X).decision_function(X),
        -theirs.decision_function(X),
        rtol=1e-7,
        atol=1e-9,
    )


def test_one_class_svm_approximated_ranks_as_the_exact_one():
    exact, fast = OneClassSVM().fit(X), OneClassSVM(exact_rows=100).fit(X)
    new = np.random.default_rng(4).normal(size=(300, 5)) * 2
    assert spearmanr(exact.decision_function(X), fast.decision_function(X)).statistic > 0.99
    assert spearmanr(exact.decision_function(new), fast.decision_function(new)).statistic > 0.99


@pytest.mark.parametrize("gamma", ["-1", "0", "nan", "inf", "wide"])
def test_a_gamma_that_is_no_width_is_refused(gamma):
    with pytest.raises(UsageError, match="gamma must be 'scale', 'auto' or a number above 0"):
        OneClassSVM(gamma=gamma).fit(X)


def test_neighbours_keep_a_sample_of_a_large_table():
    fitted = KNearestNeighbours(max_reference=100).fit(X)
    assert len(fitted.reference_) == 100
    assert fitted.decision_scores_.shape == (400,)


@pytest.mark.parametrize(
    ("rows", "features", "kind", "wanted"),
    [
        (499, 20, "table", "isolation_forest"),
        (500, 20, "table", "autoencoder"),
        (5_000, 2, "table", "isolation_forest"),
        (5_000, 1, "series", "nearest_windows"),
        (200, 8, "series", "nearest_windows"),
        (100, 8, "series", "isolation_forest"),
    ],
)
def test_the_shape_of_the_data_says_which_detector_to_begin_with(rows, features, kind, wanted):
    found = recommended(rows, features, kind)
    assert found.detector == wanted
    assert found.why


def test_the_first_of_the_catalogue_answers_fast():
    assert next(iter(CATALOGUE.values())).speed == 3
