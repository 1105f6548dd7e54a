"""The thread that owns the worker processes: it starts them, stops them and records how they ended."""

from __future__ import annotations

import json
import logging
import secrets
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engine.job_folder import Ending, Tail, ending_of
from engine.ledger import JobRow, Ledger
from engine.processes import Launcher, WorkerProcess, pid_started
from engine.worker import BUG, DISK_FULL, EXIT_DISK_FULL, EXIT_MEMORY, OUT_OF_MEMORY

logger = logging.getLogger(__name__)

INTERRUPTED = "The server stopped while this ran; start it again."
STOPPED_OUTSIDE = "Something outside the program stopped this; start it again."
KILLED = (
    "This was ended by the operating system, most likely out of memory; try fewer rows or a smaller model."
)
TOO_LONG = "This ran longer than the {} allowed here and was stopped; try fewer rows or a smaller model."

_LOOK_SECONDS = 0.05  # between two looks while a job runs: waitpid for a process or two, next to nothing
_STOPS_SECONDS = 0.3  # between two looks into the ledger for stops that other processes asked for
_IDLE_SECONDS = 30.0
_SPARE_RETRY_SECONDS = 60.0
_TROUBLE_SECONDS = 1.0


@dataclass(frozen=True)
class Limits:
    """How many jobs run at once and how long one may take."""

    max_running: int
    max_seconds: float | None
    stop_grace_seconds: float  # from SIGTERM to SIGKILL
    close_grace_seconds: float  # the same when the server itself has to go
    spare_delay_seconds: float | None  # from handing out a spare to starting the next; None: no spare
    first_spare_seconds: float  # from the start to the first spare, for what else has to start


@dataclass
class _Running:
    """A job under way, and why and when it was told to stop."""

    id: str
    directory: Path
    worker: WorkerProcess
    was_spare: bool
    since: float = field(default_factory=time.monotonic)
    stopping_since: float | None = None
    why: Literal["", "cancel", "too long", "close"] = ""


class Scheduler:
    """Runs the jobs of one server, the longest waiting first, each in a process of its own."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        server: str,
        jobs_directory: Path,
        spare_log: Path,
        launcher: Launcher,
        limits: Limits,
    ) -> None:
        self._ledger, self._server, self._launcher, self._limits = ledger, server, launcher, limits
        self._jobs_directory, self._spare_log = jobs_directory, spare_log
        self._running: dict[str, _Running] = {}
        self._spare: WorkerProcess | None = None
        self._spare_due = time.monotonic() + limits.first_spare_seconds
        self._stops_due = 0.0
        self._queue_changed = True
        self._closing = False
        self._wake = threading.Event()
        # A daemon: a server that forgets to close must still be able to end.
        self._thread = threading.Thread(target=self._run, name="job-scheduler", daemon=True)

    def start(self) -> None:
        """Begin with what is queued."""
        self._thread.start()

    def look(self) -> None:
        """A job was queued or asked to stop: look now rather than soon."""
        self._queue_changed, self._stops_due = True, 0.0
        self._wake.set()

    def close(self) -> None:
        """Stop every worker and return when they are gone."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def elapsed(self, job_id: str) -> float | None:
        """Seconds a job has been running here, by a clock that does not jump."""
        running = self._running.get(job_id)
        return None if running is None else time.monotonic() - running.since

    def _run(self) -> None:
        """Look, act, wait; trouble such as a full disk is logged and tried again."""
        while not self._closing:
            try:
                self._step()
                pause = self._pause()
            except Exception:
                logger.exception("the job scheduler had trouble and tries again")
                pause = _TROUBLE_SECONDS
            self._wake.wait(pause)
            self._wake.clear()
        self._end_everything()

    def _step(self) -> None:
        self._settle_ended()
        self._stop_some()
        self._start_waiting()
        self._mind_the_spare()

    def _pause(self) -> float:
        if self._running:
            return _LOOK_SECONDS
        if self._limits.spare_delay_seconds is not None and self._spare is None:
            return max(0.0, min(_IDLE_SECONDS, self._spare_due - time.monotonic()))
        return _IDLE_SECONDS

    def _start_waiting(self) -> None:
        while self._queue_changed and len(self._running) < self._limits.max_running and not self._closing:
            self._queue_changed = False  # before the look: a job queued after it sets this again
            try:
                row = self._ledger.claim(self._server)
            except Exception:
                self._queue_changed = True
                raise
            if row is not None:
                self._queue_changed = True
                self._start(row)

    def _start(self, row: JobRow) -> None:
        directory = self._jobs_directory / row.id
        spare = self._take_spare(directory)
        if spare is not None:
            self._follow(_Running(row.id, directory, spare, was_spare=True))
        else:
            self._start_cold(row.id, directory)

    def _take_spare(self, directory: Path) -> WorkerProcess | None:
        """Hand the job to the spare, if there is one and it can still take it."""
        spare, self._spare = self._spare, None
        if spare is None:
            return None
        self._spare_due = time.monotonic() + (self._limits.spare_delay_seconds or 0.0)
        if spare.give(directory):
            return spare
        spare.discard()
        return None

    def _start_cold(self, job_id: str, directory: Path) -> None:
        try:
            worker = self._launcher.cold(directory)
        except OSError as problem:
            logger.exception("no process could be started for job %s", job_id)
            sentence = f"This could not be started ({problem.strerror}); try again later."
            self._ledger.finish(job_id, "failed", error=sentence, seconds=0.0)
        else:
            self._follow(_Running(job_id, directory, worker, was_spare=False))

    def _follow(self, job: _Running) -> None:
        self._running[job.id] = job
        pid, host = job.worker.pid, socket.gethostname()
        self._ledger.running_as(job.id, pid=pid, pid_started=pid_started(pid), host=host)

    def _settle_ended(self) -> None:
        for job in list(self._running.values()):
            code = job.worker.exit_code()
            if code is None:
                continue
            if job.was_spare and not job.why and not (job.directory / "events.jsonl").exists():
                # The spare fell over before it took the job, so nothing has been done twice.
                del self._running[job.id]
                self._start_cold(job.id, job.directory)
            else:
                self._settle(job, code)

    def _settle(self, job: _Running, code: int) -> None:
        ending = ending_of(job.directory)
        stops_asked = job.why == "cancel" or job.id in self._ledger.stops(self._server)
        if ending is None or ending.state == "cancelled":
            ending = self._explained(job, code, stop_asked=stops_asked, cooperated=ending is not None)
        for leftover in job.directory.glob("*.tmp"):
            leftover.unlink(missing_ok=True)
        record(self._ledger, job.id, job.directory, ending, seconds=time.monotonic() - job.since)
        # Only now: had the ledger refused, the next look would have tried again.
        del self._running[job.id]
        self._queue_changed = True

    def _explained(self, job: _Running, code: int, *, stop_asked: bool, cooperated: bool) -> Ending:
        """What a worker's end means when it left no answer."""
        if job.why == "close":
            return Ending("interrupted", INTERRUPTED)
        if job.why == "too long":
            return Ending("failed", TOO_LONG.format(_duration(self._limits.max_seconds or 0.0)))
        if stop_asked:
            return Ending("cancelled")
        if cooperated or code in (-signal.SIGTERM, -signal.SIGINT, -signal.SIGHUP):
            return Ending("interrupted", STOPPED_OUTSIDE)
        if code == -signal.SIGKILL:
            return Ending("failed", KILLED)
        if code == EXIT_MEMORY:
            return Ending("failed", OUT_OF_MEMORY)
        if code == EXIT_DISK_FULL:
            return Ending("failed", DISK_FULL)
        incident = secrets.token_hex(5)
        how = signal.strsignal(-code) if code < 0 else f"exit code {code}"
        try:
            with (job.directory / "log.txt").open("a", encoding="utf-8") as log:
                log.write(f"incident {incident}: the worker ended by {how}\n")
        except OSError:  # the folder is gone or the disk is full; the ending still counts
            logger.exception("incident %s, job %s: the worker ended by %s", incident, job.id, how)
        return Ending("failed", BUG.format(incident), incident)

    def _stop_some(self) -> None:
        now = time.monotonic()
        if self._running and now >= self._stops_due:
            self._stops_due = now + _STOPS_SECONDS
            for job_id in self._ledger.stops(self._server) & self._running.keys():
                self._stop(self._running[job_id], "cancel")
        for job in self._running.values():
            if self._limits.max_seconds is not None and now - job.since > self._limits.max_seconds:
                self._stop(job, "too long")
            if job.stopping_since is not None and now - job.stopping_since > self._limits.stop_grace_seconds:
                job.worker.kill()

    def _stop(self, job: _Running, why: Literal["cancel", "too long", "close"]) -> None:
        if not job.why:
            job.why, job.stopping_since = why, time.monotonic()
            job.worker.ask_to_stop()

    def _mind_the_spare(self) -> None:
        if self._limits.spare_delay_seconds is None or self._closing:
            return
        if self._spare is not None and self._spare.exit_code() is not None:
            logger.warning("the spare worker ended by itself; see %s", self._spare_log)
            self._spare.discard()
            self._spare, self._spare_due = None, time.monotonic() + _SPARE_RETRY_SECONDS
        if self._spare is None and time.monotonic() >= self._spare_due:
            self._spare_due = time.monotonic() + _SPARE_RETRY_SECONDS  # holds if the start below fails
            self._spare = self._launcher.spare(self._spare_log)

    def _end_everything(self) -> None:
        if self._spare is not None:
            self._spare.discard()
        for job in self._running.values():
            self._stop(job, "close")
        deadline = time.monotonic() + self._limits.close_grace_seconds
        while time.monotonic() < deadline and any(
            j.worker.exit_code() is None for j in self._running.values()
        ):
            time.sleep(_LOOK_SECONDS)
        for job in list(self._running.values()):
            job.worker.discard()
            try:
                self._settle(job, job.worker.exit_code() or 0)
            except Exception:  # the next server finds the row and settles it
                logger.exception("the end of job %s was not recorded", job.id)


def record(ledger: Ledger, job_id: str, directory: Path, ending: Ending, *, seconds: float | None) -> None:
    """Write an ending to the ledger, with the last progress the job reported."""
    progress, message = Tail(directory / "events.jsonl").newest()
    ledger.finish(
        job_id,
        ending.state,
        error=ending.error,
        incident=ending.incident,
        result=None if ending.result is None else json.dumps(ending.result),
        progress=1.0 if ending.state == "done" else progress,
        message=message,
        **({} if seconds is None else {"seconds": seconds}),
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
