"""Tables of the store and the version of their schema."""

from __future__ import annotations

from uuid import uuid4

import sqlalchemy as sa

VERSION = 1
"""Version of the schema, written when a store is created."""

metadata = sa.MetaData()

schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer))

connections = sa.Table(
    "connections",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("app", sa.String(64), nullable=False),
    sa.Column("region", sa.String(8), nullable=False),
    sa.Column("base_url", sa.String(255), nullable=False),
    sa.Column("client_id", sa.String(255), nullable=False),
    sa.Column("client_secret", sa.LargeBinary, nullable=False),
    sa.Column("redirect_uri", sa.String(2000)),
    sa.Column("user_id", sa.String(64)),
    sa.Column("user_name", sa.String(255)),
    sa.Column("divisions", sa.JSON(none_as_null=True)),
    sa.Column("access_token", sa.LargeBinary),
    sa.Column("refresh_token", sa.LargeBinary, nullable=False),
    sa.Column("previous_refresh_token", sa.LargeBinary),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("proven_at", sa.Float),
    sa.Column("seed", sa.String(64)),
    sa.Column("ended", sa.Text),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("connection", sa.String(64), nullable=False, index=True),
    sa.Column("program", sa.String(64), nullable=False),
    sa.Column("started_at", sa.Float, nullable=False),
    sa.Column("ended_at", sa.Float),
    sa.Column("exit_code", sa.Integer),
    sa.Column("calls", sa.Integer, nullable=False),
)

budgets = sa.Table(
    "budgets",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("minute_limit", sa.Integer),
    sa.Column("minute_remaining", sa.Integer),
    sa.Column("minute_reset", sa.Float),
    sa.Column("day_limit", sa.Integer),
    sa.Column("day_remaining", sa.Integer),
    sa.Column("day_reset", sa.Float),
)


def _unique() -> str:
    return uuid4().hex


postings = sa.Table(
    "postings",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.String(80), primary_key=True),
    sa.Column("reference", sa.String(200), primary_key=True),
    sa.Column("stream", sa.String(255), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("exact_id", sa.String(64)),
    sa.Column("number", sa.String(64)),
    sa.Column("payload_hash", sa.String(64), nullable=False),
    sa.Column("source_key", sa.String(64)),
    sa.Column("kept_reference", sa.Text),
    sa.Column("reason", sa.LargeBinary),
    sa.Column("finalized", sa.String(20)),
    sa.Column("record", sa.LargeBinary),
    sa.Column("sent_at", sa.Float),
    sa.Column("at", sa.Float, nullable=False, index=True),
    sa.Column("revision", sa.String(64), nullable=False, default=_unique, onupdate=_unique),
    sa.Index("ix_postings_source_key", "app", "division", "entity", "source_key"),
)

loaded_kinds = sa.Table(
    "loaded_kinds",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.String(80), primary_key=True),
    sa.Column("since", sa.Float, nullable=False),
    sa.Column("is_new", sa.Boolean, nullable=False),
)

hash_keys = sa.Table(
    "hash_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
)

lookups = sa.Table(
    "lookups",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.String(80), primary_key=True),
    sa.Column("field", sa.String(80), primary_key=True),
    sa.Column("value_hash", sa.String(64), primary_key=True),
    sa.Column("exact_id", sa.String(64), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

refusals = sa.Table(
    "refusals",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("endpoint", sa.String(120), primary_key=True),
    sa.Column("option", sa.String(200), primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
)

seen_keys = sa.Table(
    "seen_keys",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stream", sa.String(255), primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("seen_at", sa.Float, nullable=False),
    sa.Column("gone_at", sa.Float),
)

delete_watermarks = sa.Table(
    "delete_watermarks",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stream", sa.String(255), primary_key=True),
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    sa.Column("read_at", sa.String(40)),
    sa.Column("moved_at", sa.String(40)),
    sa.Column("keys_since", sa.BigInteger),
)

list_sizes = sa.Table(
    "list_sizes",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("stream", sa.String(255), primary_key=True),
    sa.Column("scope", sa.String(40), primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("calls", sa.Integer),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("read_at", sa.Float),
    sa.Column("expected", sa.Integer),
)

clocks = sa.Table(
    "clocks",
    metadata,
    sa.Column("machine", sa.String(255), primary_key=True),
    sa.Column("ahead", sa.Float, nullable=False),
    sa.Column("at", sa.Float, nullable=False),
)

errors = sa.Table(
    "errors",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("app", sa.String(64), nullable=False),
    sa.Column("division", sa.Integer, nullable=False),
    sa.Column("endpoint", sa.String(120), nullable=False),
    sa.Column("at", sa.Float, nullable=False),
    sa.Index("ix_errors", "app", "division", "endpoint", "at"),
)
