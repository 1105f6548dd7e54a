"""Who may use the API: tokens with a name, scopes and an expiry. Of the secret only its SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from engine.api.tables import token as _token
from engine.database import Database
from engine.errors import UsageError
from engine.labels.verdicts import plain_text

SCOPES = {
    "read": "see own data sets, results and jobs, and the models",
    "upload": "bring data sets",
    "analyze": "have a model judge a data set",
    "label": "label rows of own data sets",
    "train": "train models",
    "delete": "delete data sets",
    "all": "see the data sets and jobs of everybody",
}

PREFIX = "loupe_"  # so that a scanner for leaked secrets can tell what it found
SECRET_BYTES = 32
LONGEST_NAME = 64
LONGEST_LIFE_DAYS = 3650
_USED_EVERY_SECONDS = 60.0  # last use is written no oftener: a poll must not cost a write to the disk


@dataclass(frozen=True, kw_only=True)
class Token:
    """What is known of a token, without its secret; times are seconds since 1970."""

    id: str
    name: str
    scopes: frozenset[str]
    created: float
    expires: float | None
    last_used: float | None
    revoked: float | None

    @property
    def owner(self) -> str:
        """Whose jobs its jobs are."""
        return f"api:{self.id}"

    @property
    def sees_all(self) -> bool:
        return "all" in self.scopes

    def valid(self, now: float) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class Tokens:
    """The table of tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, scopes: Iterable[str], days: float | None = None) -> tuple[Token, str]:
        """A new token and its secret, which cannot be had again. Names are unique among those in force."""
        name, chosen = _checked_name(name), _checked_scopes(scopes)
        if days is not None and not (math.isfinite(days) and 0 < days <= LONGEST_LIFE_DAYS):
            raise UsageError(
                f"a token lives more than 0 and at most {LONGEST_LIFE_DAYS:,} days, got {days:g}"
            )
        secret, now = PREFIX + secrets.token_urlsafe(SECRET_BYTES), time.time()
        values = {
            "id": uuid.uuid4().hex,
            "name": name,
            "scopes": ",".join(chosen),
            "created": now,
            "expires": None if days is None else now + days * 86_400,
        }
        with self._database.writing(_token) as connection:
            rows = connection.execute(sa.select(_token).where(_token.c.revoked.is_(None))).all()
            if any(plain_text(row.name) == name and _of(row).valid(now) for row in rows):
                raise UsageError(
                    f"there is a token '{name}' already; revoke it first, or choose another name"
                )
            row = connection.execute(
                _token.insert().values(digest=_digest(secret), **values).returning(_token)
            ).one()
        return _of(row), secret

    def all(self) -> list[Token]:
        """Every token there ever was, the oldest first."""
        with self._database.reading() as connection:
            return [_of(row) for row in connection.execute(sa.select(_token).order_by(_token.c.created))]

    def revoke(self, name: str) -> None:
        """Make a token worthless, at once and for good."""
        with self._database.writing(_token) as connection:
            for each in (name, plain_text(name)):  # names were once kept as they were typed
                in_force = (_token.c.name == each, _token.c.revoked.is_(None))
                if connection.execute(_token.update().where(*in_force).values(revoked=time.time())).rowcount:
                    return
        raise UsageError(f"there is no token '{name}' in force; `token list` names those there are")

    def holder(self, secret: str) -> Token | None:
        """The token with that secret, if it is valid; its last use is written down."""
        digest, now = _digest(secret), time.time()
        with self._database.reading() as connection:
            row = connection.execute(sa.select(_token).where(_token.c.digest == digest)).first()
        if row is None or not hmac.compare_digest(row.digest.encode(), digest.encode()):
            return None
        found = _of(row)
        if not found.valid(now):
            return None
        if found.last_used is None or abs(now - found.last_used) > _USED_EVERY_SECONDS:
            with self._database.writing(_token) as connection:
                connection.execute(_token.update().where(_token.c.id == found.id).values(last_used=now))
        return found


def _of(row: sa.Row[tuple[object, ...]]) -> Token:
    known = {name: getattr(row, name) for name in Token.__dataclass_fields__ if name != "scopes"}
    return Token(scopes=frozenset(row.scopes.split(",")), **known)


def _digest(secret: str) -> str:
    # One round is enough for 256 random bits: there is no dictionary to try.
    return hashlib.sha256(secret.encode()).hexdigest()


def _checked_name(name: str) -> str:
    plain = plain_text(name)  # as the labels it gives are signed
    if not plain or not name.isprintable() or len(plain) > LONGEST_NAME:
        raise UsageError(
            f"a token's name must be 1 to {LONGEST_NAME} printable characters, got {name[:80]!r}"
        )
    return plain


def _checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = {scope.strip() for scope in scopes} - {""}
    if unknown := sorted(wanted - SCOPES.keys()):
        raise UsageError(f"'{unknown[0]}' is not a scope; there are {', '.join(SCOPES)}")
    if not wanted:
        raise UsageError(f"a token needs a scope at least; there are {', '.join(SCOPES)}")
    return [scope for scope in SCOPES if scope in wanted]
