"""What all visitors share: the workspace and the one job manager of this server."""

from __future__ import annotations

import time
from functools import cache
from threading import Lock
from typing import Any

from engine import EngineError, Job, JobManager, LabelLedger, Workspace

HEAD_START_SECONDS = 4.0  # of the first page before what it does not need: the spare worker, the charts
PATIENCE_SECONDS = 600
_starting = Lock()


@cache
def workspace() -> Workspace:
    """The folders everything lives in, as the environment names them."""
    return Workspace.from_environment()


def jobs() -> JobManager:
    """The job manager; started by the first who asks."""
    with _starting:
        return _manager()


@cache
def _manager() -> JobManager:
    space = workspace()
    return JobManager(space.root, space.database_url, first_spare_seconds=HEAD_START_SECONDS)


@cache
def labels() -> LabelLedger:
    """The ledger of labels; opened by the first who asks."""
    return workspace().open_labels()


def submit(kind: str, dataset: str, spec: dict[str, Any], *, owner: str, title: str) -> Job:
    """Have a job do something with a data set."""
    space = workspace()
    places = {"dataset": dataset, "workspace": str(space.root), "models": str(space.models_root)}
    return jobs().submit(kind, {**spec, **places}, owner=owner, title=title)


def answer(kind: str, dataset: str, spec: dict[str, Any], *, owner: str, title: str) -> dict[str, Any]:
    """What a job returns, waited for: for downloads, which run outside the page."""
    job = submit(kind, dataset, spec, owner=owner, title=title)
    ends = time.monotonic() + PATIENCE_SECONDS
    while job.active and time.monotonic() < ends:
        time.sleep(0.1)
        job = jobs().get(job.id)
    if job.active:
        jobs().cancel(job.id)
    if job.state != "done" or not job.result:
        raise EngineError(job.error or "the file could not be written in time")
    return job.result


def keep_ready() -> None:
    """Have what reads a file ready before somebody brings one."""
    workspace().datasets.keep_ready()


def close() -> None:
    """Stop the workers, when the server stops."""
    workspace().datasets.close()
    if labels.cache_info().currsize:
        labels().close()
        labels.cache_clear()
    with _starting:
        if _manager.cache_info().currsize:
            _manager().close()
            _manager.cache_clear()
