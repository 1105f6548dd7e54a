"""The leaderboard: the best first where that is known, of the rows all judge; nothing claimed where it is not."""

import numpy as np
import pytest
import sklearn.metrics

from engine.errors import UsageError
from engine.leaderboard import (
    CONSENSUS,
    ENERGY,
    MEDIAN,
    Entry,
    InTime,
    flagged_by_one,
    flags_of,
    leaderboard,
    plain_baselines,
    surely,
)
from engine.scoring.agreement import consensus_of_ranks, spearman
from tests import naive

N = 300
RNG = np.random.default_rng(0)
LABELS = (np.arange(N) % 15 == 0).astype(float)


def entry(name, strength, **more):
    scores = np.random.default_rng(len(name)).normal(size=N) + strength * LABELS
    return Entry(name=name, detector="Made Up", scores=scores, threshold=1.0, **more)


ONE, TWO, THREE = entry("a", 3.0, seconds=2.0, size=1_000), entry("bb", 1.0), entry("ccc", 0.0)


@pytest.fixture(scope="module")
def board():
    return leaderboard([THREE, TWO, ONE], LABELS)


def test_the_best_stands_first_and_the_consensus_joins_in(board):
    names = [each.name for each in board.entries]
    assert names.index("a") < names.index("bb") < names.index("ccc")
    assert CONSENSUS in names
    scores = next(each.scores for each in board.entries if each.name == CONSENSUS)
    np.testing.assert_array_equal(scores, consensus_of_ranks([THREE.scores, TWO.scores, ONE.scores]))


def test_figures_are_those_of_scikit_learn(board):
    for standing in board.standings:
        found, scores = standing.found, standing.entry.scores
        assert found.average_precision == pytest.approx(
            sklearn.metrics.average_precision_score(LABELS, scores)
        )
        assert found.roc_auc == pytest.approx(sklearn.metrics.roc_auc_score(LABELS, scores))
        assert 0 <= found.low <= found.high <= 1
    best = next(standing for standing in board.standings if standing.entry.name == "a")
    tp, fp, fn, _ = naive.confusion(ONE.scores, LABELS, 1.0)
    assert (best.found.precision, best.found.recall) == pytest.approx((tp / (tp + fp), tp / (tp + fn)))
    assert best.flagged == tp + fp


def test_of_every_two_it_is_said_who_is_better_and_how_surely(board):
    assert ("a", "ccc") in {(one, other) for one, other, share in board.verdicts if share > 0.95}
    assert len(board.verdicts) == 6
    assert all(0.5 <= share <= 1 for _, _, share in board.verdicts)
    assert (surely(1.0), surely(0.97), surely(0.5)) == ("> 99 %", "97 %", "50 %")


def test_without_known_answers_nothing_is_ranked_and_agreement_is_told():
    board = leaderboard([THREE, ONE, TWO])
    assert [each.name for each in board.entries] == ["ccc", "a", "bb", CONSENSUS]
    assert all(standing.found is None for standing in board.standings)
    assert (board.verdicts, board.curves) == ([], {})
    first = board.standings[0]
    expected = (spearman(THREE.scores, ONE.scores) + spearman(THREE.scores, TWO.scores)) / 2
    assert first.agreement == pytest.approx(expected)
    top = naive.top_overlap(THREE.scores, consensus_of_ranks([ONE.scores, TWO.scores]), board.top)
    assert first.overlap == pytest.approx(top)


def test_labels_of_one_class_measure_nothing_and_the_reason_is_kept():
    board = leaderboard([ONE, TWO], np.zeros(N))
    assert "no labelled anomaly" in board.why_unmeasured
    assert board.standings[0].found is None


def test_only_rows_that_all_judge_are_measured():
    half = Entry(name="half", detector="Made Up", scores=np.where(np.arange(N) < 150, ONE.scores, np.nan))
    board = leaderboard([half, TWO], LABELS)
    assert board.rows == 150
    found = next(standing.found for standing in board.standings if standing.entry.name == "bb")
    assert found.roc_auc == pytest.approx(naive.roc_auc(TWO.scores[:150], LABELS[:150]))


def test_a_model_takes_part_once():
    with pytest.raises(UsageError, match="take part once"):
        leaderboard([ONE, ONE])


def test_where_no_row_is_judged_by_all_nothing_is_measured():
    nobody = Entry(name="nobody", detector="Made Up", scores=np.full(N, np.nan))
    board = leaderboard([nobody, ONE], LABELS)
    assert board.rows == 0
    assert "no labelled anomaly" in board.why_unmeasured
    assert np.isnan(board.agreement("spearman")[0, 1])
    assert board.overlaps == {}


def test_nobody_to_compare_is_an_empty_board():
    assert leaderboard([], LABELS).standings == ()


@pytest.mark.parametrize(("measure", "twin"), [("spearman", None), ("kendall", naive.kendall), ("top", None)])
def test_agreement_is_measured_once_and_kept(board, measure, twin):
    found = board.agreement(measure)
    assert board.agreement(measure) is found
    assert found.shape == (4, 4)
    if twin:
        names = [each.name for each in board.entries]
        value = found[names.index("a"), names.index("bb")]
        assert value == pytest.approx(twin(ONE.scores, TWO.scores))


def test_overlaps_of_two_models_are_one_curve():
    assert list(leaderboard([ONE, TWO]).overlaps) == ["a and bb"]
    sizes, shares = leaderboard([ONE, TWO, THREE]).overlaps["a"]
    others = consensus_of_ranks([TWO.scores, THREE.scores])
    assert shares[0] == pytest.approx(naive.top_overlap(ONE.scores, others, int(sizes[0])))


def test_rows_flagged_by_one_alone_are_flagged_by_no_other():
    for budget in (None, 20):
        flags = flags_of([ONE, TWO], budget)
        alone = flagged_by_one(flags)
        for name, other in (("a", "bb"), ("bb", "a")):
            assert alone[name].tolist() == [
                row for row in range(N) if flags[name][row] and not flags[other][row]
            ]
    assert [marks.sum() for marks in flags_of([ONE, TWO], 20).values()] == [20, 20]
    assert flagged_by_one({}) == {}


# ---- baselines


def test_a_row_far_out_in_one_column_is_far_from_the_median():
    values = np.random.default_rng(1).normal(size=(50, 3))
    values[7, 1] = 40.0
    values[9] = np.nan
    values[11, 0] = np.nan
    (found,) = plain_baselines(values)
    assert found.name == MEDIAN
    assert np.nanargmax(found.scores) == 7
    assert np.isnan(found.scores[9])
    assert np.isfinite(found.scores[11])


def test_a_series_has_the_energy_around_a_reading_in_the_order_of_its_rows():
    values = np.random.default_rng(1).normal(size=(400, 1))
    values[100:120] *= 9
    order = np.arange(400)[::-1]
    series = InTime(order=order, segments=np.zeros(400, dtype=np.int64))
    forward = InTime(order=np.arange(400), segments=np.zeros(400, dtype=np.int64))
    median, energy = plain_baselines(values, series)
    assert (median.name, energy.name) == (MEDIAN, ENERGY)
    assert 90 <= np.argmax(energy.scores) <= 130
    np.testing.assert_allclose(
        energy.scores[:350:50], plain_baselines(values, forward)[1].scores[:350:50], rtol=0.5
    )


def test_without_a_column_of_numbers_there_is_no_baseline():
    assert plain_baselines(np.zeros((9, 0))) == []


def test_a_series_is_measured_in_events_and_resampled_in_blocks():
    labels = np.zeros(400)
    labels[100:120] = labels[300:310] = 1
    rng = np.random.default_rng(5)
    entries = [
        Entry(name=name, detector="Made Up", scores=rng.normal(size=400) + strength * labels)
        for name, strength in (("blind", 0.0), ("sharp", 4.0))
    ]
    series = InTime(order=np.arange(400), segments=np.zeros(400, dtype=np.int64))
    board = leaderboard(entries, labels, series=series)
    assert board.entries[0].name == "sharp"
    assert board.standings[0].found.vus_pr > 0.8
    assert board.bootstrap.anomalous_units == 2
