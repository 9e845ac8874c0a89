"""How many rows the lists of each division had when they were last read or counted.

It is what a run will cost, as far as that is known without asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.store.engine import patient
from exactonline_client.store.tables import list_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_client.store.store import Store

DAY = 86_400.0
OF_THE_RUN = ("calls", "read_at", "expected")
"""What only a run can tell, and no count."""


@dataclass(frozen=True)
class Size:
    """What is known of one list of one division."""

    division: int
    stream: str
    """The stream that the list belongs to."""
    scope: str
    """Which of its rows: `all`, `changes` since the run before, or `since` a date."""
    rows: int
    calls: int | None
    """What reading the list took in the last run, retries included; None where there was none."""
    at: float
    """When there were so many rows; seconds since the epoch."""
    read_at: float | None = None
    """When a run last read the list."""
    expected: int | None = None
    """The calls that were expected of that run, where that could be said."""

    @property
    def is_counted(self) -> bool:
        """Whether the rows were counted, and not read."""
        return self.read_at != self.at


Known = dict[tuple[int, str, str], Size]
"""By division, stream and scope."""


@patient
def known(store: Store, app: str) -> Known:
    """All sizes of an app's lists."""
    query = sa.select(*(list_sizes.c[name] for name in Size.__annotations__)).where(
        list_sizes.c.app == app
    )
    with store.transaction() as connection:
        found = [Size(*row) for row in connection.execute(query)]
    return {(size.division, size.stream, size.scope): size for size in found}


@patient
def note(store: Store, app: str, sizes: Iterable[Size]) -> None:
    """Keep sizes in place of those before; what the last run took stays where rows are counted."""
    rows = [{"app": app, **vars(size)} for size in sizes]
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
