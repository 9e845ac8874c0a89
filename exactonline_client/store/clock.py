"""Clock of Exact Online: the local clock, corrected by the `Date` header of each response.

Stored times are compared by several machines, whose clocks may differ by days.
"""

from __future__ import annotations

import logging
import platform
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.errors import StoreError
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import clocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

CLOCK_TOLERANCE = 2.0
"""Seconds. The Date header has whole seconds, so smaller differences are not corrected, and the
window of a limit only counts as ended this much later, when it has ended on the server too."""


KEPT = 60 * 86_400
"""Seconds to keep the difference of a machine's clock."""


class ServerClock:
    """Returns seconds since the epoch by the server's clock."""

    def __init__(
        self,
        local: Callable[[], float] = time.time,
        ahead: float = 0.0,
        note: Callable[[float], None] | None = None,
    ) -> None:
        """Start with a known difference.

        Args:
            local: the local clock.
            ahead: seconds by which the server's clock is ahead.
            note: called with each new value of `ahead`.
        """
        self.local = local
        self.ahead = ahead
        self._note = note

    def __call__(self) -> float:
        """Return the present time."""
        return self.local() + self.ahead

    def learn(self, headers: Mapping[str, str], asked_at: float | None = None) -> None:
        """Correct the clock by the `Date` header of a response.

        The server set the date at some time between request and response, which bounds the
        difference. The present correction is kept if it lies within these bounds.

        Args:
            headers: of the response.
            asked_at: time of the request, by the local clock.
        """
        try:
            there = parsedate_to_datetime(headers["Date"]).timestamp()
        except (KeyError, TypeError, ValueError, OverflowError):
            return
        here = self.local()
        least, most = there - here, there - (here if asked_at is None else asked_at)
        if least - CLOCK_TOLERANCE <= self.ahead <= most + CLOCK_TOLERANCE:
            return
        self.ahead = least if self.ahead < least else most
        if self._note:
            self._note(self.ahead)


@retry_on_lost_connection
def _forget(store: Store, timestamp: float) -> None:
    """Delete the entries before a timestamp; each container is a machine of another name."""
    with store.transaction(durable=False) as connection:
        connection.execute(clocks.delete().where(clocks.c.at < timestamp))


def server_clock(store: Store, local: Callable[[], float] = time.time) -> ServerClock:
    """Create the server clock with the stored difference of this machine.

    Without it, each run on a machine with a wrong clock would start with a refused call.
    """
    mine = sa.select(clocks.c.ahead).where(clocks.c.machine == platform.node())
    known = store.read(mine)

    def note(seconds: float) -> None:
        # The response is valid even if this fails.
        now = local() + seconds
        try:
            store.put(clocks, durable=False, machine=platform.node(), ahead=seconds, at=now)
            _forget(store, now - KEPT)
        except StoreError as error:
            logger.warning("What the time is at Exact Online could not be noted. %s", error)

    return ServerClock(local, known[0].ahead if known else 0.0, note)
