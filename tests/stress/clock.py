"""A clock that all processes share: moved, and faster than the machine's."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone

LONG = 0.3
"""Seconds from which a wait is for Exact Online, not for another process of this machine."""


@dataclass(frozen=True)
class MovedClock:
    """It showed `moved` when the machine's clock showed `real`, and runs at `speed`.

    All three are what makes two processes agree to the microsecond, whenever they start.
    """

    moved: float
    real: float
    speed: float = 1.0

    @classmethod
    def read(cls, moment: datetime, speed: float = 1.0) -> MovedClock:
        """The clock that shows `moment` now."""
        return cls(moment.timestamp(), _machine_time(), speed)

    @classmethod
    def loads(cls, text: str) -> MovedClock:
        """The clock that another process described."""
        return cls(**json.loads(text))

    def dumps(self) -> str:
        """This clock, for another process."""
        return json.dumps(asdict(self))

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.moved + (_machine_time() - self.real) * self.speed

    def sleep(self, seconds: float) -> None:
        """Wait, by this clock where the wait is long; not at all where it stands still."""
        if self.speed:
            _machine_sleep(seconds / self.speed if seconds >= LONG else seconds)

    @property
    def now(self) -> datetime:
        """The moment it shows, in UTC."""
        return datetime.fromtimestamp(self(), timezone.utc)


# Kept, since a program that runs by this clock has the names in `time` replaced.
_machine_time, _machine_sleep = time.time, time.sleep
