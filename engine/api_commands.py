"""What ``serve`` and ``token`` do: the HTTP API from the command line."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from engine.console import json_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from engine.api.tokens import Token, Tokens


def add_commands(verbs: Any) -> None:
    """``serve`` and ``token`` with their options."""
    serving = verbs.add_parser("serve", help="serve the HTTP API, without the screen")
    serving.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    serving.add_argument("--port", type=int, default=8600, help="port to listen on (default: 8600)")
    serving.set_defaults(run=serve)
    token = verbs.add_parser("token", help="create, list or revoke tokens of the HTTP API")
    actions = token.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a token; its secret is printed once")
    create.add_argument("--name", required=True, help="whose it is, or what for")
    create.add_argument(
        "--scope",
        default="read,upload,analyze,label",
        metavar="SCOPE,SCOPE",
        help="of read, upload, analyze, label, train, delete, all (default: read,upload,analyze,label)",
    )
    create.add_argument("--expires-days", type=float, metavar="N", help="(default: it does not expire)")
    create.set_defaults(run=create_token)
    listing = actions.add_parser("list", help="every token, never its secret")
    listing.add_argument("--json", action="store_true", help="JSON on stdout")
    listing.set_defaults(run=list_tokens)
    revoke = actions.add_parser("revoke", help="make a token worthless, at once")
    revoke.add_argument("name", metavar="NAME")
    revoke.set_defaults(run=revoke_token)


def serve(options: argparse.Namespace) -> None:
    """Serve the API until stopped."""
    from engine.api.serving import serve

    serve(options.host, options.port)


def create_token(options: argparse.Namespace) -> None:
    """Make a token: the secret on stdout, for a variable, and the rest on stderr."""
    with _tokens() as tokens:
        token, secret = tokens.create(options.name, options.scope.split(","), options.expires_days)
    until = "does not expire" if token.expires is None else f"expires {_day(token.expires)}"
    print(
        f"token '{token.name}' may {', '.join(_in_order(token))} and {until}; keep the secret, it is not shown again:",
        file=sys.stderr,
    )
    print(secret)


def list_tokens(options: argparse.Namespace) -> None:
    """Every token with its scopes and its last use."""
    with _tokens() as tokens:
        found = tokens.all()
    if options.json:
        print(json_text([_facts(token) for token in found]))
        return
    if not found:
        print("there is no token yet; `token create --name NAME` makes one")
    for token in found:
        facts = _facts(token)
        used = f"last used {facts['last_used']}" if token.last_used else "never used"
        print(
            f"{token.name}: {facts['state']}, {','.join(facts['scopes'])}, created {facts['created']}, {used}"
        )


def revoke_token(options: argparse.Namespace) -> None:
    """Make a token worthless."""
    with _tokens() as tokens:
        tokens.revoke(options.name)
    print(f"token '{options.name}' is revoked")


def _tokens() -> AbstractContextManager[Tokens]:
    """The tokens in the workspace's database, which is closed afterwards."""
    from contextlib import contextmanager

    from engine.api import tables
    from engine.api.tokens import Tokens
    from engine.database import Database, database_url
    from engine.workspace import Workspace

    @contextmanager
    def opened() -> Iterator[Tokens]:
        space = Workspace.from_environment()
        space.root.mkdir(parents=True, exist_ok=True)
        database = Database(database_url(space.root, space.database_url), tables.metadata)
        try:
            yield Tokens(database)
        finally:
            database.close()

    return opened()


def _facts(token: Token) -> dict[str, Any]:
    state = "revoked" if token.revoked else "in force" if token.valid(time.time()) else "expired"
    days = {name: getattr(token, name) for name in ("created", "expires", "last_used")}
    return {
        "name": token.name,
        "state": state,
        "scopes": _in_order(token),
        **{name: None if at is None else _day(at) for name, at in days.items()},
    }


def _in_order(token: Token) -> list[str]:
    from engine.api.tokens import SCOPES

    return [scope for scope in SCOPES if scope in token.scopes]


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
