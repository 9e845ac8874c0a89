"""The call budget of one app: 60 calls a minute and 5,000 a day in each division.

The numbers are learnt from the headers of every answer and kept in the store, so that all
processes of an app draw from one budget. A missing header says nothing; it is not zero. A budget
is of errors too: an endpoint that refused too many calls is not asked again for a while.
"""

from __future__ import annotations

import logging
import math
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
from exactonline_client.store.clock import CLOCK_TOLERANCE, ServerClock
from exactonline_client.store.engine import patient
from exactonline_client.store.tables import budgets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

MINUTE, DAY = 60.0, 86_400.0
MINUTELY, DAILY = "X-RateLimit-Minutely-", "X-RateLimit-"
"""What the headers begin with that tell of a limit."""
LOGGED_FROM = 5.0
"""Seconds from which a wait for the next minute is told."""
MAX_COUNT = 2**31 - 1
"""What the store can hold; an account without a limit may send more."""
MILLISECONDS_FROM = 1e11
"""A moment above this is in milliseconds (the year 5138 in seconds)."""


@dataclass
class Window:
    """What is left of one limit until it starts anew (`reset`, seconds since the epoch)."""

    limit: int | None
    remaining: int | None
    reset: float | None

    def roll(self, now: float, length: float) -> None:
        """Start a new window when the present one has ended.

        No window ends later than its length from now: where one seems to, the clocks disagree,
        and it is taken to end when the minute or the day turns on ours.
        """
        if self.reset is None:
            return
        if now >= self.reset + CLOCK_TOLERANCE:
            # A limit of 0 would never let a call through again; then the server is to say.
            self.remaining = self.limit or None
        elif self.reset - now <= length + CLOCK_TOLERANCE:
            return
        self.reset = (now // length + 1) * length

    def seconds_blocked(self, now: float, reserve: int = 0) -> float:
        """Seconds until a call may be made; 0 when it may be made now."""
        if self.remaining is None or self.reset is None or self.remaining > reserve:
            return 0.0
        return max(self.reset + CLOCK_TOLERANCE - now, 0.0)

    def take(self) -> None:
        """Count one call."""
        if self.remaining is not None:
            self.remaining -= 1


class Budget:
    """Asks before each call, learns from each answer."""

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
        """`daily_reserve` calls a day are left to others; `wait_for_day` sleeps until 00:00 UTC."""
        self._store = store
        self._app = app
        self._daily_reserve = daily_reserve
        self._wait_for_day = wait_for_day
        self.clock = clock or ServerClock()
        self._sleep = sleep
        self.waits: defaultdict[int, float] = defaultdict(float)
        """By division, seconds spent waiting for the minute or the day to turn."""
        self.left_today: dict[int, int] = {}
        """By division, the calls that are left today, as Exact told last."""
        self._call = local()

    @property
    def waited(self) -> float:
        """Seconds spent waiting, all divisions together."""
        return sum([*self.waits.values()])

    @contextmanager
    def turn(self, division: int | None, endpoint: str) -> Iterator[None]:
        """Have the division to oneself for one call, which is taken from its budget.

        Exact Online asks for one request at a time in a division. Where the minute is used up,
        it is waited for without holding up whoever works for another app.

        Raises:
            DailyLimitReached: nothing is left today.
            ErrorLimitReached: the endpoint has refused too many calls within the hour.
        """
        if division is None:
            self._check_errors(endpoint)
            self._call.asked_at = self.clock.local()
            yield
            return
        while True:
            # The call is taken while the division is held: the answer to another process's call
            # tells what is left, and may not arrive between the two.
            with self._store.lock(f"division-{division}"):
                seconds = self._take(division, endpoint)
                if not seconds:
                    self._call.asked_at = self.clock.local()
                    yield
                    return
            self.waits[division] += seconds
            self._sleep(seconds)

    @patient
    def _check_errors(self, endpoint: str) -> None:
        with self._store.transaction(durable=False) as transaction:
            error_budget.check(transaction, self._app, None, endpoint, self.clock())

    @patient
    def _take(self, division: int, endpoint: str) -> float:
        """Take a call, or say how many seconds to wait for one."""
        mine = (budgets.c.app == self._app) & (budgets.c.division == division)
        with self._store.transaction(durable=False) as transaction:
            now = self.clock()
            error_budget.check(transaction, self._app, division, endpoint, now)
            query = sa.select(budgets).where(mine).with_for_update()
            row = transaction.execute(query).one_or_none()
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
            transaction.execute(budgets.update().where(mine).values(**_columns(minute, day)))
            return seconds

    def _blocked(self, division: int, minute: Window, day: Window, now: float) -> float:
        """Seconds until a call may be made; raises where that is tomorrow and nobody wants to wait.

        Each wait is told before it begins.
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
                "Division %s: the calls of this minute are used up; going on in %.0f s",
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
            f"They start anew at {resets:%Y-%m-%d %H:%M} UTC; {who} goes on from here.",
            division=division,
            reset=reset,
        )

    def record_error(self, division: int | None, endpoint: str) -> None:
        """Count a call that was refused with one of `error_budget.COUNTED_STATUSES`."""
        error_budget.record(self._store, self._app, division, endpoint, self.clock())

    def learn(self, division: int | None, headers: Mapping[str, str]) -> None:
        """Take over what the headers of an answer say.

        On a 429 only the headers of the exhausted window come.
        """
        self.clock.learn(headers, getattr(self._call, "asked_at", None))
        minute = _window(headers, MINUTELY, self.clock(), MINUTE)
        day = _window(headers, DAILY, self.clock(), DAY)
        if division is None or (minute.remaining is None and day.remaining is None):
            return
        if day.remaining is not None:
            self.left_today[division] = day.remaining
        self._store_windows(division, _columns(minute, day))

    @patient
    def _store_windows(self, division: int, values: dict[str, Any]) -> None:
        known = {name: value for name, value in values.items() if value is not None}
        mine = (budgets.c.app == self._app) & (budgets.c.division == division)
        with self._store.transaction(durable=False) as transaction:
            updated = transaction.execute(budgets.update().where(mine).values(**known))
            if not updated.rowcount:
                transaction.execute(
                    budgets.insert().values(app=self._app, division=division, **values)
                )


def names_a_limit(headers: Mapping[str, str]) -> bool:
    """Whether an answer of "too many" says which limit is used up."""
    return any(_number(headers.get(f"{prefix}Remaining")) == 0 for prefix in (MINUTELY, DAILY))


def _columns(minute: Window, day: Window) -> dict[str, Any]:
    return {
        f"{name}_{field}": getattr(window, field)
        for name, window in (("minute", minute), ("day", day))
        for field in ("limit", "remaining", "reset")
    }


def _window(headers: Mapping[str, str], prefix: str, now: float, length: float) -> Window:
    """What headers say of one limit; where they do not tell its end, the clock does."""
    reset = _number(headers.get(f"{prefix}Reset"))
    if reset is not None and reset > MILLISECONDS_FROM:
        reset /= 1000
    if reset is not None and reset > MILLISECONDS_FROM:
        reset = None
    limit, remaining = (_number(headers.get(f"{prefix}{name}")) for name in ("Limit", "Remaining"))
    if reset is None and remaining is not None:
        reset = (now // length + 1) * length
    return Window(_count(limit), _count(remaining), reset)


def _count(number: float | None) -> int | None:
    return None if number is None else min(int(number), MAX_COUNT)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < math.inf else None
