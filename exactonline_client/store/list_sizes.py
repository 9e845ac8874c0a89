"""Number of rows of each division's lists when last read or counted.

From these the cost of a run is estimated without calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from msgspec.structs import asdict

from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import list_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_client.store.store import Store

DAY = 86_400.0
OF_THE_RUN = ("calls", "read_at", "expected")
"""Columns set by runs, not by counts."""


class Size(msgspec.Struct, frozen=True):
    """Size of a list in a division."""

    division: int
    stream: str
    """Stream of the list."""
    scope: str
    """Rows included: `all`, `changes` since the previous run, or `since` a date."""
    rows: int
    calls: int | None
    """Calls of the last run for this list, including retries; None without a run."""
    at: float
    """Time of the number of rows; seconds since the epoch."""
    read_at: float | None = None
    """Time a run last read the list."""
    expected: int | None = None
    """Calls estimated for that run, if known."""

    @property
    def is_counted(self) -> bool:
        """Whether the rows were counted rather than read."""
        return self.read_at != self.at


Known = dict[tuple[int, str, str], Size]
"""By division, stream and scope."""


@retry_on_lost_connection
def known(store: Store, app: str) -> Known:
    """Load the sizes of an app's lists."""
    query = sa.select(*(list_sizes.c[name] for name in Size.__struct_fields__)).where(
        list_sizes.c.app == app
    )
    with store.transaction() as connection:
        sizes = [Size(*row) for row in connection.execute(query)]
    return {(size.division, size.stream, size.scope): size for size in sizes}


@retry_on_lost_connection
def note(store: Store, app: str, sizes: Iterable[Size]) -> None:
    """Store sizes; a count does not overwrite the columns of the last run."""
    rows = [{"app": app, **asdict(size)} for size in sizes]
    if not rows:
        return
    insert = store.insert(list_sizes)
    new = insert.excluded
    values = {
        name: sa.case((new.read_at.is_(None), list_sizes.c[name]), else_=new[name])
        for name in OF_THE_RUN
    }
    noted = insert.on_conflict_do_update(
        index_elements=list(list_sizes.primary_key.columns),
        set_={"rows": new.rows, "at": new.at, **values},
    )
    with store.transaction(durable=False) as connection:
        connection.execute(noted, rows)
