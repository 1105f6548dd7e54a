"""Servers come and go, also by kill -9; jobs are found again and none is run twice."""

import json
import os
import random
import subprocess
import sys
import time

import pytest

from engine.processes import pid_started


def test_after_a_kill_the_worker_leaves_and_the_next_server_sorts_things_out(serve, start, wait, tmp_path):
    server = serve(json.dumps(["a", "b", "c"]))
    ids = [server.stdout.readline().strip() for _ in range(3)]
    onlooker = start(max_running=0)
    wait(lambda: onlooker.get(ids[0]).progress > 0)
    worker = onlooker._row(ids[0]).pid
    server.kill()
    server.wait()
    wait(lambda: pid_started(worker) is None, seconds=4)

    after = start(max_running=0)
    first = after.get(ids[0])
    assert (first.state, first.error) == (
        "interrupted",
        "The server stopped while this ran; start it again.",
    )
    assert [after.get(job_id).queue_position for job_id in ids[1:]] == [1, 2]
    after.close()

    last = start(max_running=1)
    wait(lambda: (tmp_path / "began.txt").read_text().split() == ["a", "b"])
    last.cancel(ids[1])
    wait(lambda: (tmp_path / "began.txt").read_text().split() == ["a", "b", "c"])


def test_two_servers_leave_each_other_s_jobs_alone(serve, start, wait, tmp_path):
    server = serve(json.dumps(["a", "b"]))
    ids = [server.stdout.readline().strip() for _ in range(2)]
    here = start()
    wait(lambda: here.get(ids[0]).progress > 0)
    time.sleep(0.3)
    assert [here.get(job_id).state for job_id in ids] == ["running", "queued"]
    here.cancel(ids[0])  # asked here, done there
    wait(lambda: here.get(ids[0]).state == "cancelled", seconds=3)
    wait(lambda: here.get(ids[1]).state == "running")
    assert (tmp_path / "began.txt").read_text().split() in (["a"], ["a", "b"])


@pytest.mark.slow
def test_no_accepted_job_is_lost_by_a_kill(serve, start):
    accepted = []
    for round_number in range(3):
        server = serve(json.dumps([f"{round_number}-{n}" for n in range(500)]))
        accepted.append(server.stdout.readline().strip())
        time.sleep(random.Random(round_number).uniform(0.05, 0.3))
        server.kill()
        server.wait()
        accepted.extend(line.strip() for line in server.stdout if len(line) == 33)
    manager = start(max_running=0)
    known = {job.id: job.state for job in manager.jobs(limit=5000)}
    assert set(accepted) <= set(known)
    assert set(known.values()) <= {"queued", "interrupted"}


def test_a_stranger_with_the_worker_s_old_number_is_left_alone(start, tmp_path):
    manager = start(max_running=0)
    job = manager.submit("add", {"a": 1, "b": 1}, owner="ada", title="t")
    with subprocess.Popen(["sleep", "30"], start_new_session=True) as stranger:
        manager._ledger.claim(manager._server)
        manager._ledger.running_as(job.id, pid=stranger.pid, pid_started="another boot:1", host="here")
        manager.close()
        assert start(max_running=0).get(job.id).state == "interrupted"
        assert stranger.poll() is None
        stranger.kill()


def test_a_worker_that_survived_its_server_is_ended(start):
    manager = start(max_running=0)
    job = manager.submit("add", {"a": 1, "b": 1}, owner="ada", title="t")
    with subprocess.Popen(["sleep", "30"], start_new_session=True) as survivor:
        manager._ledger.claim(manager._server)
        manager._ledger.running_as(
            job.id, pid=survivor.pid, pid_started=pid_started(survivor.pid), host="here"
        )
        manager.close()
        assert start(max_running=0).get(job.id).state == "interrupted"
        assert survivor.wait(5) < 0


def test_an_answer_given_as_the_server_died_is_kept(start):
    manager = start(max_running=0)
    job = manager.submit("add", {"a": 1, "b": 1}, owner="ada", title="t")
    manager._ledger.claim(manager._server)
    (manager._directory / job.id / "result.json").write_text('{"state": "done", "result": {"sum": 2}}')
    manager.close()
    found = start(max_running=0).get(job.id)
    assert (found.state, found.result, found.progress) == ("done", {"sum": 2}, 1.0)


def test_a_program_that_forgets_to_close_leaves_no_worker(start, tmp_path):
    forgetful = (
        "import sys, pathlib, time; from engine.jobs import JobManager\n"
        "m = JobManager(pathlib.Path(sys.argv[1]), functions={'steps': 'job_functions:steps'}, spare=False)\n"
        "job = m.submit('steps', {'name': 'a'}, owner='ada', title='a')\n"
        "while not m.get(job.id).progress: time.sleep(0.02)\n"
        "sys.stdout.write(f'{job.id} {m._row(job.id).pid}')"
    )
    command = [sys.executable, "-W", "error", "-c", forgetful, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    job_id, pid = ended.stdout.split()
    assert ended.stderr == ""
    assert pid_started(int(pid)) is None
    assert start(max_running=0).get(job_id).state == "interrupted"


def test_a_ledger_that_refuses_for_a_moment_is_asked_again(start, wait, monkeypatch):
    manager = start()
    finish, refusals = manager._ledger.finish, iter([OSError("disk I/O error")])

    def refusing(*arguments, **values):
        for refusal in refusals:
            raise refusal
        finish(*arguments, **values)

    monkeypatch.setattr(manager._ledger, "finish", refusing)
    job = manager.submit("add", {"a": 1, "b": 2}, owner="ada", title="t")
    wait(lambda: manager.get(job.id).state == "done", seconds=5)


def test_old_folders_are_swept_and_the_newest_are_kept_whatever_the_clock_says(start, monkeypatch):
    manager = start(max_running=0, max_queued_per_owner=1000)
    for n in range(103):
        manager.cancel(manager.submit("add", {"n": n}, owner="ada", title="t").id)
    stray = manager._directory / "0123"
    stray.mkdir()
    os.utime(stray, (0, 0))
    manager.close()
    later = start(max_running=0, keep_days=-1)
    kept = [job for job in later.jobs(limit=200) if (later._directory / job.id).exists()]
    assert kept == later.jobs(limit=100)
    assert len(later.jobs(limit=200)) == 103
    assert not stray.exists()


def test_the_web_process_stays_light():
    code = "import engine.jobs, sys; sys.stdout.write(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "pandas", "scipy", "sklearn", "torch", "sqlalchemy"}
    assert heavy & set(loaded.stdout.split()) == set()
