"""The share of false flags stays below what was asked for; p-values equal their slow twin, or are higher."""

import numpy as np
import pytest

from engine.scoring.false_discovery import FalseDiscoveryRate, fewest_flags, p_values
from engine.scoring.thresholds import reference_quantiles
from tests import naive

RESAMPLES = 200
Q = 0.1


def draw(rng, n, ties):
    scores = rng.normal(size=n)
    return np.round(scores, 1) if ties else scores


@pytest.mark.parametrize("ties", [False, True], ids=["smooth", "many ties"])
@pytest.mark.parametrize("rows", [7, 300, 2_001, 3_456])
def test_p_values_equal_their_twin_up_to_what_quantiles_resolve(rows, ties):
    rng = np.random.default_rng(rows)
    reference, scores = draw(rng, rows, ties), np.r_[draw(rng, 60, ties), 9.0, -9.0]
    exact = np.array(naive.conformal_p_values(scores, reference))
    found = p_values(scores, reference_quantiles(reference), rows)
    assert (found >= exact - 1e-12).all(), "never too low"
    assert (found - exact).max() <= 1 / (rows + 1) + 1 / 2_000
    assert found[-2] == 1 / (rows + 1)
    assert found[-1] == 1


def test_a_row_that_could_not_be_judged_has_no_p_value():
    assert np.isnan(p_values(np.array([np.nan, 1.0]), reference_quantiles(np.arange(100.0)), 100)[0])


@pytest.mark.parametrize("ties", [False, True], ids=["smooth", "many ties"])
def test_the_line_is_that_of_the_step_up(ties):
    rng = np.random.default_rng(3)
    reference = reference_quantiles(draw(rng, 900, ties))
    for shift in (0.0, 2.0, 4.0):
        here = np.r_[draw(rng, 300, ties), draw(rng, 60, ties) + shift, np.nan]
        line = FalseDiscoveryRate(Q).threshold(reference, here, rows=900)
        told = p_values(here, reference, 900)
        with np.errstate(invalid="ignore"):
            assert (here > line).tolist() == naive.step_up(told.tolist(), Q)


def test_the_realised_share_of_false_flags_over_200_resamples_is_below_what_was_asked_for():
    rng = np.random.default_rng(0)
    false, caught = [], []
    for _ in range(RESAMPLES):
        reference = reference_quantiles(rng.normal(size=1_000))
        here = np.r_[rng.normal(size=900), rng.normal(4, 1, size=100)]
        flags = here > FalseDiscoveryRate(Q).threshold(reference, here, rows=1_000)
        false.append(flags[:900].sum() / max(1, flags.sum()))
        caught.append(flags[900:].mean())
    assert np.mean(false) <= 0.11
    assert np.mean(caught) > 0.9, "and not by flagging nothing"


def test_without_anomalies_a_batch_is_flagged_as_rarely_as_asked_for():
    rng = np.random.default_rng(1)
    flagged = []
    for _ in range(RESAMPLES):
        reference, here = reference_quantiles(rng.normal(size=1_000)), rng.normal(size=500)
        flagged.append(bool((here > FalseDiscoveryRate(Q).threshold(reference, here, rows=1_000)).any()))
    assert np.mean(flagged) <= 0.15


def test_a_reference_too_small_to_reject_anything_says_so():
    rng = np.random.default_rng(2)
    reference, here = reference_quantiles(rng.normal(size=8)), np.r_[rng.normal(size=50), 99.0]
    rule = FalseDiscoveryRate(Q)
    assert not (here > rule.threshold(reference, here, rows=8)).any()
    assert "too small to flag anything" in rule.remark(reference, here, rows=8)
    assert "at least 9" in rule.remark(reference, here, rows=8)


def test_too_few_rows_beyond_the_reference_says_how_many_it_takes():
    rng = np.random.default_rng(2)
    reference, here = reference_quantiles(rng.normal(size=400)), np.r_[rng.normal(size=1_000), [99.0] * 3]
    rule = FalseDiscoveryRate(Q)
    assert not (here > rule.threshold(reference, here, rows=400)).any()
    needed = fewest_flags(1_003, 400, Q)
    assert needed == 26
    assert f"at least {needed} of 1,003 rows" in rule.remark(reference, here, rows=400)
    enough = np.r_[here[:1_000], [99.0] * needed]
    assert (enough > rule.threshold(reference, enough, rows=400)).sum() >= needed
    assert rule.remark(reference, enough, rows=400) == ""


def test_without_a_judged_row_nothing_is_flagged_or_said():
    nothing, reference = np.full(3, np.nan), reference_quantiles(np.arange(50.0))
    assert FalseDiscoveryRate().threshold(reference, nothing, rows=50) == reference[-1]
    assert FalseDiscoveryRate().remark(reference, nothing, rows=50) == ""
