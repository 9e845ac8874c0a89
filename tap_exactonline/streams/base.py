"""The stream of any entity, as the Singer SDK asks for it."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.exceptions import AbortedSyncExceptionBase
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import Metadata
from typing_extensions import override

from exactonline_client.deletion import DELETED_AT
from exactonline_client.errors import ExactOnlineError
from exactonline_client.plugin.stream_maps import is_tombstone
from tap_exactonline.definitions.definition import DIVISION
from tap_exactonline.definitions.schema import UNKNOWN_FIELDS, schema
from tap_exactonline.deletes import log as deletes
from tap_exactonline.extract import schema_drift
from tap_exactonline.extract.workers import Ended
from tap_exactonline.readers.base import PartitionReader
from tap_exactonline.readers.request import StreamRequest, needed_columns
from tap_exactonline.state import inputs, validity
from tap_exactonline.state.bookmarks import PARTITION

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Generator,
        Iterable,
        Iterator,
        Mapping,
        MutableMapping,
    )

    from singer_sdk import Tap
    from singer_sdk.singerlib import Catalog, MetadataMapping, RecordMessage

    from exactonline_client.odata.decoding import Row
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]

NO_STATE_BY_COUNT = sys.maxsize
COLUMN = 2
"""The length of a column's path in the metadata: `("properties", "Name")`."""


class ExactStream(Stream):
    """One entity, read from the endpoint that its plan names."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # the decoder makes exact types itself
    STATE_MSG_FREQUENCY = NO_STATE_BY_COUNT  # state goes out page by page
    _lacks_keys = False
    """Whether it was told that tombstones lack their key."""

    def __init__(
        self,
        tap: Tap,
        run: Run,
        plan: Plan,
        reader: type[PartitionReader] = PartitionReader,
    ) -> None:
        """A stream of `tap` that `reader` reads in `run` as `plan` says."""
        self.run = run
        self._reader = reader
        self.plan = plan
        self._compares = plan.name in run.compared
        self._reads_log = run.sends_tombstones and bool(plan.stream.deleted_type)
        self.tombstones = self._reads_log or self._compares
        self._siblings = deletes.siblings(plan, run.plans.values()) if self._reads_log else []
        self._may_keep = run.keeps_unknown and plan.may_star
        self._watch = schema_drift.Watch(plan.name, plan.endpoint.properties)
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

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what the user's catalog says, which may have been made with other settings."""
        marks = {DELETED_AT, UNKNOWN_FIELDS, DIVISION.name}
        inputs.fit(catalog.get_stream(self.name), self.schema, needed_columns(self.plan) | marks)
        super().apply_catalog(catalog)
        if self.replication_key:
            # That of the catalog may be a column of another endpoint.
            self.replication_key = self.plan.bookmark

    @property  # type: ignore[explicit-override]  # it has one; a setter makes mypy blind to it
    @override
    def selected(self) -> bool:
        """Whether the user wants the stream, and there is something to be read of it."""
        return bool(self.mask.get((), True)) and self.run.divisions.has_news(self.name)

    @selected.setter
    @override
    def selected(self, value: bool | None) -> None:
        self.metadata.root.selected = value
        self._mask = self.metadata.resolve_selection()

    @property
    @override
    def partitions(self) -> None:
        """None for the SDK, which would read one division after the other."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log, but leave our own errors to the one line in which the run ends."""
        quiet = (ExactOnlineError, AbortedSyncExceptionBase)
        if level >= logging.ERROR and isinstance(sys.exc_info()[1], quiet):
            return
        super().log(message, *args, level=level, **kwargs)

    @override
    def generate_child_contexts(self, record: Row, context: Context | None) -> Iterable[None]:
        """No child is read record by record; and the partition's name is no column."""
        record.pop(PARTITION, None)
        return ()

    @override
    def _write_record_message(self, record: Row) -> None:
        self.run.context.stop.check()
        super()._write_record_message(record)

    @override
    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """A tombstone without the key that a catalog or a map asks for would be a new row."""
        messages = super()._generate_record_messages(record)
        if not is_tombstone(record):
            yield from messages
            return
        keys = {one.stream_alias: one.transformed_key_properties or () for one in self.stream_maps}
        for message in messages:
            lacking = [name for name in keys[message.stream] if name not in message.record]
            if not lacking:
                yield message
            elif not self._lacks_keys:
                self._lacks_keys = True
                self.log(
                    "%s: deletes cannot be told, since the key that the catalog or stream_maps "
                    "asks for has columns (%s) that Exact Online does not tell of a deleted row.",
                    message.stream,
                    ", ".join(lacking),
                    level=logging.WARNING,
                )

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """The bookmark moves by pages, not by records (see `bookmarks`)."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Where a list is read from is known to its partition of the state alone."""

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: a bookmark is never ahead of the rows (see `bookmarks`)."""

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """The records of all divisions, which are read side by side.

        An error of one division leaves the others alone.
        """
        run = self.run
        with run.readers.side_by_side(self.name, self._readers()) as found:
            for division, given in found:
                if isinstance(given, Ended):
                    run.unreadable.tell()
                    with run.isolation.isolated(
                        self.told_as, self.plan.endpoint.id, division, run.progress.rows
                    ):
                        given.check()
                elif given.stream == self.name:
                    yield from given.rows
                    self.sent(given)
                else:
                    self.send_lines(given)

    @property
    def told_as(self) -> str:
        """The stream that a user who selects it knows the list by."""
        return self.name

    @property
    def is_incremental(self) -> bool:
        """Whether only changes are read; the catalog can ask for everything instead."""
        return self.replication_method == "INCREMENTAL"

    @property
    def request(self) -> StreamRequest:
        """What the catalog and the settings ask of the stream now."""
        return StreamRequest(
            plan=self.plan,
            is_selected=self.selected,
            is_incremental=self.is_incremental,
            deselected=frozenset(
                path[1] for path, wanted in self.mask.items() if len(path) == COLUMN and not wanted
            ),
            keeps_unknown=self._may_keep and self.mask.get(("properties", UNKNOWN_FIELDS), True),
            reads_log=self._reads_log,
            siblings=self._siblings,
            compares=self._compares,
            watch=self._watch,
        )

    def reader(self, division: int, context: Context | None) -> PartitionReader:
        """What reads the stream in one division, from the state as it is before the run."""
        request = self.request
        state: MutableMapping[str, Any] = self.get_context_state(context)
        if request.sends_tombstones:
            place = self.run.deleted_logs.watermarks.places(division).get(self.name)
            state = validity.with_place(state, place)
        return self._reader(self.run, request, division, context, dict(state))

    def _readers(self) -> dict[int, Callable[[], Iterator[Batch]]]:
        """What reads each division, to be run in a thread."""
        per_user = self.plan.stream.per_user
        divisions = [self.run.divisions.current] if per_user else self.run.divisions.of(self.name)
        contexts = {division: None if per_user else {PARTITION: division} for division in divisions}
        return {
            division: self.reader(division, context).read
            for division, context in contexts.items()
            if self.run.isolation.may_read(self.plan, division)
        }

    def sent(self, batch: Batch) -> None:
        """Let the state of a batch hold, now that its rows are out."""
        batch.settle(self.get_context_state(batch.context))
        self.run.states.changed()

    def send_lines(self, batch: Batch) -> None:
        """Send rows that belong to a child."""
        raise NotImplementedError
