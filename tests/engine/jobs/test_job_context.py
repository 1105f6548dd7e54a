"""What a job's function can say, without a process around it."""

import json

import pytest

from engine.errors import Cancelled
from engine.job_folder import Tail, log_tail
from engine.worker import JobContext


def events(directory):
    return [json.loads(line) for line in (directory / "events.jsonl").read_text().splitlines()]


def test_progress_never_falls(tmp_path):
    job = JobContext(tmp_path)
    for fraction in (0.5, 0.2, float("nan"), 7.0, -1.0):
        job.progress(fraction)
    job.flush()
    assert [event["progress"] for event in events(tmp_path)] == [0.5, 1.0]


def test_few_lines_are_written_and_the_last_word_always_is(tmp_path):
    job = JobContext(tmp_path)
    for step in range(10_000):
        job.progress(step / 9_999, f"step {step}")
    job.flush()
    assert len(events(tmp_path)) < 100
    assert events(tmp_path)[-1] == {"progress": 1.0, "message": "step 9999"}


def test_every_word_to_a_stopped_job_is_answered_by_cancelled(tmp_path):
    job = JobContext(tmp_path, stop_asked=lambda: True)
    for speak in (job.check, lambda: job.progress(0.5), lambda: job.record(loss=1.0)):
        with pytest.raises(Cancelled):
            speak()


def test_a_line_being_written_is_read_when_it_is_complete(tmp_path):
    path = tmp_path / "events.jsonl"
    tail = Tail(path)
    assert tail.newest() == (0.0, "")
    path.write_text('{"progress": 0.25, "message": "a"}\n{"progress": 0.5, "mess')
    assert tail.newest() == (0.25, "a")
    with path.open("a") as file:
        file.write('age": "b"}\n{"progr{"record": {"loss": 1}}\n{"record": {"loss": 2}}\n')
    assert tail.newest() == (0.5, "b")
    assert tail.records == [{"loss": 2}]


def test_the_tail_of_a_long_log_begins_at_a_line(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("".join(f"{n} {'é' * 500}\n" for n in range(1000)))
    assert [line.split()[0] for line in log_tail(log, 3).splitlines()] == ["997", "998", "999"]
    assert [line.split()[0] for line in log_tail(log, 500).splitlines()] == [str(n) for n in range(500, 1000)]
    assert len(log_tail(log, 5000).splitlines()) == 1000
    assert log_tail(tmp_path / "none.txt", 5) == ""
