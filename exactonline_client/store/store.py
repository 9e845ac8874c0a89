"""Durable state that all processes share: connections, call budgets, runs, the journal of writes.

A SQLite file by default; PostgreSQL where several machines work for one app. Tokens and
client secrets are stored encrypted. Its tables are in `tables`.
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
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from exactonline_client.errors import StoreError, StoreLost
from exactonline_client.redaction import remember
from exactonline_client.store import engine as database
from exactonline_client.store import files, keys
from exactonline_client.store.tables import VERSION, metadata, schema_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

logger = logging.getLogger(__name__)


def project_folder() -> Path | None:
    """The Meltano project this process works for, or in whose folder it runs."""
    named = os.environ.get("MELTANO_PROJECT_ROOT")
    if named:
        return Path(named)
    here = Path.cwd()
    return next((path for path in (here, *here.parents) if (path / "meltano.yml").exists()), None)


def default_url() -> str:
    """The store's place when nothing is set: the Meltano project, else the user's data folder."""
    project = project_folder()
    folder = project / ".exactonline" if project else _data_folder()
    return f"sqlite:///{folder / 'store.db'}"


SQLITE_SUFFIXES = ("-journal", "-shm", "-wal")
"""Of the names of files beside a database; SQLite reads what is in them as its own."""


def _data_folder() -> Path:
    return Path(platformdirs.user_data_path("exactonline", appauthor=False))


class Store:
    """The open store.

    Raises (every method):
        StoreError: the database is damaged, locked, read-only or of another version.
    """

    def __init__(self, url: str | None = None, key: str | None = None) -> None:
        """Open the store, and create it where there is none.

        Args:
            url: SQLAlchemy address; None for the default SQLite file.
            key: one or more Fernet keys with commas between; the first encrypts. None for a key
                in the keyring of the system where there is one, else in a file beside the
                store, made at first use and readable for its owner only.
        """
        self.url = database.address(url or default_url())
        remember(self.url.password)
        self._is_file = self.url.get_backend_name() == "sqlite"
        if self._is_file:
            # Whoever comes by another name finds the same locks and the same key.
            self.url = self.url.set(database=str(files.resolved(Path(self.url.database or ""))))
        self._write_lock = Lock() if self._is_file else nullcontext()
        self._thread = local()
        self.folder = Path(self.url.database or "").parent if self._is_file else _data_folder()
        if self._is_file:
            files.ensure_private_file(Path(self.url.database or ""))
            for suffix in SQLITE_SUFFIXES:
                files.refuse_foreign_file(Path(f"{self.url.database}{suffix}"))
        self.key_file = self.folder / "store.key"
        self._fernet = keys.parse(key) if key else keys.load_or_create(self.key_file, self.name)
        self.engine = database.engine(self.url, "FULL")
        self._fast_engine = database.engine(self.url, "NORMAL") if self._is_file else self.engine
        self._known = False
        try:
            self._create()
        except StoreError:
            self.close()
            raise
        # A file that cannot be opened any more does not come back; a server does.
        self._known = not self._is_file

    @database.patient
    def _create(self) -> None:
        """Create the tables of a new store; refuse one whose tables are of another version."""
        with self.lock("schema"), self.transaction() as connection:
            schema_version.create(connection, checkfirst=True)
            found = connection.execute(sa.select(schema_version.c.version)).scalar()
            if found is None:
                metadata.create_all(connection)
                connection.execute(schema_version.insert().values(version=VERSION))
            elif found != VERSION:
                raise self._wrong_version(found)

    def _wrong_version(self, found: int) -> StoreError:
        age, advice = (
            ("a newer", "Upgrade singer-exactonline")
            if found > VERSION
            else ("an older", "Use the singer-exactonline that wrote it")
        )
        return StoreError(
            f"The store {self.name} was written by {age} version of this program "
            f"(schema {found}, this one knows {VERSION}). {advice}; the store was left as it is."
        )

    @property
    def name(self) -> str:
        """Where the store is, without its password."""
        shown = self.url.difference_update_query(database.SECRET_FIELDS)
        return shown.render_as_string(hide_password=True)

    @property
    def secret_files(self) -> tuple[Path, ...]:
        """The files that together are the sign-in, where they are files."""
        return (*([Path(self.url.database or "")] if self._is_file else []), self.key_file)

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A write transaction, committed at the end.

        One that is not durable costs far less, and may be undone by a power cut. Where the
        connection breaks it ends with `StoreLost`; see `database.patient`.
        """
        # One transaction at a time may write to a file; SQLite itself would let threads try again
        # and again, with pauses in between.
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
        """The connection of this thread: the one that holds its locks, if it holds any.

        Two for each thread would soon be more than a PostgreSQL server allows.
        """
        held: sa.Connection | None = getattr(self._thread, "connection", None)
        if held is not None:
            if not database.answers(held):
                self._retake_locks(held)
            yield held
            return
        with database.connected(engine, known=self._known) as connection:
            yield connection

    def _retake_locks(self, held: sa.Connection) -> None:
        """Take the locks of this thread once more: those of a session end with it.

        What others did in between is known to whoever compares before he writes.
        """
        logger.warning(
            "The connection to the store %s was lost, and with it the locks that this process "
            "held; they are taken again.",
            self.name,
        )
        held.invalidate()
        self._take_locks(held)

    def insert(self, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
        """An insertion that can be told what to do `on_conflict`, which no standard knows."""
        return sqlite.insert(table) if self._is_file else postgresql.insert(table)

    @database.patient
    def read(self, query: sa.Select[Any]) -> Sequence[Any]:
        """All rows of a query."""
        with self.transaction() as connection:
            return connection.execute(query).all()

    @database.patient
    def put(self, table: sa.Table, *, durable: bool = True, **values: Any) -> None:  # noqa: ANN401
        """Write one row, over the one with its key where there is one; see `transaction`."""
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
            # A damaged file may hold texts that are none.
            cause = database.cause(error)
            kind = StoreLost if getattr(error, "connection_invalidated", False) else StoreError
            raise kind(
                f"The store {self.name} cannot be used: {cause}. Nothing in it was overwritten."
            ) from None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold `name` alone among all processes (and machines) that share this store.

        The lock is gone when its process dies.
        """
        if self._is_file:
            with files.lock(self.folder / f"store.{name}.lock"):
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

    @database.patient
    def _take_locks(self, connection: sa.Connection, *more: int) -> None:
        """Wait for more locks, and for those of this thread once more where its session ended."""
        with self._readable_errors():
            wanted = more
            if connection.invalidated:
                connection.rollback()
                database.reconnect(connection)
                wanted = (*getattr(self._thread, "locks", ()), *more)
            for number in wanted:
                _lock(connection, number)

    def encrypt(self, text: str | None, *, secret: bool = True) -> bytes | None:
        """Encrypt with the first key; a `secret` is hidden wherever it may show up."""
        if secret:
            remember(text)
        return None if text is None else self._fernet.encrypt(text.encode())

    def decrypt(self, data: bytes | None, *, secret: bool = True) -> str | None:
        """Decrypt with whichever key fits; a `secret` is hidden wherever it may show up."""
        if data is None:
            return None
        try:
            text = self._fernet.decrypt(data).decode()
        except InvalidToken:
            raise self._wrong_key() from None
        if secret:
            remember(text)
        return text

    def reencrypt(self, data: bytes) -> bytes:
        """The same secret, encrypted with the first key."""
        try:
            return self._fernet.rotate(data)
        except InvalidToken:
            raise self._wrong_key() from None

    def _wrong_key(self) -> StoreError:
        return StoreError(
            f"The store {self.name} was encrypted with another key. Give that key in the "
            "setting store_key, or as one more key behind a comma. If it is in the keyring of "
            "a desktop that this process cannot reach, sign in again with a store_key set."
        )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()
        self._fast_engine.dispose()


def _lock(connection: sa.Connection, number: int) -> None:
    """Wait for a lock, which the session holds from then on."""
    patience = sa.func.set_config("lock_timeout", f"{files.LOCK_TIMEOUT * 1000:.0f}ms", True)  # noqa: FBT003
    connection.execute(sa.select(patience))
    connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
    connection.commit()


def _unlock(connection: sa.Connection, number: int) -> None:
    """Let go of a lock; what was done under it has been done, whatever becomes of this."""
    if connection.invalidated:
        return
    try:
        connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
        connection.commit()
    except SQLAlchemyError:
        # A connection that is gone holds no lock.
        connection.invalidate()
