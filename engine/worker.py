"""A worker runs one job in a process of its own: `python -m engine.worker DIR`.

The folder DIR is the whole conversation with the server that started it; `engine/job_folder.py`
says what lies in it.

A worker never outlives its server, stops when it gets SIGTERM, and gives way to the screen: it runs
at low priority and is the first one the operating system ends when memory runs out. With `--spare`
it imports the slow libraries ahead of time and waits on its input for the folder of the one job it
will run.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import importlib
import json
import logging
import os
import resource
import secrets
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.cores import libraries_with_threads
from engine.errors import Cancelled, EngineError
from engine.job_folder import plain, write_json
from engine.leaving import leave

FUNCTIONS = {
    "train": "engine.tasks:run_train",
    "score": "engine.tasks:run_score",
    "explain": "engine.row_tasks:run_explain",
    "edit": "engine.row_tasks:run_edit",
    "look": "engine.row_tasks:run_look",
    "export": "engine.file_tasks:run_export",
    "bundle": "engine.file_tasks:run_bundle",
    "picture": "engine.file_tasks:run_picture",
    "unlabelled": "engine.unlabelled:run_unlabelled",
    "leaderboard": "engine.leaderboard_job:run_leaderboard",
    "report": "engine.reporting.task:run_report",
    "learning_curve": "engine.class_evaluation:run_learning_curve",
    "stages": "engine.class_evaluation:run_stages",
}
"""The work a job of each kind does: `run(spec, job) -> result`, imported when it is needed."""

WARM_MODULES = (
    "pandas",
    "pyarrow.parquet",
    "safetensors.numpy",
    "sklearn.ensemble",
    "sklearn.neighbors",
    "sklearn.svm",
    "engine.tasks",
    "engine.row_tasks",
    "torch",
)
"""What a spare imports ahead of time; torch last, which takes as long as all others, for those that need it."""

BUG = "Something went wrong inside the program; the log has the details (incident {})."
OUT_OF_MEMORY = "This needed more memory than there is; try fewer rows or a smaller model."
DISK_FULL = "The disk is full; delete something that is no longer needed and start this again."

EXIT_CANCELLED, EXIT_BUG, EXIT_MEMORY, EXIT_DISK_FULL = 4, 70, 71, 74  # from 70 on as in sysexits.h

_WATCH_SECONDS = 0.2  # how often the watch looks; also the pause between two written progress lines
_ORPHAN_GRACE_SECONDS = 1.0  # an orphan may leave by itself for so long before it is killed


class JobContext:
    """What a job's function may say to the outside, and how it hears that it should stop.

    It works on any folder, so a function written for a job can be called without a process:

        result = run_train_job(spec, JobContext(tmp_path))
    """

    def __init__(self, directory: Path, *, stop_asked: Callable[[], bool] = lambda: False) -> None:
        self.directory = directory
        self._stop_asked = stop_asked
        self._lock = threading.Lock()
        self._fraction, self._message = 0.0, ""
        self._written_at = float("-inf")
        self._unwritten = False

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how far the work is, from 0 to 1, and what it is at; raises Cancelled when asked to stop.

        A smaller fraction than before (or NaN) keeps the larger one. May be called as often as is
        handy: about five lines a second are written, and the last word always is.
        """
        self.check()
        with self._lock:
            self._fraction = (
                max(self._fraction, min(1.0, fraction)) if fraction == fraction else self._fraction
            )
            self._message = message or self._message
            self._unwritten = True
            due = time.monotonic() - self._written_at >= _WATCH_SECONDS
        if due:
            self.flush()

    def record(self, **values: float | str | None) -> None:
        """Keep one point of a curve, such as an epoch's losses; each one is written."""
        self.check()
        with self._lock:
            self._append({"record": values})

    def log(self, text: str) -> None:
        """Add a line to the job's log."""
        sys.stdout.write(f"{text}\n")

    def check(self) -> None:
        """Raise Cancelled when someone asked this job to stop."""
        if self._stop_asked():
            raise Cancelled("The job was stopped.")

    def flush(self) -> None:
        """Write the newest progress if it has not been written yet."""
        with self._lock:
            if not self._unwritten:
                return
            self._append({"progress": round(self._fraction, 6), "message": self._message})
            self._unwritten = False
            self._written_at = time.monotonic()

    def _append(self, event: dict[str, Any]) -> None:
        # One write of one whole line to a file opened for appending: a reader, or a kill, between
        # two lines sees only complete ones.
        line = json.dumps(event, default=plain) + "\n"
        with (self.directory / "events.jsonl").open("ab", buffering=0) as events:
            events.write(line.encode())


@dataclass
class _Stop:
    """Whether this worker should stop: asked by SIGTERM, or because its server is gone."""

    asked: bool = False
    orphaned: bool = False
    job: JobContext | None = field(default=None, repr=False)

    def ask(self, *_: object) -> None:
        # A plain assignment: a signal handler must not take a lock its own thread may hold.
        self.asked = True

    def watch(self, server_pid: int) -> None:
        """End this worker when its server dies, and write progress that was held back.

        PR_SET_PDEATHSIG would be bound to the thread that started us, so we look ourselves.
        """
        while os.getppid() == server_pid:
            if self.job is not None:
                try:
                    self.job.flush()
                except OSError as problem:  # a full disk: the job's own next write says so
                    sys.stderr.write(f"progress was not written: {problem}\n")
            time.sleep(_WATCH_SECONDS)
        self.orphaned = self.asked = True
        time.sleep(_ORPHAN_GRACE_SECONDS)
        _kill_own_group()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one job and return the exit code that says how it ended."""
    options = _parser().parse_args(arguments)
    _give_way(options.memory)
    faulthandler.enable()  # a crash in native code leaves its stack in the log
    stop = _Stop()
    threading.Thread(target=stop.watch, args=(options.server,), daemon=True, name="orphan-watch").start()
    directory = options.directory
    if options.spare:
        _warm_up()
        directory = sys.stdin.readline().strip()
        if not directory:
            return 0
        _redirect_output(Path(directory) / "log.txt")
    signal.signal(signal.SIGTERM, stop.ask)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    return run(Path(directory), stop)


def run(directory: Path, stop: _Stop) -> int:
    """Do the job in the folder; leave `result.json` unless the server is gone."""
    job = stop.job = JobContext(directory, stop_asked=lambda: stop.asked)
    code = 0
    try:
        job.progress(0.0)  # the first line also tells the server that the job was taken
        envelope = json.loads((directory / "spec.json").read_text("utf-8"))
        function = _function(envelope.get("function") or FUNCTIONS[envelope["kind"]])
        job.check()
        outcome = {"state": "done", "result": function(envelope["spec"], job)}
        json.dumps(outcome, default=plain)  # an answer JSON cannot hold is the function's bug
    except BaseException as problem:  # also SystemExit: a job that ends must say how
        outcome, code = _failure(problem)
    if stop.orphaned:
        return EXIT_CANCELLED  # nobody asked the job to stop: the next server calls it interrupted
    try:
        job.flush()
        write_json(directory / "result.json", outcome)
    except OSError as problem:
        sys.stderr.write(f"the result was not written: {problem}\n")
        return _failure(problem)[1]
    return code


def _failure(problem: BaseException) -> tuple[dict[str, Any], int]:
    """How the job ended, in words for a person, and the exit code."""
    if isinstance(problem, Cancelled):
        return {"state": "cancelled"}, EXIT_CANCELLED
    if isinstance(problem, EngineError):
        sys.stderr.write(f"{problem}\n")
        return {"state": "failed", "error": str(problem)}, problem.exit_code
    incident = secrets.token_hex(5)
    sys.stderr.write(f"incident {incident}\n{''.join(traceback.format_exception(problem))}")
    sentence, code = BUG.format(incident), EXIT_BUG
    if isinstance(problem, MemoryError):
        sentence, code = OUT_OF_MEMORY, EXIT_MEMORY
    elif isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT):
        sentence, code = DISK_FULL, EXIT_DISK_FULL
    return {"state": "failed", "error": sentence, "incident": incident}, code


def _function(name: str) -> Callable[[dict[str, Any], JobContext], dict[str, Any]]:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _warm_up() -> None:
    for module in WARM_MODULES:
        try:
            importlib.import_module(module)
        except Exception:  # the job that needs it will say so; one that does not must still run
            traceback.print_exc()
    libraries_with_threads()  # all that are needed are loaded now


def _give_way(memory_bytes: int) -> None:
    """Let the screen go first, die first when memory runs out, and leave no core file."""
    os.nice(15)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    try:
        Path("/proc/self/oom_score_adj").write_text("800")
    except OSError as problem:  # not Linux, or a sandbox; the job runs all the same
        sys.stderr.write(f"the out-of-memory score stays as it was: {problem}\n")


def _redirect_output(log: Path) -> None:
    """Send what is printed from now on to the job's own log, and let go of the input."""
    sys.stdout.flush()
    sys.stderr.flush()
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.dup2(nothing, 0)
    os.close(descriptor)
    os.close(nothing)


def _kill_own_group() -> None:
    # With its children, such as joblib's; but a worker started by hand shares its shell's group.
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(EXIT_CANCELLED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engine.worker", description="Run one job.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("directory", nargs="?", help="the job's folder")
    what.add_argument("--spare", action="store_true", help="get ready, then wait for a folder on the input")
    parser.add_argument("--server", type=int, default=os.getppid(), help="the process to stop with")
    parser.add_argument("--memory", type=int, default=0, help="the most bytes of memory to use, 0: no limit")
    return parser


if __name__ == "__main__":
    # The imported module, not `__main__`, runs: jobs that import engine.worker see the same classes.
    from engine import worker

    leave(worker.main())
