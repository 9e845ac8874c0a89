"""Documents put together from flat rows: each a line, with the header of its document beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from target_exactonline.assembly import (
    DELETED_AT,
    REFERENCE,
    Assembled,
    Packed,
    Packer,
    Record,
    collection_of,
    in_order,
    line_properties,
    text,
    value_of,
    without_number,
    writable,
)
from target_exactonline.names import plain
from target_exactonline.reading import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from exactonline_client.catalogue import Property
    from target_exactonline.streams import Feed

LINE_PREFIX = "line_"


@dataclass
class _Pile:
    """The rows of one document so far."""

    header: Record = field(default_factory=dict)
    lines: dict[Hashable, Packed] = field(default_factory=dict)
    deleted_at: object = None


class Rows:
    """The documents of one stream of flat rows, each of which is a line with its header."""

    def __init__(self, feed: Feed, keys: Sequence[str]) -> None:
        """`keys` are the columns that make up the key of a row."""
        self._feed = feed
        self._keys = keys
        self._reference_names = [*filter(None, (feed.reference_field, REFERENCE))]
        self._collection = collection_of(feed)
        self._lines_known = line_properties(self._collection)
        self._owner = _owner(feed.entity.endpoint.properties, self._lines_known)
        self._packer = Packer()
        self._piles: dict[Hashable, _Pile] = {}
        self._owners: dict[str, str | None] = {}
        self._number = count()

    def __len__(self) -> int:
        """How many documents there are."""
        return len(self._piles)

    @property
    def has_records(self) -> bool:
        """Whether there is anything at all."""
        return bool(self._piles)

    def line_column(self, name: str) -> str | None:
        """What a column is called in the line; None where it belongs to the header."""
        if name not in self._owners:
            self._owners[name] = self._owner(name)
        return self._owners[name]

    def add(self, record: Record) -> None:
        """Take a row; one with the same key takes its place."""
        header: Record = {}
        line: Record = {}
        for name, value in record.items():
            if name.startswith(METADATA):
                continue
            own = self.line_column(name)
            if own is None:
                header[name] = value
            else:
                line[own] = value
        reference = text(value_of(header, *self._reference_names))
        pile = self._piles.setdefault(reference or next(self._number), _Pile())
        _agree(pile.header, header)
        values = tuple(str(record.get(key)) for key in self._keys)
        identity: Hashable = values or next(self._number)
        deleted_at = record.get(DELETED_AT)
        if deleted_at is not None:
            pile.deleted_at = deleted_at
            pile.lines.pop(identity, None)
        elif any(value is not None for value in line.values()):
            pile.lines[identity] = self._packer.pack(line)

    def documents(self) -> Iterator[tuple[str, Assembled]]:
        """All documents, each with its stream."""
        for pile in self._piles.values():
            record = Assembled(pile.header)
            differing = [name for name, value in record.items() if isinstance(value, _Several)]
            if differing:
                record.problems = [
                    f"its rows differ in {', '.join(differing)}, of which a document has one"
                ]
            rows = [self._packer.unpack(packed) for packed in pile.lines.values()]
            if rows:
                lines = [without_number(row, self._lines_known) for row in in_order(rows)]
                record[self._collection.name] = lines
            elif pile.deleted_at is not None:
                record[DELETED_AT] = pile.deleted_at
            yield self._feed.stream, record


class _Several(list[Any]):
    """Values of which there should be one; as a list they fit no field, at a replay neither."""


def _agree(header: Record, row: Record) -> None:
    """Add what a row says of the header; an empty column says nothing."""
    for name, value in row.items():
        before = header.get(name)
        if before is None:
            header[name] = value
        elif isinstance(before, _Several):
            if value is not None and value not in before:
                before.append(value)
        elif value is not None and value != before:
            header[name] = _Several([before, value])


def _owner(
    header: Mapping[str, Property], lines: Mapping[str, Property]
) -> Callable[[str], str | None]:
    """A function that tells what a column is called in the line, None where it is the header's."""
    headers = {plain(name): item for name, item in header.items()}

    def owner(column: str) -> str | None:
        name = plain(column)
        if name == REFERENCE:
            return None
        if name not in lines and column.casefold().startswith(LINE_PREFIX):
            return column[len(LINE_PREFIX) :]
        for of_header, of_line in (
            (writable(headers, name), writable(lines, name)),
            (name in headers, name in lines),
            (_stem(name) in headers, _stem(name) in lines),
        ):
            if of_header or of_line:
                return None if of_header else column
        return None

    return owner


def _stem(name: str) -> str:
    """Of `itemcode`, the field that the code is for."""
    return re.sub("(code|name)$", "", name)
