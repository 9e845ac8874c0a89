"""Rate limits: calls per app and division (clock minute, UTC day), and errors per app."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exactonline_sandbox.clock import timestamp_ms

if TYPE_CHECKING:
    from collections.abc import Hashable

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
ERRORS_PER_HOUR = 10
COUNTED_ERRORS = (400, 401, 403, 404)


@dataclass
class _Window:
    start: datetime
    used: int = 0


class CallLimits:
    """Counts calls per app and division."""

    def __init__(self, minutely: int, daily: int) -> None:
        """Allow `minutely` calls in each clock minute and `daily` in each UTC day."""
        self.minutely = minutely
        self.daily = daily
        self._minutes: dict[Hashable, _Window] = {}
        self._days: dict[Hashable, _Window] = {}

    def take(self, key: Hashable, now: datetime) -> dict[str, str] | None:
        """Count a call.

        Args:
            key: The app and the division.
            now: Time of the call.

        Returns:
            None where the call is allowed, else the headers of the 429: only those of the
            exhausted limit.
        """
        minute, day = self._windows(key, now)
        if day.used >= self.daily:
            return self._day_headers(day)
        if minute.used >= self.minutely:
            return self._minute_headers(minute)
        minute.used += 1
        day.used += 1
        return None

    def headers(self, key: Hashable, now: datetime) -> dict[str, str]:
        """The six rate limit headers of a successful answer; resets are Unix times in ms."""
        minute, day = self._windows(key, now)
        return {**self._day_headers(day), **self._minute_headers(minute)}

    def use_up(self, key: Hashable, now: datetime, leave: int) -> None:
        """Use up the calls of the day, except `leave`."""
        self._windows(key, now)[1].used = max(0, self.daily - leave)

    def _windows(self, key: Hashable, now: datetime) -> tuple[_Window, _Window]:
        minute_start = now.replace(second=0, microsecond=0)
        day_start = minute_start.replace(hour=0, minute=0)
        minute = self._minutes.get(key)
        if minute is None or minute.start != minute_start:
            minute = self._minutes[key] = _Window(minute_start)
        day = self._days.get(key)
        if day is None or day.start != day_start:
            day = self._days[key] = _Window(day_start)
        return minute, day

    def _day_headers(self, day: _Window) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.daily),
            "X-RateLimit-Remaining": str(max(0, self.daily - day.used)),
            "X-RateLimit-Reset": str(timestamp_ms(day.start + _DAY)),
        }

    def _minute_headers(self, minute: _Window) -> dict[str, str]:
        return {
            "X-RateLimit-Minutely-Limit": str(self.minutely),
            "X-RateLimit-Minutely-Remaining": str(max(0, self.minutely - minute.used)),
            "X-RateLimit-Minutely-Reset": str(timestamp_ms(minute.start + _MINUTE)),
        }


class ErrorLimit:
    """Blocks an app after more than ten errors on one endpoint within an hour.

    The first block lasts an hour, each further one an hour longer.
    """

    def __init__(self) -> None:
        """Start with no errors."""
        self._errors: dict[Hashable, list[datetime]] = defaultdict(list)
        self._blocked: dict[str, datetime] = {}
        self._times: dict[str, int] = defaultdict(int)

    def note(self, app: str, where: Hashable, now: datetime) -> None:
        """Count an error of an app; `where` is the user, division and endpoint."""
        recent = [moment for moment in self._errors[app, where] if moment > now - _HOUR]
        recent.append(now)
        self._errors[app, where] = recent
        if len(recent) > ERRORS_PER_HOUR:
            self._times[app] += 1
            self._blocked[app] = now + _HOUR * self._times[app]
            self._errors[app, where] = []

    def blocked(self, app: str, now: datetime) -> bool:
        """Whether an app is blocked."""
        return app in self._blocked and now < self._blocked[app]
