"""The calls that are left in each division, as the store counts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.http.rate_limit import DAY, MINUTE, Window
from exactonline_client.store.tables import budgets

if TYPE_CHECKING:
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.store import Store


@dataclass(frozen=True)
class CallsLeft:
    """The windows of a division; None where Exact has not said."""

    connection: str
    division: int
    minute_remaining: int | None
    minute_limit: int | None
    day_remaining: int | None
    day_limit: int | None
    day_reset: float | None

    @property
    def used_today(self) -> int | None:
        """Calls made since midnight UTC."""
        if self.day_limit is None or self.day_remaining is None:
            return None
        return self.day_limit - self.day_remaining

    @property
    def percent_used(self) -> int:
        """What part of the day's calls is used."""
        return round(100 * (self.used_today or 0) / (self.day_limit or 1))


def calls_left(store: Store, account: SavedConnection, now: float) -> list[CallsLeft]:
    """List the calls left in each division; a window that has ended is full again."""
    query = sa.select(budgets).where(budgets.c.app == account.app_key).order_by(budgets.c.division)
    found = []
    for row in store.read(query):
        minute = Window(row.minute_limit, row.minute_remaining, row.minute_reset)
        day = Window(row.day_limit, row.day_remaining, row.day_reset)
        minute.roll(now, MINUTE)
        day.roll(now, DAY)
        found.append(
            CallsLeft(
                account.name,
                row.division,
                minute.remaining,
                minute.limit,
                day.remaining,
                day.limit,
                day.reset,
            )
        )
    return found
