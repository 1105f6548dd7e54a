"""The ledger of jobs: one SQL table that outlives the server.

One writer at a time decides what may be queued and who runs what, so two servers on one ledger never
start the same job. Jobs are ordered by a sequence number: clocks jump.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Row

from engine.database import Database
from engine.errors import QueueFull

ACTIVE = ("queued", "running")

_metadata = sa.MetaData()
_job = sa.Table(
    "job",
    _metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # of kind and spec: the same work twice
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("started", sa.Double),
    sa.Column("ended", sa.Double),
    sa.Column("seconds", sa.Double),  # by a clock that does not jump
    sa.Column("place", sa.String(32), nullable=False),  # the workspace whose folders hold the job
    sa.Column("server", sa.String(32), nullable=False),  # the manager that queues and runs it
    sa.Column("host", sa.Text),
    sa.Column("pid", sa.Integer),
    sa.Column("pid_started", sa.Text),
    sa.Column("stop", sa.Boolean, nullable=False, default=False),  # someone asked it to stop
    sa.Column("progress", sa.Double, nullable=False, default=0.0),
    sa.Column("message", sa.Text, nullable=False, default=""),
    sa.Column("error", sa.Text),
    sa.Column("incident", sa.String(16)),
    sa.Column("result", sa.Text),
    sa.Index("job_state", "state"),
    sa.Index("job_owner", "owner"),
    sqlite_autoincrement=True,  # a deleted job's number is never given out again
)

JobRow = Row[Any]


class Ledger:
    """The table of jobs; each method is one transaction, callable from any thread."""

    def __init__(self, url: str | URL) -> None:
        self._database = Database(url, _metadata)
        self._reading = self._database.reading

    def add(self, values: dict[str, Any], *, max_queued: int, max_queued_per_owner: int) -> str:
        """Queue a job and return its id, or that of the owner's same job if it is still active."""
        owner = values["owner"]
        here = _job.c.place == values["place"]
        same = (here, _job.c.owner == owner, _job.c.digest == values["digest"], _job.c.state.in_(ACTIVE))
        with self._writing() as connection:
            existing = connection.scalar(sa.select(_job.c.id).where(*same).order_by(_job.c.sequence).limit(1))
            if existing is not None:
                return str(existing)
            count = sa.select(sa.func.count()).select_from(_job).where(here, _job.c.state == "queued")
            waiting = connection.scalar(count) or 0
            own = connection.scalar(count.where(_job.c.owner == owner)) or 0
            if waiting >= max_queued:
                raise QueueFull(
                    f"{_jobs(waiting)} waiting already, and no more fit; try again when one has ended."
                )
            if own >= max_queued_per_owner:
                raise QueueFull(
                    f"{_jobs(own, 'of yours ')} waiting already; wait for one to end, or cancel one."
                )
            connection.execute(_job.insert().values(state="queued", created=time.time(), **values))
            return str(values["id"])

    def claim(self, server: str) -> JobRow | None:
        """Mark the longest waiting job of this server as running, and return it."""
        waiting = sa.select(_job).where(_job.c.server == server, _job.c.state == "queued")
        with self._writing() as connection:
            row = connection.execute(waiting.order_by(_job.c.sequence).limit(1)).first()
            if row is not None:
                self._set(connection, row.id, state="running", started=time.time())
            return row

    def running_as(self, job_id: str, *, pid: int, pid_started: str | None, host: str) -> None:
        """Remember which process does the job, for a later server that must tell whether it lives."""
        with self._writing() as connection:
            self._set(connection, job_id, pid=pid, pid_started=pid_started, host=host)

    def ask_to_stop(self, job_id: str) -> None:
        """Take a waiting job out of the queue; tell the server of a running one to stop it."""
        with self._writing() as connection:
            now = {"state": "cancelled", "ended": time.time(), "seconds": 0.0}
            waiting = _job.update().where(_job.c.id == job_id, _job.c.state == "queued")
            if connection.execute(waiting.values(stop=True, **now)).rowcount == 0:
                running = _job.update().where(_job.c.id == job_id, _job.c.state == "running")
                connection.execute(running.values(stop=True))

    def stops(self, server: str) -> set[str]:
        """The running jobs of this server that someone asked to stop."""
        asked = sa.select(_job.c.id).where(_job.c.state == "running", _job.c.server == server, _job.c.stop)
        with self._reading() as connection:
            return set(connection.scalars(asked))

    def finish(self, job_id: str, state: str, **values: Any) -> None:
        """Record how an active job ended; a job that has ended stays as it is."""
        still_active = (_job.c.id == job_id, _job.c.state.in_(ACTIVE))
        with self._writing() as connection:
            connection.execute(
                _job.update().where(*still_active).values(state=state, ended=time.time(), **values)
            )

    def take_over(self, job_id: str, *, previous: str, server: str) -> None:
        """Queue a job of a server that is gone with this one; it keeps its turn."""
        left = (_job.c.id == job_id, _job.c.server == previous, _job.c.state == "queued")
        with self._writing() as connection:
            connection.execute(_job.update().where(*left).values(server=server))

    def remove(self, job_id: str) -> bool:
        """Forget a job that has ended; False when it is unknown or still active."""
        ended = (_job.c.id == job_id, _job.c.state.not_in(ACTIVE))
        with self._writing() as connection:
            return connection.execute(_job.delete().where(*ended)).rowcount > 0

    def row(self, job_id: str) -> JobRow | None:
        """One job, or None."""
        with self._reading() as connection:
            return connection.execute(sa.select(_job).where(_job.c.id == job_id)).first()

    def rows(self, place: str, owner: str | None, active: bool | None, limit: int) -> Sequence[JobRow]:
        """The jobs of one workspace, the newest first."""
        chosen = sa.select(_job).where(_job.c.place == place).order_by(_job.c.sequence.desc()).limit(limit)
        if owner is not None:
            chosen = chosen.where(_job.c.owner == owner)
        if active is not None:
            chosen = chosen.where(_job.c.state.in_(ACTIVE) if active else _job.c.state.not_in(ACTIVE))
        with self._reading() as connection:
            return connection.execute(chosen).all()

    def queue(self, place: str) -> list[str]:
        """The ids of the jobs that wait in one workspace, the next one first."""
        waiting = sa.select(_job.c.id).where(_job.c.place == place, _job.c.state == "queued")
        with self._reading() as connection:
            return list(connection.scalars(waiting.order_by(_job.c.sequence)))

    def active(self, place: str) -> Sequence[JobRow]:
        """What waits or runs in one workspace, in order, whoever its server is."""
        left = sa.select(_job).where(_job.c.place == place, _job.c.state.in_(ACTIVE))
        with self._reading() as connection:
            return connection.execute(left.order_by(_job.c.sequence)).all()

    def ended(self, place: str) -> list[tuple[str, float]]:
        """Id and end of what has ended in one workspace, the newest first."""
        past = sa.select(_job.c.id, _job.c.ended).where(_job.c.place == place, _job.c.state.not_in(ACTIVE))
        with self._reading() as connection:
            found = connection.execute(past.order_by(_job.c.sequence.desc()))
            return [(row.id, row.ended) for row in found]

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._database.writing(_job) as connection:
            yield connection

    @staticmethod
    def _set(connection: Connection, job_id: str, **values: Any) -> None:
        connection.execute(_job.update().where(_job.c.id == job_id).values(**values))


def _jobs(count: int, whose: str = "") -> str:
    return f"1 job {whose}is" if count == 1 else f"{count} jobs {whose}are"
