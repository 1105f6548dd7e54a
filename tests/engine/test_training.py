"""The training loop: it ends with the best weights, says when it diverges, and a kill or a stop costs nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.arrays import unpack
from engine.detectors.autoencoder import AutoEncoder
from engine.detectors.base import Course, quiet
from engine.errors import Cancelled, Diverged
from engine.training import AdamW, Plan, train

ROOT = Path(__file__).resolve().parents[2]
BOTH = pytest.mark.parametrize("mode", ["classic", "robust"])


def correlated(n=400, width=5, seed=0):
    """Rows whose columns follow from two hidden ones."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(n, 2))
    return hidden @ rng.normal(size=(2, width)) + 0.2 * rng.normal(size=(n, width))


ROWS = correlated()


class Line:
    """The smallest learner: a line through 64 points, the last 16 held out."""

    def __init__(self, noise=0.3):
        drawn = torch.Generator().manual_seed(1)
        self.x = torch.randn(64, 1, generator=drawn)
        self.y = 2 * self.x + 1 + noise * torch.randn(64, 1, generator=drawn)
        self.network = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(self.network.weight)
        torch.nn.init.zeros_(self.network.bias)
        self.rows = torch.arange(48)

    def loss(self, rows, done=0.0):
        return ((self.network(self.x[rows]) - self.y[rows]) ** 2).mean()

    def held_out_loss(self):
        return float(self.loss(torch.arange(48, 64)))

    def loss_parts(self):
        return {}


class Scripted(Line):
    """A line whose held-out losses are given."""

    def __init__(self, *losses):
        super().__init__()
        self.losses, self.seen = iter(losses), []

    def held_out_loss(self):
        self.seen.append(self.network.weight.item())
        return next(self.losses)


def a_plan(**changes):
    return Plan(**{"epochs": 6, "batch_size": 16, "learning_rate": 0.05, "threads": 1, **changes})


def run(learner, plan=None, *, checkpoint=None, content="these rows", progress=quiet):
    return train(
        learner,
        plan or a_plan(),
        content=content,
        course=Course(checkpoint=checkpoint),
        progress=progress,
    )


def stop_at(call):
    """A listener that cancels the ``call``-th time it is told something, and must not be told more."""
    calls = 0

    def listen(done, message):
        nonlocal calls
        calls += 1
        assert calls <= call, "work went on after it was cancelled"
        if calls == call:
            raise Cancelled("stopped")

    return listen


def same_arrays(a, b):
    return a.keys() == b.keys() and all(
        x.dtype == b[k].dtype and x.tobytes() == b[k].tobytes() for k, x in a.items()
    )


def small(mode, **changes):
    return AutoEncoder(**{"mode": mode, "epochs": 4, "encoder_dims": (8, 8), "bottleneck_dim": 2, **changes})


# ---- stopped, killed, gone on


@BOTH
@pytest.mark.parametrize("stopped", [(1,), (30,), (50, 30), (75, 2)], ids=str)
def test_a_stopped_training_goes_on_to_the_same_bytes(mode, stopped, tmp_path):
    whole = small(mode).fit(ROWS)
    course = Course(checkpoint=tmp_path / "checkpoint")
    for calls in stopped:
        if mode == "classic":  # an epoch of 6 mini-batches, against 30
            calls = max(1, calls // 4)
        with pytest.raises(Cancelled):
            small(mode).fit(ROWS, course=course, progress=stop_at(calls))
    resumed = small(mode).fit(ROWS, course=course)
    assert same_arrays(whole.arrays(), resumed.arrays())
    assert whole.history_ == resumed.history_
    np.testing.assert_array_equal(whole.decision_scores_, resumed.decision_scores_)


KILLED = """
import sys
from pathlib import Path
import numpy as np
from engine.arrays import pack
from engine.detectors.autoencoder import AutoEncoder
from engine.detectors.base import Course
folder = Path(sys.argv[1])
fitted = AutoEncoder(epochs=8, encoder_dims=(8, 8)).fit(
    np.load(folder / "rows.npy"), course=Course(checkpoint=folder / "checkpoint")
)
(folder / "arrays.part").write_bytes(pack(fitted.arrays()))
(folder / "arrays.part").rename(folder / "arrays")
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_to_the_same_bytes(tmp_path):
    rng, killed = random.Random(3), 0
    np.save(tmp_path / "rows.npy", ROWS)
    checkpoint, ended = tmp_path / "checkpoint", tmp_path / "arrays"
    while not ended.exists():
        process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT)
        before = _written(checkpoint)
        while process.poll() is None:
            if killed < 2 and _written(checkpoint) != before:  # an epoch more was kept
                time.sleep(rng.uniform(0, 0.05))
                os.kill(process.pid, signal.SIGKILL)
                break
            time.sleep(0.001)
        killed += process.wait() == -signal.SIGKILL
    assert killed > 0
    whole = AutoEncoder(epochs=8, encoder_dims=(8, 8)).fit(ROWS)
    assert same_arrays(whole.arrays(), unpack(ended.read_bytes()))


def _written(path):
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def a_checkpoint(path):
    with pytest.raises(Cancelled):
        run(Line(), checkpoint=path, progress=stop_at(10))
    return path.read_bytes()


def started_at(learner, **how):
    """The epoch in which a training begins."""
    said = []
    run(learner, progress=lambda done, message: said.append(message), **how)
    return int(said[0].split()[1])


def test_a_checkpoint_of_the_same_training_is_gone_on_with(tmp_path):
    a_checkpoint(tmp_path / "checkpoint")
    assert started_at(Line(), checkpoint=tmp_path / "checkpoint") == 4


@pytest.mark.parametrize("how", [{"content": "other rows"}, {"plan": a_plan(learning_rate=0.04)}], ids=str)
def test_a_checkpoint_of_another_training_is_ignored(how, tmp_path):
    a_checkpoint(tmp_path / "checkpoint")
    assert started_at(Line(), checkpoint=tmp_path / "checkpoint", **how) == 1


@pytest.mark.parametrize("changes", [{"random_state": 1}, {"dropout": 0.1}, {"contamination": 0.02}], ids=str)
def test_a_checkpoint_of_other_hyperparameters_or_rows_changes_nothing(changes, tmp_path):
    course = Course(checkpoint=tmp_path / "checkpoint")
    with pytest.raises(Cancelled):
        small("classic").fit(ROWS, course=course, progress=stop_at(20))
    other = small("classic", **changes)
    assert same_arrays(
        other.fit(ROWS, course=course).arrays(), small("classic", **changes).fit(ROWS).arrays()
    )
    moved = ROWS + 1e-9
    resumed = small("classic").fit(moved, course=course)
    assert same_arrays(resumed.arrays(), small("classic").fit(moved).arrays())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.999])
def test_a_cut_checkpoint_is_ignored(share, tmp_path):
    path = tmp_path / "checkpoint"
    data = a_checkpoint(path)
    path.write_bytes(data[: int(share * len(data))])
    assert started_at(Line(), checkpoint=path) == 1


def test_a_checkpoint_with_one_wrong_bit_is_ignored(tmp_path):
    path = tmp_path / "checkpoint"
    data = a_checkpoint(path)
    for place in np.linspace(0, len(data) - 1, 40).astype(int):
        hurt = bytearray(data)
        hurt[place] ^= 4
        path.write_bytes(hurt)
        assert started_at(Line(), checkpoint=path) == 1, place


# ---- when it ends, and with what


def test_the_best_weights_are_kept():
    fitted = small("robust", learning_rate=0.1, epochs=20).fit(correlated(60))
    losses = [record["validation_loss"] for record in fitted.history_]
    assert losses[-1] > min(losses), "a training whose last epoch was the best shows nothing"
    with torch.no_grad():
        assert fitted.rows_.held_out_loss() == min(losses)


def test_it_ends_after_as_many_epochs_without_a_better_loss_as_patience_says():
    learner = Scripted(5, 4, 3, 3.5, 3, 3.1, 1)
    history = run(learner, a_plan(epochs=20, patience=3))
    assert [record["validation_loss"] for record in history] == [5, 4, 3, 3.5, 3, 3.1]
    assert learner.network.weight.item() == learner.seen[2]


def test_it_ends_after_all_epochs_while_the_loss_falls():
    assert len(run(Scripted(*range(20, 0, -1)), a_plan(epochs=7, patience=1))) == 7


def test_the_rate_stays_or_rises_to_its_peak_and_falls_to_a_hundredth():
    assert {a_plan().learning_rate_at(done) for done in (0.0, 0.3, 1.0)} == {0.05}
    cycle = a_plan(schedule="cycle", peak=3.0)
    rates = [cycle.learning_rate_at(done) for done in (0.0, 0.15, 0.575, 1.0)]
    np.testing.assert_allclose(rates, [0.0015, 0.15, 0.0015 + (0.15 - 0.0015) / 2, 0.0015])
    rising = [cycle.learning_rate_at(done) for done in np.linspace(0, 0.15, 20)]
    falling = [cycle.learning_rate_at(done) for done in np.linspace(0.15, 1, 50)]
    assert all(a < b for a, b in pairwise(rising))
    assert all(a > b for a, b in pairwise(falling))


def test_steps_are_those_of_torchs_adamw():
    ours, theirs = Line(), Line()
    optimizer = AdamW(ours.network, weight_decay=0.1, clip=0.5)
    twin = torch.optim.AdamW(theirs.network.parameters(), weight_decay=0.1)
    for step in range(30):
        rate, rows = 0.1 / (step + 1), torch.arange(step, step + 16)
        optimizer.step(ours.loss(rows), rate)
        twin.param_groups[0]["lr"] = rate
        twin.zero_grad()
        theirs.loss(rows).backward()
        torch.nn.utils.clip_grad_norm_(theirs.network.parameters(), 0.5)
        twin.step()
        for mine, its in zip(ours.network.parameters(), theirs.network.parameters(), strict=True):
            torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-6)


def test_a_loss_that_is_no_number_says_what_to_do():
    for losses in ((1.0, float("nan")), (1.0, float("inf"))):
        with pytest.raises(
            Diverged, match=r"diverged in epoch 2.* learning_rate below 0.05 \(such as 0.005\)"
        ):
            run(Scripted(*losses), a_plan(schedule="cycle", peak=3.0))


@BOTH
def test_the_highest_learning_rate_on_huge_numbers_ends_in_finite_scores(mode):
    rows = correlated() * 1e14
    fitted = small(mode, learning_rate=1.0).fit(rows)
    assert np.isfinite(fitted.decision_function(rows)).all()


# ---- what is told, and what is left alone


def test_the_parts_of_a_loss_stand_in_the_record_of_their_epoch():
    learner, asked = Line(), []
    learner.loss_parts = lambda: asked.append(True) or {"tilt": float(len(asked)), "level": 0.5}
    history = run(learner, a_plan(epochs=3))
    assert [record["tilt_loss"] for record in history] == [1, 2, 3]
    assert {record["level_loss"] for record in history} == {0.5}


def test_history_is_plain_numbers_one_record_an_epoch():
    history = run(Line())
    assert [record["epoch"] for record in history] == [1, 2, 3, 4, 5, 6]
    assert all(set(record) == {"epoch", "train_loss", "validation_loss"} for record in history)
    assert {type(value) for record in history for value in record.values()} == {int, float}


def test_every_epoch_is_recorded_once_more_after_going_on(tmp_path):
    path, told = tmp_path / "checkpoint", []
    a_checkpoint(path)
    course = Course(checkpoint=path, record=lambda **values: told.append(values))
    history = train(Line(), a_plan(), content="these rows", course=course, progress=quiet)
    assert told == history


def test_progress_rises_through_every_mini_batch():
    told = []
    run(Line(), a_plan(patience=99), progress=lambda done, message: told.append((done, message)))
    done = [share for share, _ in told]
    assert done == sorted(done)
    assert done[0] == 0
    assert 0.9 < done[-1] < 1
    assert told[0][1] == "Epoch 1 of 6"
    assert told[-1][1].startswith("Epoch 6 of 6, held-out loss ")


@pytest.mark.parametrize("ends", ["well", "cancelled", "diverged"])
def test_the_callers_random_state_and_threads_are_left_alone(ends):
    line, lost = Line(), Scripted(float("nan"))
    torch.manual_seed(11)
    random_state, threads = torch.get_rng_state(), torch.get_num_threads()
    numbers = np.random.get_state()[1].copy()
    if ends == "well":
        run(line)
        small("robust", epochs=1).fit(ROWS)
    elif ends == "cancelled":
        with pytest.raises(Cancelled):
            run(line, progress=stop_at(4))
    else:
        with pytest.raises(Diverged):
            run(lost)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.get_num_threads() == threads
    np.testing.assert_array_equal(np.random.get_state()[1], numbers)


def test_the_callers_random_state_changes_nothing():
    fits = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        fits.append(small("classic", epochs=2).fit(ROWS).arrays())
    assert same_arrays(*fits)
