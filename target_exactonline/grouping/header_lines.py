"""Build documents from two streams, one of headers and one of lines.

They arrive in any order, so a document is complete only at the end of the input. Until then records
are kept compressed.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from itertools import count
from math import isfinite
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import msgspec

from exactonline_client import catalogue
from exactonline_client.deletion import Mark, mark_of
from target_exactonline.schema.names import plain
from target_exactonline.schema.values import as_text, compared, is_empty
from target_exactonline.stream_config import LINE

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from exactonline_client.catalogue import Endpoint, Property
    from target_exactonline.mapping.model import Document
    from target_exactonline.stream_config import StreamMapping

Record = dict[str, Any]
Packed: TypeAlias = "tuple[tuple[str, ...], bytes | list[Any]]"

REFERENCE = "reference"
"""Column that holds the reference for any entity."""
ASSEMBLED = "_assembled"
"""Column of a stored record that was assembled: the problems of its assembly."""
LINE_NUMBER = "LineNumber"

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Assembled(dict[str, Any]):
    """A record assembled from several."""

    problems: Sequence[str] = ()
    """Problems of the assembly."""


def prepared(
    prepare: Callable[[Mapping[str, Any]], Document],
) -> Callable[[Mapping[str, Any]], Document]:
    """Extend a preparation by the problems of assembled records.

    A stored record keeps these problems, since a replay loads it as one record.
    """

    def with_problems(record: Mapping[str, Any]) -> Document:
        if isinstance(record, Assembled):
            problems = [*record.problems]
        elif ASSEMBLED in record:
            problems = list(map(str, record[ASSEMBLED] or ()))
        else:
            return prepare(record)
        whole = {name: value for name, value in record.items() if name != ASSEMBLED}
        document = prepare(whole)
        document.record = {**whole, ASSEMBLED: problems}
        document.assembled = True
        document.problems[:0] = problems
        if problems:
            document.payload_hash = ""
        return document

    return with_problems


@lru_cache(maxsize=1000)
def _spellings(names: tuple[str, ...]) -> Mapping[str, str]:
    return {plain(name): name for name in names}


def value_of(record: Mapping[str, Any], *names: str) -> Any:  # noqa: ANN401 - whatever it holds
    """Return the first value of a record under these names that is not empty; None if all are."""
    given = _spellings(tuple(record))
    values = (record[given[plain(name)]] for name in names if plain(name) in given)
    return next((value for value in values if not is_empty(value)), None)


def text(value: object) -> str | None:
    """Normalise a join value to text; None if it is empty."""
    return None if is_empty(value) else as_text(value)


def _guid(value: object) -> str | None:
    """Normalise a join key to the canonical form of a GUID, if it is one."""
    key = text(value)
    try:
        return str(UUID(key)) if key else None
    except ValueError:
        return key


def identity(
    record: Mapping[str, Any], keys: Sequence[str], known: Callable[[str], Property | None]
) -> Hashable:
    """Return the key values of a record, by which it replaces an earlier one; None without a key.

    Args:
        record: with all its columns.
        keys: its key columns; if one of them is empty, the record has no key.
        known: returns the property of a column.
    """
    values = {key: record.get(key) for key in keys}
    if not values or any(map(is_empty, values.values())):
        return None
    return tuple(compared(value, known(key)) for key, value in values.items())


@dataclass
class Packer:
    """Compresses records: shared column names once, values as compressed JSON."""

    names: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def pack(self, record: Mapping[str, Any]) -> Packed:
        """Compress a record; values that JSON cannot hold are kept as they are."""
        names = tuple(record)
        names = self.names.setdefault(names, names)
        values = list(record.values())
        if any(isinstance(value, (float, Decimal)) and not isfinite(value) for value in values):
            return names, values
        try:
            return names, zlib.compress(_encode(values), level=1)
        except (OverflowError, RecursionError, TypeError, ValueError):
            return names, values

    @staticmethod
    def unpack(packed: Packed) -> Record:
        """Restore a record; decimals keep all digits."""
        names, content = packed
        values = _decode(zlib.decompress(content)) if isinstance(content, bytes) else content
        return dict(zip(names, values, strict=True))


@dataclass(frozen=True)
class _Join:
    """The values by which a line refers to its document."""

    key: str | None
    """Key of the document, as a tap reads it."""
    reference: str | None


@dataclass
class _Header:
    stream: str
    packed: Packed
    join: _Join


class HeaderLines:
    """Joins the headers and lines of an entity that come in two streams."""

    def __init__(self, mapping: StreamMapping, reference_fields: Iterable[str]) -> None:
        """Start without records.

        Args:
            mapping: of the stream of headers or of lines.
            reference_fields: columns in which a line may name its document. A property of the
                line itself is never one of them, whatever its name.
        """
        self.line_streams: dict[str, None] = {}
        self._mapping = mapping
        self._collection = collection_of(mapping)
        self._lines_known = line_properties(self._collection)
        self._packer = Packer()
        self._headers: dict[Hashable, _Header] = {}
        self._lines: dict[_Join, dict[Hashable, Packed]] = {}
        self._reference_names = [
            REFERENCE,
            *(name for name in reference_fields if plain(name) not in self._lines_known),
        ]
        self._number = count()
        self.dropped_lines = 0
        """Number of deleted lines that were dropped, since their document was not sent."""

    def __len__(self) -> int:
        """Return the number of documents, including groups of lines without a header."""
        return len(self._headers) + len(self._lines.keys() - self._with_header())

    @property
    def has_records(self) -> bool:
        """Whether there is any record."""
        return bool(self._headers or self._lines)

    @property
    def joining(self) -> set[str]:
        """Normalised names of the columns by which a line refers to its document."""
        return {plain(name) for name in (self._parent_field, *self._reference_names)}

    def add_header(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> None:
        """Add a header; it replaces one with the same key. `keys` are the key columns."""
        join = _Join(
            _guid(value_of(record, mapping.entity.key)),
            text(value_of(record, *filter(None, (mapping.reference_field, REFERENCE)))),
        )
        key = self._identity(mapping, keys, record)
        self._headers[key] = _Header(mapping.stream, self._packer.pack(record), join)

    def drop_header(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> None:
        """Remove the header of a document that was deleted at its source."""
        self._headers.pop(self._identity(mapping, keys, record), None)

    def add_line(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> None:
        """Add a line; it replaces one with the same key."""
        join = _Join(
            _guid(value_of(record, self._parent_field)),
            text(value_of(record, *self._reference_names)),
        )
        key = self._identity(mapping, keys, record)
        lines = self._lines.get(join, {})
        if mark_of(record) is Mark.DELETED:
            if lines.pop(key, None) is None:
                self.dropped_lines += 1
            return
        self._lines.setdefault(join, lines)[key] = self._packer.pack(record)

    @property
    def _parent_field(self) -> str:
        return self._collection.field or self._mapping.entity.key

    def _identity(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> Hashable:
        known = (
            self._lines_known if mapping.part == LINE else properties_of(mapping.entity.endpoint)
        )
        key_values = identity(record, keys, lambda key: known.get(plain(key)))
        return next(self._number) if key_values is None else (mapping.stream, key_values)

    def documents(self) -> Iterator[tuple[str, Assembled]]:
        """Iterate over the documents, each with the stream of its header."""
        with_header = set()
        groups = self._groups()
        for header in self._headers.values():
            joins = self._lines_of(header.join, *groups)
            with_header.update(joins)
            record = Assembled(self._packer.unpack(header.packed))
            lines = [line for join in joins for line in self._unpack(join)]
            if lines:
                record[self._collection.name] = lines
            elif self.line_streams:
                record.problems = [f"no line of it came in stream {', '.join(self.line_streams)}"]
            yield header.stream, record
        for join in self._lines.keys() - with_header:
            if self._lines[join]:
                yield self._without_header(join)

    def _with_header(self) -> set[_Join]:
        """Return the groups of lines with a header, and the empty ones."""
        groups = self._groups()
        empty = {join for join, lines in self._lines.items() if not lines}
        return empty.union(
            *(self._lines_of(header.join, *groups) for header in self._headers.values())
        )

    def _groups(self) -> tuple[dict[str, list[_Join]], dict[str, list[_Join]]]:
        """Index the groups of lines by key and by reference of their document."""
        by_key: dict[str, list[_Join]] = {}
        by_reference: dict[str, list[_Join]] = {}
        for join in self._lines:
            if join.key:
                by_key.setdefault(join.key, []).append(join)
            if join.reference:
                by_reference.setdefault(join.reference, []).append(join)
        return by_key, by_reference

    @staticmethod
    def _lines_of(
        header: _Join, by_key: dict[str, list[_Join]], by_reference: dict[str, list[_Join]]
    ) -> list[_Join]:
        """Return the groups of lines of a header, by key or else by reference."""
        joins = list(by_key.get(header.key, ())) if header.key else []
        if header.reference:
            joins += [
                join
                for join in by_reference.get(header.reference, ())
                if join.key is None or header.key is None
            ]
        return joins

    def _unpack(self, join: _Join) -> list[Record]:
        rows = [self._packer.unpack(packed) for packed in self._lines[join].values()]
        return [self._stripped(row) for row in in_order(rows)]

    def _stripped(self, row: Record) -> Record:
        """Remove the join columns and the line number from a line."""
        joining = self.joining
        return without_number(
            {name: value for name, value in row.items() if plain(name) not in joining},
            self._lines_known,
        )

    def _without_header(self, join: _Join) -> tuple[str, Assembled]:
        """Build a rejected record of lines without a header."""
        stream = next((header.stream for header in self._headers.values()), None)
        record = Assembled({self._collection.name: self._unpack(join)})
        if join.key:
            record[self._mapping.entity.key] = join.key
        if join.reference:
            record[self._mapping.reference_field or REFERENCE] = join.reference
        named = [
            f"{name} {value}"
            for name, value in (
                (self._mapping.entity.key, join.key),
                ("the reference", join.reference),
            )
            if value
        ]
        streams = ", ".join(self.line_streams)
        reason = f"no header with {' or '.join(named)} came" if named else (
            f"they name no document: give them {self._parent_field} or a column {REFERENCE}"
        )  # fmt: skip
        record.problems = [f"lines of stream {streams} have no document: {reason}"]
        return stream or self._mapping.entity.stream, record


def collection_of(mapping: StreamMapping) -> Property:
    """Return the collection of lines of an entity that has one."""
    if mapping.collection is None:
        raise ValueError(mapping.entity.stream)
    return mapping.collection


def line_properties(collection: Property) -> Mapping[str, Property]:
    """Return the properties of the lines by normalised name."""
    return properties_of(catalogue.load().endpoints[collection.entity or ""])


def properties_of(endpoint: Endpoint) -> Mapping[str, Property]:
    """Return the properties of an endpoint by normalised name."""
    return _properties(endpoint.id)


@cache
def _properties(endpoint_id: str) -> Mapping[str, Property]:
    properties = catalogue.load().endpoints[endpoint_id].properties
    return {plain(name): item for name, item in properties.items()}


def writable(known: Mapping[str, Property], name: str) -> bool:
    """Return whether there is a property of this name that can be written."""
    return name in known and known[name].post


def in_order(rows: Iterable[Record]) -> list[Record]:
    """Sort lines by line number if all have one; else keep their order."""
    lines = list(rows)
    try:
        return sorted(lines, key=lambda row: Decimal(str(value_of(row, LINE_NUMBER))))
    except ArithmeticError:
        return lines


def without_number(line: Record, known: Mapping[str, Property]) -> Record:
    """Remove the line number, unless the API accepts it."""
    number = plain(LINE_NUMBER)
    if writable(known, number):
        return line
    return {name: value for name, value in line.items() if plain(name) != number}
