"""Read headers and lines of documents from one list.

The list either mixes headers and lines, as some sync endpoints do, or each header contains its
lines (`$expand`). Lines belong to the child stream, which has its own bookmark; the list is read
from the lower of the two bookmarks.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace
from typing_extensions import override

from exactonline_client.errors import ExactOnlineError, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.odata.records import Expansion, PageDecoder, RecordPage
from exactonline_client.odata.refused_query import is_about_query
from tap_exactonline.definitions.definition import (
    DIVISION,
    HEADER_LINE_NUMBER,
    LINE_NUMBER,
    MODIFIED,
    TIMESTAMP,
)
from tap_exactonline.deletes import key_diff
from tap_exactonline.extract import decoding
from tap_exactonline.extract.query import Query, read_pages, remember_refusal, warn_of_refusal
from tap_exactonline.readers.base import PartitionReader
from tap_exactonline.readers.lines import DocumentPart, LineReader, is_new
from tap_exactonline.state.bookmarks import BookmarkTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow, Record
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.deletes.key_diff import KeyDiff
    from tap_exactonline.extract.batch import Batch

logger = logging.getLogger(__name__)


def list_holds_lines(connection: Connection, definition: StreamDefinition, division: int) -> bool:
    """Whether lines are read from the list of their headers; False if `$expand` was refused."""
    if definition.expand is None:
        return True
    return not connection.refused_in(division).holds(
        definition.endpoint.id, _expand_option(definition)
    )


def _expand_option(definition: StreamDefinition) -> str:
    """Key under which a refusal of `$expand` is remembered."""
    return f"$expand={definition.expand}"


class DocumentReader(PartitionReader):
    """Read a list of headers and lines."""

    lines: LineReader | None = None
    """Reader of the lines; None if they are not selected."""
    diff: KeyDiff | None = None
    """Comparison of the keys of headers; None if not configured."""

    @property
    @override
    def partitions(self) -> Sequence[PartitionReader]:
        return (self,) if self.lines is None else (self, self.lines)

    @override
    def rows(self) -> Iterator[Batch]:
        column = self.definition.bookmark or ""
        starts = [self.position.start(column)] if self.request.is_selected else []
        lines = self.lines
        if lines is not None:
            separate = not list_holds_lines(self.connection, self.definition, self.division)
            lines.prepare(column, separate=separate)
            starts.append(lines.start)
        self.diff = self.key_diff_or_none()
        tracker = BookmarkTracker(column, self.connection.zone)
        try:
            yield from self._read_shared_list(tracker, starts)
        except ExactOnlineError:
            # Send the lines read so far, also if the daily limit was reached.
            if lines is not None:
                yield from lines.flush(tracker)
            raise
        tracker.finish()
        self.position.advance(tracker)
        self.position.complete(tracker)
        yield self.batch()
        if lines is not None:
            yield from lines.flush(tracker)
            yield lines.complete(tracker)
        yield from self._missing(sent_all=starts[:1] == [None])

    def _read_shared_list(self, tracker: BookmarkTracker, starts: Sequence[Any]) -> Iterator[Batch]:
        """Read from the lowest of the bookmarks `starts`; that of the headers comes first."""
        decode, lines = self.row_decoder(), self.lines
        for page in self._list_pages(None if None in starts else min(starts)):
            parts = [*self._split(page)]
            if lines is not None:
                lines.add(parts)
            headers = self._headers(parts, decode, starts[0])
            if self.diff is not None:
                self.diff.add_records(headers)
            changed_at = [part.changed_at for part in parts]
            tracker.add_page(page, [part.position for part in parts], changed_at)
            self.position.advance(tracker)
            yield self.batch(self.rows_with_key(headers))
            if lines is not None and lines.is_full:
                yield from lines.flush(tracker)

    def _missing(self, *, sent_all: bool) -> Iterator[Batch]:
        """Tombstones from comparing keys; none here, since mixed lists are in the deleted log."""
        del sent_all
        return iter(())

    def _headers(
        self,
        parts: list[DocumentPart],
        decode: Callable[[DecodedRow], DecodedRow],
        start: Any,  # noqa: ANN401
    ) -> list[DecodedRow]:
        if not self.request.is_selected:
            return []
        since = self.position.oldest
        return [
            decode(part.header)
            for part in parts
            if part.header is not None and is_new(part, start, since)
        ]

    def _list_pages(self, start: Any) -> Iterator[Page]:  # noqa: ANN401
        """Pages of the list after a bookmark."""
        raise NotImplementedError

    def _split(self, page: Page) -> Iterator[DocumentPart]:
        """Split a page into documents or their parts."""
        raise NotImplementedError


class MixedReader(DocumentReader):
    """Read a list that mixes headers (line number 0) and lines."""

    @override
    def _list_pages(self, start: Any) -> Iterator[Page]:
        names = {*self._position_columns}
        for half in self.partitions:
            if half.request.is_selected:
                names |= {item.name for item in half.request.columns}
        columns = [item for name, item in self.definition.endpoint.columns.items() if name in names]
        query = Query(
            self.division,
            [item.name for item in columns],
            start,
            all_columns=self.request.keeps_unknown,
        )
        decoder = None
        if not any(half.needs_rows for half in self.partitions):
            required = {DIVISION.name, LINE_NUMBER}
            decoder = PageDecoder(columns, required, self.connection.zone)
        return read_pages(self.connection, self.definition, query, decoder)

    @property
    def _position_columns(self) -> list[str]:
        """Columns that tell headers from lines and old rows from new ones."""
        return [TIMESTAMP, LINE_NUMBER, MODIFIED]

    @override
    def _split(self, page: Page) -> Iterator[DocumentPart]:
        for record in page.records or ():
            is_header = record[LINE_NUMBER] == HEADER_LINE_NUMBER
            yield DocumentPart(
                position=record[TIMESTAMP],
                header=record if is_header else None,
                lines=() if is_header else (record,),
                changed_at=record[MODIFIED],
            )
        decode = self.columns_decoder(self._position_columns)
        placed_by = [decode(row) for row in page.rows]
        decoding.rows_with_key(placed_by, [LINE_NUMBER], lambda *_: None)
        for row, position in zip(page.rows, placed_by, strict=True):
            part = DocumentPart(position[TIMESTAMP], None, [], position.get(MODIFIED))
            if position[LINE_NUMBER] is None:
                key_values = {column: row.get(column) for column in self.definition.stream.key}
                self.note_unreadable(f"{LINE_NUMBER} is missing", "rows left out", key_values)
                yield part
            elif position[LINE_NUMBER] == HEADER_LINE_NUMBER:
                yield replace(part, header=row)
            else:
                yield replace(part, lines=[row])


class ExpandedReader(DocumentReader):
    """Read a list of headers with expanded lines.

    If the server refuses `$expand`, the lines are read from their own list.
    """

    @override
    def _list_pages(self, start: Any) -> Iterator[Page]:
        lines, expansion = self.lines, _expand_option(self.definition)
        if lines is not None and lines.separate:
            known = self.connection.refused_in(self.division).until(self.definition.endpoint.id)
            warn_of_refusal(self.connection, self.definition, self.division, expansion, known)
        header_columns = self.requested_columns if self.request.is_selected else []
        columns = list(dict.fromkeys((*header_columns, *self.definition.stream.key, MODIFIED)))
        headers_only = Query(self.division, columns, start)
        if lines is None or lines.separate:
            decoder = self._documents_decoder(columns)
            yield from read_pages(self.connection, self.definition, headers_only, decoder)
            return
        with_lines = replace(
            headers_only, expand=self.definition.expand, expanded_columns=lines.requested_columns
        )
        decoder = self._documents_decoder(columns, lines)
        reader = read_pages(self.connection, self.definition, with_lines, decoder)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            if not is_about_query(refusal):
                raise
            logger.warning("%s Reading %s from their own list.", refusal, lines.name)
            lines.separate = True
            yield from self._read_headers_only(headers_only)
            return
        yield first
        yield from reader

    def _documents_decoder(
        self, names: Sequence[str], lines: LineReader | None = None
    ) -> PageDecoder | None:
        """Make the decoder of headers with these columns, and of their lines if there are any."""
        if self.needs_rows or (lines is not None and lines.needs_rows):
            return None
        expansion = None
        if lines is not None:
            expansion = Expansion(self.definition.expand or "", lines.columns)
        columns = [self.definition.endpoint.columns[name] for name in names]
        return PageDecoder(columns, {DIVISION.name}, self.connection.zone, expansion)

    def _read_headers_only(self, query: Query) -> Iterator[Page]:
        """Read headers without `$expand`; remember its refusal if nothing else was refused."""
        connection, endpoint = self.connection, self.definition.endpoint.id
        refused = connection.refused_in(query.division)
        before = refused.until(endpoint)
        decoder = self._documents_decoder(query.columns)
        reader = read_pages(connection, self.definition, query, decoder)
        first = next(reader)
        if refused.until(endpoint) == before:
            remember_refusal(
                connection, self.definition, query.division, _expand_option(self.definition)
            )
        yield first
        yield from reader

    @override
    def _missing(self, *, sent_all: bool) -> Iterator[Batch]:
        """List the keys of headers and lines at once; neither is in the deleted log."""
        diff, lines = self.diff, self.lines
        if lines is not None and (lines.separate or lines.diff is None):
            lines = None
        if diff is None and lines is None:
            return
        for page in self._keys(lines):
            if diff is not None:
                diff.add_rows(page.rows)
            if lines is not None:
                lines.add_keys(line for row in page.rows for line in self._lines(row))
        if diff is not None:
            yield from self.in_batches(diff.tombstones(self.state, sent_all=sent_all))
        if lines is not None and not lines.separate:
            yield from lines.missing()

    def _keys(self, lines: LineReader | None) -> Iterator[Page]:
        """Pages of all headers and their lines with keys only."""
        query = Query(self.division, key_diff.key(self.definition))
        if lines is not None:
            query = replace(
                query,
                expand=self.definition.expand,
                expanded_columns=key_diff.key(lines.definition),
            )
        for diff in (self.diff, lines.diff if lines is not None else None):
            if diff is not None:
                diff.restart()
        return read_pages(self.connection, key_diff.key_definition(self.definition), query)

    @override
    def _split(self, page: Page) -> Iterator[DocumentPart]:
        decode = self.columns_decoder([MODIFIED])
        for record in page.records or ():
            modified = record[MODIFIED]
            yield DocumentPart(modified, record, self._decoded_lines(record), modified)
        for row in page.rows:
            modified = decode(row)[MODIFIED]
            yield DocumentPart(modified, row, self._lines(row), modified)

    def _decoded_lines(self, record: Record) -> list[DecodedRow]:
        collection = record.get(self.definition.expand or "")
        if not isinstance(collection, RecordPage):
            return []
        return [*collection.records, *self._more_lines(collection.next_address)]

    def _lines(self, row: Row) -> list[Row]:
        lines = self.lines
        if lines is None or lines.separate:
            return []
        collection = row.get(self.definition.expand or "")
        if isinstance(collection, dict) and "__deferred" in collection:
            lines.separate = True
            remember_refusal(
                self.connection, self.definition, self.division, _expand_option(self.definition)
            )
            return []
        page = pagination.collection(collection)
        if page is None:
            key_values = {column: row.get(column) for column in self.definition.stream.key}
            lines.note_unreadable_lines(
                f"{self.definition.expand} of a row is not a list of rows", key_values
            )
            return []
        return [*page.rows, *self._more_lines(page.next_address)]

    def _more_lines(self, address: str | None) -> Iterator[Row]:
        """Read the lines of a header that did not come with it."""
        if address:
            for page in self.connection.pages(address, self.division):
                yield from page.rows
