"""How many rows the lists of each division had when they were last read or counted.

It is what a run will cost, as far as that is known without asking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.store import list_sizes

if TYPE_CHECKING:
    from exactonline_client.store import Store

DAY = 86_400.0


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

    @property
    def is_counted(self) -> bool:
        """Whether the rows were counted, and not read."""
        return self.read_at != self.at


Known = dict[tuple[int, str, str], Size]
"""By division, stream and scope."""


def known(store: Store, app: str) -> Known:
    """All sizes of an app's lists."""
    query = sa.select(*(list_sizes.c[name] for name in Size.__annotations__)).where(
        list_sizes.c.app == app
    )
    with store.transaction() as connection:
        found = [Size(*row) for row in connection.execute(query)]
    return {(size.division, size.stream, size.scope): size for size in found}


def note(store: Store, app: str, size: Size) -> None:
    """Keep a size in place of the one before; what the last run took stays where it was counted."""
    told = {name: value for name, value in vars(size).items() if value is not None}
    store.put(list_sizes, durable=False, app=app, **told)
