"""Lines drawn with known answers: best on the half they see, blind to the half that judges them."""

import numpy as np
import pytest

from engine.errors import DataError
from engine.scoring.labelled_lines import FEWEST, BestF1, LowestCost, choosing_half
from tests import naive

RNG = np.random.default_rng(7)
LABELS = (np.arange(400) % 10 == 0).astype(float)
SCORES = RNG.normal(size=400) + 2 * LABELS
REFERENCE = np.linspace(-3, 3, 2_001)


@pytest.mark.parametrize("ties", [False, True], ids=["smooth", "many ties"])
@pytest.mark.parametrize("miss", [0.5, 1.0, 10.0, 500.0])
def test_no_threshold_costs_less_than_the_one_chosen(miss, ties):
    scores = np.round(SCORES, 1) if ties else SCORES
    line = LowestCost(miss).threshold(REFERENCE, scores, LABELS)
    assert naive.cost(scores, LABELS, line, miss) == pytest.approx(naive.lowest_cost(scores, LABELS, miss))


def test_halves_share_no_row_and_hold_half_of_each_label():
    half = choosing_half(SCORES, LABELS)
    assert (half.sum(), LABELS[half].sum()) == (200, 20)
    assert (half == choosing_half(SCORES, LABELS)).all(), "the same rows every time"


def test_a_line_does_not_change_with_the_answers_it_is_judged_on():
    half = choosing_half(SCORES, LABELS)
    lied = np.where(half, LABELS, 1 - LABELS)
    for rule in (LowestCost(5.0), BestF1()):
        honest, fooled = (
            rule.threshold(REFERENCE, SCORES, np.where(half, told, np.nan)) for told in (LABELS, lied)
        )
        assert honest == fooled


def test_of_a_series_the_earlier_events_choose():
    blocks = np.arange(400) // 10
    half = choosing_half(SCORES, LABELS, blocks)
    assert LABELS[half].sum() == 20
    assert blocks[half].max() < blocks[~half].min(), "no block is cut"


def test_rows_without_a_label_or_a_score_are_in_no_half_that_chooses():
    scores, labels = SCORES.copy(), LABELS.copy()
    scores[:50], labels[350:] = np.nan, np.nan
    half = choosing_half(scores, labels)
    assert not half[:50].any()
    assert not half[350:].any()


@pytest.mark.parametrize("blocks", [None, np.arange(400)])
def test_too_few_anomalies_for_two_halves_say_so(blocks):
    labels = np.where(np.cumsum(LABELS) <= 2 * FEWEST - 1, LABELS, 0.0)
    with pytest.raises(DataError, match="each half needs 5, and they have 4 and 5"):
        choosing_half(SCORES, labels, blocks)
