"""Counts by group equal their twin, rows of no group and rows that could not be judged left out."""

import numpy as np
import pytest

from engine.scoring.groups import GroupedRows

RNG = np.random.default_rng(0)
CODES = RNG.integers(-1, 4, size=200)
SCORES = np.where(RNG.random(200) < 0.1, np.nan, RNG.normal(size=200).round(1))
LABELS = np.where(RNG.random(200) < 0.2, np.nan, (RNG.random(200) < 0.3).astype(float))


@pytest.mark.parametrize("threshold", [-9.0, 0.0, 0.7, 9.0])
def test_counts_of_each_group_equal_their_twin(threshold):
    with np.errstate(invalid="ignore"):
        flagged = np.flatnonzero(threshold < SCORES)
    found = GroupedRows.of(CODES, 5, SCORES, LABELS).at(flagged)
    for group in range(5):
        rows = [i for i in range(200) if CODES[i] == group and np.isfinite(SCORES[i])]
        flags = [i for i in rows if SCORES[i] > threshold]
        assert (found.rows[group], found.flagged[group]) == (len(rows), len(flags))
        assert found.anomalies[group] == sum(LABELS[i] == 1 for i in rows)
        assert found.normal[group] == sum(LABELS[i] == 0 for i in rows)
        assert found.caught[group] == sum(LABELS[i] == 1 for i in flags)
        assert found.false_alarms[group] == sum(LABELS[i] == 0 for i in flags)


def test_shares_of_a_group_without_any_are_missing():
    found = GroupedRows.of(np.array([0, 0, 1]), 2, np.arange(3.0), np.array([0.0, 1.0, 0.0])).at(
        np.array([1])
    )
    np.testing.assert_array_equal(found.recall, [1.0, np.nan])
    np.testing.assert_array_equal(found.precision, [1.0, np.nan])
    np.testing.assert_array_equal(found.base_rate, [0.5, 0.0])
