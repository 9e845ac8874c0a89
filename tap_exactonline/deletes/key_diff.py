"""Detect hard deletes by comparing the primary keys of full listings.

Keys that earlier runs have seen and a complete list no longer has are deleted. The state holds the
time up to which tombstones were sent, so that those of a run whose state is lost are sent again.
"""

from __future__ import annotations

import json
import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from exactonline_client.catalogue import load
from exactonline_client.deletion import DELETED_AT
from exactonline_client.errors import ConfigurationError
from exactonline_client.printable import counted
from tap_exactonline.definitions.definition import DIVISION
from tap_exactonline.extract import decoding, permissions
from tap_exactonline.state import validity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeVar

    from exactonline_client.connection import Connection
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow
    from tap_exactonline.definitions.definition import StreamDefinition

    AnyDefinition = TypeVar("AnyDefinition", bound=StreamDefinition)

logger = logging.getLogger(__name__)

SETTING = "compare_keys"
ALL = "all"
KEYS_COMPARED = "keys_compared"
"""State of a partition: time (Unix) up to which missing rows were sent as tombstones."""
LOG = "sync/Deleted"


def is_comparable(definition: StreamDefinition) -> bool:
    """Whether deletes of a stream are not logged and can be detected by its keys."""
    return (
        bool(definition.stream.key)
        and not definition.stream.deleted_type
        and definition.endpoint.id != LOG
    )


def streams(setting: Sequence[str] | None, definitions: Sequence[StreamDefinition]) -> set[str]:
    """Names of the streams whose keys to compare.

    Raises:
        ConfigurationError: a stream is unknown, or its keys need not or cannot be compared.
    """
    if not setting:
        return set()
    if ALL in setting:
        return {definition.name for definition in definitions if is_comparable(definition)}
    known = {definition.name: definition for definition in definitions}
    for name in setting:
        if name not in known:
            raise ConfigurationError(f"Setting {SETTING}: there is no stream {name}.")
        if known[name].stream.deleted_type:
            raise ConfigurationError(
                f"Setting {SETTING}: Exact's deleted log has the deletes of {name}. Leave it out."
            )
        if not is_comparable(known[name]):
            raise ConfigurationError(
                f"Setting {SETTING}: the rows of {name} cannot be compared. Leave it out."
            )
    return set(setting)


def key(definition: StreamDefinition) -> list[str]:
    """Primary key columns of a stream within its division."""
    names = definition.stream.key
    return [name for name in names if definition.stream.per_user or name != DIVISION.name]


def key_definition(definition: AnyDefinition) -> AnyDefinition:
    """Definition that lists keys only; from the bulk endpoint, if any (1,000 rows a page)."""
    twin = definition.endpoint.bulk_twin
    endpoint = load().endpoints[twin] if twin else definition.endpoint
    return replace(
        definition,
        endpoint=endpoint,
        columns={name: definition.columns[name] for name in key(definition)},
    )


class KeyDiff:
    """Compare the keys of one partition with those of earlier runs."""

    def __init__(
        self,
        connection: Connection,
        definition: StreamDefinition,
        division: int,
        note: decoding.NoteUnreadable,
    ) -> None:
        """Start a listing; `note` receives the problem if keys cannot be read."""
        self._connection, self._definition, self._division = connection, definition, division
        self._note_unreadable = note
        division_or_user = 0 if definition.stream.per_user else division
        self._seen = connection.seen_keys(division_or_user, definition.name)
        self._key = key(definition)
        columns = [definition.columns[name] for name in self._key]
        # Unreadable values are reported when the row itself is decoded.
        self._decode = decoding.decoder(columns, connection.zone, self._key, lambda *_: None)
        self.restart()

    def restart(self) -> None:
        """Start a new listing: rows of the one before may have been deleted since."""
        self._listed_at = self._seen.next_timestamp(self._connection.clock())
        self._is_empty = True
        self._is_complete = True

    def add_records(self, records: Iterable[DecodedRow]) -> None:
        """Note the keys of decoded rows."""
        keys = [[row[name] for name in self._key] for row in records]
        self._is_empty = self._is_empty and not keys
        known = [key for key in keys if None not in key]
        self._is_complete = self._is_complete and len(known) == len(keys)
        self._seen.note(map(json.dumps, known), self._listed_at)

    def mark_incomplete(self) -> None:
        """Mark the listing as incomplete: there are rows whose keys are unknown."""
        self._is_complete = False

    def add_pages(self, pages: Iterable[Page]) -> None:
        """Start a new listing, and note the keys of all its pages."""
        self.restart()
        for page in pages:
            self.add_rows(page.rows)

    def add_rows(self, rows: Iterable[Row]) -> None:
        """Note the keys of rows as the API sends them."""
        self.add_records(map(self._decode, rows))

    def tombstones(self, state: dict[str, Any], *, sent_all: bool) -> Iterator[Row]:
        """Yield a tombstone for every missing row, after a complete listing.

        If missing rows have come back, and not all rows were sent (`sent_all`), `state` is reset so
        that the next run sends all.
        """
        if not self._is_complete:
            problem = "not all keys could be read, so nothing is marked as deleted"
            self._note_unreadable(problem, "comparisons left out", {})
            return
        if self._is_empty and self._may_lack_rights():
            return
        back = self._seen.settle(self._listed_at)
        if back and not sent_all:
            logger.warning(
                "%s of division %s: %s reappeared. The next run reads everything again.",
                self._definition.name,
                self._division,
                counted(back, "deleted row"),
            )
            validity.reset(state)
        for values, listed_at in self._seen.gone(state.get(KEYS_COMPARED, 0)):
            known_values = dict(zip(self._key, json.loads(values), strict=True))
            yield {DIVISION.name: self._division, **known_values, DELETED_AT: _iso(listed_at)}
        state[KEYS_COMPARED] = self._listed_at

    def _may_lack_rights(self) -> bool:
        """Whether a list that had rows before may be empty for lack of permissions."""
        if not self._seen.any_left:
            return False
        if permissions.may_read(self._connection, self._definition, self._division):
            return False
        logger.warning(
            "%s of division %s came back empty, and held rows before. Exact Online does not "
            "confirm that the signed-in user may read it, so nothing is marked as deleted. Give "
            "the user those rights, or deselect the stream.",
            self._definition.name,
            self._division,
        )
        return True


def _iso(listed_at: float) -> str:
    return datetime.fromtimestamp(listed_at, timezone.utc).isoformat(timespec="milliseconds")
