"""Streams of documents whose lines come from the same list: parent and child, one fetch.

Either the list mixes headers and lines, as some sync endpoints do, or every header brings its
lines along in a collection. The lines are handed to the child stream, which has a bookmark of its
own: whichever of the two is behind decides where the list is read from.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException
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
from tap_exactonline.state.bookmarks import Progress
from tap_exactonline.streams.base import ExactStream
from tap_exactonline.streams.lines import Lines, LineStream, Pair, Part, is_new

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.extract.batch import Batch, Partition

    Context = Mapping[str, Any]

logger = logging.getLogger(__name__)


class HeaderStream(ExactStream):
    """The headers of documents; reads the list that both halves share."""

    def expands(self, division: int) -> bool:
        """Whether the list of a division holds the lines, so far as is known."""
        del division
        return True

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
    def _begin(self, division: int, context: Context | None) -> tuple[Partition, ...]:
        child = self.child
        halves = (self,) if child is None else (self, child)
        return tuple(stream.partition(division, context) for stream in halves)

    @override
    def send_lines(self, batch: Batch) -> None:
        child = self.child
        if child is None:
            raise TypeError(batch.stream)
        try:
            child.send(batch)
        except (AbortedSyncFailedException, AbortedSyncPausedException):
            if not self.selected:
                raise
            child.sent(batch)

    @override
    def _rows(self, here: Partition, *others: Partition) -> Iterator[Batch]:
        column = self.plan.bookmark or ""
        starts = [self.start(here.state, column)] if self.selected else []
        lines = self._lines_of(others, column)
        if lines is not None:
            starts.append(lines.first)
        pair = Pair(here, self.comparison(here.division), lines)
        start = None if None in starts else min(starts)
        decode = self.decoder(here)
        progress = Progress(column, self.run.connection.zone)
        try:
            for page in self._both(pair, start):
                parts = [*self._parts(page, pair)]
                if lines is not None:
                    lines.take(parts)
                headers = self._headers(parts, decode, starts[0], here)
                pair.note(headers)
                moments = [part.stamped for part in parts]
                progress.page_read(page, [part.position for part in parts], moments)
                self.advance(here.state, progress)
                yield here.batch(self.keyed(headers, here.division))
                if lines is not None and lines.many_are_waiting:
                    yield from lines.send(progress)
        except ExactOnlineError:
            # Also when the day's calls end in the middle: what was read is sent.
            if lines is not None:
                yield from lines.send(progress)
            raise
        progress.finished()
        self.advance(here.state, progress)
        self.complete(here.state, progress)
        yield here.batch()
        if lines is not None:
            yield from lines.send(progress)
            yield lines.complete(progress)
        yield from self._gone(pair, sent_all=starts[:1] == [None])

    def _lines_of(self, others: tuple[Partition, ...], column: str) -> Lines | None:
        child = self.child
        if child is None:
            return None
        (there,) = others
        return Lines(child, there, column, alone=not self.expands(there.division))

    def _gone(self, pair: Pair, *, sent_all: bool) -> Iterator[Batch]:
        """Tombstones for what the log does not tell; both halves of a feed are in the log."""
        del pair, sent_all
        return iter(())

    def _headers(
        self,
        parts: list[Part],
        decode: Callable[[Row], Row],
        start: Any,  # noqa: ANN401
        here: Partition,
    ) -> list[Row]:
        if not self.selected:
            return []
        since = self.oldest(here.state)
        return [
            decode(part.header)
            for part in parts
            if part.header is not None and is_new(part, start, since)
        ]

    def _both(self, pair: Pair, start: Any) -> Iterator[Page]:  # noqa: ANN401
        """The pages of the list that both halves share."""
        raise NotImplementedError

    def _parts(self, page: Page, pair: Pair) -> Iterator[Part]:
        """What a page of the list consists of."""
        raise NotImplementedError


class MixedHeaders(HeaderStream):
    """A list in which headers (line number 0) and lines are rows alike."""

    @override
    def _both(self, pair: Pair, start: Any) -> Iterator[Page]:
        wanted = {*self._placed_by}
        for stream in (self, self.child):
            if stream is not None and stream.selected:
                wanted |= {item.name for item in stream.selected_columns}
        columns = [name for name in self.plan.endpoint.columns if name in wanted]
        query = reading.Query(pair.division, columns, start, everything=self.keeps_unknown)
        return reading.read(self.run.connection, self.plan, query)

    @property
    def _placed_by(self) -> list[str]:
        """The columns that tell what a row is, and whether it is wanted."""
        return [TIMESTAMP, LINE_NUMBER, MODIFIED]

    @override
    def _parts(self, page: Page, pair: Pair) -> Iterator[Part]:
        decode = self.columns_decoder(self._placed_by)
        placed_by = [decode(row) for row in page.rows]
        decoding.keyed(placed_by, [LINE_NUMBER], lambda *_: None)
        for row, told in zip(page.rows, placed_by, strict=True):
            placed = Part(told[TIMESTAMP], None, [], told.get(MODIFIED))
            if told[LINE_NUMBER] is None:
                which = {column: row.get(column) for column in self.plan.stream.key}
                self.note(pair.division)(f"{LINE_NUMBER} is missing", "rows left out", which)
                yield placed
            elif told[LINE_NUMBER] == HEADER_LINE_NUMBER:
                yield replace(placed, header=row)
            else:
                yield replace(placed, lines=[row])


class ExpandedHeaders(HeaderStream):
    """A list in which each header brings its lines along.

    Where the server does not do that, the lines are read from their own list.
    """

    @override
    def _both(self, pair: Pair, start: Any) -> Iterator[Page]:
        lines = pair.lines
        if lines is not None and lines.alone:
            known = self.run.connection.refused_in(pair.division).until(self.plan.endpoint.id)
            reading.warn(self.run.connection, self.plan, pair.division, self._expansion, known)
        own = self.asked_columns if self.selected else []
        columns = list(dict.fromkeys((*own, *self.plan.stream.key, MODIFIED)))
        alone = reading.Query(pair.division, columns, start)
        if lines is None or lines.alone:
            yield from reading.read(self.run.connection, self.plan, alone)
            return
        along = replace(alone, expand=self.plan.expand, expanded_columns=lines.stream.asked_columns)
        reader = reading.read(self.run.connection, self.plan, along)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            if not is_about_query(refusal):
                raise
            logger.warning("%s Reading %s from their own list.", refusal, lines.stream.name)
            lines.alone = True
            yield from self._without_lines(alone)
            return
        yield first
        yield from reader

    def _without_lines(self, query: reading.Query) -> Iterator[Page]:
        """The headers alone; if that was all that was refused, it is remembered."""
        connection, endpoint = self.run.connection, self.plan.endpoint.id
        refused = connection.refused_in(query.division)
        before = refused.until(endpoint)
        reader = reading.read(connection, self.plan, query)
        first = next(reader)
        if refused.until(endpoint) == before:
            reading.note_refusal(connection, self.plan, query.division, self._expansion)
        yield first
        yield from reader

    @property
    def _expansion(self) -> str:
        """What the endpoint's refusal to bring the lines along is remembered by."""
        return f"$expand={self.plan.expand}"

    @override
    def expands(self, division: int) -> bool:
        refused = self.run.connection.refused_in(division)
        return not refused.holds(self.plan.endpoint.id, self._expansion)

    @override
    def _gone(self, pair: Pair, *, sent_all: bool) -> Iterator[Batch]:
        """Neither half is in the log: one list holds the keys of both."""
        own, lines = pair.compared, pair.lines
        if lines is not None and (lines.alone or lines.compared is None):
            lines = None
        if own is None and lines is None:
            return
        for page in self._keys(pair, lines):
            if own is not None:
                own.note_rows(page.rows)
            if lines is not None:
                lines.note_keys(line for row in page.rows for line in self._lines(row, pair))
        if own is not None:
            yield from pair.headers.batches(own.gone(pair.headers.state, sent_all=sent_all))
        if lines is not None and not lines.alone:
            yield from lines.gone()

    def _keys(self, pair: Pair, lines: Lines | None) -> Iterator[Page]:
        """A new list of all headers, and of their lines, with no more than their keys."""
        query = reading.Query(pair.division, key_diff.key(self.plan))
        if lines is not None:
            query = replace(
                query, expand=self.plan.expand, expanded_columns=key_diff.key(lines.stream.plan)
            )
        for compared in (pair.compared, lines.compared if lines is not None else None):
            if compared is not None:
                compared.begin()
        return reading.read(self.run.connection, key_diff.key_plan(self.plan), query)

    @override
    def _parts(self, page: Page, pair: Pair) -> Iterator[Part]:
        decode = self.columns_decoder([MODIFIED])
        for row in page.rows:
            moment = decode(row)[MODIFIED]
            yield Part(moment, row, self._lines(row, pair), moment)

    def _lines(self, row: Row, pair: Pair) -> list[Row]:
        lines = pair.lines
        if lines is None or lines.alone:
            return []
        collection = row.get(self.plan.expand or "")
        if isinstance(collection, dict) and "__deferred" in collection:
            lines.alone = True
            reading.note_refusal(self.run.connection, self.plan, pair.division, self._expansion)
            return []
        page = pagination.collection(collection)
        if page is None:
            which = {column: row.get(column) for column in self.plan.stream.key}
            lines.note_lost(f"{self.plan.expand} of a row is no list of rows", which)
            return []
        rows = page.rows
        if page.next_address:
            more = self.run.connection.pages(page.next_address, pair.division)
            rows = [*rows, *(line for following in more for line in following.rows)]
        return rows
