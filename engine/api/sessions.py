"""Analysis sessions: one data set judged by one model at one threshold, for one token."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

import sqlalchemy as sa

from engine.api.tables import session as _session
from engine.database import Database


@dataclass(frozen=True, kw_only=True)
class Session:
    """What was asked for, and what is known of the answer."""

    id: str
    dataset: str
    job: str | None = None  # none: the result was there already
    model: str | None = None  # name@version; none while the job trains it
    result: str | None = None
    percentile: float | None = None  # none: the model's own threshold
    rule: str | None = None  # KIND=NUMBER; none: the percentile, or the model's own
    per_entity: bool | None = None  # lines of their own; none: one for all
    threshold: float | None = None
    anomalies: int | None = None  # counted once, when the job has ended


class Sessions:
    """The table of sessions; a data set's newest one is what its status speaks of."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(
        self,
        token: str,
        dataset: str,
        *,
        job: str | None,
        model: str | None,
        result: str | None,
        percentile: float | None,
        rule: str | None,
        threshold: float | None,
        per_entity: bool = False,
    ) -> tuple[Session, bool]:
        """A new session, or the newest one if it is the same; and whether its job, or it, was there already."""
        values = {
            "job": job,
            "model": model,
            "result": result,
            "percentile": percentile,
            "rule": rule,
            "per_entity": per_entity or None,
            "threshold": threshold,
        }
        with self._database.writing(_session) as connection:
            newest = connection.execute(_newest(token, dataset)).first()
            asked = (percentile, rule, per_entity)
            if newest is not None and (newest.percentile, newest.rule, bool(newest.per_entity)) == asked:
                same = newest.result == result if job is None else newest.job == job
                if same:
                    return _of(newest), True
            under_way = sa.select(_session.c.id).where(_session.c.job == job, _session.c.token == token)
            again = job is not None and connection.execute(under_way.limit(1)).first() is not None
            new = {"id": uuid.uuid4().hex, "token": token, "dataset": dataset, "created": time.time()}
            insert = _session.insert().values(**new, **values).returning(_session)
            return _of(connection.execute(insert).one()), again

    def newest(self, token: str, dataset: str) -> Session | None:
        """What a token last had done with a data set."""
        with self._database.reading() as connection:
            row = connection.execute(_newest(token, dataset)).first()
        return None if row is None else _of(row)

    def settle(self, session: Session) -> None:
        """Write down what the end of the job told: model, result, threshold and the count."""
        known = {name: getattr(session, name) for name in ("model", "result", "threshold", "anomalies")}
        with self._database.writing(_session) as connection:
            connection.execute(_session.update().where(_session.c.id == session.id).values(**known))


def _newest(token: str, dataset: str) -> sa.Select[tuple[object, ...]]:
    chosen = sa.select(_session).where(_session.c.token == token, _session.c.dataset == dataset)
    return chosen.order_by(_session.c.sequence.desc()).limit(1)


def _of(row: sa.Row[tuple[object, ...]]) -> Session:
    return Session(**{name: getattr(row, name) for name in Session.__dataclass_fields__})
