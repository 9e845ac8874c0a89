"""Rate limits of an app: 60 calls a minute and 5,000 a day in each division.

The limits are read from the headers of each response and kept in the store, so all processes of an
app share one budget. A missing header is unknown, not zero. The budget covers errors too: an
endpoint that refused too many calls is not called again for a while.
"""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from threading import local
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from exactonline_client.errors import DailyLimitReached
from exactonline_client.http import error_budget
from exactonline_client.http.limit_headers import DAILY, MINUTELY, number
from exactonline_client.store.clock import CLOCK_TOLERANCE, ServerClock
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

MINUTE, DAY = 60.0, 86_400.0
LOGGED_FROM = 5.0
"""Minimum length in seconds of a wait that is logged."""
MAX_COUNT = 2**31 - 1
"""Maximum of the store's integers; an account without limits may send more."""
MILLISECONDS_FROM = 1e11
"""A timestamp above this is in milliseconds (in seconds it would be the year 5138)."""
# Made once: to make a statement takes as long as to run it.
_MINE = (budgets.c.app == sa.bindparam("of_app")) & (
    budgets.c.division == sa.bindparam("of_division")
)
_FIND = sa.select(budgets).where(_MINE).with_for_update()
_UPDATE = budgets.update().where(_MINE)


@dataclass
class Window:
    """The calls left of a limit until `reset` (seconds since the epoch)."""

    limit: int | None
    remaining: int | None
    reset: float | None

    def roll(self, now: float, length: float) -> None:
        """Start a new window if the present one has ended.

        A window cannot end later than its length from now. If `reset` is later, the clocks differ,
        and the window ends with the minute or day of our clock.
        """
        if self.reset is None:
            return
        if now >= self.reset + CLOCK_TOLERANCE:
            # With a limit of 0 no call could ever be made; make one, and let the server decide.
            self.remaining = self.limit or None
        elif self.reset - now <= length + CLOCK_TOLERANCE:
            return
        self.reset = (now // length + 1) * length

    def seconds_blocked(self, now: float, reserve: int = 0) -> float:
        """Return the seconds until a call may be made; 0 for now."""
        if self.remaining is None or self.reset is None or self.remaining > reserve:
            return 0.0
        return max(self.reset + CLOCK_TOLERANCE - now, 0.0)

    def take(self) -> None:
        """Count one call."""
        if self.remaining is not None:
            self.remaining -= 1


class Budget:
    """Takes each call from the shared limits, and updates them from each response."""

    def __init__(  # noqa: PLR0913
        self,
        store: Store,
        app: str,
        *,
        daily_reserve: int = 0,
        wait_for_day: bool = False,
        clock: ServerClock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Leave `daily_reserve` calls a day to others; `wait_for_day` sleeps until 00:00 UTC."""
        self._store = store
        self._app = app
        self._daily_reserve = daily_reserve
        self._wait_for_day = wait_for_day
        self.clock = clock or ServerClock()
        self._sleep = sleep
        self.waits: defaultdict[int, float] = defaultdict(float)
        """Seconds spent waiting for a limit, by division."""
        self.left_today: dict[int, int] = {}
        """Calls left today by division, from the last response."""
        self._call = local()

    @property
    def waited(self) -> float:
        """Seconds spent waiting in all divisions."""
        return sum([*self.waits.values()])

    @contextmanager
    def turn(self, division: int | None, endpoint: str) -> Iterator[None]:
        """Take a call from the budget, and hold the division's lock while it is made.

        Exact Online asks for one request at a time in a division. A wait for the next minute does
        not hold the lock, so that other apps can go on.

        Raises:
            DailyLimitReached: no call is left today.
            ErrorLimitReached: the endpoint has refused too many calls within an hour.
        """
        if division is None:
            self._check_errors(endpoint)
            self._call.asked_at = self.clock.local()
            yield
            return
        while True:
            # Take the call under the lock: the response to another process's call overwrites the
            # number of calls left, and must not arrive in between.
            with self._store.lock(f"division-{division}"):
                seconds = self._take(division, endpoint)
                if not seconds:
                    self._call.asked_at = self.clock.local()
                    yield
                    return
            self.waits[division] += seconds
            self._sleep(seconds)

    @retry_on_lost_connection
    def _check_errors(self, endpoint: str) -> None:
        with self._store.transaction(durable=False) as transaction:
            error_budget.check(transaction, self._app, None, endpoint, self.clock())

    @retry_on_lost_connection
    def _take(self, division: int, endpoint: str) -> float:
        """Take a call; return 0, or the seconds to wait for one."""
        mine = {"of_app": self._app, "of_division": division}
        with self._store.transaction(durable=False) as transaction:
            now = self.clock()
            error_budget.check(transaction, self._app, division, endpoint, now)
            row = transaction.execute(_FIND, mine).one_or_none()
            if row is None:
                return 0.0
            minute = Window(row.minute_limit, row.minute_remaining, row.minute_reset)
            day = Window(row.day_limit, row.day_remaining, row.day_reset)
            minute.roll(now, MINUTE)
            day.roll(now, DAY)
            seconds = self._blocked(division, minute, day, now)
            if not seconds:
                minute.take()
                day.take()
            transaction.execute(_UPDATE, {**mine, **_columns(minute, day)})
            return seconds

    def _blocked(self, division: int, minute: Window, day: Window, now: float) -> float:
        """Return the seconds until a call may be made, and log the wait.

        Raises:
            DailyLimitReached: no call is left today, and `wait_for_day` is not set.
        """
        seconds = day.seconds_blocked(now, self._daily_reserve)
        if seconds:
            error = self._day_used_up(division, day)
            if not self._wait_for_day:
                raise error
            logger.warning("%s It waits %.1f hours for that.", error, seconds / 3600)
            return seconds
        seconds = minute.seconds_blocked(now)
        if seconds >= LOGGED_FROM:
            logger.info(
                "Division %s: the calls of this minute are used up; continuing in %.0f s",
                division,
                seconds,
            )
        return seconds

    def _day_used_up(self, division: int, day: Window) -> DailyLimitReached:
        reset = day.reset or 0.0
        resets = datetime.fromtimestamp(reset, timezone.utc)
        reserve = f" ({self._daily_reserve} are kept in reserve)" if self._daily_reserve else ""
        who = "this run" if self._wait_for_day else "the next run"
        return DailyLimitReached(
            f"Division {division}: the {day.limit or ''} calls of today are used up{reserve}. "
            f"They start again at {resets:%Y-%m-%d %H:%M} UTC; {who} continues from here.",
            division=division,
            reset=reset,
        )

    def record_error(self, division: int | None, endpoint: str) -> None:
        """Count a call that was refused with one of `endpoints.COUNTED_STATUSES`."""
        error_budget.record(self._store, self._app, division, endpoint, self.clock())

    def learn(self, division: int | None, headers: Mapping[str, str]) -> None:
        """Update limits and clock from the headers of a response.

        A 429 has only the headers of the exhausted window.
        """
        self.clock.learn(headers, getattr(self._call, "asked_at", None))
        minute = _window(headers, MINUTELY, self.clock(), MINUTE)
        day = _window(headers, DAILY, self.clock(), DAY)
        if division is None or (minute.remaining is None and day.remaining is None):
            return
        if day.remaining is not None:
            self.left_today[division] = day.remaining
        self._store_windows(division, _columns(minute, day))

    @retry_on_lost_connection
    def _store_windows(self, division: int, values: dict[str, Any]) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        mine = {"of_app": self._app, "of_division": division}
        with self._store.transaction(durable=False) as transaction:
            updated = transaction.execute(_UPDATE, {**mine, **known})
            if not updated.rowcount:
                transaction.execute(
                    budgets.insert().values(app=self._app, division=division, **values)
                )


def _columns(minute: Window, day: Window) -> dict[str, Any]:
    return {
        f"{name}_{field}": getattr(window, field)
        for name, window in (("minute", minute), ("day", day))
        for field in ("limit", "remaining", "reset")
    }


def _window(headers: Mapping[str, str], prefix: str, now: float, length: float) -> Window:
    """Parse the headers of a limit; without a reset, compute it from the clock."""
    reset = number(headers.get(f"{prefix}Reset"))
    if reset is not None and reset > MILLISECONDS_FROM:
        reset /= 1000
    if reset is not None and reset > MILLISECONDS_FROM:
        reset = None
    limit, remaining = (number(headers.get(f"{prefix}{name}")) for name in ("Limit", "Remaining"))
    if reset is None and remaining is not None:
        reset = (now // length + 1) * length
    return Window(_count(limit), _count(remaining), reset)


def _count(number: float | None) -> int | None:
    return None if number is None else min(int(number), MAX_COUNT)
