"""A store of one round, and what may happen to it while programs use it."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TABLE = "postings"


@dataclass(frozen=True)
class FileStore:
    """A SQLite file."""

    file: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"sqlite:///{self.file}"

    @property
    def link(self) -> Path:
        """A symbolic link to it, in another folder."""
        return self.file.parent.parent / "link" / self.file.name

    @property
    def other_url(self) -> str:
        """Its address by the link."""
        return f"sqlite:///{self.link}"

    def create(self) -> None:
        """Make the folders and the link."""
        self.file.parent.mkdir(mode=0o700)
        self.link.parent.mkdir(mode=0o700)
        self.link.symlink_to(self.file)

    @property
    def disturbances(self) -> dict[str, Callable[[float], None]]:
        """By name, what may happen to it for so many seconds."""
        return {"locks removed": self._remove_locks, "busy": self._be_busy}

    def _remove_locks(self, _seconds: float) -> None:
        for folder in (self.file.parent, self.link.parent):
            for lock in folder.glob("*.lock"):
                lock.unlink(missing_ok=True)

    def _be_busy(self, seconds: float) -> None:
        if not self.file.exists():
            return
        connection = sqlite3.connect(self.file, timeout=10, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            time.sleep(seconds)
        finally:
            connection.close()


@dataclass(frozen=True)
class ServerStore:
    """A database of a PostgreSQL that all rounds of a process share."""

    server: sa.URL
    name: str

    def create(self) -> None:
        """Make the database."""
        self._do(f"CREATE DATABASE {self.name}")

    @property
    def url(self) -> str:
        """Its address."""
        return self.server.set(database=self.name).render_as_string(hide_password=False)

    other_url = url

    @property
    def disturbances(self) -> dict[str, Callable[[float], None]]:
        """By name, what may happen to it for so many seconds."""
        return {"sessions ended": self._end_sessions, "busy": self._be_busy, "away": self._be_away}

    def _end_sessions(self, _seconds: float) -> None:
        self._do(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name",
            name=self.name,
        )

    def _be_busy(self, seconds: float) -> None:
        engine = sa.create_engine(self.url, poolclass=sa.NullPool)
        # Its own session may be one of those that are ended.
        with suppress(sa.exc.DBAPIError), engine.begin() as connection:
            if sa.inspect(connection).has_table(TABLE):
                connection.execute(sa.text(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE"))
                time.sleep(seconds)

    def _be_away(self, seconds: float) -> None:
        """What a server that is started anew is like: sessions end, and for a while none begin."""
        self._do(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS false")
        try:
            self._end_sessions(seconds)
            time.sleep(seconds)
        finally:
            self._do(f"ALTER DATABASE {self.name} ALLOW_CONNECTIONS true")

    def _do(self, statement: str, **values: str) -> None:
        url = self.server.set(database="postgres")
        engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sa.text(statement), values)


def beside(work: Callable[[float], None], seconds: float) -> threading.Thread:
    """Do something in a thread of its own."""
    thread = threading.Thread(target=work, args=(seconds,), daemon=True)
    thread.start()
    return thread
