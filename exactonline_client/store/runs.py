"""History of the last runs of each connection, for monitoring."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from exactonline_client.errors import ExactOnlineError
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exactonline_client.store.store import Store

RUNS_KEPT = 20
"""Runs to keep for each connection."""


# A named tuple: `exactonline status` would import msgspec for a struct.
class Run(NamedTuple):
    """A run; times are seconds since the epoch, None until it ends."""

    program: str
    started_at: float
    ended_at: float | None
    exit_code: int | None
    calls: int


@retry_on_lost_connection
def last(store: Store, connection: str, count: int) -> list[Run]:
    """Load the last runs of a connection, newest first."""
    query = (
        sa.select(runs)
        .where(runs.c.connection == connection)
        .order_by(runs.c.id.desc())
        .limit(count)
    )
    with store.transaction() as transaction:
        rows = transaction.execute(query).all()
    return [
        Run(row.program, row.started_at, row.ended_at, row.exit_code, row.calls) for row in rows
    ]


@contextmanager
def recorded(
    store: Store,
    connection: str,
    program: str,
    calls: Callable[[], int],
    clock: Callable[[], float],
) -> Iterator[None]:
    """Record the block as a run: start, end, exit code and calls."""
    number = _start(store, connection, program, clock())
    code = 1
    try:
        yield
        code = 0
    except ExactOnlineError as error:
        code = error.exit_code
        raise
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        values = {"ended_at": clock(), "exit_code": code, "calls": calls()}
        _end(store, number, values)


@retry_on_lost_connection
def _end(store: Store, number: int, values: dict[str, Any]) -> None:
    with store.transaction() as transaction:
        transaction.execute(runs.update().where(runs.c.id == number).values(**values))


@retry_on_lost_connection
def _start(store: Store, connection: str, program: str, now: float) -> int:
    mine = runs.c.connection == connection
    newest = sa.select(runs.c.id).where(mine).order_by(runs.c.id.desc()).limit(RUNS_KEPT - 1)
    values = {"connection": connection, "program": program, "started_at": now, "calls": 0}
    with store.transaction() as transaction:
        kept = [row.id for row in transaction.execute(newest)]
        transaction.execute(runs.delete().where(mine & runs.c.id.not_in(kept)))
        key = transaction.execute(runs.insert().values(**values)).inserted_primary_key
    return int(key[0]) if key else 0
