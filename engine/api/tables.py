"""What the API remembers, in the database of the ledger: tokens, uploads, analysis sessions, answers given."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

token = sa.Table(
    "api_token",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column(
        "digest", sa.String(64), nullable=False, unique=True
    ),  # SHA-256 of the secret, which is not kept
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("expires", sa.Double),
    sa.Column("last_used", sa.Double),
    sa.Column("revoked", sa.Double),
)

upload = sa.Table(
    "api_upload",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("dataset", sa.String(64), nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("brought", sa.Boolean, nullable=False),  # it was not here before: its files go with the record
    sa.UniqueConstraint("token", "dataset"),
    sqlite_autoincrement=True,
)

session = sa.Table(
    "api_session",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("id", sa.String(32), nullable=False, unique=True),
    sa.Column("token", sa.String(32), nullable=False),
    sa.Column("dataset", sa.String(64), nullable=False),
    sa.Column("job", sa.String(32)),  # none: the result was there already
    sa.Column("model", sa.Text),  # none: the job trains it
    sa.Column("result", sa.Text),
    sa.Column("percentile", sa.Double),  # none: the model's own threshold
    sa.Column("rule", sa.Text),  # none: the percentile, or the model's own
    sa.Column("per_entity", sa.Boolean),  # none: one line for all
    sa.Column("threshold", sa.Double),
    sa.Column("anomalies", sa.Integer),  # counted when the job has ended
    sa.Column("created", sa.Double, nullable=False),
    sa.Index("api_session_of", "token", "dataset"),
    sqlite_autoincrement=True,
)

answer = sa.Table(
    "api_answer",
    metadata,
    sa.Column("token", sa.String(32), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("digest", sa.String(64), nullable=False),  # of what was asked
    sa.Column("dataset", sa.String(64)),
    sa.Column("status", sa.Integer),  # none: still being worked on
    sa.Column("body", sa.Text),
    sa.Column("created", sa.Double, nullable=False),
)
