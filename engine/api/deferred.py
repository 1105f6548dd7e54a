"""An ASGI app that is imported and built when it is first asked: the screen must not start slower for it."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

App = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]

logger = logging.getLogger(__name__)


class Deferred:
    """Hands requests to the app that ``build`` makes; built once, in a thread, whoever asks at the same time."""

    def __init__(self, build: Callable[[], App]) -> None:
        self._build = build
        self._building = threading.Lock()
        self._app: App | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if self._app is None:
            try:
                await asyncio.to_thread(self._built)
            except Exception:  # the next request tries again: a full disk may have room by then
                await _say_sorry(scope, send)
                return
        assert self._app is not None
        await self._app(scope, receive, send)

    def _built(self) -> None:
        with self._building:
            if self._app is None:
                self._app = self._build()


async def _say_sorry(scope: MutableMapping[str, Any], send: Any) -> None:
    """The one answer that cannot come from the app."""
    incident = secrets.token_hex(5)
    logger.exception("incident %s: the HTTP API could not start", incident)
    if scope["type"] != "http":
        await send({"type": "websocket.close", "code": 1011})
        return
    problem = {
        "error": "the API could not start",
        "hint": f"the log has the details (incident {incident})",
        "incident": incident,
    }
    kind = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 500, "headers": kind})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
