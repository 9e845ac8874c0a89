"""The deleted log of a division: which rows are gone, for every entity that the log knows.

The log is read once a run and division, before the rows of any stream. A row that is deleted
later in the run is in the log of the next one.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING

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
from exactonline_client.store.delete_watermarks import DeleteWatermarks
from exactonline_client.store.key_snapshots import SeenKeys
from tap_exactonline.extract import decoding
from tap_exactonline.state import validity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from exactonline_client.connection import Connection
    from tap_exactonline.context import RunContext
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.divisions.failures import Failures
    from tap_exactonline.divisions.selection import DivisionSelection
    from tap_exactonline.extract.unreadable import Unreadable

logger = logging.getLogger(__name__)

ENDPOINT = "sync/Deleted"
SELECT = "Timestamp,EntityType,EntityKey,DeletedDate"
NOT_READ = (EndpointUnavailable, ErrorLimitReached, RequestRefused, UnexpectedAnswer)
"""Why the log could not be read in this run, although the user may read it."""
NEEDED = ("Timestamp", "EntityType", "EntityKey")


@dataclass(frozen=True)
class Deletion:
    """One row that is gone."""

    timestamp: int
    key: str
    deleted_at: str
    """UTC, ISO; when the log was read where Exact does not say."""


@dataclass
class DeletedLog:
    """What was deleted in one division since `start` (a rowversion)."""

    end: int
    """The highest rowversion of the log: where the next run goes on."""
    read_at: str | None = None
    """When it was read, by the server's clock (UTC, ISO)."""
    deletions: dict[int, list[Deletion]] = field(default_factory=dict)
    """By entity type."""

    def since(self, position: int, entity_type: int) -> Iterable[Deletion]:
        """The deletions of one entity type behind a position."""
        return (item for item in self.deletions.get(entity_type, ()) if item.timestamp > position)


def read(connection: Connection, division: int, start: int, note: decoding.Note) -> DeletedLog:
    """Read the log behind `start`; 0 reads all of it, which is the last two months.

    `note` is told of what cannot be read.
    """
    endpoint = load().endpoints[ENDPOINT]
    names = SELECT.split(",")
    columns = [endpoint.columns[name] for name in names]
    decode = decoding.decoder(columns, connection.zone, NEEDED, note)
    address = url(
        endpoint.uri.format(division=division),
        {"$filter": f"Timestamp gt {literal(start, 'Edm.Int64')}", "$select": SELECT},
    )
    log = DeletedLog(end=start)
    moment = datetime.fromtimestamp(connection.clock(), timezone.utc).isoformat()
    found: dict[int, list[Deletion]] = defaultdict(list)
    for page in connection.pages(address, division):
        if page.read_at is not None:
            log.read_at = page.read_at.isoformat()
        for entry in decoding.keyed([*map(decode, page.rows)], NEEDED, note):
            log.end = max(log.end, entry["Timestamp"])
            found[entry["EntityType"]].append(
                Deletion(entry["Timestamp"], entry["EntityKey"], entry["DeletedDate"] or moment)
            )
    log.deletions = dict(found)
    return log


def siblings(plan: Plan, plans: Iterable[Plan]) -> list[str]:
    """The other streams that have their deletes in the log under the same entity type."""
    mine = plan.stream.deleted_type
    return [one.name for one in plans if one.stream.deleted_type == mine and one.name != plan.name]


@dataclass(frozen=True)
class SharedLog:
    """Whose rows are gone, where the log does not tell a stream from others of its entity type."""

    connection: Connection
    division: int
    stream: str
    others: Sequence[str]

    def note(self, keys: Iterable[str]) -> None:
        """These rows of the stream are about to be sent."""
        self._seen(self.stream).note(keys, self.connection.clock())

    def own(self, deletions: Iterable[Deletion], keys_since: int | None) -> list[Deletion]:
        """Those of rows that the stream may have had.

        A key of another stream is none of this one, nor is one that was never sent, where all
        keys are known: those of rows that were deleted since `keys_since`.
        """
        found = [*deletions]
        keys = [item.key for item in found]
        mine = self._seen(self.stream).known(keys)
        theirs = {key for name in self.others for key in self._seen(name).known(keys)}

        def may_be_mine(item: Deletion) -> bool:
            if item.key in mine or item.key in theirs:
                return item.key in mine
            return keys_since is None or item.timestamp <= keys_since

        return [item for item in found if may_be_mine(item)]

    def _seen(self, stream: str) -> SeenKeys:
        return SeenKeys(self.connection.store, self.connection.app.key, self.division, stream)


LASTING = (
    "Division %s: the rows are read all the same. Where Exact Online goes on refusing the log, "
    "every run ends like this one: set deletes: off, and no deletes are seen."
)


class DeletedLogs:
    """The logs of all divisions, each read once a run, before the first stream that needs it.

    They are kept to the end of the run, since every stream is read in all divisions before the
    next one is begun.
    """

    def __init__(
        self,
        context: RunContext,
        selection: DivisionSelection,
        failures: Failures,
        unreadable: Unreadable,
        selected_streams: Callable[[], Iterable[str]],
    ) -> None:
        """Read none yet; a log is read from where the furthest behind of the streams stands."""
        self._context = context
        self._selection = selection
        self._failures = failures
        self._unreadable = unreadable
        self._selected_streams = selected_streams
        self._read: dict[int, DeletedLog] = {}

    @cached_property
    def watermarks(self) -> DeleteWatermarks:
        """How far deletes were sent, for loads that begin without a state."""
        connection = self._context.connection
        return DeleteWatermarks(connection.store, connection.app.key)

    def of(self, division: int) -> DeletedLog:
        """What was deleted in a division."""
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
                logger.warning(LASTING, division)
        except AccessDenied as error:
            if error.is_of_division:
                raise
            logger.warning("Division %s: no deletes will be seen. %s", division, error)
        return DeletedLog(end=start)

    def _positions(self, division: int) -> Iterator[int]:
        """How far the log had been told to each selected stream that has been read before."""
        places = self.watermarks.places(division)
        moved_at = self._selection.moved_at(division)
        bookmarks_of = self._context.state.get("bookmarks", {})
        for name in self._selected_streams():
            partitions = bookmarks_of.get(name, {}).get("partitions", [])
            mine = (each for each in partitions if each["context"].get("division") == division)
            state = validity.with_place(next(mine, {}), places.get(name))
            position = validity.log_position(state, moved_at)
            if position is not None:
                yield position
