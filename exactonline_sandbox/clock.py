"""The clock of the sandbox: adjustable in time and speed."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

UTC = timezone.utc
_TICKS_PER_SECOND = 300


class Clock:
    """A clock that starts at `start` and runs at `speed` times real time."""

    def __init__(
        self,
        start: datetime | None = None,
        speed: float = 1.0,
        real: Callable[[], float] = time.time,
    ) -> None:
        """Start the clock.

        Args:
            start: Start time; real time where None.
            speed: Seconds on this clock per real second.
            real: Source of real time, in seconds.
        """
        self._real = real
        self._speed = speed
        self._set_at = real()
        self._base = start or datetime.fromtimestamp(self._set_at, UTC)

    def now(self) -> datetime:
        """Current time, in UTC."""
        return self._base + timedelta(seconds=(self._real() - self._set_at) * self._speed)

    @property
    def speed(self) -> float:
        """Seconds on this clock per real second."""
        return self._speed

    def set(self, moment: datetime) -> None:
        """Jump to `moment`."""
        self._base, self._set_at = moment, self._real()

    def advance(self, seconds: float) -> None:
        """Jump `seconds` ahead, or back where negative."""
        self.set(self.now() + timedelta(seconds=seconds))

    def run_at(self, speed: float) -> None:
        """Run at `speed` times real time from now on."""
        self.set(self.now())
        self._speed = speed


def tick(moment: datetime) -> datetime:
    """A time at the precision of the server's database: ticks of 1/300 second, in whole ms."""
    ticks = moment.microsecond * _TICKS_PER_SECOND // 1_000_000
    return moment.replace(microsecond=round(ticks * 1000 / _TICKS_PER_SECOND) * 1000)


def timestamp_ms(moment: datetime) -> int:
    """Unix time in milliseconds."""
    return round(moment.timestamp() * 1000)
