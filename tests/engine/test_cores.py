"""Blocks side by side: several at once, nothing lost, and scores that do not depend on the cores."""

import threading

import numpy as np
import pytest
import torch

from engine import cores
from engine.cores import evenly, side_by_side, torch_threads
from engine.detectors import rebuilding_detector
from engine.detectors.autoencoder import AutoEncoder


@pytest.fixture(params=[1, 2, 3])
def n_cores(request, monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: request.param)
    return request.param


def test_every_block_is_worked_on_once_and_answers_come_in_order(n_cores):
    done = []

    def work(block):
        done.append(block)
        return block**2

    assert list(side_by_side(work, range(40))) == [block**2 for block in range(40)]
    assert sorted(done) == list(range(40))


@pytest.mark.parametrize("n", [0, 1, 10, 11, 20, 21, 40, 41, 1_003])
def test_rows_are_shared_out_evenly_and_each_once(n):
    blocks = evenly(n, most=10)
    sizes = [block.stop - block.start for block in blocks]
    assert [row for block in blocks for row in range(n)[block]] == list(range(n))
    assert all(0 < size <= 10 for size in sizes)
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert len(blocks) <= 2 or len(blocks) % cores.MOST_SIDE_BY_SIDE == 0


def test_products_of_torch_have_the_threads_they_may_also_in_other_threads(n_cores):
    before = torch.get_num_threads()
    with torch_threads(1):
        assert set(side_by_side(lambda _: torch.get_num_threads(), range(8))) == {1}
    assert torch.get_num_threads() == before


def test_with_two_cores_two_blocks_are_worked_on_at_the_same_time(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 2)
    together = threading.Barrier(
        2, timeout=30
    )  # breaks where the first block has to end before the second begins
    list(side_by_side(lambda _: together.wait(), range(2)))
    assert not together.broken


def test_what_a_block_raises_is_raised(n_cores):
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda block: 1 / block, range(5)))


@pytest.mark.parametrize("mode", ["robust", "classic"])
def test_scores_are_the_same_to_the_last_digit_on_however_many_cores(mode, monkeypatch):
    monkeypatch.setattr(rebuilding_detector, "CHUNK", 100)
    X = np.random.default_rng(0).normal(size=(1_500, 5))
    detector = AutoEncoder(mode=mode, epochs=1, encoder_dims=(8,)).fit(X[:300])
    monkeypatch.setattr(cores, "cores", lambda: 1)
    alone = detector.decision_function(X)
    monkeypatch.setattr(cores, "cores", lambda: 4)
    np.testing.assert_array_equal(detector.decision_function(X), alone)
    np.testing.assert_array_equal(detector.contributions(X).sum(axis=1), alone)
