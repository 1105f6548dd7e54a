"""The API as a server of its own, without the screen: ``python -m engine serve``."""

from __future__ import annotations

import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from engine.api.application import ROOT, create_app
from engine.errors import UsageError
from engine.jobs import JobManager
from engine.workspace import Workspace

logger = logging.getLogger(__name__)


def application(space: Workspace) -> Starlette:
    """The server as an ASGI application; its job manager lives as long as it runs."""
    managers: list[JobManager] = []
    api = create_app(space, lambda: managers[0])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        managers.append(JobManager(space.root, space.database_url))
        space.datasets.keep_ready()
        try:
            yield
        finally:
            space.datasets.close()
            managers.pop().close()
            api.state.services.close()

    return Starlette(routes=[Mount(ROOT, api)], lifespan=lifespan)


def serve(host: str, port: int) -> None:
    """Serve until stopped; a :class:`UsageError` where nothing can listen at that address."""
    with _listening(host, port) as line:
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
        config = uvicorn.Config(
            application(Workspace.from_environment()),
            server_header=False,
            log_config=None,
            timeout_graceful_shutdown=10,
        )
        logger.info(
            "serving http://%s:%d%s", f"[{host}]" if ":" in host else host, line.getsockname()[1], ROOT
        )
        uvicorn.Server(config).run(sockets=[line])


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise UsageError(f"a port is a number from 0 to 65535, got {port}; choose another with --port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as problem:
        raise UsageError(
            f"nothing can listen on '{host}', port {port}: {problem.strerror}; choose others with --host and --port"
        ) from None
