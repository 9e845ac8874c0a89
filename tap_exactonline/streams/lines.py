"""The lines of documents, on their way from the list of their headers to a stream of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_exactonline.streams.base import ExactStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exactonline_client.odata.decoding import Row
    from tap_exactonline.deletes.key_diff import Comparison
    from tap_exactonline.extract.batch import Batch, Partition
    from tap_exactonline.state.bookmarks import Progress

    Context = Mapping[str, Any]

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


class LineStream(ExactStream):
    """The lines of documents, handed over by the stream of their headers."""

    _begun = False
    """Whether the target knows of the stream."""

    @property
    @override
    def is_incremental(self) -> bool:
        return self.forced_replication_method != "FULL_TABLE" or self.plan.bookmark is None

    @property
    @override
    def list_endpoint(self) -> str:
        return self.run.plans[self.plan.headers or ""].endpoint.id

    def send(self, batch: Batch) -> None:
        """Send what the stream of the headers has read."""
        if batch.rows or not self._begun:
            self._begun = True
            self._in_hand = batch.rows
            self.sync(context=dict(batch.context or {}))
        self.sent(batch)

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

    def __init__(self, stream: LineStream, here: Partition, column: str, *, alone: bool) -> None:
        """`alone` tells whether they have to be read from their own list after all."""
        self.stream = stream
        self.alone = alone
        self._here = here
        self.compared = self.stream.comparison(here.division)
        self.stream.check_continuity(here)
        # Before any line is read: one that is deleted between the two would be told too early.
        self.stream.read_log(here.division)
        self.first = self.stream.start(here.state, column)
        self._decode = self.stream.decoder(here)
        self._waiting: list[Row] = []
        self._begun = False

    def take(self, parts: list[Part]) -> None:
        """Take over the lines of a page."""
        since = self.stream.oldest(self._here.state)
        rows = [
            self._decode(line)
            for part in parts
            if is_new(part, self.first, since)
            for line in part.lines
        ]
        if self.compared:
            self.compared.note(rows)
        self._waiting += self.stream.keyed(rows, self._here.division)

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

    def note_lost(self, what: str, header: Mapping[str, Any]) -> None:
        """The lines of a header cannot be read."""
        self.stream.note(self._here.division)(what, "documents without their lines", header)
        if self.compared is not None:
            self.compared.note_lost()

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
    """Whether a part lies behind the bookmark of its stream, and was stamped since a moment.

    Rowversions tell exactly. Bookmarks that are moments do not, since an hour may come twice:
    those rows are sent again.
    """
    if since is not None and part.stamped is not None and part.stamped < since:
        return False
    return start is None or not isinstance(part.position, int) or part.position > start
