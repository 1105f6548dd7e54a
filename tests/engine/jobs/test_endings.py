"""However a job ends, the ledger says so in words, and the slot is free again."""

import pytest


def test_a_job_reports_progress_and_ends_with_its_result(manager, submit, ended):
    job = ended(submit("add", a=1, b=2))
    assert (job.state, job.progress, job.message) == ("done", 1.0, "half way")
    assert job.result["sum"] == 3
    assert job.result["nice"] >= 15
    assert job.error is None
    assert job.seconds > 0
    assert manager.records(job.id) == [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}]
    assert manager.log_tail(job.id) == "adding"


def test_a_problem_with_the_data_is_shown_as_it_is(manager, submit, ended):
    job = ended(submit("bad_data"))
    assert job.state == "failed"
    assert job.error == "The column “time” must hold dates, got 7; choose another column."
    assert job.incident is None
    assert job.progress == 0.3
    assert "Traceback" not in manager.log_tail(job.id)


@pytest.mark.parametrize("kind", ["divide", "leave", "unspeakable"])
def test_a_bug_is_an_incident_whose_traceback_is_in_the_log_alone(manager, submit, ended, kind):
    job = ended(submit(kind))
    assert job.state == "failed"
    assert len(job.incident) == 10
    assert job.error == (
        f"Something went wrong inside the program; the log has the details (incident {job.incident})."
    )
    assert job.incident in manager.log_tail(job.id)
    assert "Traceback" in manager.log_tail(job.id)


@pytest.mark.parametrize(
    ("kind", "how"), [("abort", "Aborted"), ("segfault", "Segmentation fault"), ("vanish", "exit code 0")]
)
def test_a_crash_in_native_code_is_an_incident_too(manager, submit, ended, kind, how):
    job = ended(submit(kind))
    assert job.state == "failed"
    assert f"incident {job.incident}" in job.error
    assert f"incident {job.incident}: the worker ended by {how}" in manager.log_tail(job.id)


@pytest.mark.parametrize(
    ("kind", "words"), [("killed", "most likely out of memory"), ("full_disk", "The disk is full")]
)
def test_a_worker_out_of_room_says_so_plainly(submit, ended, kind, words):
    job = ended(submit(kind))
    assert job.state == "failed"
    assert words in job.error


def test_a_job_gets_no_more_memory_than_it_is_allowed(start, wait):
    manager = start(max_memory_bytes=1_000_000_000)
    job = manager.submit("hungry", {}, owner="ada", title="hungry")
    wait(lambda: not manager.get(job.id).active)
    assert "more memory than there is" in manager.get(job.id).error


def test_a_job_that_never_ends_is_stopped(start, wait):
    manager = start(max_seconds=0.5, stop_grace_seconds=0.2)
    job = manager.submit("deaf", {}, owner="ada", title="deaf")
    wait(lambda: not manager.get(job.id).active)
    assert manager.get(job.id).state == "failed"
    assert "longer than" in manager.get(job.id).error


def test_a_worker_stopped_from_outside_was_interrupted(submit, ended):
    job = ended(submit("terminated"))
    assert (job.state, job.error) == (
        "interrupted",
        "Something outside the program stopped this; start it again.",
    )


def test_a_hundred_thousand_lines_are_no_trouble(manager, submit, ended):
    job = ended(submit("chatter", lines=100_000))
    assert job.state == "done"
    assert manager.log_tail(job.id, lines=3) == "line 99997\nline 99998\nline 99999"
    assert job.message == "line 99999"


def test_a_job_whose_folder_vanished_fails_and_frees_its_slot(manager, submit, ended, running):
    first, second = submit("steps", name="a"), submit("steps", name="b")
    running(first), running(second)
    third = submit("add", a=1, b=2)
    for path in (manager._directory / third.id).iterdir():
        path.unlink()
    (manager._directory / third.id).rmdir()
    manager.cancel(first.id)
    assert ended(third).state == "failed"
    assert ended(submit("add", a=3, b=4)).state == "done"


def test_workers_share_the_machine_politely(submit, ended):
    found = ended(submit("environment")).result
    assert found["threads"] == "1"
    assert found["oom"] == "800"
    assert found["own_session"]
    assert not found["warm"]
