"""Stream of any entity: the overrides of the Singer SDK's `Stream`."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from singer_sdk import Stream
from singer_sdk.exceptions import AbortedSyncExceptionBase
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib import Metadata
from typing_extensions import override

from exactonline_client.deletion import DELETED_AT
from exactonline_client.errors import ExactOnlineError
from exactonline_client.odata.records import as_row, leave_out
from tap_exactonline.definitions import names
from tap_exactonline.definitions.definition import DIVISION
from tap_exactonline.definitions.schema import UNKNOWN_FIELDS, schema
from tap_exactonline.deletes import log as deletes
from tap_exactonline.extract import schema_drift
from tap_exactonline.extract.workers import Finished
from tap_exactonline.message_writer import BufferedWriter
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
        Sequence,
    )

    from singer_sdk import Tap
    from singer_sdk.metrics import Counter
    from singer_sdk.singerlib import Catalog, MetadataMapping, RecordMessage

    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]

NO_STATE_BY_COUNT = sys.maxsize
ROWS_AT_ONCE = 250
"""Rows that are written between two looks at the stop flag."""


class ExactStream(Stream):
    """Stream of one entity."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE  # the decoder makes exact types itself
    STATE_MSG_FREQUENCY = NO_STATE_BY_COUNT  # state goes out page by page
    _lacks_keys = False
    """Whether the warning about tombstones without key was logged."""

    def __init__(
        self,
        tap: Tap,
        run: Run,
        definition: StreamDefinition,
        reader: type[PartitionReader] = PartitionReader,
    ) -> None:
        """Make a stream of `tap`; `reader` reads one partition of it."""
        self.run = run
        self._reader = reader
        self.definition = definition
        self._compares = definition.name in run.compared_streams
        self._reads_log = run.sends_tombstones and bool(definition.stream.deleted_type)
        self.tombstones = self._reads_log or self._compares
        self._siblings = (
            deletes.siblings(definition, run.definitions.values()) if self._reads_log else []
        )
        self._keeps_unknown = run.keeps_unknown and definition.allows_star
        self._drift = schema_drift.DriftDetector(definition.name, definition.endpoint.properties)
        stream_schema = schema(definition, tombstones=self.tombstones, unknown=self._keeps_unknown)
        style = run.context.config.get(names.SETTING)
        self._names = names.by_exact_name(definition.name, definition.columns, style)
        self._renames = style == names.SNAKE
        stream_schema["properties"] = self._named(stream_schema["properties"])
        super().__init__(tap, schema=stream_schema, name=definition.name)
        self.primary_keys = [self._names[key] for key in definition.primary_keys]
        self.replication_key = self._names[definition.bookmark] if definition.bookmark else None

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return values by Exact's names of their columns under the names of the records."""
        return {self._names.get(name, name): value for name, value in values.items()}

    @property
    @override
    def metadata(self) -> MetadataMapping:
        """Catalog metadata; `_sdc_deleted_at` cannot be deselected."""
        metadata = super().metadata
        if self.tombstones:
            mark = metadata.setdefault(("properties", DELETED_AT), Metadata())
            mark.inclusion = Metadata.InclusionType.AUTOMATIC
        return metadata

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Apply the input catalog, which may have been made with other settings."""
        needed = needed_columns(self.definition) | {DELETED_AT, UNKNOWN_FIELDS, DIVISION.name}
        entry = catalog.get_stream(self.name)
        inputs.rename_columns(entry, self._names)
        inputs.align_columns(entry, self.schema, self._named(dict.fromkeys(needed)))
        super().apply_catalog(catalog)
        if self.replication_key:
            # The catalog may name a column of another endpoint.
            bookmark = self.definition.bookmark
            self.replication_key = self._names[bookmark] if bookmark else None

    @property  # type: ignore[explicit-override]  # it has one; a setter makes mypy blind to it
    @override
    def selected(self) -> bool:
        """Whether the stream is selected and, with `divisions_from`, named by a webhook."""
        return bool(self.mask.get((), True)) and self.run.divisions.has_news(self.name)

    @selected.setter
    @override
    def selected(self, value: bool | None) -> None:
        self.metadata.root.selected = value
        self._mask = self.metadata.resolve_selection()

    @property
    @override
    def partitions(self) -> None:
        """None, so that the SDK does not read one division after the other."""

    @override
    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log, except errors of our own and aborts: the run reports those once, at its end."""
        quiet = (ExactOnlineError, AbortedSyncExceptionBase)
        if level >= logging.ERROR and isinstance(sys.exc_info()[1], quiet):
            return
        super().log(message, *args, level=level, **kwargs)

    @override
    def generate_child_contexts(self, record: Row, context: Context | None) -> Iterable[None]:
        """No contexts: children are read with their parent. Removes the SDK's partition column."""
        record.pop(PARTITION, None)
        return ()

    @override
    def _write_record_message(self, record: Row) -> None:
        self.run.context.stop.check()
        super()._write_record_message(record)

    @override
    def _generate_record_messages(self, record: Row) -> Generator[RecordMessage, None, None]:
        """Drop tombstones without the key of the catalog or a map: they would insert new rows."""
        if self._renames:
            record = self._named(record)
        messages = super()._generate_record_messages(record)
        if not record.get(DELETED_AT):
            yield from messages
            return
        keys = {
            stream_map.stream_alias: stream_map.transformed_key_properties or ()
            for stream_map in self.stream_maps
        }
        for message in messages:
            lacking = [name for name in keys[message.stream] if name not in message.record]
            if not lacking:
                yield message
            elif not self._lacks_keys:
                self._lacks_keys = True
                self.log(
                    "%s: deletes cannot be sent, as the key in the catalog or stream_maps has "
                    "columns (%s) that Exact Online does not give of a deleted row.",
                    message.stream,
                    ", ".join(lacking),
                    level=logging.WARNING,
                )

    def _write_at_once(self, rows: Sequence[DecodedRow]) -> list[Row]:
        """Write rows without the SDK, which takes several times as long.

        Returns the rows that the SDK has to write one by one, because it may change or drop them.
        """
        if not self.selected:
            # It may be missing in the catalog, and then has no map.
            return [*map(as_row, rows)]
        stream_map, writer = self.stream_maps[0], self._tap.message_writer
        if (
            len(self.stream_maps) > 1
            or not isinstance(stream_map, SameRecordTransform)
            or stream_map.flattening_enabled
            or not isinstance(writer, BufferedWriter)
            or self.ABORT_AT_RECORD_COUNT is not None
            or self.get_batch_config(self.config) is not None
            or any(isinstance(row, dict) and row.get(DELETED_AT) for row in rows)
        ):
            return [*map(as_row, rows)]
        leave_out(rows, self.request.deselected)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            self.run.context.stop.check()
            chunk = rows[start : start + ROWS_AT_ONCE]
            if self._renames:
                chunk = [self._named(as_row(row)) for row in chunk]
            writer.write_records(stream_map.stream_alias, chunk, self._stream_version)
            self._counter.increment(len(chunk))
        self.state_manager.is_flushed = False
        return []

    @override
    def get_record_counter(self, **options: Any) -> Counter:
        self._counter = super().get_record_counter(**options)
        return self._counter

    @override
    def _increment_stream_state(self, latest_record: Row, *, context: Any = None) -> None:
        """Do nothing: bookmarks advance by page, not by record (see `bookmarks`)."""

    @override
    def _write_starting_replication_value(self, context: Context | None) -> None:
        """Do nothing: the reader takes the start from the partition's state."""

    @override
    def _write_state_message(self) -> None:
        """Emit the state if it is due: the SDK would emit that of all streams after each stream."""
        if not self.state_manager.is_flushed:
            _ = self.stream_state  # makes an entry for the stream, as the SDK does
            self.state_manager.is_flushed = True
            self.run.states.changed()

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """None: a bookmark is never ahead of the rows (see `bookmarks`), so no limit is needed."""

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """Yield the records of all divisions, read in parallel; isolate errors per division."""
        run = self.run
        with run.readers.in_parallel(self.name, self._readers()) as results:
            for division, result in results:
                if isinstance(result, Finished):
                    run.unreadable.log_new()
                    with run.isolation.isolated(
                        self.reported_name, self.definition.endpoint.id, division, run.progress.rows
                    ):
                        result.check()
                elif result.stream == self.name:
                    yield from self._write_at_once(result.rows)
                    self.commit(result)
                else:
                    self.write_lines(result)

    @property
    def reported_name(self) -> str:
        """Stream name for log lines and errors."""
        return self.name

    @property
    def is_incremental(self) -> bool:
        """Whether the replication method is INCREMENTAL; the catalog can set FULL_TABLE."""
        return self.replication_method == "INCREMENTAL"

    @property
    def request(self) -> StreamRequest:
        """Current request for the stream, from catalog and settings."""
        return StreamRequest(
            definition=self.definition,
            is_selected=self.selected,
            is_incremental=self.is_incremental,
            deselected=frozenset(
                name for name, shown in self._names.items() if not self._is_wanted(shown)
            ),
            keeps_unknown=self._keeps_unknown
            and self.mask.get(("properties", UNKNOWN_FIELDS), True),
            reads_log=self._reads_log,
            siblings=self._siblings,
            compares_keys=self._compares,
            drift=self._drift,
        )

    def _is_wanted(self, column: str) -> bool:
        return bool(self.mask.get(("properties", column), True))

    def reader(self, division: int, context: Context | None) -> PartitionReader:
        """Make the reader of one division, which starts from the current state."""
        request = self.request
        state: MutableMapping[str, Any] = self.get_context_state(context)
        if request.sends_tombstones:
            watermark = self.run.deleted_logs.watermarks.places(division).get(self.name)
            state = validity.with_watermark(state, watermark)
        return self._reader(self.run, request, division, context, dict(state))

    def _readers(self) -> dict[int, Callable[[], Iterator[Batch]]]:
        """Function that reads each division, to run in a thread."""
        per_user = self.definition.stream.per_user
        divisions = [self.run.divisions.current] if per_user else self.run.divisions.of(self.name)
        contexts = {division: None if per_user else {PARTITION: division} for division in divisions}
        return {
            division: self.reader(division, context).read
            for division, context in contexts.items()
            if self.run.isolation.may_read(self.definition, division)
        }

    def commit(self, batch: Batch) -> None:
        """Commit the state of a batch after its rows were written."""
        batch.commit(self.get_context_state(batch.context))
        self.run.states.changed()

    def write_lines(self, batch: Batch) -> None:
        """Write rows of the child stream."""
        raise NotImplementedError
