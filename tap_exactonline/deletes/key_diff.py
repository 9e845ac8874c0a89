"""Deletes that no log tells: the keys of a list, against those that were seen in earlier runs.

A list that was read to its end says which rows there are; what was seen before and is not there
is gone. Its tombstones are told behind the moment in the state, so none is told in vain.
"""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from exactonline_client.catalogue import load
from exactonline_client.deletion import DELETED_AT
from exactonline_client.errors import ConfigurationError
from exactonline_client.store.key_snapshots import SeenKeys
from tap_exactonline.definitions.definition import DIVISION
from tap_exactonline.extract import decoding, permissions
from tap_exactonline.state import validity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeVar

    from exactonline_client.connection import Connection
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.definitions.definition import Plan

    AnyPlan = TypeVar("AnyPlan", bound=Plan)

logger = logging.getLogger(__name__)

SETTING = "compare_keys"
ALL = "all"
KEYS_COMPARED = "keys_compared"
"""In the state of a partition: the moment behind which rows that are gone were not told yet."""
LOG = "sync/Deleted"


def fits(plan: Plan) -> bool:
    """Whether only a comparison can tell the deletes of a stream."""
    return bool(plan.stream.key) and not plan.stream.deleted_type and plan.endpoint.id != LOG


def streams(setting: Sequence[str] | None, found: Sequence[Plan]) -> set[str]:
    """The names of the streams to compare.

    Raises:
        ConfigurationError: a name that is none, or of a stream for which it makes no sense.
    """
    if not setting:
        return set()
    if ALL in setting:
        return {plan.name for plan in found if fits(plan)}
    known = {plan.name: plan for plan in found}
    for name in setting:
        if name not in known:
            raise ConfigurationError(f"Setting {SETTING}: there is no stream {name}.")
        if known[name].stream.deleted_type:
            raise ConfigurationError(
                f"Setting {SETTING}: Exact's deleted log tells the deletes of {name}. Leave it out."
            )
        if not fits(known[name]):
            raise ConfigurationError(
                f"Setting {SETTING}: the rows of {name} cannot be compared. Leave it out."
            )
    return set(setting)


def key(plan: Plan) -> list[str]:
    """The columns that tell the rows of a stream apart, within its division."""
    names = plan.stream.key
    return [name for name in names if plan.stream.per_user or name != DIVISION.name]


def key_plan(plan: AnyPlan) -> AnyPlan:
    """The plan to list no more than the keys by: 1,000 a page where there is a bulk twin."""
    twin = plan.endpoint.bulk_twin
    endpoint = load().endpoints[twin] if twin else plan.endpoint
    return replace(
        plan, endpoint=endpoint, columns={name: plan.columns[name] for name in key(plan)}
    )


class Comparison:
    """The keys of one stream in one division, in one run."""

    def __init__(
        self, connection: Connection, plan: Plan, division: int, note: decoding.Note
    ) -> None:
        """Compare nothing yet; `note` is told where keys cannot be read."""
        self._connection, self._plan, self._division = connection, plan, division
        self._note = note
        place = 0 if plan.stream.per_user else division
        self._seen = SeenKeys(connection.store, connection.app.key, place, plan.name)
        self._key = key(plan)
        columns = [plan.columns[name] for name in self._key]
        # What cannot be read is told where the row itself is sent.
        self._decode = decoding.decoder(columns, connection.zone, self._key, lambda *_: None)
        self.begin()

    def begin(self) -> None:
        """A list is read from its start: what was noted before may be gone from it."""
        self._moment = self._seen.next_timestamp(self._connection.clock())
        self._is_empty = True
        self._is_whole = True

    def note(self, records: Iterable[Row]) -> None:
        """These rows are there, and about to be sent."""
        keys = [[row[name] for name in self._key] for row in records]
        self._is_empty = self._is_empty and not keys
        known = [key for key in keys if None not in key]
        self._is_whole = self._is_whole and len(known) == len(keys)
        self._seen.note(map(json.dumps, known), self._moment)

    def note_lost(self) -> None:
        """There are rows of which nobody knows which they are."""
        self._is_whole = False

    def list(self, pages: Iterable[Page]) -> None:
        """Note the keys of a whole list."""
        self.begin()
        for page in pages:
            self.note_rows(page.rows)

    def note_rows(self, rows: Iterable[Row]) -> None:
        """These rows, as the API sends them, are there."""
        self.note(map(self._decode, rows))

    def gone(self, state: dict[str, Any], *, sent_all: bool) -> Iterator[Row]:
        """A tombstone for every row that is gone, now that the list was read to its end.

        Where rows are back that were gone, and not all rows were sent, the next run sends all.
        """
        if not self._is_whole:
            what = "not all keys could be read, so nothing is marked as deleted"
            self._note(what, "comparisons left out", {})
            return
        if self._is_empty and self._is_doubtful():
            return
        back = self._seen.settle(self._moment)
        if back and not sent_all:
            logger.warning(
                "%s of division %s: %d rows that were gone are back. The next run reads "
                "everything again.",
                self._plan.name,
                self._division,
                back,
            )
            validity.forget(state)
        for values, moment in self._seen.gone(state.get(KEYS_COMPARED, 0)):
            found = dict(zip(self._key, json.loads(values), strict=True))
            yield {DIVISION.name: self._division, **found, DELETED_AT: _text(moment)}
        state[KEYS_COMPARED] = self._moment

    def _is_doubtful(self) -> bool:
        """Whether a list may be empty for want of rights, while rows were seen of it before."""
        if not self._seen.any_left:
            return False
        if permissions.may_read(self._connection, self._plan, self._division):
            return False
        logger.warning(
            "%s of division %s came back empty, and held rows before. Exact Online does not "
            "confirm that the signed-in user may read it, so nothing is marked as deleted. Give "
            "the user those rights, or deselect the stream.",
            self._plan.name,
            self._division,
        )
        return True


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")
