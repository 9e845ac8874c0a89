"""Database engine of the store: address, connections, and retries while the server is down."""

from __future__ import annotations

import logging
from functools import cache, partial
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
"""Idle connections to keep in the pool; servers allow few."""
SERVER_TIMEOUT = 300.0
"""Seconds to wait for a server that is full or down; longer than a restart takes."""
FULL = ("too many clients", "too many connections", "connection slots are reserved")
CHANGING = ("the database system is", "terminating connection")
"""Messages of a server that is starting, shutting down or recovering."""


CONNECT_TIMEOUT = 30
"""Seconds that a server may take to accept a connection."""
QUERY_SIZE = 500
"""Maximum of values in a query."""
SECRET_FIELDS = ("password", "sslpassword")
"""Secret query parameters of an address."""


def in_parts(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split values into parts that fit into a query."""
    for start in range(0, len(values), QUERY_SIZE):
        yield values[start : start + QUERY_SIZE]


def address(text: str) -> sa.URL:
    """Parse the setting `store_url`.

    Raises:
        ConfigurationError: it is no address of a supported database.
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
            f"Setting store_url: a store is in SQLite or PostgreSQL, not in {backend}."
        )
    if backend == "sqlite" and url.database in (None, "", ":memory:"):
        raise ConfigurationError(
            "Setting store_url: a store in memory would lose the sign-in when the program ends. "
            "Name a file, such as sqlite:////home/me/store.db."
        )
    # SQLAlchemy's default driver is not the one that our extra installs.
    return url.set(drivername="postgresql+psycopg") if url.drivername == "postgresql" else url


def has_password(text: str) -> bool:
    """Return whether an address holds a secret; False for an invalid one."""
    try:
        url = make_url(text)
    except (SQLAlchemyError, ValueError):
        return False
    return url.password is not None or any(name in url.query for name in SECRET_FIELDS)


def engine(url: sa.URL, synchronous: str) -> sa.Engine:
    """Create an engine; `synchronous` is SQLite's pragma of that name.

    Raises:
        ConfigurationError: the driver of the database is not installed.
    """
    try:
        # Each thread holds at most one connection, so the pool has no limit: with one, threads
        # that hold locks could deadlock.
        made = sa.create_engine(
            url,
            pool_size=KEPT,
            max_overflow=-1,
            pool_pre_ping=True,
            connect_args=_connect_arguments(url),
        )
    except (ImportError, SQLAlchemyError) as error:
        raise ConfigurationError(
            f"Setting store_url: no driver for {url.drivername} is installed "
            f"({error}). Install it with: pip install 'singer-exactonline[postgres]'"
        ) from None
    if url.get_backend_name() == "sqlite":
        sa.event.listen(made, "connect", partial(_prepare_sqlite, synchronous))
        sa.event.listen(made, "begin", _begin_immediate)
    return made


def _connect_arguments(url: sa.URL) -> dict[str, Any]:
    """Arguments for the driver that the address does not give."""
    if url.get_backend_name() == "sqlite" or "connect_timeout" in url.query:
        return {}
    return {"connect_timeout": CONNECT_TIMEOUT}


def connected(made: sa.Engine, *, known: bool, timeout: float = SERVER_TIMEOUT) -> sa.Connection:
    """Connect; wait up to `timeout` seconds for a server that is full, or `known` to exist."""
    connection: sa.Connection = _waiting(known=known, timeout=timeout)(made.connect)
    return connection


def reconnect(connection: sa.Connection, timeout: float = SERVER_TIMEOUT) -> None:
    """Replace the session of a broken connection; wait up to `timeout` seconds for the server."""
    connection.invalidate()
    _waiting(known=True, timeout=timeout)(lambda: connection.connection)


@cache
def _waiting(*, known: bool, timeout: float) -> Callable[[Callable[[], Any]], Any]:
    """Make a function that connects, and waits for a server that gives no connection."""

    @backoff.on_exception(
        backoff.expo,
        OperationalError,
        giveup=lambda error: not (known or _is_temporary(error)),
        max_time=timeout,
        max_value=2,
        logger=None,
        on_backoff=_log_retry,
    )
    def call(connect: Callable[[], T]) -> T:
        return connect()

    return call


def _is_temporary(error: Exception) -> bool:
    """Return whether a server refuses connections temporarily."""
    return any(words in str(error) for words in (*FULL, *CHANGING))


retry_on_lost_connection = backoff.on_exception(
    backoff.expo,
    StoreLost,
    max_time=SERVER_TIMEOUT,
    max_value=2,
    logger=None,
    on_backoff=lambda details: _log_retry(details),  # noqa: PLW0108 - it is defined below
)
"""Decorator: repeat a function whose connection to the store broke, until the server is back.

Its transaction was rolled back, unless the connection broke during the commit. So the function must
be idempotent: it only uses the store, and a second run finds or writes the same as the first.
"""


def answers(connection: sa.Connection) -> bool:
    """Return whether a connection still has its session."""
    if connection.invalidated:
        return False
    dialect = connection.dialect
    try:
        return dialect.do_ping(connection.connection.dbapi_connection)  # type: ignore[arg-type]
    except (SQLAlchemyError, dialect.loaded_dbapi.Error):
        return False


def cause(error: Exception) -> str:
    """Return the message of the database, without statement and values."""
    return str(getattr(error, "orig", None) or error).partition("\n")[0]


def _log_retry(details: Mapping[str, Any]) -> None:
    logger.info(
        "The store gives no connection (%s); trying again in %.1f s",
        cause(details["exception"]),
        details["wait"],
    )


def _prepare_sqlite(synchronous: str, connection: Any, _record: object) -> None:  # noqa: ANN401
    # Let SQLAlchemy begin transactions (BEGIN IMMEDIATE), which takes the write lock at once.
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 30000")
    # Overwrite deleted content: records can be forgotten on request.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
