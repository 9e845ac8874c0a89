"""The store: connections, rate limits, runs and the journal of writes, shared by all processes.

A SQLite file by default; PostgreSQL for several machines that share an app. Tokens and client
secrets are encrypted. The schema is in `tables`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock, local
from typing import TYPE_CHECKING, Any

import platformdirs
import sqlalchemy as sa
from cryptography.fernet import InvalidToken
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import SQLAlchemyError

from exactonline_client.errors import StoreError, StoreLost
from exactonline_client.redaction import remember
from exactonline_client.store import engine as database
from exactonline_client.store import files, keys
from exactonline_client.store.tables import VERSION, metadata, schema_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.dialects.postgresql import Insert as PostgresInsert

logger = logging.getLogger(__name__)


def project_folder() -> Path | None:
    """Return the Meltano project of this process or of the current folder; None without one."""
    named = os.environ.get("MELTANO_PROJECT_ROOT")
    if named:
        return Path(named)
    here = Path.cwd()
    return next((path for path in (here, *here.parents) if (path / "meltano.yml").exists()), None)


def default_url() -> str:
    """Return the default address: in the Meltano project, else in the user's data folder."""
    project = project_folder()
    folder = project / ".exactonline" if project else _data_folder()
    return f"sqlite:///{folder / 'store.db'}"


SQLITE_SUFFIXES = ("-journal", "-shm", "-wal")
"""Suffixes of files beside a database, whose content SQLite trusts."""


def _data_folder() -> Path:
    return Path(platformdirs.user_data_path("exactonline", appauthor=False))


class Store:
    """The open store.

    Raises (every method):
        StoreError: the database is damaged, locked, read-only or of another version.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        lock_timeout: float = files.LOCK_TIMEOUT,
        server_timeout: float = database.SERVER_TIMEOUT,
    ) -> None:
        """Open the store; create it if it does not exist.

        Args:
            url: SQLAlchemy address; None for the default SQLite file.
            key: Fernet keys separated by commas, of which the first encrypts. None for a key in
                the keyring of the system, or else in a private file beside the store, created
                at first use.
            lock_timeout: seconds to wait for a lock that another process holds.
            server_timeout: seconds to wait for a connection to a server that is full or down.
        """
        self._lock_timeout, self._server_timeout = lock_timeout, server_timeout
        self.url = database.address(url or default_url())
        remember(self.url.password)
        given = keys.parse(key) if key else None
        self._is_file = self.url.get_backend_name() == "sqlite"
        if self._is_file:
            # Different paths to the same file must use the same locks and key.
            self.url = self.url.set(database=str(files.resolved(Path(self.url.database or ""))))
        self._write_lock = Lock() if self._is_file else nullcontext()
        self._thread = local()
        self.folder = Path(self.url.database or "").parent if self._is_file else _data_folder()
        if self._is_file:
            files.ensure_private_file(Path(self.url.database or ""))
            for suffix in SQLITE_SUFFIXES:
                files.refuse_foreign_file(Path(f"{self.url.database}{suffix}"))
        self.key_file = self.folder / "store.key"
        self._keys = given or keys.load_or_create(self.key_file, self.name)
        self.engine = database.engine(self.url, "FULL")
        self._fast_engine = database.engine(self.url, "NORMAL") if self._is_file else self.engine
        self._known = False
        try:
            self._create()
        except StoreError:
            self.close()
            raise
        # A server that was reachable will return after a restart; a file will not.
        self._known = not self._is_file

    @database.retry_on_lost_connection
    def _create(self) -> None:
        """Create the tables of a new store; refuse one whose tables are of another version."""
        with self.lock("schema"), self.transaction() as connection:
            schema_version.create(connection, checkfirst=True)
            version = connection.execute(sa.select(schema_version.c.version)).scalar()
            if version is None:
                metadata.create_all(connection)
                connection.execute(schema_version.insert().values(version=VERSION))
            elif version != VERSION:
                raise self._wrong_version(version)

    def _wrong_version(self, version: int) -> StoreError:
        age, advice = (
            ("a newer", "Upgrade singer-exactonline")
            if version > VERSION
            else ("an older", "Use the singer-exactonline that wrote it")
        )
        return StoreError(
            f"The store {self.name} was written by {age} version of this program "
            f"(schema {version}, this one knows {VERSION}). {advice}; the store is unchanged."
        )

    @property
    def name(self) -> str:
        """Address of the store without its password."""
        shown = self.url.difference_update_query(database.SECRET_FIELDS)
        return shown.render_as_string(hide_password=True)

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """Files that hold the sign-ins and their key."""
        return (*([Path(self.url.database or "")] if self._is_file else []), self.key_file)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """Run a write transaction, committed at the end of the block.

        One that is not `durable` is much faster, and may be lost in a power cut. A broken
        connection raises `StoreLost`; see `database.retry_on_lost_connection`.
        """
        # SQLite allows one writer, and lets waiting threads poll with pauses; this lock does not.
        engine = self.engine if durable else self._fast_engine
        with (
            self._readable_errors(),
            self._write_lock,
            self._connection(engine) as connection,
            connection.begin(),
        ):
            if not durable and not self._is_file:
                connection.execute(sa.text("SET LOCAL synchronous_commit TO OFF"))
            yield connection

    @contextmanager
    def _connection(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        """Use the connection that holds this thread's locks, or else one of the pool.

        With two for each thread, PostgreSQL's limit of connections would soon be reached.
        """
        held: sa.Connection | None = getattr(self._thread, "connection", None)
        if held is not None:
            if not database.answers(held):
                self._retake_locks(held)
            yield held
            return
        connected = database.connected(engine, known=self._known, timeout=self._server_timeout)
        with connected as connection:
            yield connection

    def _retake_locks(self, held: sa.Connection) -> None:
        """Take the locks of this thread again after its session was lost, and with it the locks.

        Other processes may have written in between, so writers compare before they write.
        """
        logger.warning(
            "The connection to the store %s was lost, and with it the locks that this process "
            "held; they are taken again.",
            self.name,
        )
        held.invalidate()
        self._take_locks(held)

    def insert(self, table: sa.Table) -> sqlite.Insert | PostgresInsert:
        """Create an insert with `on_conflict_do_...`, which is specific to the dialect."""
        if self._is_file:
            return sqlite.insert(table)
        # A store in a file does without it, and it is slow to import.
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415

        return postgresql.insert(table)

    @database.retry_on_lost_connection
    def read(self, query: sa.Select[Any]) -> Sequence[Any]:
        """Return all rows of a query."""
        with self.transaction() as connection:
            return connection.execute(query).all()

    @database.retry_on_lost_connection
    def put(self, table: sa.Table, *, durable: bool = True, **values: Any) -> None:  # noqa: ANN401
        """Insert a row, or update the one with its key; see `transaction`."""
        key = [column.name for column in table.primary_key.columns]
        rest = {name: value for name, value in values.items() if name not in key}
        row = self.insert(table).values(**values)
        with self.transaction(durable=durable) as connection:
            connection.execute(row.on_conflict_do_update(index_elements=key, set_=rest))

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, UnicodeDecodeError) as error:
            # A damaged file may hold invalid UTF-8.
            cause = database.cause(error)
            kind = StoreLost if getattr(error, "connection_invalidated", False) else StoreError
            raise kind(
                f"The store {self.name} cannot be used: {cause}. Nothing in it was overwritten."
            ) from None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a lock among all processes and machines that share this store.

        It is released when its process dies.
        """
        if self._is_file:
            with files.lock(self.folder / f"store.{name}.lock", self._lock_timeout):
                yield
            return
        digest = hashlib.sha256(f"exactonline:{name}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        with self._readable_errors(), self._connection(self.engine) as connection:
            before = getattr(self._thread, "connection", None), getattr(self._thread, "locks", ())
            self._take_locks(connection, number)
            self._thread.connection, self._thread.locks = connection, (*before[1], number)
            try:
                yield
            finally:
                self._thread.connection, self._thread.locks = before
                _unlock(connection, number)

    @database.retry_on_lost_connection
    def _take_locks(self, connection: sa.Connection, *more: int) -> None:
        """Take more locks, and first again those of this thread if its session was lost."""
        with self._readable_errors():
            wanted = more
            if connection.invalidated:
                connection.rollback()
                database.reconnect(connection, self._server_timeout)
                wanted = (*getattr(self._thread, "locks", ()), *more)
            for number in wanted:
                _lock(connection, number, self._lock_timeout)

    def encrypt(self, text: str | None, *, secret: bool = True) -> bytes | None:
        """Encrypt with the first key; a `secret` is redacted in all output."""
        if secret:
            remember(text)
        return None if text is None else self._keys.encrypt(text.encode())

    def decrypt(self, data: bytes | None, *, secret: bool = True) -> str | None:
        """Decrypt with any of the keys; a `secret` is redacted in all output."""
        if data is None:
            return None
        try:
            text = self._keys.decrypt(data).decode()
        except InvalidToken:
            raise self._wrong_key() from None
        if secret:
            remember(text)
        return text

    def reencrypt(self, data: bytes) -> bytes:
        """Re-encrypt with the first key."""
        try:
            return self._keys.reencrypt(data)
        except InvalidToken:
            raise self._wrong_key() from None

    def _wrong_key(self) -> StoreError:
        return StoreError(
            f"The store {self.name} was encrypted with another key. Give that key in the "
            "setting store_key, or as one more key after a comma. If it is in the keyring of "
            "a desktop that this process cannot reach, sign in again with a store_key set."
        )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._fast_engine.dispose()


def _lock(connection: sa.Connection, number: int, timeout: float) -> None:
    """Take an advisory lock for the session; wait up to `timeout` seconds."""
    limit = sa.func.set_config("lock_timeout", f"{timeout * 1000:.0f}ms", True)  # noqa: FBT003
    connection.execute(sa.select(limit))
    connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
    connection.commit()


def _unlock(connection: sa.Connection, number: int) -> None:
    """Release an advisory lock; ignore a broken connection, whose locks are gone."""
    if connection.invalidated:
        return
    try:
        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
        connection.commit()
    except SQLAlchemyError:
        # The locks of a broken session are released.
        connection.invalidate()
