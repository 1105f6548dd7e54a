"""The API as a server of its own, without the screen: ``python -m engine serve``."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from engine.api.application import ROOT, create_app
from engine.jobs import JobManager
from engine.workspace import Workspace


def application(space: Workspace) -> Starlette:
    """The server as an ASGI application; its job manager lives as long as it runs."""
    managers: list[JobManager] = []
    api = create_app(space, lambda: managers[0])

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        managers.append(JobManager(space.root, space.database_url))
        try:
            yield
        finally:
            managers.pop().close()
            api.state.services.close()

    return Starlette(routes=[Mount(ROOT, api)], lifespan=lifespan)


def serve(host: str, port: int) -> None:
    """Serve until stopped."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    uvicorn.run(
        application(Workspace.from_environment()),
        host=host,
        port=port,
        server_header=False,
        log_config=None,
        timeout_graceful_shutdown=10,
    )
