"""How far the deletes of each stream have been told, for a load that begins without a state.

The target may have rows all the same: of a first load whose state it never got, or of all the
runs before the state was dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from exactonline_client.store.tables import delete_watermarks

if TYPE_CHECKING:
    from exactonline_client.store.store import Store


class LogPosition(NamedTuple):
    """A place in the deleted log of a division, as the state of a stream holds it."""

    timestamp: int
    """The rowversion of the last entry that was told."""
    read_at: str | None = None
    """When that was (UTC, ISO), by the server's clock."""
    moved_at: str | None = None
    """Which database of the company the log is of: when it was moved there, as Exact says it."""
    keys_since: int | None = None
    """The rowversion since which the store knows the keys of all rows that were sent."""


@dataclass(frozen=True)
class DeleteWatermarks:
    """The places in the deleted logs from which an app's loads go on without a state."""

    store: Store
    app: str
    _known: dict[int, dict[str, LogPosition]] = field(default_factory=dict, init=False)

    def places(self, division: int) -> dict[str, LogPosition]:
        """By stream, how far its deletes have been told."""
        if division not in self._known:
            columns = (delete_watermarks.c[name] for name in ("stream", *LogPosition._fields))
            mine = (delete_watermarks.c.app == self.app) & (
                delete_watermarks.c.division == division
            )
            rows = self.store.read(sa.select(*columns).where(mine))
            self._known[division] = {row.stream: LogPosition(*row[1:]) for row in rows}
        return self._known[division]

    def note(self, division: int, stream: str, place: LogPosition) -> None:
        """The target knows the deletes up to here, or is about to get its first rows."""
        known = self.places(division)
        if stream in known:
            place = place._replace(keys_since=known[stream].keys_since)
        if known.get(stream) != place:
            # An older place tells too much at worst, none at all would tell too little.
            durable = stream not in known
            row = {"app": self.app, "division": division, "stream": stream}
            self.store.put(delete_watermarks, durable=durable, **row, **place._asdict())
            known[stream] = place
