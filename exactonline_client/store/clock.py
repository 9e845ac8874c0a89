"""The time at Exact Online: this machine's, corrected by the `Date` of each answer.

Moments in the store are compared by several machines, whose own clocks may differ by days.
"""

from __future__ import annotations

import logging
import platform
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.errors import StoreError
from exactonline_client.store.engine import patient
from exactonline_client.store.tables import clocks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

CLOCK_TOLERANCE = 2.0
"""The Date header has whole seconds: clocks that differ by less are not corrected, and a window
counts as ended this many seconds late, so that it has ended on the server's clock too."""


KEPT = 60 * 86_400
"""Seconds that a machine is remembered; one that comes later begins anew."""


class ServerClock:
    """Seconds since the epoch, by the server's clock."""

    def __init__(
        self,
        local: Callable[[], float] = time.time,
        ahead: float = 0.0,
        note: Callable[[float], None] | None = None,
    ) -> None:
        """Begin with what is known.

        Args:
            local: the clock of this machine.
            ahead: seconds by which the server's clock is ahead of it.
            note: called with each new value of `ahead`.
        """
        self.local = local
        self.ahead = ahead
        self._note = note

    def __call__(self) -> float:
        """The time now."""
        return self.local() + self.ahead

    def learn(self, headers: Mapping[str, str], asked_at: float | None = None) -> None:
        """Take over the date of an answer; `asked_at` is when it was asked for, by `local`.

        An answer may take long. It was dated at some timestamp between question and answer, and so
        the difference is known as nearly as that; what was known before holds where it fits.
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


@patient
def _forget(store: Store, timestamp: float) -> None:
    """Remove what was noted before a timestamp: each container is a machine of another name."""
    with store.transaction(durable=False) as connection:
        connection.execute(clocks.delete().where(clocks.c.at < timestamp))


def server_clock(store: Store, local: Callable[[], float] = time.time) -> ServerClock:
    """The server's clock, as far as this machine was told before.

    Without that, each run on a machine whose clock is wrong would begin with a refused call.
    """
    mine = sa.select(clocks.c.ahead).where(clocks.c.machine == platform.node())
    known = store.read(mine)

    def note(seconds: float) -> None:
        # An answer that has come counts, whatever becomes of this.
        now = local() + seconds
        try:
            store.put(clocks, durable=False, machine=platform.node(), ahead=seconds, at=now)
            _forget(store, now - KEPT)
        except StoreError as error:
            logger.warning("What the time is at Exact Online could not be noted. %s", error)

    return ServerClock(local, known[0].ahead if known else 0.0, note)
