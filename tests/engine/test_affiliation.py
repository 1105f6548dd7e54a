"""Affiliation equals the paper's example, cases done by hand and a slow twin, and behaves as its authors say."""

from itertools import pairwise

import numpy as np
import pytest

from engine.scoring.affiliation import affiliated, affiliation
from tests import naive


def rows(n, *intervals):
    marks = np.zeros(n, dtype=bool)
    for start, stop in intervals:
        marks[start:stop] = True
    return marks


def found(n, flagged, events, **more):
    return affiliation(rows(n, *flagged), rows(n, *events), np.ones(n, dtype=bool), **more)


def test_the_example_of_the_paper():
    """Minutes of three hours; the middle event owns 30 to 120 (Huet et al., 2022, and the tests of their code)."""
    events = [(0, 10), (50, 70), (170, 175)]
    flagged = [(5, 6), (7, 10), (11, 12), (40, 60), (115, 130), (135, 140), (165, 170)]
    told = found(180, flagged, events)
    assert told.precisions[1] == pytest.approx(0.672222222)
    assert told.recalls[1] == pytest.approx(0.944444444)


def test_one_event_by_hand():
    """An event at 4 to 6 of 0 to 10, flagged at 8 to 9: 8 to 9 lies 2 to 3 away, 4 to 6 lies 2 to 4 away."""
    told = found(10, [(8, 9)], [(4, 6)])
    # 2 + 2x of 10 readings lie closer than x to the event, as far as x = 4 on either side: 0.3 at x = 2.5 are not.
    assert told.precision == pytest.approx(0.3)
    # A reading at y lies 8 - y away; 2(8 - y) of 10 readings lie closer as long as the end, 10 - y, is farther.
    assert told.recall == pytest.approx(np.mean([1 - 0.2 * 4, 1 - 0.2 * 2]))


def test_exact_flags_are_perfect_and_no_flags_find_nothing():
    exact, none = found(50, [(10, 20), (30, 31)], [(10, 20), (30, 31)]), found(50, [], [(10, 20), (30, 31)])
    assert (exact.precision, exact.recall) == (1, 1)
    assert (none.precision, none.recall) == (None, 0)


def test_flagging_everything_recalls_everything_and_is_as_precise_as_chance():
    told = found(1_000, [(0, 1_000)], [(495, 505)])
    assert told.recall == 1
    assert told.precision == pytest.approx(0.5, abs=0.02)


def test_flags_that_come_nearer_are_worth_more():
    told = [found(200, [(start, start + 5)], [(100, 110)]) for start in (20, 50, 80, 92, 100)]
    precisions, recalls = [one.precision for one in told], [one.recall for one in told]
    assert precisions == sorted(precisions)
    assert recalls == sorted(recalls)
    assert precisions[-1] == 1


def test_a_zone_in_which_nothing_is_flagged_counts_for_recall_only():
    told = found(100, [(10, 20)], [(10, 20), (80, 90)])
    np.testing.assert_array_equal(told.precisions, [1, np.nan])
    np.testing.assert_array_equal(told.recalls, [1, 0])
    assert (told.precision, told.recall) == (1, 0.5)


def random_intervals(rng, n, share):
    return rows(n, *((i, i + int(rng.integers(1, 6))) for i in np.flatnonzero(rng.random(n) < share)))


@pytest.mark.parametrize("seed", range(20))
def test_a_slow_twin_agrees(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(12, 60))
    truth, flagged = random_intervals(rng, n, 0.06), random_intervals(rng, n, 0.1)
    truth[int(rng.integers(n))] = True
    truth[int(rng.integers(n))] = False
    told = affiliation(flagged, truth, np.ones(n, dtype=bool))
    events, marked = ([tuple(pair) for pair in intervals(marks)] for marks in (truth, flagged))
    inner = [(one[1] + other[0]) / 2 for one, other in pairwise(events)]
    zones = list(zip([0, *inner], [*inner, n], strict=True))
    precisions, recalls = naive.affiliation(marked, events, zones)
    np.testing.assert_allclose(told.precisions, precisions, atol=1e-12)
    np.testing.assert_allclose(told.recalls, recalls, atol=1e-12)


def intervals(marks):
    edges = np.flatnonzero(np.diff(np.r_[0, marks.astype(int), 0]))
    return edges.reshape(-1, 2).tolist()


def test_entities_are_judged_apart_and_one_without_an_event_has_no_say():
    flagged, truth = rows(90, (5, 8), (35, 40), (70, 75)), rows(90, (10, 20), (80, 90))
    told = affiliation(flagged, truth, np.ones(90, dtype=bool), segments=np.repeat([2, 0, 1], 30))
    first = affiliation(flagged[:30], truth[:30], np.ones(30, dtype=bool))
    last = affiliation(flagged[60:], truth[60:], np.ones(30, dtype=bool))
    np.testing.assert_allclose(told.precisions, [first.precision, last.precision])
    np.testing.assert_allclose(told.recalls, [first.recall, last.recall])


def test_readings_that_are_not_known_are_not_flagged_and_make_no_event():
    known = ~rows(100, (40, 60), (90, 95))
    told = affiliation(rows(100, (10, 12), (45, 50)), rows(100, (10, 20), (90, 95)), known)
    alone = found(100, [(10, 12)], [(10, 20)])
    np.testing.assert_array_equal((told.precision, told.recall), (alone.precision, alone.recall))


def test_intervals_may_end_anywhere():
    told = affiliated(
        (np.array([0.25]), np.array([0.5])),
        (np.array([0.5]), np.array([1.0])),
        (np.array([0.0]), np.array([1.0])),
    )
    assert told.precision == pytest.approx(1 - (0.5 + 0.125))
