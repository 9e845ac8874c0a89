"""The stream that reads any entity, from the endpoint that its plan names."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Metadata
from typing_extensions import override

from exactonline_client import odata
from exactonline_client.errors import ExactOnlineError, UnexpectedAnswer
from tap_exactonline import bookmarks, continuity, drift, reading, rights
from tap_exactonline.bookmarks import Progress
from tap_exactonline.plan import DIVISION, MODIFIED, TIMESTAMP
from tap_exactonline.schema import DELETED_AT, UNKNOWN_FIELDS, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from singer_sdk.singerlib import MetadataMapping

    from exactonline_client.catalogue import Property
    from exactonline_client.odata import Row
    from exactonline_client.pages import Page
    from tap_exactonline.plan import Plan
    from tap_exactonline.tap import TapExactOnline

    Context = Mapping[str, Any]

PARTITION = "division"
NO_STATE_BY_COUNT = sys.maxsize


class ExactStream(Stream):
    """One entity, read from the endpoint that its plan names."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # the decoder makes exact types itself
    STATE_MSG_FREQUENCY = NO_STATE_BY_COUNT  # state goes out page by page

    def __init__(self, tap: TapExactOnline, plan: Plan) -> None:
        """A stream of `tap` that is read as `plan` says."""
        self.tap = tap
        self.plan = plan
        self.tombstones = tap.sends_tombstones and bool(plan.stream.deleted_type)
        self._may_keep = tap.keeps_unknown and plan.may_star
        self._watch = drift.Watch(plan.name, plan.endpoint.properties)
        facts = schema(plan, tombstones=self.tombstones, unknown=self._may_keep)
        super().__init__(tap, schema=facts, name=plan.name)
        self.primary_keys = plan.primary_keys
        self.replication_key = plan.bookmark

    @property
    @override
    def metadata(self) -> MetadataMapping:
        """The catalog metadata; the mark of a deleted row cannot be deselected."""
        metadata = super().metadata
        if self.tombstones:
            mark = metadata.setdefault(("properties", DELETED_AT), Metadata())
            mark.inclusion = Metadata.InclusionType.AUTOMATIC
        return metadata

    @property  # type: ignore[explicit-override]  # it has one; a setter makes mypy blind to it
    @override
    def selected(self) -> bool:
        """Whether the user wants the stream, and there is something to be read of it."""
        return bool(self.mask.get((), True)) and self.tap.has_news(self.name)

    @selected.setter
    @override
    def selected(self, value: bool | None) -> None:
        self.metadata.root.selected = value
        self._mask = self.metadata.resolve_selection()

    @property
    @override
    def partitions(self) -> list[dict[str, Any]] | None:
        """One partition for each division, but for lists that belong to the user."""
        if self.plan.stream.per_user:
            return None
        return [{PARTITION: division} for division in self.tap.divisions_of(self.name)]

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log, but leave our own errors to the one line in which the run ends."""
        if level >= logging.ERROR and isinstance(sys.exc_info()[1], ExactOnlineError):
            return
        super().log(message, *args, level=level, **kwargs)

    @override
    def generate_child_contexts(self, record: Row, context: Context | None) -> Iterable[None]:
        """No child is read record by record; and the partition's name is no column."""
        record.pop(PARTITION, None)
        return ()

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """The bookmark moves by pages, not by records (see `bookmarks`)."""

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """The records of one division; an error of one division leaves the others alone."""
        division = context[PARTITION] if context else self.tap.current_division
        if not self.tap.is_open(division):
            return
        with self.tap.isolated(self.name, division):
            self.check_continuity(division, context)
            yield from self._deleted(division, context)
            yield from self._rights_checked(division, context)

    def _rights_checked(self, division: int, context: Context | None) -> Iterator[Row]:
        """The rows; where there has never been one, the user's rights are asked about."""
        is_first = not self.get_context_state(context).get("replication_key_value")
        is_empty = True
        for row in self._rows(division, context):
            is_empty = False
            yield row
        if is_empty and is_first and self.selected and self.tap.config.get(rights.SETTING):
            rights.doubt(self.tap.connection, self.plan, division)

    def check_continuity(self, division: int, context: Context | None) -> None:
        """Start anew where the state no longer fits what Exact Online knows."""
        if context and self.selected:
            what = f"{self.name} of division {division}"
            state = self.get_context_state(context)
            has_rowversions = self.plan.bookmark == TIMESTAMP or self.tombstones
            moved_at = self.tap.moved_at(division) if has_rowversions else None
            continuity.check(what, state, moved_at, self.tap.now)

    def _rows(self, division: int, context: Context | None) -> Iterator[Row]:
        state = self.get_context_state(context)
        start = self.start(division, state, self.plan.bookmark)
        decode = self.decoder(division)
        progress = Progress(self.plan.bookmark or "", self.tap.connection.zone)
        for page in self._pages(division, start):
            rows = [decode(row) for row in page.rows]
            yield from rows
            if self.plan.bookmark:
                progress.page_read(page, [row[self.plan.bookmark] for row in rows])
            self._advance(state, progress)
        progress.finished()
        self._advance(state, progress)
        self.complete(state, progress)

    def complete(self, state: dict[str, Any], progress: Progress) -> None:
        """The whole list is out: note until when it is complete, and send the state."""
        if self.selected and self.is_incremental and progress.settled is not None:
            state[continuity.COMPLETE_UNTIL] = progress.settled
        self.tap.state_writer.write_state(self.tap_state)

    def _pages(self, division: int, start: Any) -> Iterator[Page]:  # noqa: ANN401
        query = reading.Query(division, self.asked_columns, start, everything=self.keeps_unknown)
        return reading.read(self.tap.connection, self.plan, query)

    def _advance(self, state: dict[str, Any], progress: Progress) -> None:
        """Move the bookmark to what is proven, and send the state."""
        if self.selected and self.is_incremental:
            bookmarks.advance(state, progress)
        self.tap.state_writer.write_state(self.tap_state)

    @property
    def is_incremental(self) -> bool:
        """Whether only changes are read; the catalog can ask for everything instead."""
        return self.replication_method == "INCREMENTAL"

    def start(self, division: int, state: dict[str, Any], column: str | None) -> Any:  # noqa: ANN401
        """Behind which bookmark of a column to read; None for everything."""
        if column is None or not self.is_incremental:
            return None
        found = bookmarks.start(state, column)
        if found is None:
            found = continuity.other_start(
                state,
                column,
                lambda moment: self.tap.first_timestamp(self.plan, division, moment),
            )
        start_date = self.tap.start_date
        if found is not None or start_date is None:
            return found
        if column == MODIFIED:
            return start_date
        return self.tap.first_timestamp(self.plan, division, start_date)

    @property
    def selected_columns(self) -> list[Property]:
        """The columns that are selected, with the key and the bookmark always among them."""
        needed = {*self.plan.primary_keys, self.plan.bookmark}
        return [
            item
            for name, item in self.plan.columns.items()
            if name in needed or self.mask.get(("properties", name), True)
        ]

    @property
    def asked_columns(self) -> list[str]:
        """Those of the selected columns that the endpoint gives."""
        known = self.plan.endpoint.columns
        return [item.name for item in self.selected_columns if item.name in known]

    @property
    def keeps_unknown(self) -> bool:
        """Whether a record holds the fields that the catalogue does not know."""
        return self._may_keep and self.mask.get(("properties", UNKNOWN_FIELDS), True)

    def decoder(self, division: int) -> Callable[[Row], Row]:
        """A function that makes a record of a row of the API."""
        decode = odata.decoder(self.selected_columns, self.tap.connection.zone)
        complete, keeps_unknown = self._has_division, self.keeps_unknown

        def record(row: Row) -> Row:
            try:
                result = decode(row)
            except odata.WrongType as error:
                key = {name: row.get(name) for name in self.plan.stream.key}
                raise UnexpectedAnswer(
                    f"Row {key}: {error}. The rows behind it were not read; please report this."
                ) from None
            unknown = self._watch.unknown(row)
            if keeps_unknown:
                result[UNKNOWN_FIELDS] = unknown
            if not complete or result[DIVISION.name] is None:
                result[DIVISION.name] = division
            return result

        return record

    @property
    def _has_division(self) -> bool:
        return DIVISION.name in self.plan.endpoint.columns

    def _deleted(self, division: int, context: Context | None) -> Iterator[Row]:
        """A tombstone for every row that was deleted since the last run."""
        entity_type = self.plan.stream.deleted_type
        if not self.tombstones or entity_type is None or not self.selected:
            return
        log = self.tap.deleted_log(division)
        state = self.get_context_state(context)
        position = state.get(continuity.DELETES_READ)
        if position is not None:
            key = self.plan.stream.key[0]
            for item in log.since(position, entity_type):
                yield {key: item.key, DIVISION.name: division, DELETED_AT: item.deleted_at}
        state[continuity.DELETES_READ] = max(log.end, position or 0)
        if log.read_at is not None:
            state[continuity.DELETES_READ_AT] = log.read_at
        if position is None:
            # A run that is cut off before its first page is complete has sent rows already: the
            # next one must know from where on they may have been deleted.
            self.tap.state_writer.write_state(self.tap_state)
