"""Make tombstones for one partition from the deleted log of its division."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from exactonline_client.deletion import DELETED_AT
from tap_exactonline.definitions.definition import DIVISION
from tap_exactonline.deletes.log import DeleteAttribution
from tap_exactonline.state import validity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exactonline_client.connection import Connection
    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow
    from tap_exactonline.deletes.log import DeletedLog, DeletedLogs
    from tap_exactonline.readers.request import StreamRequest


class Tombstones(msgspec.Struct, frozen=True):
    """Tombstones of one stream in one division."""

    request: StreamRequest
    division: int
    logs: DeletedLogs
    connection: Connection

    def read_log(self) -> None:
        """Read the log of the division now, if tombstones are sent later."""
        if self.request.sends_tombstones:
            self.logs.of(self.division)

    def rows(self, position: int) -> Iterator[Row]:
        """Yield a tombstone for every deletion after a rowversion of the log."""
        definition = self.request.definition
        deletions = self._log.since(position, definition.stream.deleted_type or 0)
        if self.request.siblings:
            watermark = self.logs.watermarks.places(self.division).get(definition.name)
            deletions = self._attribution.of_stream(deletions, watermark and watermark.keys_since)
        for item in deletions:
            yield {
                definition.stream.key[0]: item.key,
                DIVISION.name: self.division,
                DELETED_AT: item.deleted_at,
            }

    def advance(self, state: dict[str, Any]) -> bool:
        """Advance the log position in `state`; returns whether the partition had none before."""
        position = state.get(validity.DELETES_READ)
        watermark = None if position is None else validity.watermark_of(state)
        # If the stream is read from the beginning, the keys of all its rows get stored.
        is_new = position is None and not state.get("replication_key_value")
        log = self._log
        state[validity.DELETES_READ] = max(log.end, position or 0)
        if log.read_at is not None:
            state[validity.DELETES_READ_AT] = log.read_at
        # Stored before the first row is sent: should the state get lost, the next run still knows
        # from where to look for deletes.
        new_watermark = watermark or validity.watermark_of(state)
        keys_since = log.end if is_new else None
        self.logs.watermarks.note(
            self.division,
            self.request.definition.name,
            new_watermark._replace(keys_since=keys_since),
        )
        return watermark is None

    def note_sent_keys(self, rows: Iterable[DecodedRow]) -> None:
        """Store the keys of rows before they are sent, if siblings share the entity type."""
        if self.request.siblings:
            key = self.request.definition.stream.key[0]
            self._attribution.note([row[key] for row in rows if not row.get(DELETED_AT)])

    @property
    def _log(self) -> DeletedLog:
        return self.logs.of(self.division)

    @property
    def _attribution(self) -> DeleteAttribution:
        name = self.request.definition.name
        return DeleteAttribution(self.connection, self.division, name, self.request.siblings)
