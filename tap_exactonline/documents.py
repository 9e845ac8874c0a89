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
from exactonline_client.errors import ExactOnlineError, RequestRefused, UnexpectedAnswer
from tap_exactonline import comparison, reading
from tap_exactonline.bookmarks import Progress
from tap_exactonline.plan import MODIFIED, TIMESTAMP
from tap_exactonline.streams import ExactStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exactonline_client.odata import Row
    from exactonline_client.pages import Page
    from tap_exactonline.batches import Batch, Partition
    from tap_exactonline.comparison import Comparison

    Context = Mapping[str, Any]

logger = logging.getLogger(__name__)

LINE_NUMBER = "LineNumber"
HEADER_LINE_NUMBER = 0
"""In a list that mixes headers and lines, the line number of a header."""
LINES_IN_MEMORY = 2000
"""Lines kept until they are sent, while their headers are."""


@dataclass(frozen=True)
class Part:
    """A piece of a page: a header, its lines, or both, at one position of the list."""

    position: Any
    """Value of the bookmark column."""
    header: Row | None
    lines: list[Row]
    stamped: str | None = None
    """When it was last changed (UTC, ISO), where that is asked for."""


class HeaderStream(ExactStream):
    """The headers of documents; reads the list that both halves share."""

    @property
    def expands(self) -> bool:
        """Whether the list holds the lines, so far as is known."""
        return True

    @property
    def child(self) -> LineStream | None:
        """The stream of the lines, if it is selected."""
        children = (child for child in self.child_streams if isinstance(child, LineStream))
        return next((child for child in children if child.selected), None)

    @override
    def _begin(self, division: int, context: Context | None) -> tuple[Partition, ...]:
        child = self.child
        halves = (self,) if child is None else (self, child)
        return tuple(stream.partition(division, context) for stream in halves)

    @override
    def _rows(self, here: Partition, *others: Partition) -> Iterator[Batch]:
        column = self.plan.bookmark or ""
        starts = [self.start(here.division, here.state, column)] if self.selected else []
        lines = None
        for there in others:
            lines = Lines(there, column, alone=not self.expands)
            starts.append(lines.first)
        pair = Pair(here, self.comparison(here.division), lines)
        start = None if None in starts else min(starts)
        decode = self.decoder(here.division)
        progress = Progress(column, self.tap.connection.zone)
        try:
            for page in self._both(pair, start):
                parts = [*self._parts(page, pair)]
                if lines is not None:
                    lines.take(parts)
                headers = self._headers(parts, decode, starts[0])
                pair.note(headers)
                progress.page_read(page, [part.position for part in parts])
                self.advance(here.state, progress)
                yield here.batch(headers)
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

    def _gone(self, pair: Pair, *, sent_all: bool) -> Iterator[Batch]:
        """Tombstones for what the log does not tell; both halves of a feed are in the log."""
        del pair, sent_all
        return iter(())

    def _headers(
        self,
        parts: list[Part],
        decode: Callable[[Row], Row],
        start: Any,  # noqa: ANN401
    ) -> list[Row]:
        if not self.selected:
            return []
        since = self.tap.start_date
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
        return reading.read(self.tap.connection, self.plan, query)

    @property
    def _placed_by(self) -> list[str]:
        """The columns that tell what a row is, and whether it is wanted."""
        needed = [TIMESTAMP, LINE_NUMBER]
        return needed if self.tap.start_date is None else [*needed, MODIFIED]

    @override
    def _parts(self, page: Page, pair: Pair) -> Iterator[Part]:
        columns = [self.plan.endpoint.columns[name] for name in self._placed_by]
        decode = odata.decoder(columns, self.tap.connection.zone)
        for row in page.rows:
            told = self.decoded(decode, row)
            position, number = told[TIMESTAMP], told[LINE_NUMBER]
            if position is None or number is None:
                raise UnexpectedAnswer(
                    f"{self.name}: a row came without {TIMESTAMP} or {LINE_NUMBER}. The rows "
                    "behind it were not read; please report this."
                )
            if number == HEADER_LINE_NUMBER:
                yield Part(position, row, [], told.get(MODIFIED))
            else:
                yield Part(position, None, [row], told.get(MODIFIED))


class ExpandedHeaders(HeaderStream):
    """A list in which each header brings its lines along.

    Where the server does not do that, the lines are read from their own list.
    """

    @override
    def _both(self, pair: Pair, start: Any) -> Iterator[Page]:
        lines = pair.lines
        own = self.asked_columns if self.selected else []
        columns = list(dict.fromkeys((*own, *self.plan.stream.key, MODIFIED)))
        alone = reading.Query(pair.division, columns, start)
        if lines is None or lines.alone:
            yield from reading.read(self.tap.connection, self.plan, alone)
            return
        along = replace(alone, expand=self.plan.expand, expanded_columns=lines.stream.asked_columns)
        reader = reading.read(self.tap.connection, self.plan, along)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            logger.warning("%s Reading %s from their own list.", refusal, lines.stream.name)
            lines.alone = True
            yield from self._without_lines(alone)
            return
        yield first
        yield from reader

    def _without_lines(self, query: reading.Query) -> Iterator[Page]:
        """The headers alone; if that was all that was refused, it is remembered."""
        connection, endpoint = self.tap.connection, self.plan.endpoint.id
        before = connection.refused_by(endpoint)
        reader = reading.read(connection, self.plan, query)
        first = next(reader)
        if connection.refused_by(endpoint) == before:
            connection.note_refusal(endpoint, self._expansion)
        yield first
        yield from reader

    @property
    def _expansion(self) -> str:
        """What the endpoint's refusal to bring the lines along is remembered by."""
        return f"$expand={self.plan.expand}"

    @property
    @override
    def expands(self) -> bool:
        return self._expansion not in self.tap.connection.refused_by(self.plan.endpoint.id)

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
        query = reading.Query(pair.division, comparison.key(self.plan))
        if lines is not None:
            query = replace(
                query, expand=self.plan.expand, expanded_columns=comparison.key(lines.stream.plan)
            )
        for compared in (pair.compared, lines.compared if lines is not None else None):
            if compared is not None:
                compared.begin()
        return reading.read(self.tap.connection, comparison.key_plan(self.plan), query)

    @override
    def _parts(self, page: Page, pair: Pair) -> Iterator[Part]:
        modified = self.plan.endpoint.columns[MODIFIED]
        decode = odata.decoder([modified], self.tap.connection.zone)
        for row in page.rows:
            moment = self.decoded(decode, row)[MODIFIED]
            yield Part(moment, row, self._lines(row, pair))

    def _lines(self, row: Row, pair: Pair) -> list[Row]:
        lines = pair.lines
        if lines is None or lines.alone:
            return []
        collection = row.get(self.plan.expand or "")
        if isinstance(collection, dict) and "__deferred" in collection:
            lines.alone = True
            self.tap.connection.note_refusal(self.plan.endpoint.id, self._expansion)
            return []
        page = pages.collection(collection)
        if page is None:
            raise UnexpectedAnswer(f"{self.plan.expand} of a row is not a list of rows.")
        rows = page.rows
        if page.next_address:
            more = self.tap.connection.pages(page.next_address, pair.division)
            rows = [*rows, *(line for following in more for line in following.rows)]
        return rows


class LineStream(ExactStream):
    """The lines of documents, handed over by the stream of their headers."""

    _begun = False
    """Whether the target knows of the stream."""

    @property
    @override
    def is_incremental(self) -> bool:
        return self.forced_replication_method != "FULL_TABLE" or self.plan.bookmark is None

    @override
    def send(self, batch: Batch) -> None:
        if batch.rows or not self._begun:
            self._begun = True
            self._in_hand = batch.rows
            with suppress(AbortedSyncFailedException, AbortedSyncPausedException):
                self.sync(context=dict(batch.context or {}))
        batch.sent()
        self.tap.readers.states.changed()

    @override
    def get_records(self, context: Context | None) -> Iterator[Row]:
        """What is being sent."""
        yield from self._in_hand

    @override
    def _write_state_message(self) -> None:
        """The state moves behind the rows in hand, and not before."""

    def before_lines(self, here: Partition, *, alone: bool) -> Iterator[Batch]:
        """What comes before the lines that their headers bring: the deletions, or its own list."""
        yield from self._deleted(here)
        if alone:
            yield from self._rows(here)


class Lines:
    """The lines in one division, from the list of their headers to the stream of their own."""

    def __init__(self, here: Partition, column: str, *, alone: bool) -> None:
        """`alone` tells whether they have to be read from their own list after all."""
        if not isinstance(here.stream, LineStream):
            raise TypeError(here.stream)
        self.stream = here.stream
        self.alone = alone
        self._here = here
        self.compared = self.stream.comparison(here.division)
        self.stream.check_continuity(here)
        # Before any line is read: one that is deleted between the two would be told too early.
        self.stream.read_log(here.division)
        self.first = self.stream.start(here.division, here.state, column)
        self._decode = self.stream.decoder(here.division)
        self._waiting: list[Row] = []
        self._begun = False

    def take(self, parts: list[Part]) -> None:
        """Take over the lines of a page."""
        rows = [
            self._decode(line)
            for part in parts
            if is_new(part, self.first, self.stream.tap.start_date)
            for line in part.lines
        ]
        if self.compared:
            self.compared.note(rows)
        self._waiting += rows

    @property
    def many_are_waiting(self) -> bool:
        """Whether it is time to send."""
        return len(self._waiting) >= LINES_IN_MEMORY

    def send(self, progress: Progress) -> Iterator[Batch]:
        """What has come together, and the bookmark behind it."""
        if not self._begun:
            yield from self.stream.before_lines(self._here, alone=self.alone)
            self._begun = True
        self.stream.advance(self._here.state, progress)
        waiting, self._waiting = self._waiting, []
        yield self._here.batch(waiting)

    def complete(self, progress: Progress) -> Batch:
        """The whole list is read."""
        self.stream.complete(self._here.state, progress)
        return self._here.batch()

    def note_keys(self, rows: Iterable[Row]) -> None:
        """These lines, as the API sends them, are there."""
        if self.compared is not None:
            self.compared.note_rows(rows)

    def gone(self) -> Iterator[Batch]:
        """Tombstones for the lines that are gone."""
        if self.compared is not None:
            found = self.compared.gone(self._here.state, sent_all=self.first is None)
            yield from self._here.batches(found)


@dataclass(frozen=True)
class Pair:
    """Both halves of a list in one division."""

    headers: Partition
    compared: Comparison | None
    """What finds the headers that are gone."""
    lines: Lines | None

    @property
    def division(self) -> int:
        """Where they are."""
        return self.headers.division

    def note(self, headers: list[Row]) -> None:
        """These headers are there."""
        if self.compared is not None:
            self.compared.note(headers)


def is_new(part: Part, start: Any, since: str | None) -> bool:  # noqa: ANN401
    """Whether a part lies behind the bookmark of its stream, or else is not too old.

    Rowversions tell exactly. Moments do not, since an hour may come twice: those rows are sent
    again.
    """
    if start == reading.BEGINNING and since is not None and part.stamped is not None:
        return part.stamped >= since
    return start is None or not isinstance(part.position, int) or part.position > start
