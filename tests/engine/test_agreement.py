"""Agreement of scorings equals slow twins and scipy, ties and unjudged rows included."""

import numpy as np
import pytest
from scipy import stats

from engine.scoring import agreement
from engine.scoring.agreement import (
    agreement_matrix,
    average_ranks,
    consensus_of_ranks,
    kendall,
    spearman,
    top_overlap,
)
from tests import naive


def made_up():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        one = rng.normal(size=int(rng.integers(4, 60)))
        other = one + rng.normal(size=len(one))
        # Every other case has many equal scores.
        yield pytest.param(
            *((np.round(one), np.round(other)) if seed % 2 else (one, other)), id=f"seed {seed}"
        )


CASES = list(made_up())


@pytest.mark.parametrize(("one", "other"), CASES)
def test_rank_correlations_equal_their_twins_and_scipy(one, other):
    np.testing.assert_array_equal(average_ranks(one), naive.ranks(one))
    assert spearman(one, other) == pytest.approx(naive.correlation(naive.ranks(one), naive.ranks(other)))
    assert spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    assert kendall(one, other) == pytest.approx(naive.kendall(one, other))
    assert kendall(one, other) == pytest.approx(stats.kendalltau(one, other).statistic)


@pytest.mark.parametrize(("one", "other"), CASES)
def test_overlap_of_tops_equals_its_twin(one, other):
    for k in (1, 3, len(one) // 2, len(one)):
        assert top_overlap(one, other, k) == pytest.approx(naive.top_overlap(one, other, k))
        assert top_overlap(one, one, k) == pytest.approx(1)


def test_rows_that_one_could_not_judge_are_left_out():
    one, other = np.array([1.0, 2, 3, np.nan, 9]), np.array([1.0, 2, 3, 4, np.nan])
    assert spearman(one, other) == kendall(one, other) == 1
    assert top_overlap(one, other, 10) == 1
    assert np.isnan(consensus_of_ranks([one, other])[3:]).all()


def test_a_scoring_that_ranks_nothing_agrees_with_nobody():
    flat, rising = np.zeros(5), np.arange(5.0)
    assert np.isnan(spearman(flat, rising))
    assert np.isnan(kendall(flat, rising))
    assert top_overlap(flat, rising, 1) == pytest.approx(0.2)
    assert np.isnan(top_overlap(np.full(5, np.nan), rising, 1))


def test_of_very_many_rows_kendall_is_measured_on_a_sample(monkeypatch):
    monkeypatch.setattr(agreement, "MOST_PAIRED", 2_000)
    rng = np.random.default_rng(0)
    one = rng.normal(size=20_000)
    other = one + rng.normal(size=20_000)
    assert kendall(one, other) == pytest.approx(stats.kendalltau(one, other).statistic, abs=0.03)


def test_a_matrix_is_symmetric_and_holds_every_pair():
    rng = np.random.default_rng(1)
    scores = [rng.normal(size=30) for _ in range(3)]
    found = agreement_matrix(scores, spearman)
    np.testing.assert_array_equal(found, found.T)
    assert found[2, 0] == spearman(scores[2], scores[0])
    np.testing.assert_array_equal(np.diag(found), 1)


def test_consensus_is_the_mean_rank_whatever_the_scales():
    one, other = np.array([1.0, 5, 3, 3]), np.array([10.0, 1e9, -5, 7])
    expected = (np.array(naive.ranks(one)) + naive.ranks(other)) / 2
    np.testing.assert_allclose(consensus_of_ranks([one, other]), 100 * (expected - 0.5) / 4)
    np.testing.assert_allclose(
        consensus_of_ranks([one, other]), consensus_of_ranks([np.exp(one), other / 3 + 1])
    )
