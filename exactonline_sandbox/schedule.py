"""Work scheduled by the clock of the sandbox."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from exactonline_sandbox.clock import Clock


class Schedule:
    """Runs work when it is due, whether the clock runs or is set."""

    def __init__(self, clock: Clock) -> None:
        """Schedule by `clock`."""
        self._clock = clock
        self._waiting: list[tuple[datetime, Callable[[], object]]] = []

    def add(self, seconds: float, work: Callable[[], object]) -> None:
        """Run `work` after this many seconds of the sandbox's time."""
        self._waiting.append((self._clock.now() + timedelta(seconds=seconds), work))
        self.run()

    def run(self) -> None:
        """Run due work and set a timer for the next; call it in the server's event loop."""
        now = self._clock.now()
        due = [work for moment, work in self._waiting if moment <= now]
        self._waiting = [(moment, work) for moment, work in self._waiting if moment > now]
        for work in due:
            work()
        if self._waiting and self._clock.speed:
            first = min(moment for moment, _ in self._waiting)
            seconds = (first - now).total_seconds() / self._clock.speed
            asyncio.get_running_loop().call_later(seconds, self.run)
