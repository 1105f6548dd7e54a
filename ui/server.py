"""What all visitors share: the workspace and the one job manager of this server."""

from __future__ import annotations

from functools import cache
from threading import Lock

from engine import JobManager, Workspace

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
    return JobManager(space.root, space.database_url)


def close() -> None:
    """Stop the workers, when the server stops."""
    with _starting:
        if _manager.cache_info().currsize:
            _manager().close()
            _manager.cache_clear()
