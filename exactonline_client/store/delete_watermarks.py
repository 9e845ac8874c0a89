"""Position up to which the deletes of each stream were emitted, for runs without a state.

Without a state the target may still have rows: of a first run whose state was lost, or of the runs
before the state was dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.store.log_position import LogPosition
from exactonline_client.store.tables import delete_watermarks

if TYPE_CHECKING:
    from exactonline_client.store.store import Store


@dataclass(frozen=True)
class DeleteWatermarks:
    """Positions in the deleted logs from which an app continues without a state."""

    store: Store
    app: str
    _known: dict[int, dict[str, LogPosition]] = field(default_factory=dict, init=False)

    def places(self, division: int) -> dict[str, LogPosition]:
        """Return the positions in a division by stream."""
        if division not in self._known:
            columns = (delete_watermarks.c[name] for name in ("stream", *LogPosition._fields))
            mine = (delete_watermarks.c.app == self.app) & (
                delete_watermarks.c.division == division
            )
            rows = self.store.read(sa.select(*columns).where(mine))
            self._known[division] = {row.stream: LogPosition(*row[1:]) for row in rows}
        return self._known[division]

    def note(self, division: int, stream: str, place: LogPosition) -> None:
        """Store the position up to which the target has the deletes, or of its first rows."""
        known = self.places(division)
        if stream in known:
            place = place._replace(keys_since=known[stream].keys_since)
        if known.get(stream) != place:
            # An older position only repeats deletes; a missing one would lose them.
            durable = stream not in known
            row = {"app": self.app, "division": division, "stream": stream}
            self.store.put(delete_watermarks, durable=durable, **row, **place._asdict())
            known[stream] = place
