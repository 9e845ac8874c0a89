"""Query options that an endpoint has refused, so that they are not tried with every run.

Exact Online counts a refused query as an error, and blocks an app after ten within an hour.
Refusals are kept per division, since divisions may be on different versions of Exact Online.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.store.store import Store

DAYS_REMEMBERED = 30
"""Days after which an option is tried again; the API may have changed."""
DAY = 86_400.0
_OPTIONS = sa.select(refusals.c.option, refusals.c.at).where(
    refusals.c.app == sa.bindparam("app"),
    refusals.c.division == sa.bindparam("division"),
    refusals.c.endpoint == sa.bindparam("endpoint"),
    refusals.c.at > sa.bindparam("since"),
)
_OPTION = _OPTIONS.where(refusals.c.option == sa.bindparam("option"))


class RefusedOptions(msgspec.Struct, frozen=True):
    """Query options that endpoints have refused in one division."""

    store: Store
    app: str
    division: int
    clock: Callable[[], float] = time.time

    @retry_on_lost_connection
    def until(self, endpoint: str) -> dict[str, float]:
        """Return the time until which each option, such as `$expand`, is not used again."""
        given = self._those(endpoint, DAYS_REMEMBERED * DAY)
        with self.store.transaction() as connection:
            rows = connection.execute(_OPTIONS, given).all()
        return {row.option: row.at + DAYS_REMEMBERED * DAY for row in rows}

    @retry_on_lost_connection
    def holds(self, endpoint: str, option: str, seconds: float = DAYS_REMEMBERED * DAY) -> bool:
        """Return whether an endpoint refused an option within the last `seconds`."""
        given = {**self._those(endpoint, seconds), "option": option}
        with self.store.transaction() as connection:
            return connection.execute(_OPTION, given).first() is not None

    def remember(self, endpoint: str, option: str) -> None:
        """Store that an endpoint refused an option."""
        self.store.put(
            refusals,
            app=self.app,
            division=self.division,
            endpoint=endpoint,
            option=option,
            at=self.clock(),
        )

    def _those(self, endpoint: str, seconds: float) -> dict[str, Any]:
        return {
            "app": self.app,
            "division": self.division,
            "endpoint": endpoint,
            "since": self.clock() - seconds,
        }
