"""Reads headers and lines of documents from the one list that holds both.

Either the list mixes headers and lines, as some sync endpoints do, or every header brings its
lines along in a collection. The lines are handed to the child stream, which has a bookmark of its
own: whichever of the two is behind decides where the list is read from.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from exactonline_client.errors import ExactOnlineError, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.store.unsupported import is_about_query
from tap_exactonline.definitions.definition import (
    HEADER_LINE_NUMBER,
    LINE_NUMBER,
    MODIFIED,
    TIMESTAMP,
)
from tap_exactonline.deletes import key_diff
from tap_exactonline.extract import decoding
from tap_exactonline.extract import query as reading
from tap_exactonline.readers.base import PartitionReader
from tap_exactonline.readers.lines import LineReader, Part, is_new
from tap_exactonline.state.bookmarks import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.definitions.definition import Plan
    from tap_exactonline.deletes.key_diff import Comparison
    from tap_exactonline.extract.batch import Batch

logger = logging.getLogger(__name__)


def brings_lines(connection: Connection, plan: Plan, division: int) -> bool:
    """Whether the list of a division holds the lines of its headers, so far as is known."""
    if plan.expand is None:
        return True
    return not connection.refused_in(division).holds(plan.endpoint.id, _expansion(plan))


def _expansion(plan: Plan) -> str:
    """What the endpoint's refusal to bring the lines along is remembered by."""
    return f"$expand={plan.expand}"


class DocumentReader(PartitionReader):
    """Reads the list that headers and lines share."""

    lines: LineReader | None = None
    """What gets the lines; None where they are not selected."""
    compared: Comparison | None = None
    """What finds the headers that are gone."""

    @property
    @override
    def partitions(self) -> Sequence[PartitionReader]:
        return (self,) if self.lines is None else (self, self.lines)

    @override
    def rows(self) -> Iterator[Batch]:
        column = self.plan.bookmark or ""
        starts = [self.position.start(column)] if self.request.is_selected else []
        lines = self.lines
        if lines is not None:
            alone = not brings_lines(self.connection, self.plan, self.division)
            lines.begin(column, alone=alone)
            starts.append(lines.first)
        self.compared = self.comparison()
        progress = Progress(column, self.connection.zone)
        try:
            yield from self._pages_of_both(progress, starts)
        except ExactOnlineError:
            # Also when the day's calls end in the middle: what was read is sent.
            if lines is not None:
                yield from lines.send(progress)
            raise
        progress.finished()
        self.position.advance(progress)
        self.position.complete(progress)
        yield self.batch()
        if lines is not None:
            yield from lines.send(progress)
            yield lines.complete(progress)
        yield from self._gone(sent_all=starts[:1] == [None])

    def _pages_of_both(self, progress: Progress, starts: Sequence[Any]) -> Iterator[Batch]:
        """The pages from the lowest of `starts` on, the first of which is that of the headers."""
        decode, lines = self.decoder(), self.lines
        for page in self._both(None if None in starts else min(starts)):
            parts = [*self._parts(page)]
            if lines is not None:
                lines.take(parts)
            headers = self._headers(parts, decode, starts[0])
            if self.compared is not None:
                self.compared.note(headers)
            moments = [part.stamped for part in parts]
            progress.page_read(page, [part.position for part in parts], moments)
            self.position.advance(progress)
            yield self.batch(self.keyed(headers))
            if lines is not None and lines.many_are_waiting:
                yield from lines.send(progress)

    def _gone(self, *, sent_all: bool) -> Iterator[Batch]:
        """Tombstones for what the log does not tell; both halves of a feed are in the log."""
        del sent_all
        return iter(())

    def _headers(
        self,
        parts: list[Part],
        decode: Callable[[Row], Row],
        start: Any,  # noqa: ANN401
    ) -> list[Row]:
        if not self.request.is_selected:
            return []
        since = self.position.oldest
        return [
            decode(part.header)
            for part in parts
            if part.header is not None and is_new(part, start, since)
        ]

    def _both(self, start: Any) -> Iterator[Page]:  # noqa: ANN401
        """The pages of the list that both halves share."""
        raise NotImplementedError

    def _parts(self, page: Page) -> Iterator[Part]:
        """What a page of the list consists of."""
        raise NotImplementedError


class MixedReader(DocumentReader):
    """A list in which headers (line number 0) and lines are rows alike."""

    @override
    def _both(self, start: Any) -> Iterator[Page]:
        wanted = {*self._placed_by}
        for half in self.partitions:
            if half.request.is_selected:
                wanted |= {item.name for item in half.request.columns}
        columns = [name for name in self.plan.endpoint.columns if name in wanted]
        query = reading.Query(self.division, columns, start, everything=self.request.keeps_unknown)
        return reading.read(self.connection, self.plan, query)

    @property
    def _placed_by(self) -> list[str]:
        """The columns that tell what a row is, and whether it is wanted."""
        return [TIMESTAMP, LINE_NUMBER, MODIFIED]

    @override
    def _parts(self, page: Page) -> Iterator[Part]:
        decode = self.columns_decoder(self._placed_by)
        placed_by = [decode(row) for row in page.rows]
        decoding.keyed(placed_by, [LINE_NUMBER], lambda *_: None)
        for row, told in zip(page.rows, placed_by, strict=True):
            placed = Part(told[TIMESTAMP], None, [], told.get(MODIFIED))
            if told[LINE_NUMBER] is None:
                which = {column: row.get(column) for column in self.plan.stream.key}
                self.note(f"{LINE_NUMBER} is missing", "rows left out", which)
                yield placed
            elif told[LINE_NUMBER] == HEADER_LINE_NUMBER:
                yield replace(placed, header=row)
            else:
                yield replace(placed, lines=[row])


class ExpandedReader(DocumentReader):
    """A list in which each header brings its lines along.

    Where the server does not do that, the lines are read from their own list.
    """

    @override
    def _both(self, start: Any) -> Iterator[Page]:
        lines, expansion = self.lines, _expansion(self.plan)
        if lines is not None and lines.alone:
            known = self.connection.refused_in(self.division).until(self.plan.endpoint.id)
            reading.warn(self.connection, self.plan, self.division, expansion, known)
        own = self.asked_columns if self.request.is_selected else []
        columns = list(dict.fromkeys((*own, *self.plan.stream.key, MODIFIED)))
        alone = reading.Query(self.division, columns, start)
        if lines is None or lines.alone:
            yield from reading.read(self.connection, self.plan, alone)
            return
        along = replace(alone, expand=self.plan.expand, expanded_columns=lines.asked_columns)
        reader = reading.read(self.connection, self.plan, along)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            if not is_about_query(refusal):
                raise
            logger.warning("%s Reading %s from their own list.", refusal, lines.name)
            lines.alone = True
            yield from self._without_lines(alone)
            return
        yield first
        yield from reader

    def _without_lines(self, query: reading.Query) -> Iterator[Page]:
        """The headers alone; if that was all that was refused, it is remembered."""
        connection, endpoint = self.connection, self.plan.endpoint.id
        refused = connection.refused_in(query.division)
        before = refused.until(endpoint)
        reader = reading.read(connection, self.plan, query)
        first = next(reader)
        if refused.until(endpoint) == before:
            reading.note_refusal(connection, self.plan, query.division, _expansion(self.plan))
        yield first
        yield from reader

    @override
    def _gone(self, *, sent_all: bool) -> Iterator[Batch]:
        """Neither half is in the log: one list holds the keys of both."""
        own, lines = self.compared, self.lines
        if lines is not None and (lines.alone or lines.compared is None):
            lines = None
        if own is None and lines is None:
            return
        for page in self._keys(lines):
            if own is not None:
                own.note_rows(page.rows)
            if lines is not None:
                lines.note_keys(line for row in page.rows for line in self._lines(row))
        if own is not None:
            yield from self.batches(own.gone(self.state, sent_all=sent_all))
        if lines is not None and not lines.alone:
            yield from lines.gone()

    def _keys(self, lines: LineReader | None) -> Iterator[Page]:
        """A new list of all headers, and of their lines, with no more than their keys."""
        query = reading.Query(self.division, key_diff.key(self.plan))
        if lines is not None:
            query = replace(
                query, expand=self.plan.expand, expanded_columns=key_diff.key(lines.plan)
            )
        for compared in (self.compared, lines.compared if lines is not None else None):
            if compared is not None:
                compared.begin()
        return reading.read(self.connection, key_diff.key_plan(self.plan), query)

    @override
    def _parts(self, page: Page) -> Iterator[Part]:
        decode = self.columns_decoder([MODIFIED])
        for row in page.rows:
            moment = decode(row)[MODIFIED]
            yield Part(moment, row, self._lines(row), moment)

    def _lines(self, row: Row) -> list[Row]:
        lines = self.lines
        if lines is None or lines.alone:
            return []
        collection = row.get(self.plan.expand or "")
        if isinstance(collection, dict) and "__deferred" in collection:
            lines.alone = True
            reading.note_refusal(self.connection, self.plan, self.division, _expansion(self.plan))
            return []
        page = pagination.collection(collection)
        if page is None:
            which = {column: row.get(column) for column in self.plan.stream.key}
            lines.note_lost(f"{self.plan.expand} of a row is no list of rows", which)
            return []
        rows = page.rows
        if page.next_address:
            more = self.connection.pages(page.next_address, self.division)
            rows = [*rows, *(line for following in more for line in following.rows)]
        return rows
