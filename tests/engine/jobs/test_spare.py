"""The spare worker: ready before it is needed, replaced when used, never in the way."""

import os
import signal

import pytest

from engine.processes import pid_started


@pytest.mark.slow
def test_a_job_takes_the_spare_and_another_one_gets_ready(start, wait):
    manager = start(spare=True, spare_delay_seconds=0.1)
    spare = wait(lambda: manager._scheduler._spare)
    job = manager.submit("environment", {}, owner="ada", title="t")
    wait(lambda: not manager.get(job.id).active, seconds=30)
    found = manager.get(job.id).result
    assert found["pid"] == spare.pid
    assert found["warm"]
    assert found["torch"]
    following = wait(lambda: manager._scheduler._spare)
    assert following.pid != spare.pid
    manager.close()
    assert pid_started(following.pid) is None


def test_a_dead_spare_costs_nothing_but_the_wait(start, wait):
    manager = start(spare=True)
    spare = wait(lambda: manager._scheduler._spare)
    os.kill(spare.pid, signal.SIGKILL)
    job = manager.submit("add", {"a": 1, "b": 2}, owner="ada", title="t")
    wait(lambda: not manager.get(job.id).active)
    assert manager.get(job.id).result["sum"] == 3
    assert manager.log_tail(job.id) == "adding"


def test_a_spare_that_falls_over_with_its_job_in_hand_is_replaced(start, wait):
    manager = start(spare=True)
    spare = wait(lambda: manager._scheduler._spare)
    os.kill(spare.pid, signal.SIGSTOP)  # it can be handed the job, and cannot take it
    job = manager.submit("add", {"a": 1, "b": 2}, owner="ada", title="t")
    wait(lambda: manager._row(job.id).pid == spare.pid)
    os.kill(spare.pid, signal.SIGKILL)
    wait(lambda: not manager.get(job.id).active)
    assert manager.get(job.id).result["sum"] == 3
    assert manager._row(job.id).pid == manager.get(job.id).result["pid"] != spare.pid


@pytest.mark.slow
def test_what_a_spare_prints_for_its_job_is_in_the_job_s_log(start, wait):
    manager = start(spare=True)
    wait(lambda: manager._scheduler._spare)
    job = manager.submit("divide", {}, owner="ada", title="t")
    wait(lambda: not manager.get(job.id).active, seconds=30)
    assert "ZeroDivisionError" in manager.log_tail(job.id)
