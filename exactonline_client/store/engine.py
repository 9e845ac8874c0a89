"""The database of a store: what it may be, how it is reached, and what is done while it is away."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import backoff
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from exactonline_client.errors import ConfigurationError, StoreLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")

logger = logging.getLogger(__name__)

KEPT = 2
"""Connections that a process keeps although it has no use for them: a server has few to give."""
PATIENCE = 300.0
"""Seconds to wait for a server that is full or away: longer than one needs to start anew."""
FULL = ("too many clients", "too many connections", "connection slots are reserved")
CHANGING = ("the database system is", "terminating connection")
"""What a server says that is starting up, shutting down or being recovered."""


QUERY_SIZE = 500
"""Values in one query."""
SECRET_FIELDS = ("password", "sslpassword")
"""Fields of an address that are secrets."""


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Values in numbers that one query can take."""
    for start in range(0, len(values), QUERY_SIZE):
        yield values[start : start + QUERY_SIZE]


def address(text: str) -> sa.URL:
    """What the setting `store_url` says.

    Raises:
        ConfigurationError: it names no database that a store could live in.
    """
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        raise ConfigurationError(
            "Setting store_url is not a database address such as "
            "sqlite:////home/me/store.db or postgresql+psycopg://user@host/database."
        ) from None
    backend = url.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigurationError(
            f"Setting store_url: a store lives in SQLite or PostgreSQL, not in {backend}."
        )
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigurationError(
            "Setting store_url: a store in memory would lose the sign-in when the program ends. "
            "Name a file, such as sqlite:////home/me/store.db."
        )
    # SQLAlchemy's own default may be an older driver than the one that is installed with us.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def has_password(text: str) -> bool:
    """Whether an address holds a secret; what is no address holds none."""
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        return False
    return url.password is not None or any(name in url.query for name in SECRET_FIELDS)


def engine(url: sa.URL, synchronous: str) -> sa.Engine:
    """What connections are made with; `synchronous` is how SQLite makes sure of what it writes.

    Raises:
        ConfigurationError: there is no driver for that database.
    """
    try:
        # Each thread has one connection at most. A pool that makes it wait for others could make
        # all of them wait for ever.
        made = sa.create_engine(url, pool_size=KEPT, max_overflow=-1, pool_pre_ping=True)
    except (ImportError, SQLAlchemyError) as error:
        raise ConfigurationError(
            f"Setting store_url: no driver for {url.drivername} is installed "
            f"({error}). Install it with: pip install 'singer-exactonline[postgres]'"
        ) from None
    if url.get_backend_name() == "sqlite":
        sa.event.listen(made, "connect", partial(_prepare_sqlite, synchronous))
        sa.event.listen(made, "begin", _begin_immediate)
    return made


def connected(made: sa.Engine, *, known: bool) -> sa.Connection:
    """A connection; a server that is full is waited for, and one that is `known` to be there."""
    return _patient(made.connect, known=known)


def reconnect(connection: sa.Connection) -> None:
    """Give a connection that no longer answers another session, as soon as there is one."""
    connection.invalidate()
    _patient(lambda: connection.connection, known=True)


def _patient(connect: Callable[[], T], *, known: bool) -> T:
    return backoff.on_exception(
        backoff.expo,
        OperationalError,
        giveup=lambda error: not (known or _is_passing(error)),
        max_time=PATIENCE,
        max_value=2,
        logger=None,
        on_backoff=_tell,
    )(connect)()


def _is_passing(error: Exception) -> bool:
    """Whether a server says that it is there, but gives no connection now."""
    return any(words in str(error) for words in (*FULL, *CHANGING))


patient = backoff.on_exception(
    backoff.expo,
    StoreLost,
    max_time=lambda: PATIENCE,
    max_value=2,
    logger=None,
    on_backoff=lambda details: _tell(details),  # noqa: PLW0108 - it is defined below
)
"""Has a function done again whose connection to the store broke, until the server is back.

What it did was undone, unless the connection broke while that was made durable. So it must be one
that may be carried out twice: it does nothing but use the store, and the second time finds or
writes what the first one did.
"""


def answers(connection: sa.Connection) -> bool:
    """Whether a connection still has the session that it was made with."""
    if connection.invalidated:
        return False
    dialect = connection.dialect
    try:
        return dialect.do_ping(connection.connection.dbapi_connection)  # type: ignore[arg-type]
    except (SQLAlchemyError, dialect.loaded_dbapi.Error):
        return False


def cause(error: Exception) -> str:
    """What the database says, without statement and values."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def _tell(details: Mapping[str, Any]) -> None:
    logger.info(
        "The store gives no connection (%s); trying again in %.1f s",
        cause(details["exception"]),
        details["wait"],
    )


def _prepare_sqlite(synchronous: str, connection: Any, _record: object) -> None:  # noqa: ANN401
    # SQLAlchemy is to begin transactions itself, so that a write lock is taken at once.
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 30000")
    # What is deleted is overwritten: it was to be forgotten.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
