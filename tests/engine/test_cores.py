"""Blocks side by side: several at once, nothing lost, and scores that do not depend on the cores."""

import threading

import numpy as np
import pytest
import torch

from engine import cores
from engine.cores import each_with_torch
from engine.detectors.autoencoder import AutoEncoder


@pytest.fixture(params=[1, 2, 3])
def n_cores(request, monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: request.param)
    return request.param


def test_every_block_is_worked_on_once_with_one_thread_a_product(n_cores):
    done, threads = [], set()

    def work(block):
        done.append(block)
        threads.add(torch.get_num_threads())

    before = torch.get_num_threads()
    each_with_torch(work, range(40))
    assert sorted(done) == list(range(40))
    assert threads == {1}
    assert torch.get_num_threads() == before


def test_with_two_cores_two_blocks_are_worked_on_at_the_same_time(monkeypatch):
    monkeypatch.setattr(cores, "cores", lambda: 2)
    together = threading.Barrier(
        2, timeout=30
    )  # breaks where the first block has to end before the second begins
    each_with_torch(lambda _: together.wait(), range(2))
    assert not together.broken


def test_what_a_block_raises_is_raised(n_cores):
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError):
        each_with_torch(lambda block: 1 / block, range(5))
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("mode", ["robust", "classic"])
def test_scores_are_the_same_to_the_last_digit_on_however_many_cores(mode, monkeypatch):
    X = np.random.default_rng(0).normal(size=(1_500, 5))
    detector = AutoEncoder(mode=mode, epochs=1, encoder_dims=(8,)).fit(X[:300])
    monkeypatch.setattr(cores, "cores", lambda: 1)
    alone, expected = detector.decision_function(X), detector.expectation(X).expected
    monkeypatch.setattr(cores, "cores", lambda: 4)
    np.testing.assert_array_equal(detector.decision_function(X), alone)
    np.testing.assert_array_equal(detector.expectation(X).expected, expected)
