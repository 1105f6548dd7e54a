"""``Idempotency-Key``: a request sent twice, because nobody knew whether it arrived, is carried out once.

The answer to a key is kept for a day, for the token that used it. After the IETF draft
"The Idempotency-Key HTTP Header Field" (Jena, Dalal; 2021).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from starlette.responses import JSONResponse, Response

from engine.api.problems import Refusal
from engine.api.tables import answer as _answer
from engine.database import Database

KEPT_SECONDS = 86_400.0
ABANDONED_SECONDS = 900.0  # nothing takes this long to answer, so who began it is gone
LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the table of answers knows it: whose, under which key, and for what."""

    token: str
    key: str | None
    dataset: str | None
    what: Any  # JSON; the same request has the same

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.what, sort_keys=True).encode()).hexdigest()


class Answers:
    """The table of answers given under a key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def once(self, asked: Asked, status: int, act: Callable[[], dict[str, Any]]) -> Response:
        """The answer of ``act``, or the one it gave before under the same key.

        Only what was carried out is kept: after a refusal the same key may be used again.
        """
        if asked.key is None:
            return JSONResponse(act(), status)
        _require_sound(asked.key)
        kept = self._begin(asked)
        if kept is not None:
            return JSONResponse(kept, status, {"Idempotent-Replayed": "true"})
        try:
            body = act()
        except BaseException:
            self._forget(asked)
            raise
        self._keep(asked, status, body)
        return JSONResponse(body, status)

    def _begin(self, asked: Asked) -> Any:
        """The answer kept under the key, or None, and then the key is taken."""
        now = time.time()
        with self._database.writing(_answer) as connection:
            old = _answer.c.created < now - KEPT_SECONDS
            left = _answer.c.status.is_(None) & (_answer.c.created < now - ABANDONED_SECONDS)
            connection.execute(_answer.delete().where(old | left))
            row = connection.execute(sa.select(_answer).where(*_same(asked))).first()
            if row is None:
                facts = {"token": asked.token, "key": asked.key, "dataset": asked.dataset}
                connection.execute(_answer.insert().values(digest=asked.digest, created=now, **facts))
                return None
        if row.digest != asked.digest:
            raise Refusal(
                409,
                f"the Idempotency-Key '{asked.key}' was used for another request",
                "use a new key for each new request",
            )
        if row.status is None:
            raise Refusal(
                409,
                f"the first request with the Idempotency-Key '{asked.key}' is still being worked on",
                "ask again in a moment",
            )
        return json.loads(row.body)

    def _keep(self, asked: Asked, status: int, body: dict[str, Any]) -> None:
        values = {"status": status, "body": json.dumps(body), "dataset": asked.dataset or body.get("id")}
        with self._database.writing(_answer) as connection:
            connection.execute(_answer.update().where(*_same(asked)).values(**values))

    def _forget(self, asked: Asked) -> None:
        with self._database.writing(_answer) as connection:
            connection.execute(_answer.delete().where(*_same(asked)))


def _same(asked: Asked) -> tuple[sa.ColumnElement[bool], ...]:
    return (_answer.c.token == asked.token, _answer.c.key == asked.key)


def _require_sound(key: str) -> None:
    if not key.isprintable() or not 1 <= len(key) <= LONGEST_KEY:
        raise Refusal(
            400,
            f"an Idempotency-Key has 1 to {LONGEST_KEY} printable characters, this one does not",
            "use a random one, such as a UUID",
        )
