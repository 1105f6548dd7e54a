"""SQL tables that outlive the server: SQLite in the workspace by default, PostgreSQL by URL.

Every ``writing`` is one transaction that has the right to write from its first statement on, so what it
read still holds when it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url


class Database:
    """The tables of one ``MetaData`` in one database, made if they are not there; callable from any thread."""

    def __init__(self, url: str | URL, tables: sa.MetaData) -> None:
        self._engine = _engine(url)
        tables.create_all(self._engine)
        self._widen(tables)

    def _widen(self, tables: sa.MetaData) -> None:
        """Add the columns that a table of an earlier version lacks; its rows have nothing in them."""
        known = sa.inspect(self._engine)
        for table in tables.sorted_tables:
            there = {column["name"] for column in known.get_columns(table.name)}
            for column in table.columns:
                if column.name not in there:
                    kind = column.type.compile(self._engine.dialect)
                    with self._engine.begin() as connection:
                        connection.execute(
                            sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
                        )

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads; it never waits for a writer."""
        with self._engine.connect() as connection:
            yield connection.execution_options(reading=True)

    @contextmanager
    def writing(self, table: sa.Table) -> Iterator[Connection]:
        """A transaction that reads and writes; ``table`` has no other writer meanwhile."""
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # what BEGIN IMMEDIATE does for SQLite
                connection.execute(sa.text(f"LOCK TABLE {table.name} IN SHARE ROW EXCLUSIVE MODE"))
            yield connection

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


def database_url(root: Path, given: str | None) -> str | URL:
    """Where a workspace's records are: the URL given, or SQLite in the workspace."""
    return given or URL.create("sqlite", database=str(root.resolve() / "loupe.db"))


def _engine(url: str | URL) -> Engine:
    engine = sa.create_engine(make_url(url), pool_pre_ping=make_url(url).get_backend_name() != "sqlite")
    if engine.dialect.name != "sqlite":
        return engine

    @sa.event.listens_for(engine, "connect")
    def settle(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; sqlite3 would say it too late
        connection.execute("PRAGMA busy_timeout = 30000")
        connection.execute("PRAGMA journal_mode = WAL")  # a poll never waits for a writer
        connection.execute("PRAGMA synchronous = FULL")  # an acknowledged job survives a power cut

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A write that begins as a read fails with "database is locked" when another one is faster.
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
