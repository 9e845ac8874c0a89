"""Streams of document headers and lines: parent and child, read from one list."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import AbortedSyncPausedException
from typing_extensions import override

from tap_exactonline.readers.documents import DocumentReader
from tap_exactonline.readers.lines import LineReader
from tap_exactonline.streams.base import ExactStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from singer_sdk import Tap

    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.readers.base import PartitionReader
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]


class HeaderStream(ExactStream):
    """Stream of document headers; also reads the lines."""

    @property
    def child(self) -> LineStream | None:
        """Stream of the lines, if selected."""
        children = (child for child in self.child_streams if isinstance(child, LineStream))
        return next((child for child in children if child.selected), None)

    @property
    @override
    def reported_name(self) -> str:
        child = self.child
        return self.name if self.selected or child is None else child.name

    @override
    def reader(self, division: int, context: Context | None) -> PartitionReader:
        reader, child = super().reader(division, context), self.child
        if child is not None and isinstance(reader, DocumentReader):
            lines = child.reader(division, context)
            reader.lines = lines if isinstance(lines, LineReader) else None
        return reader

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """Yield the headers; lines are written in between."""
        with ExitStack() as stack:
            if self.child is not None:
                stack.callback(self.child.end)
            yield from super().get_records(context)

    @override
    def write_lines(self, batch: Batch) -> None:
        child = self.child
        if child is None:
            raise TypeError(batch.stream)
        if not child.write(batch.rows) and not self.selected:
            raise AbortedSyncPausedException
        child.commit(batch)


class LineStream(ExactStream):
    """Stream of document lines, written by the stream of their headers.

    The SDK's own child streams would emit a SCHEMA message for each batch of lines.
    """

    def __init__(self, tap: Tap, run: Run, definition: StreamDefinition) -> None:
        """Make a stream of `tap` that is read with its header stream."""
        super().__init__(tap, run, definition, LineReader)
        # Set per instance: as a class attribute, every header stream would adopt the lines.
        self.parent_stream_type = HeaderStream
        self._measured: ExitStack | None = None

    @property
    @override
    def is_incremental(self) -> bool:
        return self.forced_replication_method != "FULL_TABLE" or self.definition.bookmark is None

    def write(self, rows: Sequence[DecodedRow]) -> bool:
        """Write rows; returns False if the SDK's record limit cut them off."""
        if self._measured is None:
            self._begin()
        wanted = rows[: self.ABORT_AT_RECORD_COUNT]
        for row in self._write_at_once(wanted):
            self._write_record_message(row)
            self._counter.increment()
        return len(wanted) == len(rows)

    def _begin(self) -> None:
        self.log("Beginning sync of '%s' in %s mode", self.name, self.replication_method.lower())
        self._write_schema_message()
        self._measured = ExitStack()
        self._measured.enter_context(self.get_sync_timer())
        self._measured.enter_context(self.get_record_counter())

    def end(self) -> None:
        """Log the metrics of the stream after the headers have been read."""
        if self._measured is not None:
            self._measured.close()
            self._measured = None

    @override
    def _write_state_message(self) -> None:
        """Do nothing: the header stream emits the state after each batch."""
