"""Long work in processes of its own: queued, watched, stopped, and found again after a restart.

    manager = JobManager(workspace)
    job = manager.submit("train", spec, owner="ada", title="Isolation forest on pumps.csv")
    manager.get(job.id).progress

A job goes on whatever happens to the page that asked for it. It does not outlive the server: its
worker stops, and the next server says so. Importing this module loads no numerical library and no
database driver.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from engine.errors import EngineError, StoreError, UsageError
from engine.job_folder import Tail, log_tail, plain, write_json
from engine.processes import Launcher, Lease, alone
from engine.worker import FUNCTIONS

if TYPE_CHECKING:
    from engine.ledger import JobRow

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]


@dataclass(frozen=True)
class Job:
    """One job as it was when asked for; times are seconds since 1970."""

    id: str
    owner: str
    kind: str
    title: str
    state: State
    progress: float  # 0 to 1
    message: str
    stopping: bool  # asked to stop, and not gone yet
    error: str | None  # a sentence to show as it is
    incident: str | None  # what to look for in the log, when the program is at fault
    created: float
    started: float | None
    ended: float | None
    seconds: float | None  # how long it has run, or ran
    eta_seconds: float | None
    result: dict[str, Any] | None
    queue_position: int | None  # 1 is next

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("queued", "running")


class JobManager:
    """Runs jobs for the people of one server; every method may be called from any thread."""

    def __init__(
        self,
        root: Path,
        database_url: str | None = None,
        *,
        max_running: int = 2,
        max_queued: int = 24,
        max_queued_per_owner: int = 12,
        threads: int | None = None,
        max_seconds: float | None = None,
        max_memory_bytes: int = 0,
        keep_days: float = 30.0,
        spare: bool = True,
        spare_delay_seconds: float = 2.0,
        first_spare_seconds: float = 0.0,
        stop_grace_seconds: float = 5.0,
        functions: Mapping[str, str] | None = None,
    ) -> None:
        # Here, not above: a page that only names a Job need not wait for SQLAlchemy.
        from engine.scheduler import Limits, Scheduler

        self._directory = root.resolve() / "jobs"
        self._max_queued, self._max_queued_per_owner = max_queued, max_queued_per_owner
        self._functions = dict(functions or {})
        self._server = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._tails: dict[str, Tail] = {}
        self._closed = False
        self._boot(root, database_url, keep_days * 86400)
        cores = max(1, (os.cpu_count() or 2) - 1)  # one is left for the screen
        self._scheduler = Scheduler(
            self._ledger,
            server=self._server,
            jobs_directory=self._directory,
            spare_log=self._lease.path.with_suffix(".log"),
            launcher=Launcher(threads or (1 if max_running > 1 else cores), max_memory_bytes),
            limits=Limits(
                max_running=max_running,
                max_seconds=max_seconds,
                stop_grace_seconds=stop_grace_seconds,
                close_grace_seconds=min(2.0, stop_grace_seconds),
                spare_delay_seconds=spare_delay_seconds if spare else None,
                first_spare_seconds=first_spare_seconds,
            ),
        )
        self._scheduler.start()
        atexit.register(self.close)

    def _boot(self, root: Path, url: str | None, keep_seconds: float) -> None:
        """Open the ledger and put in order what earlier servers left; one server at a time does this."""
        from engine import recovery
        from engine.database import database_url
        from engine.ledger import Ledger

        servers = self._directory / ".servers"
        servers.mkdir(parents=True, exist_ok=True)
        with alone(self._directory / ".boot"), contextlib.ExitStack() as undo:
            self._lease = Lease(servers / f"{self._server}.lock")
            undo.callback(self._lease.release)
            self._ledger = Ledger(database_url(root, url))
            undo.callback(self._ledger.close)
            place = self._place = recovery.place_of(self._directory)
            recovery.settle_left_behind(self._ledger, self._directory, place=place, server=self._server)
            recovery.sweep(self._ledger, self._directory, place=place, keep_seconds=keep_seconds)
            undo.pop_all()

    def submit(self, kind: str, spec: dict[str, Any], *, owner: str, title: str) -> Job:
        """Queue a job; the same one again, while the owner's first is still active, is that first one."""
        if kind not in self._functions and kind not in FUNCTIONS:
            known = ", ".join(sorted({*FUNCTIONS, *self._functions}))
            raise UsageError(f"A job is one of {known}; found “{kind}”.")
        if self._closed:
            raise EngineError("The server is stopping; try again when it is back.")
        job_id = uuid.uuid4().hex
        spec_text = json.dumps(spec, sort_keys=True, default=plain)
        directory = self._directory / job_id
        directory.mkdir()
        try:
            # Complete before the row is: whoever sees the row may start the job.
            write_json(directory / "spec.json", self._envelope(kind, spec))
            found = self._ledger.add(
                {
                    "id": job_id,
                    "owner": owner,
                    "kind": kind,
                    "title": title,
                    "spec": spec_text,
                    "digest": hashlib.sha256(f"{kind}\n{spec_text}".encode()).hexdigest(),
                    "place": self._place,
                    "server": self._server,
                },
                max_queued=self._max_queued,
                max_queued_per_owner=self._max_queued_per_owner,
            )
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        if found != job_id:
            shutil.rmtree(directory)
        self._scheduler.look()
        return self.get(found)

    def again(self, job_id: str) -> Job:
        """Queue the same work once more, for instance after an interruption."""
        row = self._row(job_id)
        return self.submit(row.kind, json.loads(row.spec), owner=row.owner, title=row.title)

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop: a waiting one is gone at once, a running one within its grace."""
        self._row(job_id)
        self._ledger.ask_to_stop(job_id)
        self._scheduler.look()
        return self.get(job_id)

    def get(self, job_id: str) -> Job:
        """One job as it is now."""
        return self._jobs([self._row(job_id)])[0]

    def jobs(self, owner: str | None = None, *, active: bool | None = None, limit: int = 50) -> list[Job]:
        """The newest jobs first: of one owner or of all, active ones or ended ones or both."""
        return self._jobs(list(self._ledger.rows(self._place, owner, active, limit)))

    def spec(self, job_id: str) -> dict[str, Any]:
        """What the job was asked to do."""
        return json.loads(self._row(job_id).spec)

    def records(self, job_id: str) -> list[dict[str, Any]]:
        """The points the job recorded so far, such as the losses of each epoch."""
        row = self._row(job_id)
        with self._lock:
            tail = self._tail(row)
            tail.newest()
            return list(tail.records)

    def log_tail(self, job_id: str, lines: int = 20) -> str:
        """The last lines of the job's log."""
        return log_tail(self._directory / self._row(job_id).id / "log.txt", lines)

    def delete(self, job_id: str) -> None:
        """Forget a job that has ended, its folder included."""
        row = self._row(job_id)
        if not self._ledger.remove(job_id):
            raise UsageError(f"“{row.title}” is still active; cancel it before deleting it.")
        shutil.rmtree(self._directory / row.id, ignore_errors=True)

    def close(self) -> None:
        """Stop what runs, keep what waits for the next server; calling it again does nothing."""
        with self._lock:
            # A forked child that ends normally must not end its parent's jobs.
            if self._closed or os.getpid() != self._lease.pid:
                return
            self._closed = True
        atexit.unregister(self.close)
        self._scheduler.close()
        self._ledger.close()
        self._lease.path.with_suffix(".log").unlink(missing_ok=True)
        self._lease.release()

    def _envelope(self, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
        """What the worker reads. The function comes from this server's code, never from the spec."""
        own = {"function": self._functions[kind]} if kind in self._functions else {}
        return {"kind": kind, "spec": spec, **own}

    def _row(self, job_id: str) -> JobRow:
        row = self._ledger.row(job_id)
        if row is None:
            raise StoreError(f"There is no job “{job_id}”; it may have been deleted.")
        return row

    def _tail(self, row: JobRow) -> Tail:
        """Where to read a job's events on; remembered only while there is more to come."""
        tail = self._tails.pop(row.id, None) or Tail(self._directory / row.id / "events.jsonl")
        if row.state == "running":
            self._tails[row.id] = tail
        return tail

    def _jobs(self, rows: list[JobRow]) -> list[Job]:
        waiting = self._ledger.queue(self._place) if any(row.state == "queued" for row in rows) else []
        return [self._job(row, waiting) for row in rows]

    def _job(self, row: JobRow, waiting: list[str]) -> Job:
        progress, message, seconds, eta = row.progress, row.message, row.seconds, None
        with self._lock:
            tail = self._tail(row)
            if row.state == "running":
                progress, message = tail.newest()
        if row.state == "running":
            seconds = self._scheduler.elapsed(row.id) or max(0.0, time.time() - row.started)
            eta = seconds * (1 - progress) / progress if progress > 0 else None
        return Job(
            id=row.id,
            owner=row.owner,
            kind=row.kind,
            title=row.title,
            state=row.state,
            progress=progress,
            message=message,
            stopping=row.stop and row.state == "running",
            error=row.error,
            incident=row.incident,
            created=row.created,
            started=row.started,
            ended=row.ended,
            seconds=seconds,
            eta_seconds=eta,
            result=None if row.result is None else json.loads(row.result),
            queue_position=waiting.index(row.id) + 1 if row.id in waiting else None,
        )
