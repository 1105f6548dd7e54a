"""The ledger of labels: one SQL table of events that are added and never changed.

A label is saved when :meth:`LabelLedger.add` returns: the transaction is on the disk. What was said together, such as
the labels of a selection, is one *act*, all of it saved or nothing. An act has an id that its author chose; sent again,
after an answer that was lost, it adds nothing. To undo is another event, which withdraws an act.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import DBAPIError

from engine.database import Database
from engine.errors import StoreError, UsageError
from engine.labels.events import LabelEvent
from engine.labels.identity import Identity
from engine.labels.verdicts import Label, plain_text

MOST_AT_ONCE = 200_000  # labels of one act
LONGEST_ACT = 64

_metadata = sa.MetaData()
_event = sa.Table(
    "label_event",
    _metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),  # clocks jump
    sa.Column(
        "id", sa.String(96), nullable=False, unique=True
    ),  # of the act and the row: the same event twice
    sa.Column("act", sa.String(LONGEST_ACT), nullable=False),
    sa.Column("at", sa.Double, nullable=False),  # seconds since 1970
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("dataset", sa.String(64), nullable=False),  # by the hash of its content
    sa.Column("row", sa.Integer),  # none: a withdrawal
    sa.Column("key", sa.Text, nullable=False),  # what names the row in another upload; empty: nothing does
    sa.Column("columns", sa.String(32), nullable=False),  # a digest of the table's columns
    sa.Column("cells", sa.String(32), nullable=False),  # a digest of the row
    sa.Column("verdict", sa.String(16)),
    sa.Column("class_name", sa.Text, nullable=False),
    sa.Column("tag", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),  # name@version whose result was looked at; empty: none was
    sa.Column("withdraws", sa.String(LONGEST_ACT)),  # the act that counts no more
    sa.Index("label_event_dataset", "dataset"),
    sa.Index("label_event_columns", "columns"),
    sa.Index("label_event_act", "act"),
    sqlite_autoincrement=True,
)


def author(who: str) -> str:
    """A name as the ledger keeps it."""
    return plain_text(who)[:80]


class LabelLedger:
    """The table of label events; each method is one transaction, callable from any thread and process."""

    def __init__(self, url: str | URL) -> None:
        self._database = Database(url, _metadata)
        self._reading = self._database.reading

    def add(
        self,
        act: str,
        labels: Mapping[int, Label],
        *,
        who: str,
        dataset: str,
        identities: Mapping[int, Identity] | None = None,
        model: str = "",
    ) -> int:
        """Save the labels of some rows (row number -> label) as one act; how many were not saved before.

        An act is withdrawn as a whole, so one that was withdrawn takes no more labels: a :class:`UsageError`.
        """
        if not act or len(act) > LONGEST_ACT:
            raise UsageError(f"the id of an act must have 1 to {LONGEST_ACT} characters, got {len(act)}")
        if len(labels) > MOST_AT_ONCE:
            raise UsageError(
                f"at most {MOST_AT_ONCE:,} rows can be labelled at once, got {len(labels):,}; choose fewer"
            )
        known, name, at = identities or {}, author(who), time.time()
        with self._writing() as connection:
            if self._withdrawn(connection, act):
                raise UsageError("these labels were undone; give them again")
            there = set(connection.scalars(sa.select(_event.c.row).where(_event.c.act == act)))
            lines = [
                {
                    "id": f"{act}:{row}",
                    "act": act,
                    "at": at,
                    "who": name,
                    "dataset": dataset,
                    "row": row,
                    "model": model,
                    "withdraws": None,
                    **known.get(row, Identity()).as_dict(),
                    **label.as_dict(),
                }
                for row, label in labels.items()
                if row not in there
            ]
            if lines:
                connection.execute(_event.insert(), lines)
        return len(lines)

    def withdraw(self, act: str, *, who: str, request: str = "") -> bool:
        """Undo an act; False when it is unknown, or undone already. What was said of its rows before holds again.

        ``request``, an id of its own, is kept as the act of the withdrawal, by which it is known when it is sent again.
        """
        with self._writing() as connection:
            first = connection.execute(sa.select(_event).where(_event.c.act == act).limit(1)).first()
            if first is None or self._withdrawn(connection, act):
                return False
            line = {"id": f"{act}:withdrawn", "act": request, "at": time.time(), "who": author(who)}
            nothing = {"row": None, "verdict": None, "class_name": "", "tag": "", "note": "", "model": ""}
            where = {"dataset": first.dataset, **Identity(columns=first.columns).as_dict()}
            connection.execute(_event.insert().values(**line, **nothing, **where, withdraws=act))
            return True

    def withdrawn(self, act: str) -> bool:
        """Whether an act was undone."""
        with self._reading() as connection:
            return self._withdrawn(connection, act)

    def of_dataset(self, dataset: str) -> list[LabelEvent]:
        """All that was said of one data set, withdrawals too, in order."""
        return self._events(_event.c.dataset == dataset)

    def elsewhere(self, dataset: str, columns: str) -> list[LabelEvent]:
        """All that was said of other data sets with the same columns, of rows that something names."""
        named = sa.or_(_event.c.key != "", _event.c.withdraws.is_not(None))
        return self._events(sa.and_(_event.c.columns == columns, _event.c.dataset != dataset, named))

    def stamp(self) -> int:
        """A number that changes with every event."""
        with self._reading() as connection:
            return connection.scalar(sa.select(sa.func.max(_event.c.sequence))) or 0

    def datasets(self) -> list[str]:
        """The data sets of which something was said, the latest first."""
        last = sa.func.max(_event.c.sequence)
        with self._reading() as connection:
            return list(
                connection.scalars(
                    sa.select(_event.c.dataset).group_by(_event.c.dataset).order_by(last.desc())
                )
            )

    def close(self) -> None:
        """Close the connections."""
        self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._database.writing(_event) as connection:
                yield connection
        except DBAPIError as problem:
            raise StoreError(
                f"the labels were not saved, nothing has changed ({problem.orig}); make room or wait, then try again"
            ) from problem

    def _events(self, which: sa.ColumnElement[bool]) -> list[LabelEvent]:
        with self._reading() as connection:
            found = connection.execute(sa.select(_event).where(which).order_by(_event.c.sequence))
            return [_event_of(line._mapping) for line in found]

    @staticmethod
    def _withdrawn(connection: Connection, act: str) -> bool:
        taken = sa.select(_event.c.sequence).where(_event.c.id == f"{act}:withdrawn")
        return connection.scalar(taken) is not None


def _event_of(line: sa.RowMapping) -> LabelEvent:
    said = None
    if line["verdict"] is not None:
        said = Label(
            verdict=line["verdict"], class_name=line["class_name"], tag=line["tag"], note=line["note"]
        )
    return LabelEvent(
        sequence=line["sequence"],
        act=line["act"],
        at=line["at"],
        who=line["who"],
        dataset=line["dataset"],
        row=line["row"],
        identity=Identity(key=line["key"], columns=line["columns"], cells=line["cells"]),
        label=said,
        model=line["model"],
        withdraws=line["withdraws"],
    )
