"""Read the deleted log of a division (`sync/Deleted`), which lists deletes by entity type.

It is read once per run and division, before the rows of any stream. Rows deleted later are in the
log of the next run.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING

import msgspec

from exactonline_client.catalogue import load
from exactonline_client.errors import (
    AccessDenied,
    EndpointUnavailable,
    ErrorLimitReached,
    RequestRefused,
    UnexpectedAnswer,
)
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import url
from tap_exactonline.extract import decoding
from tap_exactonline.state import validity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.store.delete_watermarks import DeleteWatermarks
    from exactonline_client.store.key_snapshots import SeenKeys
    from tap_exactonline.context import RunContext
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.divisions.failures import Failures
    from tap_exactonline.divisions.selection import DivisionSelection
    from tap_exactonline.extract.unreadable import UnreadableValues

logger = logging.getLogger(__name__)

ENDPOINT = "sync/Deleted"
SELECT = "Timestamp,EntityType,EntityKey,DeletedDate"
NOT_READ = (EndpointUnavailable, ErrorLimitReached, RequestRefused, UnexpectedAnswer)
"""Errors of a log that the user may read, but that could not be read in this run."""
REQUIRED_COLUMNS = ("Timestamp", "EntityType", "EntityKey")


class Deletion(msgspec.Struct, frozen=True):
    """One deleted row."""

    timestamp: int
    key: str
    deleted_at: str
    """UTC, ISO 8601; time of reading the log if Exact returns none."""


class DeletedLog(msgspec.Struct):
    """Deletions in one division after a rowversion."""

    end: int
    """Highest rowversion of the log; the next run reads after it."""
    read_at: str | None = None
    """When it was read, on the server's clock (UTC, ISO 8601)."""
    deletions: dict[int, list[Deletion]] = msgspec.field(default_factory=dict)
    """By entity type."""

    def since(self, position: int, entity_type: int) -> Iterable[Deletion]:
        """Deletions of one entity type after a rowversion."""
        return (item for item in self.deletions.get(entity_type, ()) if item.timestamp > position)


def read(
    connection: Connection, division: int, start: int, note: decoding.NoteUnreadable
) -> DeletedLog:
    """Read the log after rowversion `start`; 0 reads all of it, which is the last two months.

    Unreadable values are passed to `note`.
    """
    endpoint = load().endpoints[ENDPOINT]
    names = SELECT.split(",")
    columns = [endpoint.columns[name] for name in names]
    decode = decoding.decoder(columns, connection.zone, REQUIRED_COLUMNS, note)
    address = url(
        endpoint.uri.format(division=division),
        {"$filter": f"Timestamp gt {literal(start, 'Edm.Int64')}", "$select": SELECT},
    )
    log = DeletedLog(end=start)
    now = datetime.fromtimestamp(connection.clock(), timezone.utc).isoformat()
    by_type: dict[int, list[Deletion]] = defaultdict(list)
    for page in connection.pages(address, division):
        if page.read_at is not None:
            log.read_at = page.read_at.isoformat()
        for entry in decoding.rows_with_key([*map(decode, page.rows)], REQUIRED_COLUMNS, note):
            log.end = max(log.end, entry["Timestamp"])
            by_type[entry["EntityType"]].append(
                Deletion(entry["Timestamp"], entry["EntityKey"], entry["DeletedDate"] or now)
            )
    log.deletions = dict(by_type)
    return log


def siblings(definition: StreamDefinition, definitions: Iterable[StreamDefinition]) -> list[str]:
    """Names of the other streams whose deletes are logged under the same entity type."""
    entity_type = definition.stream.deleted_type
    return [
        other.name
        for other in definitions
        if other.stream.deleted_type == entity_type and other.name != definition.name
    ]


class DeleteAttribution(msgspec.Struct, frozen=True):
    """Attribute deletions to one of several streams that share an entity type in the log."""

    connection: Connection
    division: int
    stream: str
    siblings: Sequence[str]

    def note(self, keys: Iterable[str]) -> None:
        """Store the keys of rows of the stream before they are sent."""
        self._seen(self.stream).note(keys, self.connection.clock())

    def of_stream(self, deletions: Iterable[Deletion], keys_since: int | None) -> list[Deletion]:
        """Deletions that may concern the stream.

        Leaves out keys that a sibling has sent, and unknown keys deleted after rowversion
        `keys_since`, since when all sent keys are stored.
        """
        candidates = [*deletions]
        keys = [item.key for item in candidates]
        own_keys = self._seen(self.stream).known(keys)
        sibling_keys = {key for name in self.siblings for key in self._seen(name).known(keys)}

        def may_be_own(item: Deletion) -> bool:
            if item.key in own_keys or item.key in sibling_keys:
                return item.key in own_keys
            return keys_since is None or item.timestamp <= keys_since

        if own_keys:
            self._seen(self.stream).mark_deleted(own_keys, self.connection.clock())
        return [item for item in candidates if may_be_own(item)]

    def _seen(self, stream: str) -> SeenKeys:
        return self.connection.seen_keys(self.division, stream)


LOG_REFUSED = (
    "Division %s: the rows are still read. If Exact Online keeps refusing the log, every run "
    "ends like this one. To read without deletes, set deletes: off."
)


class DeletedLogs:
    """Deleted logs of all divisions, each read once per run when the first stream needs it.

    They are kept until the end of the run, because a stream is read in all divisions before the
    next stream.
    """

    def __init__(
        self,
        context: RunContext,
        selection: DivisionSelection,
        failures: Failures,
        unreadable: UnreadableValues,
        selected_streams: Callable[[], Iterable[str]],
    ) -> None:
        """Read no log yet; each is read from the lowest position of the selected streams."""
        self._context = context
        self._selection = selection
        self._failures = failures
        self._unreadable = unreadable
        self._selected_streams = selected_streams
        self._read: dict[int, DeletedLog] = {}

    @cached_property
    def watermarks(self) -> DeleteWatermarks:
        """Positions in the logs up to which deletes were sent, for runs without a state."""
        return self._context.connection.delete_watermarks()

    def of(self, division: int) -> DeletedLog:
        """Deleted log of a division, read at the first call."""
        if division not in self._read:
            self._read[division] = self._log(division)
        return self._read[division]

    def _log(self, division: int) -> DeletedLog:
        start = min(self._positions(division), default=0)
        try:
            note = partial(self._unreadable.note, ENDPOINT, division)
            return read(self._context.connection, division, start, note)
        except NOT_READ as error:
            self._failures.failed(f"the deleted log of division {division}", error)
            if isinstance(error, RequestRefused):
                logger.warning(LOG_REFUSED, division)
        except AccessDenied as error:
            if error.is_of_division:
                raise
            logger.warning("Division %s: no deletes will be seen. %s", division, error)
        return DeletedLog(end=start)

    def _positions(self, division: int) -> Iterator[int]:
        """Log position of each selected stream that has one."""
        places = self.watermarks.places(division)
        moved_at = self._selection.moved_at(division)
        bookmarks_of = self._context.state.get("bookmarks", {})
        for name in self._selected_streams():
            partitions = bookmarks_of.get(name, {}).get("partitions", [])
            own = (each for each in partitions if each["context"].get("division") == division)
            state = validity.with_watermark(next(own, {}), places.get(name))
            position = validity.log_position(state, moved_at)
            if position is not None:
                yield position
