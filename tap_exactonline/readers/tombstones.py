"""Tombstones of one partition, from the deleted log of its division."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exactonline_client.deletion import DELETED_AT
from tap_exactonline.definitions.definition import DIVISION
from tap_exactonline.deletes.log import SharedLog
from tap_exactonline.state import validity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.connection import Connection
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.deletes.log import DeletedLog, DeletedLogs
    from tap_exactonline.readers.request import StreamRequest


@dataclass(frozen=True)
class Tombstones:
    """The deletes of one stream in one division, as the log has them."""

    request: StreamRequest
    division: int
    logs: DeletedLogs
    connection: Connection

    def read_log(self) -> None:
        """Read now what was deleted in the division, if that is sent later on."""
        if self.request.sends_tombstones:
            self.logs.of(self.division)

    def rows(self, position: int) -> Iterator[Row]:
        """A tombstone for every row that was deleted behind a position of the log."""
        plan = self.request.plan
        deletions = self._log.since(position, plan.stream.deleted_type or 0)
        if self.request.siblings:
            place = self.logs.watermarks.places(self.division).get(plan.name)
            deletions = self._shared.own(deletions, place and place.keys_since)
        for item in deletions:
            yield {
                plan.stream.key[0]: item.key,
                DIVISION.name: self.division,
                DELETED_AT: item.deleted_at,
            }

    def move_on(self, state: dict[str, Any]) -> bool:
        """Note in the state how far the log was read; whether there was no such note before."""
        position = state.get(validity.DELETES_READ)
        place = None if position is None else validity.place_of(state)
        # A stream that is read from its beginning sends no row whose key is not noted.
        is_new = position is None and not state.get("replication_key_value")
        log = self._log
        state[validity.DELETES_READ] = max(log.end, position or 0)
        if log.read_at is not None:
            state[validity.DELETES_READ_AT] = log.read_at
        # Before the first row: whatever becomes of the state, the next load knows from here on
        # which rows may have been deleted.
        place_now = place or validity.place_of(state)
        keys_since = log.end if is_new else None
        self.logs.watermarks.note(
            self.division, self.request.plan.name, place_now._replace(keys_since=keys_since)
        )
        return place is None

    def note_keys(self, rows: list[Row]) -> None:
        """Note the keys of rows that are about to be sent, where the log may not tell whose."""
        if self.request.siblings:
            key = self.request.plan.stream.key[0]
            self._shared.note([row[key] for row in rows if not row.get(DELETED_AT)])

    @property
    def _log(self) -> DeletedLog:
        return self.logs.of(self.division)

    @property
    def _shared(self) -> SharedLog:
        name = self.request.plan.name
        return SharedLog(self.connection, self.division, name, self.request.siblings)
