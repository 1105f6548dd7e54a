"""The one door: every request shows its token here, whatever its address; what is public is named, not the rest.

Also here, because they hold for every answer: how much of a body is read, how often a token may ask, safe headers,
and the incident id in place of a traceback.
"""

from __future__ import annotations

import errno
import logging
import secrets
import threading
import time
from collections.abc import Callable, MutableMapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.api.problems import NO_TOKEN, Refusal, response, too_many
from engine.api.tokens import Token, Tokens
from engine.data.reading.limits import MAX_BYTES

PUBLIC = {("GET", "/health")}
UPLOAD = "/anomaly/datasets/upload"
MAX_UPLOAD_BYTES = MAX_BYTES + 1_000_000  # the file, and what a form puts around it
LABELS = "/labels:import"  # the end of the address that takes files of labels
MAX_LABELS_BYTES = 10_000_000
MAX_BODY_BYTES = 1_000_000
PER_MINUTE = 120

SAFE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}

logger = logging.getLogger(__name__)


class Rate:
    """How often each token may ask: a bucket of requests that fills again evenly."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = float(per_minute), clock
        self._buckets: dict[str, tuple[float, float]] = {}  # token -> what is left, and when that was
        self._lock = threading.Lock()

    def wait(self, token: str) -> float:
        """Seconds until the token may ask again; 0 when it may now, and then this counts as asked."""
        with self._lock:
            now, per_second = self._clock(), self._most / 60
            left, then = self._buckets.get(token, (self._most, now))
            left = min(self._most, left + (now - then) * per_second)
            allowed = left >= 1
            self._buckets[token] = (left - 1 if allowed else left, now)
            return 0.0 if allowed else (1 - left) / per_second


class Gate:
    """ASGI middleware around the whole API. Who is let in has its :class:`Token` in ``request.state.token``."""

    def __init__(self, app: ASGIApp, *, tokens: Tokens, rate: Rate) -> None:
        self._app, self._tokens, self._rate = app, tokens, rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def safely(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            path = path_of(scope)
            if (scope["method"], path) not in PUBLIC:
                scope.setdefault("state", {})["token"] = await self._admitted(Headers(scope=scope))
            await self._app(scope, _capped(scope, path, receive), safely)
        except HTTPException as refusal:  # raised out here, so no handler has seen it
            await response(refusal)(scope, receive, safely)
        except ClientDisconnect:
            logger.info("%s %s: the caller hung up", scope["method"], scope["path"])
        except Exception as problem:
            incident = secrets.token_hex(5)
            logger.exception("incident %s: %s %s", incident, scope["method"], scope["path"])
            if begun:
                raise  # half an answer is out; the server has to cut it off
            full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)
            sorry = (
                Refusal(507, "the disk is full")
                if full
                else Refusal(500, "something went wrong inside the program")
            )
            await response(sorry, incident)(scope, receive, safely)

    async def _admitted(self, headers: Headers) -> Token:
        given = headers.getlist("authorization")
        kind, _, secret = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        token = None
        if kind.lower() == "bearer" and secret.strip():
            token = await run_in_threadpool(self._tokens.holder, secret.strip())
        if token is None:  # missing, wrong, expired, revoked: which of them is nobody's business
            raise Refusal(401, NO_TOKEN, headers={"WWW-Authenticate": "Bearer"})
        seconds = self._rate.wait(token.id)
        if seconds:
            raise too_many(
                "this token has asked too often", f"at most {PER_MINUTE} requests a minute", seconds
            )
        return token


def path_of(scope: MutableMapping[str, Any]) -> str:
    """The path within the API, wherever it is mounted."""
    root = scope.get("root_path", "")
    path: str = scope["path"]
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def _capped(scope: Scope, path: str, receive: Receive) -> Receive:
    """``receive`` that stops at the limit of a body; at once where the length announced is beyond it."""
    limit = MAX_LABELS_BYTES if path.endswith(LABELS) else MAX_BODY_BYTES
    limit = MAX_UPLOAD_BYTES if path == UPLOAD else limit
    announced = Headers(scope=scope).get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(path)
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(path)
        return message

    return counted


def _too_large(path: str) -> Refusal:
    if path == UPLOAD:
        return Refusal(
            413, f"the file is larger than {MAX_BYTES >> 20} MB", "split it, or save it as Parquet"
        )
    if path.endswith(LABELS):
        return Refusal(413, f"a file of labels may have {MAX_LABELS_BYTES // 10**6} MB", "split it")
    return Refusal(
        413, f"the body is larger than {MAX_BODY_BYTES // 10**6} MB", "files go to the upload address"
    )
