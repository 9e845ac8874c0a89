"""The lines of documents, on their way from the list of their headers to a stream of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_exactonline.readers.base import PartitionReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exactonline_client.odata.decoding import Row
    from tap_exactonline.deletes.key_diff import Comparison
    from tap_exactonline.extract.batch import Batch
    from tap_exactonline.state.bookmarks import Progress

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


class LineReader(PartitionReader):
    """The lines in one division, which the reader of their headers hands over."""

    alone = False
    """Whether they have to be read from their own list after all."""
    first: Any = None
    """Behind which bookmark they are wanted."""
    compared: Comparison | None = None
    """What finds the lines that are gone."""

    @property
    @override
    def list_endpoint(self) -> str:
        return self.run.plans[self.plan.headers or ""].endpoint.id

    def begin(self, column: str, *, alone: bool) -> None:
        """Get ready for lines, whose bookmark is a column of their headers."""
        self.alone = alone
        self.compared = self.comparison()
        self.check_continuity()
        # Before any line is read: one that is deleted between the two would be told too early.
        self.tombstones.read_log()
        self.first = self.position.start(column)
        self._decode: Callable[[Row], Row] = self.decoder()
        self._waiting: list[Row] = []
        self._begun = False

    def take(self, parts: list[Part]) -> None:
        """Take over the lines of a page."""
        since = self.position.oldest
        rows = [
            self._decode(line)
            for part in parts
            if is_new(part, self.first, since)
            for line in part.lines
        ]
        if self.compared:
            self.compared.note(rows)
        self._waiting += self.keyed(rows)

    @property
    def many_are_waiting(self) -> bool:
        """Whether it is time to send."""
        return len(self._waiting) >= LINES_IN_MEMORY

    def send(self, progress: Progress) -> Iterator[Batch]:
        """What has come together, and the bookmark behind it."""
        if not self._begun:
            yield from self.deleted()
            if self.alone:
                yield from self.rows()
            self._begun = True
        self.position.advance(progress)
        waiting, self._waiting = self._waiting, []
        yield self.batch(waiting)

    def complete(self, progress: Progress) -> Batch:
        """The whole list is read."""
        self.position.complete(progress)
        return self.batch()

    def note_lost(self, what: str, header: Mapping[str, Any]) -> None:
        """The lines of a header cannot be read."""
        self.note(what, "documents without their lines", header)
        if self.compared is not None:
            self.compared.note_lost()

    def note_keys(self, rows: Iterable[Row]) -> None:
        """These lines, as the API sends them, are there."""
        if self.compared is not None:
            self.compared.note_rows(rows)

    def gone(self) -> Iterator[Batch]:
        """Tombstones for the lines that are gone."""
        if self.compared is not None:
            found = self.compared.gone(self.state, sent_all=self.first is None)
            yield from self.batches(found)


def is_new(part: Part, start: Any, since: str | None) -> bool:  # noqa: ANN401
    """Whether a part lies behind the bookmark of its stream, and was stamped since a moment.

    Rowversions tell exactly. Bookmarks that are moments do not, since an hour may come twice:
    those rows are sent again.
    """
    if since is not None and part.stamped is not None and part.stamped < since:
        return False
    return start is None or not isinstance(part.position, int) or part.position > start
