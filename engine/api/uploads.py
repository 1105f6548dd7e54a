"""Which token brought which data set, and what its columns are for in that token's eyes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from engine.api.tables import answer as _answer
from engine.api.tables import session as _session
from engine.api.tables import upload as _upload
from engine.data.roles import Roles
from engine.database import Database


@dataclass(frozen=True, kw_only=True)
class Upload:
    """That a token brought a data set. The same content is stored once, whoever brings it."""

    dataset: str
    roles: Roles


class Uploads:
    """The table of uploads: what a token may see."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, token: str, dataset: str, roles: Roles, *, brought: bool) -> None:
        """Remember an upload; ``brought``: the data set was not here before. Again: the newer roles count."""
        values = {"roles": json.dumps(roles.as_dict())}
        with self._database.writing(_upload) as connection:
            known = (_upload.c.token == token, _upload.c.dataset == dataset)
            row = connection.execute(sa.select(_upload.c.brought).where(*known)).first()
            if row is None:
                new = {"token": token, "dataset": dataset, "brought": brought}
                connection.execute(_upload.insert().values(**new, **values))
            else:
                connection.execute(
                    _upload.update().where(*known).values(brought=row.brought or brought, **values)
                )

    def find(self, token: str, dataset: str) -> Upload | None:
        """The upload of a data set by a token, None if it brought no such one."""
        chosen = sa.select(_upload).where(_upload.c.token == token, _upload.c.dataset == dataset)
        with self._database.reading() as connection:
            row = connection.execute(chosen).first()
        return (
            None if row is None else Upload(dataset=row.dataset, roles=Roles.from_dict(json.loads(row.roles)))
        )

    def of(self, token: str) -> list[str]:
        """The data sets a token brought, the newest first."""
        chosen = sa.select(_upload.c.dataset).where(_upload.c.token == token)
        with self._database.reading() as connection:
            return list(connection.scalars(chosen.order_by(_upload.c.sequence.desc())))

    def forget(self, token: str | None, dataset: str, remove: Callable[[], None]) -> None:
        """Forget an upload and its sessions, or with None everybody's; ``remove`` takes the files where they may go.

        They stay while another token has brought the same content, and where the screen had it before. They go before
        the upload is forgotten: cut short, a deletion can be asked for again. No upload is noted down meanwhile.
        """
        with self._database.writing(_upload) as connection:
            here = _upload.c.dataset == dataset
            rows = connection.execute(sa.select(_upload).where(here)).all()
            for table in (_upload, _session, _answer):
                mine = (
                    table.c.dataset == dataset
                    if token is None
                    else ((table.c.dataset == dataset) & (table.c.token == token))
                )
                connection.execute(table.delete().where(mine))
            brought = token is None or any(row.brought for row in rows if row.token == token)
            shared = token is not None and any(row.token != token for row in rows)
            if brought and shared:  # the last of them takes the files along
                connection.execute(_upload.update().where(here).values(brought=True))
            elif brought:
                remove()
