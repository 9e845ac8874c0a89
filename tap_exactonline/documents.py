"""Streams of documents whose lines come from the same list: parent and child, one fetch.

Either the list mixes headers and lines, as some sync endpoints do, or every header brings its
lines along in a collection. The lines are handed to the child stream, which has a bookmark of its
own: whichever of the two is behind decides where the list is read from.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from singer_sdk.exceptions import AbortedSyncFailedException, AbortedSyncPausedException
from typing_extensions import override

from exactonline_client import odata, pages
from exactonline_client.errors import RequestRefused, UnexpectedAnswer
from tap_exactonline import reading
from tap_exactonline.bookmarks import Progress
from tap_exactonline.plan import MODIFIED, TIMESTAMP
from tap_exactonline.streams import PARTITION, ExactStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exactonline_client.odata import Row
    from exactonline_client.pages import Page

    Context = Mapping[str, Any]

logger = logging.getLogger(__name__)

LINE_NUMBER = "LineNumber"
HEADER_LINE_NUMBER = 0
"""In a list that mixes headers and lines, the line number of a header."""
NOT_EXPANDED = "lines_not_expanded"
"""In the state of a partition: the server does not bring these lines along."""
LINES_IN_MEMORY = 2000
"""Lines kept until they are sent, while their headers are."""


@dataclass(frozen=True)
class Part:
    """A piece of a page: a header, its lines, or both, at one position of the list."""

    position: Any
    """Value of the bookmark column."""
    header: Row | None
    lines: list[Row]


class HeaderStream(ExactStream):
    """The headers of documents; reads the list that both halves share."""

    @property
    def child(self) -> LineStream | None:
        """The stream of the lines, if it is selected."""
        children = (child for child in self.child_streams if isinstance(child, LineStream))
        return next((child for child in children if child.selected), None)

    @override
    def _rows(self, division: int, context: Context | None) -> Iterator[Row]:
        state = self.get_context_state(context)
        column = self.plan.bookmark or ""
        child = self.child
        self._division = division
        starts = [self.start(division, state, column)] if self.selected else []
        if child is not None:
            child.begin(division, context, column)
            starts.append(child.first)
        start = None if None in starts else min(starts)
        decode = self.decoder(division)
        progress = Progress(column, self.tap.connection.zone)
        try:
            for page in self._pages(division, start):
                parts = [*self._parts(page)]
                if child is not None:
                    child.take(parts)
                yield from self._headers(parts, decode, starts[0])
                progress.page_read(page, [part.position for part in parts])
                self._advance(state, progress)
                if child is not None and child.many_are_waiting:
                    child.send(progress)
            progress.finished()
            self._advance(state, progress)
            self.complete(state, progress)
        finally:
            # Also when the day's calls end in the middle: what was read is sent.
            if child is not None:
                child.send(progress)
        if child is not None:
            child.complete_pair(progress)

    def _headers(
        self,
        parts: list[Part],
        decode: Callable[[Row], Row],
        start: Any,  # noqa: ANN401
    ) -> Iterator[Row]:
        if not self.selected:
            return
        for part in parts:
            if part.header is not None and is_new(part.position, start):
                yield decode(part.header)

    def _parts(self, page: Page) -> Iterator[Part]:
        """What a page of the list consists of."""
        raise NotImplementedError


class MixedHeaders(HeaderStream):
    """A list in which headers (line number 0) and lines are rows alike."""

    @override
    def _pages(self, division: int, start: Any) -> Iterator[Page]:
        wanted = {TIMESTAMP, LINE_NUMBER}
        for stream in (self, self.child):
            if stream is not None and stream.selected:
                wanted |= {item.name for item in stream.selected_columns}
        columns = [name for name in self.plan.endpoint.columns if name in wanted]
        query = reading.Query(division, columns, start, everything=self.keeps_unknown)
        return reading.read(self.tap.connection, self.plan, query)

    @override
    def _parts(self, page: Page) -> Iterator[Part]:
        for row in page.rows:
            position = int(row[TIMESTAMP])
            if row[LINE_NUMBER] == HEADER_LINE_NUMBER:
                yield Part(position, row, [])
            else:
                yield Part(position, None, [row])


class ExpandedHeaders(HeaderStream):
    """A list in which each header brings its lines along.

    Where the server does not do that, the lines are read from their own list.
    """

    @override
    def _pages(self, division: int, start: Any) -> Iterator[Page]:
        child = self.child
        own = self.asked_columns if self.selected else []
        columns = list(dict.fromkeys((*own, *self.plan.stream.key, MODIFIED)))
        alone = reading.Query(division, columns, start)
        if child is None or child.alone:
            yield from reading.read(self.tap.connection, self.plan, alone)
            return
        along = replace(alone, expand=self.plan.expand, expanded_columns=child.asked_columns)
        reader = reading.read(self.tap.connection, self.plan, along)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            logger.warning("%s Reading %s from their own list.", refusal, child.name)
            child.read_alone()
            yield from reading.read(self.tap.connection, self.plan, alone)
            return
        yield first
        yield from reader

    @override
    def _parts(self, page: Page) -> Iterator[Part]:
        modified = self.plan.endpoint.columns[MODIFIED]
        decode = odata.decoder([modified], self.tap.connection.zone)
        for row in page.rows:
            yield Part(decode(row)[MODIFIED], row, self._lines(row))

    def _lines(self, row: Row) -> list[Row]:
        child = self.child
        if child is None or child.alone:
            return []
        collection = row.get(self.plan.expand or "")
        if isinstance(collection, dict) and "__deferred" in collection:
            child.read_alone()
            return []
        page = pages.collection(collection)
        if page is None:
            raise UnexpectedAnswer(f"{self.plan.expand} of a row is not a list of rows.")
        rows = page.rows
        if page.next_address:
            more = self.tap.connection.pages(page.next_address, self._division)
            rows = [*rows, *(line for following in more for line in following.rows)]
        return rows


class LineStream(ExactStream):
    """The lines of documents, handed over by the stream of their headers."""

    alone: bool = False
    """Whether the lines have to be read from their own list after all."""

    @property
    @override
    def is_incremental(self) -> bool:
        return self.forced_replication_method != "FULL_TABLE" or self.plan.bookmark is None

    def begin(self, division: int, context: Context | None, column: str) -> None:
        """A division is about to be read."""
        self._context = context
        self._state = self.get_context_state(context)
        self.alone = bool(self._state.get(NOT_EXPANDED))
        self.check_continuity(division, context)
        self.first = self.start(division, self._state, column)
        self._decode = self.decoder(division)
        self._waiting: list[Row] = []
        self._begun = False

    def read_alone(self) -> None:
        """The headers do not bring the lines along; what is refused is not asked again."""
        self.alone = self._state[NOT_EXPANDED] = True

    def take(self, parts: list[Part]) -> None:
        """Take over the lines of a page."""
        self._waiting += [
            self._decode(line)
            for part in parts
            if is_new(part.position, self.first)
            for line in part.lines
        ]

    @property
    def many_are_waiting(self) -> bool:
        """Whether it is time to send."""
        return len(self._waiting) >= LINES_IN_MEMORY

    def send(self, progress: Progress) -> None:
        """Send what has come together, and move the bookmark behind it."""
        if self._waiting or not self._begun:
            with suppress(AbortedSyncFailedException, AbortedSyncPausedException):
                self.sync(context=dict(self._context or {}))
            self._begun = True
        self._waiting = []
        self._advance(self._state, progress)

    def complete_pair(self, progress: Progress) -> None:
        """The whole list is out."""
        self.complete(self._state, progress)

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """What is being sent; the first time, the deletions come before it."""
        division = (context or {})[PARTITION]
        yield from self._deleted(division, context)
        if self.alone and not self._begun:
            yield from super()._rows(division, context)
        yield from self._waiting


def is_new(position: Any, start: Any) -> bool:  # noqa: ANN401
    """Whether a row lies behind the bookmark of its stream.

    Rowversions tell exactly. Moments do not, since an hour may come twice: those rows are sent
    again.
    """
    return start is None or not isinstance(position, int) or position > start
