"""Read tables of the warehouse, PostgreSQL or a file of DuckDB."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from typing_extensions import override

from exactonline_client.errors import ConfigurationError
from exactonline_client.redaction import remember

if TYPE_CHECKING:
    from collections.abc import Iterator

Row = dict[str, Any]

CONNECT_TIMEOUT = 10
"""Seconds to wait for a connection, as in the profile of the dbt project."""
QUERY_TIMEOUT = 300
"""Seconds that a query may take."""
EXAMPLES = "postgresql://me@localhost/warehouse or duckdb:///exact.duckdb"
NAME_ANOTHER = f"Name the database that dbt builds in with --database, such as {EXAMPLES}."


class Warehouse(Protocol):
    """An open database."""

    name: str
    """Its address without a password."""

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        """Return the rows of a query."""


def address(text: str | None) -> sa.URL:
    """Parse an address; None is the database that the profile of the dbt project builds in.

    Raises:
        ConfigurationError: it is no address of PostgreSQL or DuckDB.
    """
    try:
        url = make_url(text) if text else _of_profile()
    except (SQLAlchemyError, ValueError):
        raise ConfigurationError(f"--database should be an address such as {EXAMPLES}.") from None
    backend = url.get_backend_name()
    if backend not in ("postgresql", "duckdb"):
        raise ConfigurationError(
            f"--database: models are built in PostgreSQL or DuckDB, not in {backend}. "
            f"Give an address such as {EXAMPLES}."
        )
    remember(url.password)
    return url.set(drivername="postgresql+psycopg") if backend == "postgresql" else url


def _of_profile() -> sa.URL:
    """Return the database of `profiles.yml`, from the same variables."""
    if _variable("TARGET", "postgres") == "duckdb":
        return sa.URL.create("duckdb", database=_variable("PATH", "exact.duckdb"))
    return sa.URL.create(
        "postgresql",
        username=_variable("USER", "postgres"),
        password=_variable("PASSWORD", "") or None,
        host=_variable("HOST", "localhost"),
        port=int(_variable("PORT", "5432")),
        database=_variable("DBNAME", "postgres"),
    )


def _variable(name: str, default: str) -> str:
    return os.environ.get(f"DBT_EXACT_{name}", default)


@contextmanager
def opened(url: sa.URL) -> Iterator[Warehouse]:
    """Open a database for reading.

    Raises:
        ConfigurationError: it cannot be opened or read, or its driver is not installed.
    """
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "duckdb":
        with closing(_DuckDB(name, Path(url.database or ""))) as file:
            yield file
        return
    try:
        engine = sa.create_engine(
            url,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT,
                "options": f"-c default_transaction_read_only=on "
                f"-c statement_timeout={QUERY_TIMEOUT * 1000}",
            },
        )
    except ImportError:
        raise _no_driver(name, "psycopg", "postgres") from None
    try:
        with engine.connect() as connection:
            yield _PostgreSQL(name, connection)
    except SQLAlchemyError as error:
        raise _unreadable(name, getattr(error, "orig", None) or error) from None
    finally:
        engine.dispose()


class _PostgreSQL:
    def __init__(self, name: str, connection: sa.Connection) -> None:
        self.name = name
        self._connection = connection

    def rows(self, query: sa.Select[Any]) -> list[Row]:
        return [dict(row) for row in self._connection.execute(query).mappings()]


class _DuckDB(Warehouse):
    """Asked without SQLAlchemy, whose dialect for it is a package that lags behind DuckDB's."""

    def __init__(self, name: str, path: Path) -> None:
        try:
            import duckdb  # noqa: PLC0415 - an extra
        except ImportError:
            raise _no_driver(name, "duckdb", "duckdb") from None
        self.name = name
        self._error = duckdb.Error
        if not path.is_file():
            raise ConfigurationError(f"There is no file {path}. {NAME_ANOTHER}")
        try:
            self._connection = duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            raise _unreadable(name, error) from None

    @override
    def rows(self, query: sa.Select[Any]) -> list[Row]:
        # DuckDB speaks the SQL of PostgreSQL.
        text = query.compile(
            dialect=postgresql.dialect(),  # type: ignore[no-untyped-call]
            compile_kwargs={"literal_binds": True},
        )
        try:
            result = self._connection.execute(str(text))
            names = [column[0] for column in result.description]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        except self._error as error:
            raise _unreadable(self.name, error) from None

    def close(self) -> None:
        self._connection.close()


def _no_driver(name: str, package: str, extra: str) -> ConfigurationError:
    return ConfigurationError(
        f"The database {name} needs the driver {package}, which is not installed. Name another "
        f"with --database, or install it with: pip install 'singer-exactonline[{extra}]'"
    )


def _unreadable(name: str, error: BaseException) -> ConfigurationError:
    reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return ConfigurationError(
        f"The database {name} cannot be read: {reason.rstrip('.')}. Check that it is running. "
        f"{NAME_ANOTHER}"
    )
