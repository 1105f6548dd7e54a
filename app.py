"""The server: one ASGI app with the screen and the HTTP API; ``make run`` or ``streamlit run app.py`` starts it."""

import gc
import secrets
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie
from pathlib import Path
from threading import Thread
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from engine.api.deferred import Deferred  # noqa: E402

COOKIE = "loupe_owner"
POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' "
    "'sha256-THxz9J9+wf7rhwR2YkXJoSZ13UCmYyC+3lNDv2+8ugA='; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
WITHOUT_COOKIE = ("/static", "/_stcore", "/media", "/api/")
App = Callable[..., Awaitable[None]]
Message = MutableMapping[str, Any]


class Visitors:
    """Gives every browser a cookie of its own, so that its jobs are found again, and every answer safe headers."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        sent = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
        known = any(COOKIE in SimpleCookie(value) for value in sent)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                said = {name.lower() for name, _ in headers}  # the API's own policy is stricter
                new = ((name.encode(), value.encode()) for name, value in HEADERS.items())
                headers += [(name, value) for name, value in new if name not in said]
                if not known and not scope["path"].startswith(WITHOUT_COOKIE):
                    token = f"{COOKIE}={secrets.token_urlsafe(24)}; Path=/; HttpOnly; SameSite=Lax; Max-Age=31536000"
                    headers.append((b"set-cookie", token.encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self.app(scope, receive, answer)


@asynccontextmanager
async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
    """Answer at once, make ready in the background, and stop the workers at the end."""
    from ui import server

    Thread(target=_make_ready, name="make ready", daemon=True).start()
    yield {}
    server.close()


def _make_ready() -> None:
    """Import what every page needs and start the job manager; then, when the first page stands, the charts."""
    from engine import charts
    from ui import detecting, inspecting, results, server, upload  # noqa: F401

    server.jobs()
    time.sleep(server.HEAD_START_SECONDS)
    charts.prepare()
    server.keep_ready()
    charts.prepare_evaluation()
    # Streamlit collects garbage after every run; what was imported once need not be looked at again each time.
    gc.collect()
    gc.freeze()


def _api() -> App:
    """The HTTP API over the same workspace and jobs as the screen."""
    from engine.api.application import create_app
    from ui import server

    return create_app(server.workspace(), server.jobs)


app = st.App(
    ROOT / "ui" / "main.py",
    lifespan=lifespan,
    routes=[Mount("/api", Deferred(_api))],
    middleware=[Middleware(Visitors)],
)
