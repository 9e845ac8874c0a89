"""Read the lines of documents that come with the list of their headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from tap_exactonline.readers.base import PartitionReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exactonline_client.odata.decoding import Row
    from exactonline_client.odata.records import DecodedRow
    from tap_exactonline.deletes.key_diff import KeyDiff
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.state.bookmarks import BookmarkTracker

MAX_BUFFERED = 2000
"""Number of buffered lines after which they are sent."""


class DocumentPart(msgspec.Struct, frozen=True):
    """Header, lines or both at one position of the list."""

    position: Any
    """Value of the header stream's bookmark column."""
    header: DecodedRow | None
    """Decoded or as the API sent it, as are the lines."""
    lines: Sequence[DecodedRow]
    changed_at: str | None = None
    """Time of the last change (UTC, ISO 8601), if requested."""


class LineReader(PartitionReader):
    """Lines of one division; the reader of the headers adds them."""

    separate = False
    """Whether the lines are read from their own list."""
    start: Any = None
    """Bookmark of the lines."""
    diff: KeyDiff | None = None
    """Comparison of the keys of lines; None if not configured."""

    @property
    @override
    def list_endpoint(self) -> str:
        return self.run.definitions[self.definition.headers or ""].endpoint.id

    def prepare(self, column: str, *, separate: bool) -> None:
        """Prepare to receive lines; `column` is the bookmark column of their headers."""
        self.separate = separate
        self.diff = self.key_diff_or_none()
        self.check_state()
        # Before any line is read, or the tombstone of a line deleted in between would precede it.
        self.tombstones.read_log()
        self.start = self.position.start(column)
        self._decode = self.row_decoder()
        self._buffer: list[DecodedRow] = []
        self._started = False

    def add(self, parts: list[DocumentPart]) -> None:
        """Buffer the lines of a page."""
        since = self.position.oldest
        rows = [
            self._decode(line)
            for part in parts
            if is_new(part, self.start, since)
            for line in part.lines
        ]
        if self.diff:
            self.diff.add_records(rows)
        self._buffer += self.rows_with_key(rows)

    @property
    def is_full(self) -> bool:
        """Whether to send the buffered lines."""
        return len(self._buffer) >= MAX_BUFFERED

    def flush(self, tracker: BookmarkTracker) -> Iterator[Batch]:
        """Yield the buffered lines with the bookmark after them; deletes come first."""
        if not self._started:
            yield from self.read_deletes()
            if self.separate:
                yield from self.rows()
            self._started = True
        self.position.advance(tracker)
        buffered, self._buffer = self._buffer, []
        yield self.batch(buffered)

    def complete(self, tracker: BookmarkTracker) -> Batch:
        """Final batch, after the whole list was read."""
        self.position.complete(tracker)
        return self.batch()

    def note_unreadable_lines(self, problem: str, header: Mapping[str, Any]) -> None:
        """Record that the lines of a header cannot be read."""
        self.note_unreadable(problem, "documents without their lines", header)
        if self.diff is not None:
            self.diff.mark_incomplete()

    def add_keys(self, rows: Iterable[Row]) -> None:
        """Note the keys of lines as the API sends them."""
        if self.diff is not None:
            self.diff.add_rows(rows)

    def missing(self) -> Iterator[Batch]:
        """Tombstones for missing lines."""
        if self.diff is not None:
            tombstones = self.diff.tombstones(self.state, sent_all=self.start is None)
            yield from self.in_batches(tombstones)


def is_new(part: DocumentPart, start: Any, since: str | None) -> bool:  # noqa: ANN401
    """Whether a part is after the bookmark `start`, and was changed at `since` or later.

    Only rowversions can be compared exactly. For `Modified`, whose hour may repeat at the end of
    summer time, rows up to the bookmark are sent again.
    """
    if since is not None and part.changed_at is not None and part.changed_at < since:
        return False
    return start is None or not isinstance(part.position, int) or part.position > start
