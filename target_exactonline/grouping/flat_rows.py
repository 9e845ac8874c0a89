"""Build documents from flat rows, each of which holds a line and its document's header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from exactonline_client.deletion import Mark, mark_of, marks_in
from target_exactonline.grouping.header_lines import (
    REFERENCE,
    Assembled,
    Packed,
    Packer,
    Record,
    collection_of,
    identity,
    in_order,
    line_properties,
    properties_of,
    text,
    value_of,
    without_number,
    writable,
)
from target_exactonline.mapping.attachments import LIST, PATH
from target_exactonline.mapping.prepare import DIVISION
from target_exactonline.mapping.record import is_metadata
from target_exactonline.schema.fields import shape_of
from target_exactonline.schema.names import plain
from target_exactonline.schema.values import compared, is_empty

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property
    from target_exactonline.stream_config import StreamMapping

LINE_PREFIX = "line_"
OWN_FIELDS = (REFERENCE, DIVISION, LIST, PATH)
"""Columns of the header that are no properties of the entity."""


@dataclass
class _Group:
    """The rows of a document received so far."""

    header: Record = field(default_factory=dict)
    conflicts: dict[str, None] = field(default_factory=dict)
    """Header columns with different values in the rows."""
    lines: dict[Hashable, Packed] = field(default_factory=dict)
    deleted: Record = field(default_factory=dict)
    """Header and mark of the last deleted row."""
    unclear: dict[Hashable, Record] = field(default_factory=dict)
    """Values of `_sdc_deleted_at` that are invalid, by row."""


class FlatRows:
    """Groups the rows of a stream of flat rows into documents."""

    def __init__(
        self, mapping: StreamMapping, keys: Sequence[str], zone: Callable[[], ZoneInfo]
    ) -> None:
        """`keys` are the key columns of a row; `zone` returns the time zone of the server."""
        self._mapping = mapping
        self._keys = keys
        self._reference_names = [*filter(None, (mapping.reference_field, REFERENCE))]
        self._collection = collection_of(mapping)
        self._lines_known = line_properties(self._collection)
        self._headers_known = properties_of(mapping.entity.endpoint)
        self._zone = zone
        shape = shape_of(mapping.entity.endpoint.id)
        self._known_names = {*self._headers_known, *shape.related_columns, *map(plain, OWN_FIELDS)}
        self._line_name = _line_name(self._headers_known, self._lines_known)
        self._packer = Packer()
        self._groups: dict[Hashable, _Group] = {}
        self._line_names: dict[str, str | None] = {}
        self._number = count()

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self._groups)

    @property
    def has_records(self) -> bool:
        """Whether there is any record."""
        return bool(self._groups)

    def line_column(self, name: str) -> str | None:
        """Return the name of a column in the line; None for a column of the header."""
        if name not in self._line_names:
            self._line_names[name] = self._line_name(name)
        return self._line_names[name]

    def add(self, record: Record) -> None:
        """Add a row; it replaces a row with the same key."""
        header: Record = {}
        line: Record = {}
        for name, value in record.items():
            if is_metadata(name):
                continue
            own = self.line_column(name)
            part, column = (header, name) if own is None else (line, own)
            if not is_empty(value):
                part[column] = value
            else:
                part.setdefault(column, None)
        reference = text(value_of(header, *self._reference_names))
        group = self._groups.setdefault(reference or next(self._number), _Group())
        key = identity(record, self._keys, self._property)
        if key is None:
            key = next(self._number)
        group.unclear.pop(key, None)
        mark = mark_of(record)
        if mark is Mark.DELETED:
            group.deleted = header | marks_in(record)
            group.lines.pop(key, None)
            return
        if mark is Mark.UNCLEAR:
            group.unclear[key] = marks_in(record)
        self._merge_header(group, header)
        if any(value is not None for value in line.values()):
            group.lines[key] = self._packer.pack(line)

    def _property(self, column: str) -> Property | None:
        """Return the property of a column."""
        own = self.line_column(column)
        known = self._headers_known if own is None else self._lines_known
        return known.get(plain(own or column))

    def _merge_header(self, group: _Group, header: Record) -> None:
        """Merge the header of a row; empty columns are ignored."""
        for name, value in header.items():
            before = group.header.get(name)
            if before is None:
                group.header[name] = value
            elif value is not None and value != before and self._conflict(name, before, value):
                group.conflicts[name] = None

    def _conflict(self, name: str, *values: object) -> bool:
        """Return whether values of a known header column differ once converted to its type."""
        if plain(name) not in self._known_names:
            return False
        one, other = (compared(value, self._property(name), self._zone()) for value in values)
        return one != other

    def documents(self) -> Iterator[tuple[str, Assembled]]:
        """Iterate over the documents, each with its stream."""
        for group in self._groups.values():
            record = Assembled(group.header)
            if group.conflicts:
                record.problems = [
                    f"its rows differ in {', '.join(group.conflicts)}, of which a document has one"
                ]
            for marks in group.unclear.values():
                record |= marks
            rows = [self._packer.unpack(packed) for packed in group.lines.values()]
            if rows:
                lines = [without_number(row, self._lines_known) for row in in_order(rows)]
                record[self._collection.name] = lines
            elif group.deleted:
                record |= {**group.deleted, **record}
            yield self._mapping.stream, record


def _line_name(
    headers: Mapping[str, Property], lines: Mapping[str, Property]
) -> Callable[[str], str | None]:
    """Build a function that maps a column to its name in the line; None for the header."""

    def line_name(column: str) -> str | None:
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

    return line_name


def _stem(name: str) -> str:
    """Strip `code` or `name`: `itemcode` becomes `item`."""
    return re.sub("(code|name)$", "", name)
