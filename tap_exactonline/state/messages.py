"""Decide when to emit STATE messages: after every page, but less often for a large state.

The state contains the bookmarks of all streams and divisions. With hundreds of divisions it is
larger than a page, and emitting it after every page would take most of the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SMALL_STATE = 100
"""Number of partitions up to which the state is emitted after every page."""
MAX_TIME_SHARE = 0.05
"""Share of the run time that emitting larger states may take."""


@dataclass
class StateMessages:
    """Emit the state of a run, which changes in place."""

    state: Mapping[str, Any]
    write: Callable[[Any], None]
    """Emits a state, unless it equals the last one."""
    clock: Callable[[], float] = time.monotonic
    """Monotonic clock in seconds."""
    _has_changed: bool = field(default=False, init=False)
    _is_large: bool = field(default=False, init=False)
    _due_at: float = field(default=0.0, init=False)

    def changed(self) -> None:
        """Note that the state has changed; emit it if it is due."""
        self._has_changed = True
        # Bookmarks are only added in a run: a large state need not be counted again.
        self._is_large = self._is_large or self._partitions > SMALL_STATE
        if not self._is_large or self.clock() >= self._due_at:
            self.flush()

    def flush(self) -> None:
        """Emit the state if it has changed since the last time."""
        if self._has_changed:
            self._has_changed = False
            began_at = self.clock()
            self.write(self.state)
            ended_at = self.clock()
            self._due_at = ended_at + (ended_at - began_at) / MAX_TIME_SHARE

    @property
    def _partitions(self) -> int:
        streams = self.state.get("bookmarks", {}).values()
        return sum(len(stream.get("partitions", ())) for stream in streams)
