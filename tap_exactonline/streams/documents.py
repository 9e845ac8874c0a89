"""Streams of documents and of their lines: parent and child, both read from one list."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import AbortedSyncPausedException
from typing_extensions import override

from tap_exactonline.readers.documents import DocumentReader
from tap_exactonline.readers.lines import LineReader
from tap_exactonline.streams.base import ExactStream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Tap

    from exactonline_client.odata.decoding import Row
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.readers.base import PartitionReader
    from tap_exactonline.readers.run import Run

    Context = Mapping[str, Any]


class HeaderStream(ExactStream):
    """The headers of documents; reads the list that both halves share."""

    @property
    def child(self) -> LineStream | None:
        """The stream of the lines, if it is selected."""
        children = (child for child in self.child_streams if isinstance(child, LineStream))
        return next((child for child in children if child.selected), None)

    @property
    @override
    def told_as(self) -> str:
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
        """The headers; the lines are sent between them."""
        with ExitStack() as stack:
            if self.child is not None:
                stack.callback(self.child.end)
            yield from super().get_records(context)

    @override
    def send_lines(self, batch: Batch) -> None:
        child = self.child
        if child is None:
            raise TypeError(batch.stream)
        if not child.write(batch.rows) and not self.selected:
            raise AbortedSyncPausedException
        child.sent(batch)


class LineStream(ExactStream):
    """The lines of documents, sent by the stream of their headers.

    The SDK would sync a child anew, schema and all, for each batch of lines.
    """

    def __init__(self, tap: Tap, run: Run, plan: Plan) -> None:
        """A stream of `tap` whose rows come with those of its headers."""
        super().__init__(tap, run, plan, LineReader)
        # Of the stream alone: by its class, the SDK would take it for a child of all headers.
        self.parent_stream_type = HeaderStream
        self._measured: ExitStack | None = None

    @property
    @override
    def is_incremental(self) -> bool:
        return self.forced_replication_method != "FULL_TABLE" or self.plan.bookmark is None

    def write(self, rows: list[Row]) -> bool:
        """Write rows; False where a limit of the records to read keeps some of them back."""
        if self._measured is None:
            self._begin()
        wanted = rows[: self.ABORT_AT_RECORD_COUNT]
        for row in wanted:
            self._write_record_message(row)
            self._counter.increment()
        return len(wanted) == len(rows)

    def _begin(self) -> None:
        self.log("Beginning sync of '%s' in %s mode", self.name, self.replication_method.lower())
        self._write_schema_message()
        self._measured = ExitStack()
        self._measured.enter_context(self.get_sync_timer())
        self._counter = self._measured.enter_context(self.get_record_counter())

    def end(self) -> None:
        """Report the rows and the time, now that the headers are read."""
        if self._measured is not None:
            self._measured.close()
            self._measured = None

    @override
    def _write_state_message(self) -> None:
        """The state moves behind the rows that were sent, and not before."""
