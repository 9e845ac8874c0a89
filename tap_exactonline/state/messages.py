"""How often the state of a run is sent: after every page, but a large state less often.

A state holds the bookmarks of all streams and divisions. With hundreds of divisions it is larger
than a page, and sending all of it with every page would be most of the work.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SMALL = 100
"""A state of so many partitions goes along with every page."""
SHARE = 0.05
"""Larger ones may take so much of the time."""


@dataclass
class StateMessages:
    """The state of a run, which changes in place, and how far it has been sent."""

    state: Mapping[str, Any]
    write: Callable[[Any], None]
    """Sends a state, unless it is the one that was sent last."""
    clock: Callable[[], float] = time.monotonic
    """Seconds, from any start."""
    _has_changed: bool = field(default=False, init=False)
    _due_at: float = field(default=0.0, init=False)

    def changed(self) -> None:
        """Rows are out: send the state if it is time."""
        self._has_changed = True
        if self._partitions <= SMALL or self.clock() >= self._due_at:
            self.flush()

    def flush(self) -> None:
        """Send what is not sent yet."""
        if self._has_changed:
            self._has_changed = False
            began_at = self.clock()
            self.write(self.state)
            ended_at = self.clock()
            self._due_at = ended_at + (ended_at - began_at) / SHARE

    @property
    def _partitions(self) -> int:
        streams = self.state.get("bookmarks", {}).values()
        return sum(len(stream.get("partitions", ())) for stream in streams)
