"""Durable state that all processes of one app share: tokens, call budget, results.

A SQLite file by default; PostgreSQL where several machines work for one app. Tokens are stored
encrypted. The schema only ever changes by a migration.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import platformdirs
import sqlalchemy as sa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from exactonline_client.errors import ConfigurationError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

metadata = sa.MetaData()

schema_version = sa.Table("schema_version", metadata, sa.Column("version", sa.Integer))

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("access_token", sa.LargeBinary),
    sa.Column("refresh_token", sa.LargeBinary, nullable=False),
    sa.Column("previous_refresh_token", sa.LargeBinary),
    sa.Column("received_at", sa.Float, nullable=False),
    sa.Column("seed", sa.String(64)),
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
    sa.Column("clock_offset", sa.Float, nullable=False),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("app", sa.String(64), primary_key=True),
    sa.Column("division", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("entity", sa.String(80), primary_key=True),
    sa.Column("reference", sa.String(200), primary_key=True),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("exact_id", sa.String(64)),
    sa.Column("payload_hash", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("at", sa.Float, nullable=False),
)


def _create_all(connection: sa.Connection) -> None:
    metadata.create_all(connection)


# Each entry brings a store from the version of its index to the next one.
MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_create_all,)

LOCK_TIMEOUT = 600.0
"""Seconds to wait for another process: longer than it can need for one call."""


def default_url() -> str:
    """The store's place when nothing is set: the Meltano project, else the user's data folder."""
    project = os.environ.get("MELTANO_PROJECT_ROOT")
    folder = Path(project, ".exactonline") if project else _data_folder()
    return f"sqlite:///{folder / 'store.db'}"


def _data_folder() -> Path:
    return Path(platformdirs.user_data_path("exactonline", appauthor=False))


class Store:
    """The open store.

    Raises (every method):
        StoreError: the database is damaged, locked, read-only or of a newer version.
    """

    def __init__(self, url: str | None = None, key: str | None = None) -> None:
        """Open the store, and create it or bring it up to date where needed.

        Args:
            url: SQLAlchemy address; None for the default SQLite file.
            key: one or more Fernet keys with commas between; the first encrypts. None for a
                key file beside the store, made at first use and readable for its owner only.
        """
        self.url = _address(url or default_url())
        self._is_file = self.url.get_backend_name() == "sqlite"
        self.folder = Path(self.url.database or "").parent if self._is_file else _data_folder()
        if self._is_file:
            _owner_only(Path(self.url.database or ""))
        self._fernet = _given_keys(key) if key else _kept_key(self.folder / "store.key")
        self.engine = self._connect()
        try:
            self._migrate()
        except StoreError:
            self.close()
            raise

    def _connect(self) -> sa.Engine:
        try:
            # A thread that holds a lock needs a second connection; a pool that makes it wait for
            # others that hold locks too could make all of them wait for ever.
            engine = sa.create_engine(self.url, max_overflow=-1)
        except (ImportError, SQLAlchemyError) as error:
            raise ConfigurationError(
                f"Setting store_url: no driver for {self.url.drivername} is installed "
                f"({error}). Install it with: pip install 'singer-exactonline[postgres]'"
            ) from None
        if self._is_file:
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_immediate)
        return engine

    def _migrate(self) -> None:
        with self.lock("migration"), self.transaction() as connection:
            schema_version.create(connection, checkfirst=True)
            found = connection.execute(sa.select(schema_version.c.version)).scalar() or 0
            if found > len(MIGRATIONS):
                raise StoreError(
                    f"The store {self.name} was written by a newer version of this program "
                    f"(schema {found}, this one knows {len(MIGRATIONS)}). Upgrade "
                    "singer-exactonline; the store was left as it is."
                )
            if found == len(MIGRATIONS):
                return
            for migrate in MIGRATIONS[found:]:
                migrate(connection)
            connection.execute(schema_version.delete())
            connection.execute(schema_version.insert().values(version=len(MIGRATIONS)))

    @property
    def name(self) -> str:
        """Where the store is, without its password."""
        shown = self.url.difference_update_query(["password", "sslpassword"])
        return shown.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A write transaction, committed and durable at the end."""
        with self._readable_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _readable_errors(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = str(getattr(error, "orig", None) or error).partition("\n")[0]
            raise StoreError(
                f"The store {self.name} cannot be used: {cause}. Nothing in it was overwritten."
            ) from None

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold `name` alone among all processes (and machines) that share this store.

        The lock is gone when its process dies.
        """
        if self._is_file:
            with _file_lock(self.folder / f"store.{name}.lock"):
                yield
            return
        digest = hashlib.sha256(f"exactonline:{name}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        patience = sa.func.set_config("lock_timeout", f"{LOCK_TIMEOUT * 1000:.0f}ms", True)  # noqa: FBT003
        with self._readable_errors(), self.engine.connect() as connection:
            connection.execute(sa.select(patience))
            connection.execute(sa.select(sa.func.pg_advisory_lock(number)))
            connection.commit()
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))
                connection.commit()

    def encrypt(self, text: str | None) -> bytes | None:
        """Encrypt with the first key."""
        return None if text is None else self._fernet.encrypt(text.encode())

    def decrypt(self, data: bytes | None) -> str | None:
        """Decrypt with whichever key fits."""
        if data is None:
            return None
        try:
            return self._fernet.decrypt(data).decode()
        except InvalidToken:
            raise StoreError(
                f"The store {self.name} was encrypted with another key. Give that key in the "
                "setting store_key, or as one more key behind a comma."
            ) from None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _address(text: str) -> sa.URL:
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


def _given_keys(text: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(part.strip()) for part in text.split(",")])
    except ValueError:
        raise ConfigurationError(
            "Setting store_key must hold Fernet keys: 32 random bytes in url-safe base64. "
            "Make one with: python -c 'from cryptography.fernet import Fernet; "
            "print(Fernet.generate_key().decode())'"
        ) from None


def _kept_key(file: Path) -> MultiFernet:
    """The key in a file, which gets a new one where it is empty."""
    _owner_only(file)
    with _file_lock(file.with_suffix(".key.lock")):
        key = file.read_bytes().strip()
        if not key:
            key = Fernet.generate_key()
            file.write_bytes(key)
    try:
        return MultiFernet([Fernet(key)])
    except ValueError:
        raise StoreError(
            f"The key file {file} is damaged. Put its copy back if you have one; else remove it, "
            "set refresh_token to a new refresh token, and start again."
        ) from None


def _owner_only(file: Path) -> None:
    """Make sure that the file exists and that nobody but its owner can read it."""
    try:
        file.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        if file.stat().st_mode & 0o077:
            file.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"The store cannot be kept at {file.parent}: {error.strerror}. "
            "Choose another place with the setting store_url."
        ) from None


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    held = filelock.FileLock(path, mode=0o600, timeout=LOCK_TIMEOUT)
    try:
        held.acquire()
    except filelock.Timeout:
        raise StoreError(
            f"Another process has held the lock {path} for {LOCK_TIMEOUT:.0f} seconds. "
            "If it hangs, end it and start again."
        ) from None
    except OSError as error:
        raise StoreError(f"The lock {path} cannot be taken: {error.strerror}.") from None
    try:
        yield
    finally:
        held.release()


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401
    # SQLAlchemy is to begin transactions itself, so that a write lock is taken at once.
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 30000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
