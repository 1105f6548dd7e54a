"""The consensus of several detectors: the mean of their percentiles, explained by all of them."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from engine.analysis import train
from engine.detectors import CATALOGUE, Consensus, IsolationForest, KNearestNeighbours, suitable
from engine.errors import StoreError, UsageError
from engine.hyperparameters import declared
from engine.scoring.thresholds import GRID, reference_quantiles

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4))
X[:6, 1] += 7
PAIR = "isolation_forest, neighbours"


@pytest.fixture(scope="module")
def pair():
    return Consensus(members=PAIR).fit(X)


def test_the_score_is_the_mean_percentile_among_each_members_training_scores(pair):
    told = []
    for member in (IsolationForest(), KNearestNeighbours()):
        scores = member.fit(X).decision_scores_
        told.append(np.interp(scores, reference_quantiles(scores), GRID))
    np.testing.assert_allclose(pair.decision_scores_, np.mean(told, axis=0), atol=0.05)
    np.testing.assert_array_equal(pair.decision_scores_, pair.decision_function(X))


def test_beyond_all_training_rows_further_out_still_scores_higher(pair):
    far = np.zeros((3, 4))
    far[:, 1] = [20, 40, 80]
    scores = pair.decision_function(far)
    assert (np.diff(scores) > 0).all()
    assert scores[-1] < 101


def test_contributions_add_up_to_the_score_and_name_the_column(pair):
    found = pair.contributions(X[:6])
    np.testing.assert_allclose(found.sum(axis=1), pair.decision_function(X[:6]))
    assert (found.argmax(axis=1) == 1).all()
    assert (found >= 0).all()
    again = Consensus(members=PAIR).restore(pair.arrays(), n_features=4)
    np.testing.assert_array_equal(again.contributions(X[:6]), found)


def test_contributions_are_the_mean_of_what_each_member_says():
    alone = [
        Consensus(members=f"neighbours, {other}").fit(X) for other in ("isolation_forest", "one_class_svm")
    ]
    every = Consensus(members="neighbours, isolation_forest, one_class_svm").fit(X)
    parts = [found.contributions(X[:3]) for found in alone]
    own = 2 * parts[0] + 2 * parts[1] - 3 * every.contributions(X[:3])
    score = KNearestNeighbours().fit(X).decision_scores_
    percentile = np.interp(score, reference_quantiles(score), GRID)[:3]
    np.testing.assert_allclose(
        own.sum(axis=1), percentile, atol=0.2
    )  # what is left is the nearest neighbours' part


def test_a_network_can_be_a_member_and_is_kept_with_the_model():
    short = Consensus(members="one_class_svm, autoencoder")
    made = short._new_members()
    made[1] = CATALOGUE["autoencoder"](epochs=2)
    short._new_members = lambda: made
    short.fit(X)
    again = Consensus(members=short.members).restore(short.arrays(), n_features=4)
    np.testing.assert_allclose(again.decision_function(X), short.decision_function(X), rtol=1e-6)
    assert again.contributions(X[:2]).shape == (2, 4)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ("isolation_forest", "2 or more different detectors"),
        ("neighbours, neighbours", "2 or more different detectors"),
        ("", "2 or more"),
        (
            "neighbours, nearest_windows",
            "each of members must be one of isolation_forest, .* got 'nearest_windows'",
        ),
        ("neighbours, consensus", "got 'consensus'"),
    ],
)
def test_members_that_cannot_be_are_refused_in_words(members, words):
    with pytest.raises(UsageError, match=words):
        Consensus(members=members).fit(X)


@pytest.mark.parametrize("part", ["reference", "typical", "groups"])
def test_a_damaged_consensus_is_refused(pair, part):
    arrays = pair.arrays()
    for broken in (arrays[part][:1], arrays[part] * np.nan if part != "groups" else arrays[part] + 5):
        with pytest.raises(StoreError, match="stored Consensus is damaged"):
            Consensus(members=PAIR).restore({**arrays, part: broken}, n_features=4)


def test_planted_rows_of_a_table_of_every_kind_of_column_are_severe(table):
    model = train(table.frame, table.roles, "consensus")
    scores = model.score(table.frame)
    planted = np.flatnonzero(table.labels)
    assert np.median(scores.severity[planted]) > 95
    assert model.card.title == "Consensus of Detectors"
    alone = train(table.frame, table.roles, "neighbours").score(table.frame).values
    assert spearmanr(scores.values, alone).statistic > 0.5


def test_what_fits_comes_with_the_quick_ones_first():
    assert not any(kind.sequential for kind in suitable("table"))
    assert len(suitable("series")) == len(CATALOGUE)
    speeds = [kind.speed for kind in suitable("series")]
    assert speeds == sorted(speeds, reverse=True)


def test_members_are_chosen_among_the_detectors_there_are_and_written_by_name():
    knob = declared(Consensus)["members"]
    assert {"isolation_forest", "autoencoder"} <= set(knob.choices)
    assert not {"consensus", "nearest_windows"} & set(knob.choices)
    assert knob.check(["neighbours", "autoencoder"]) == "neighbours, autoencoder"
    assert knob.named(knob.check("neighbours,autoencoder")) == ["neighbours", "autoencoder"]
    with pytest.raises(UsageError, match="did you mean 'neighbours'"):
        knob.check("neighbors, autoencoder")
