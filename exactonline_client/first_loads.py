"""Where the deleted log ended when a stream was first read, until its state tells that itself.

A target may have rows of a first load before it has any state of it. If both end just then, the
next load is a first one again, and must know which rows may have been deleted in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.store import first_loads

if TYPE_CHECKING:
    from exactonline_client.store import Store


@dataclass(frozen=True)
class FirstLoads:
    """The first loads of an app that are not known to have arrived."""

    store: Store
    app: str

    def positions(self, division: int) -> dict[str, int]:
        """By stream, the rowversion up to which the deleted log had been read."""
        columns = (first_loads.c.stream, first_loads.c.deletes_timestamp)
        mine = (first_loads.c.app == self.app) & (first_loads.c.division == division)
        with self.store.transaction() as connection:
            rows = connection.execute(sa.select(*columns).where(mine)).all()
        return {row.stream: row.deletes_timestamp for row in rows}

    def begun(self, division: int, stream: str, position: int) -> None:
        """A first load is about to send its rows."""
        self.store.put(
            first_loads,
            app=self.app,
            division=division,
            stream=stream,
            deletes_timestamp=position,
        )

    def arrived(self, division: int, stream: str) -> None:
        """Its state came back."""
        this = (
            (first_loads.c.app == self.app)
            & (first_loads.c.division == division)
            & (first_loads.c.stream == stream)
        )
        with self.store.transaction(durable=False) as connection:
            connection.execute(first_loads.delete().where(this))
