"""Which records wait for the end of the input, since others of the same document may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client.deletion import Mark, mark_of
from exactonline_client.errors import ConfigurationError
from target_exactonline.grouping.flat_rows import Rows
from target_exactonline.grouping.header_lines import REFERENCE, Joined, value_of
from target_exactonline.schema.names import plain
from target_exactonline.stream_config import LINE, ROW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from target_exactonline.grouping.header_lines import Assembled, Record
    from target_exactonline.stream_config import Choice, Feed


class Gathering:
    """All records of a run that are no whole document by themselves."""

    def __init__(
        self, chosen: Mapping[str, Choice], reference_field: str, zone: Callable[[], ZoneInfo]
    ) -> None:
        """The first two as the settings `streams` and `reference_field` say.

        `zone` gives the server's wall clock, which may have to be asked for.
        """
        self._zone = zone
        self._chosen_fields = {choice.reference_field for choice in chosen.values()}
        self._reference_setting = reference_field
        self._joined: dict[str, Joined] = {}
        self._rows: dict[str, Rows] = {}

    def expect(self, feed: Feed, keys: Sequence[str]) -> None:
        """Learn of a stream before its records come; `keys` are the columns of its key.

        Raises:
            ConfigurationError: the key is that of a document where records are lines.
        """
        if feed.part == LINE:
            joined = self._joined_of(feed)
            joined.line_streams[feed.stream] = None
            _check_key(feed, keys, joined.joining)
        elif feed.part == ROW:
            if feed.stream not in self._rows:
                self._rows[feed.stream] = Rows(feed, keys, self._zone)
            header = {*map(plain, feed.entity.endpoint.properties), REFERENCE}
            rows = self._rows[feed.stream]
            of_header = {key for key in keys if rows.line_column(key) is None}
            _check_key(feed, keys, {plain(key) for key in of_header} & header)

    def take(self, feed: Feed, keys: Sequence[str], record: Record) -> bool:
        """Keep a record until the end of the input, unless it is a whole document already."""
        if feed.collection is None:
            return False
        if feed.part == LINE:
            self._joined_of(feed).add_line(feed, keys, record)
            return True
        if value_of(record, feed.collection.name) is not None:
            return False
        if feed.part == ROW:
            self._rows[feed.stream].add(record)
            return True
        joined = self._joined_of(feed)
        if mark_of(record) is Mark.DELETED:
            joined.drop_header(feed, keys, record)
            return False
        joined.add_header(feed, keys, record)
        return True

    def _joined_of(self, feed: Feed) -> Joined:
        name = feed.entity.stream
        if name not in self._joined:
            usual = feed.entity.reference_field(self._reference_setting)
            fields = {feed.reference_field, usual, *self._chosen_fields}
            self._joined[name] = Joined(feed, sorted(filter(None, fields)))
        return self._joined[name]

    def __len__(self) -> int:
        """How many documents wait."""
        return sum(len(waiting) for waiting in self._waiting)

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits; cheaper than to count."""
        return not any(waiting.has_records for waiting in self._waiting)

    def documents(self) -> Iterator[tuple[str, Assembled]]:
        """All documents that wait, each with its stream."""
        for waiting in self._waiting:
            yield from waiting.documents()

    @property
    def _waiting(self) -> list[Joined | Rows]:
        return [*self._joined.values(), *self._rows.values()]

    @property
    def left_out(self) -> int:
        """Lines that were deleted where they come from, without their document coming along."""
        return sum(joined.left_out for joined in self._joined.values())


def _check_key(feed: Feed, keys: Sequence[str], of_document: set[str]) -> None:
    """Refuse a key that would make one line of all those of a document."""
    if keys and all(plain(key) in of_document for key in keys):
        raise ConfigurationError(
            f"Stream {feed.stream!r} brings lines of {feed.entity.stream}, but its key "
            f"({', '.join(keys)}) names a whole document: of the lines of one, only the last would "
            "be left. Give the stream a key of its own for each line, or none."
        )
