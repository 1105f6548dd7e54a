"""Who waits, who runs, and who is turned away."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine import ledger as ledger_module
from engine.errors import QueueFull, StoreError, UsageError
from engine.processes import pid_started


def test_a_waiting_job_is_cancelled_at_once(start, running_one):
    manager, _ = running_one
    waiting = manager.submit("steps", {"name": "b"}, owner="ada", title="b")
    assert (waiting.state, waiting.queue_position) == ("queued", 1)
    assert manager.cancel(waiting.id).state == "cancelled"


def test_a_running_job_is_cancelled_within_half_a_second_or_so(running_one, wait):
    manager, job = running_one
    assert manager.cancel(job.id).stopping
    wait(lambda: manager.get(job.id).state == "cancelled", seconds=2)
    assert manager.get(job.id).error is None


def test_a_job_that_does_not_listen_is_killed_with_its_children(manager, submit, running, ended):
    job = running(submit("deaf"))
    child = int(job.message)
    manager.cancel(job.id)
    assert ended(job).state == "cancelled"
    assert pid_started(child) is None


def test_the_same_job_twice_is_one_job(manager, submit, ended):
    with ThreadPoolExecutor(6) as pool:
        ids = {job.id for job in pool.map(lambda _: submit("steps", name="a", steps=10), range(6))}
    assert len(ids) == 1
    assert submit("steps", owner="eve", name="a", steps=10).id not in ids
    first = manager.get(ids.pop())
    ended(first)
    assert submit("steps", name="a", steps=10).id != first.id


def test_a_full_queue_turns_away_and_leaves_nothing_behind(start):
    manager = start(max_running=1, max_queued=3, max_queued_per_owner=2, stop_grace_seconds=0.5)
    accepted, refused = [], []

    def ask(n):
        try:
            accepted.append(manager.submit("steps", {"name": n}, owner=f"person {n % 4}", title=str(n)))
        except QueueFull as problem:
            refused.append(str(problem))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(24)))
    assert 3 <= len(accepted) <= 4  # three wait, and one may have begun meanwhile
    assert any(sentence.startswith("3 jobs are waiting already") for sentence in refused)
    folders = [path for path in manager._directory.iterdir() if not path.name.startswith(".")]
    assert len(folders) == len(accepted)


def test_one_person_cannot_fill_the_queue(start):
    manager = start(max_running=0, max_queued_per_owner=2)
    for n in range(2):
        manager.submit("steps", {"name": n}, owner="ada", title="t")
    with pytest.raises(QueueFull, match="2 jobs of yours are waiting already"):
        manager.submit("steps", {"name": 3}, owner="ada", title="t")
    manager.submit("steps", {"name": 3}, owner="eve", title="t")


def test_jobs_run_in_the_order_they_came_in_even_when_the_clock_jumps(start, wait, tmp_path, monkeypatch):
    manager = start(max_running=1, max_queued=8, max_queued_per_owner=8)
    times = iter([2e9, 1e9, 3e9, 0.5e9])

    class Clock:
        @staticmethod
        def time():
            return next(times, 1.5e9)

    monkeypatch.setattr(ledger_module, "time", Clock)
    ids = [manager.submit("steps", {"name": n, "steps": 2}, owner="ada", title=n).id for n in "abcd"]
    assert [job.id for job in manager.jobs()] == ids[::-1]
    wait(lambda: not manager.jobs(active=True))
    assert (tmp_path / "began.txt").read_text().split() == list("abcd")
    assert all(job.seconds >= 0 for job in manager.jobs())


def test_jobs_are_listed_by_owner_and_by_whether_they_are_active(manager, submit, ended):
    done = ended(submit("add", a=1, b=1))
    active = submit("steps", name="a")
    submit("steps", owner="eve", name="b")
    assert [job.id for job in manager.jobs("ada")] == [active.id, done.id]
    assert [job.id for job in manager.jobs("ada", active=True)] == [active.id]
    assert [job.id for job in manager.jobs("ada", active=False)] == [done.id]
    assert len(manager.jobs(limit=1)) == 1


def test_an_estimate_appears_with_progress(running_one, wait):
    manager, job = running_one
    wait(lambda: manager.get(job.id).progress > 0.01)
    now = manager.get(job.id)
    assert now.eta_seconds == pytest.approx(now.seconds * (1 - now.progress) / now.progress)


def test_an_ended_job_can_be_deleted_and_an_active_one_cannot(manager, submit, ended, running):
    active, done = running(submit("steps", name="a")), ended(submit("add", a=1, b=1))
    with pytest.raises(UsageError, match="still active"):
        manager.delete(active.id)
    manager.delete(done.id)
    with pytest.raises(StoreError, match="There is no job"):
        manager.get(done.id)
    assert not (manager._directory / done.id).exists()


def test_the_same_work_can_be_asked_for_again(manager, submit, ended):
    first = ended(submit("add", a=1, b=2))
    second = ended(manager.again(first.id))
    assert second.id != first.id
    assert manager.spec(second.id) == {"a": 1, "b": 2}
    assert second.result["sum"] == 3


def test_a_spec_cannot_choose_the_function(submit, ended):
    assert ended(submit("add", a=1, b=2, function="job_functions:abort")).state == "done"


def test_an_unknown_kind_is_refused(submit):
    with pytest.raises(UsageError, match="found “mine”"):
        submit("mine")


def test_no_zombie_is_left(manager, submit, ended):
    for kind in ("add", "abort", "killed"):
        ended(submit(kind, a=1, b=1))
    manager.close()
    assert _children_left() == []


def test_closing_interrupts_what_runs_and_takes_no_more(running_one, start):
    manager, job = running_one
    manager.close()
    manager.close()
    later = start().get(job.id)
    assert (later.state, later.error) == (
        "interrupted",
        "The server stopped while this ran; start it again.",
    )


@pytest.fixture
def running_one(start, wait):
    """A manager with room for one job, which runs."""
    manager = start(max_running=1, stop_grace_seconds=0.5)
    job = manager.submit("steps", {"name": "a"}, owner="ada", title="a")
    wait(lambda: manager.get(job.id).progress > 0)
    return manager, job


def _children_left():
    """Children of this process that have ended and were not waited for, or are workers that go on."""
    left = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            command = stat.with_name("cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(parent) == os.getpid() and (state == "Z" or b"engine.worker" in command):
            left.append((stat.parent.name, state, command))
    return left
