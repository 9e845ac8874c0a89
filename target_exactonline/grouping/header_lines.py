"""Documents put together from records of which none is a document by itself.

Headers and lines may come as two streams, or as flat rows, one for each line. They come in any
order, so that a document is known to be complete only at the end of the input; until then records
are kept as bytes, to take little room.
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
"""A column of this name holds the reference, whatever the entity calls it."""
ASSEMBLED = "_assembled"
"""In a record that is kept: it was put together, and this is wrong with how its parts fit."""
LINE_NUMBER = "LineNumber"

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Assembled(dict[str, Any]):
    """A record put together from several."""

    problems: Sequence[str] = ()
    """What is wrong with how they fit together."""


def prepared(
    prepare: Callable[[Mapping[str, Any]], Document],
) -> Callable[[Mapping[str, Any]], Document]:
    """The same preparation, for which what is wrong with an assembly is a problem as well.

    A record is kept for a replay with a mark of that, for there it comes as a whole.
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
    """The first value, not an empty one, that a record has under one of these names."""
    given = _spellings(tuple(record))
    values = (record[given[plain(name)]] for name in names if plain(name) in given)
    return next((value for value in values if not is_empty(value)), None)


def text(value: object) -> str | None:
    """A value that records are joined by, whichever form it has; None where it is empty."""
    return None if is_empty(value) else as_text(value)


def _guid(value: object) -> str | None:
    """A key that records are joined by, as all ways to write it have in common."""
    found = text(value)
    try:
        return str(UUID(found)) if found else None
    except ValueError:
        return found


def identity(
    record: Mapping[str, Any], keys: Sequence[str], known: Callable[[str], Property | None]
) -> Hashable:
    """What a record has in common with those whose place it takes; None where it takes none.

    Args:
        record: with all its columns.
        keys: the columns that make up its key; where one of them is empty, it has none.
        known: the property that a column is for.
    """
    values = {key: record.get(key) for key in keys}
    if not values or any(map(is_empty, values.values())):
        return None
    return tuple(compared(value, known(key)) for key, value in values.items())


@dataclass
class Packer:
    """Records in little room: the names that many share once, their values as packed JSON."""

    names: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def pack(self, record: Mapping[str, Any]) -> Packed:
        """A record in little room; values that JSON cannot hold stay as they are."""
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
        """The record again, its decimals with all their digits."""
        names, content = packed
        values = _decode(zlib.decompress(content)) if isinstance(content, bytes) else content
        return dict(zip(names, values, strict=True))


@dataclass(frozen=True)
class _Join:
    """By what a line names its document."""

    key: str | None
    """The document's key, as a tap reads it."""
    reference: str | None


@dataclass
class _Header:
    stream: str
    packed: Packed
    join: _Join


class HeaderLines:
    """The documents of one entity whose headers and lines are two streams."""

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
        """Lines that were deleted where they come from, and whose document does not come along."""

    def __len__(self) -> int:
        """How many documents there are, those without a header counted as one each."""
        return len(self._headers) + len(self._lines.keys() - self._with_header())

    @property
    def has_records(self) -> bool:
        """Whether there is anything at all."""
        return bool(self._headers or self._lines)

    @property
    def joining(self) -> set[str]:
        """The columns by which a line names its document, as all spellings have in common."""
        return {plain(name) for name in (self._parent_field, *self._reference_names)}

    def add_header(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> None:
        """Take the header of a document; one with the same key takes its place.

        `keys` are the columns that make up its key in its stream.
        """
        join = _Join(
            _guid(value_of(record, mapping.entity.key)),
            text(value_of(record, *filter(None, (mapping.reference_field, REFERENCE)))),
        )
        key = self._identity(mapping, keys, record)
        self._headers[key] = _Header(mapping.stream, self._packer.pack(record), join)

    def drop_header(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> None:
        """Forget a header, whose document was deleted where it comes from."""
        self._headers.pop(self._identity(mapping, keys, record), None)

    def add_line(self, mapping: StreamMapping, keys: Sequence[str], record: Record) -> None:
        """Take a line; one with the same key takes its place."""
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
        found = identity(record, keys, lambda key: known.get(plain(key)))
        return next(self._number) if found is None else (mapping.stream, found)

    def documents(self) -> Iterator[tuple[str, Assembled]]:
        """All documents, each with the stream of its header."""
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
        """The groups of lines that have a header, and those that are empty."""
        groups = self._groups()
        empty = {join for join, lines in self._lines.items() if not lines}
        return empty.union(
            *(self._lines_of(header.join, *groups) for header in self._headers.values())
        )

    def _groups(self) -> tuple[dict[str, list[_Join]], dict[str, list[_Join]]]:
        """The groups of lines by the key and by the reference of their document."""
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
        """The groups of lines of a header: by its key, else by its reference."""
        found = list(by_key.get(header.key, ())) if header.key else []
        if header.reference:
            found += [
                join
                for join in by_reference.get(header.reference, ())
                if join.key is None or header.key is None
            ]
        return found

    def _unpack(self, join: _Join) -> list[Record]:
        rows = [self._packer.unpack(packed) for packed in self._lines[join].values()]
        return [self._stripped(row) for row in in_order(rows)]

    def _stripped(self, row: Record) -> Record:
        """A line without the columns that only say which document it belongs to, and where."""
        joining = self.joining
        return without_number(
            {name: value for name, value in row.items() if plain(name) not in joining},
            self._lines_known,
        )

    def _without_header(self, join: _Join) -> tuple[str, Assembled]:
        """Lines without a document; they are no document themselves, so that none is created."""
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
    """The collection that holds the lines, of an entity that has one."""
    if mapping.collection is None:
        raise ValueError(mapping.entity.stream)
    return mapping.collection


def line_properties(collection: Property) -> Mapping[str, Property]:
    """The properties of the lines, by what their spellings have in common."""
    return properties_of(catalogue.load().endpoints[collection.entity or ""])


def properties_of(endpoint: Endpoint) -> Mapping[str, Property]:
    """The properties of an endpoint, by what their spellings have in common."""
    return _properties(endpoint.id)


@cache
def _properties(endpoint_id: str) -> Mapping[str, Property]:
    properties = catalogue.load().endpoints[endpoint_id].properties
    return {plain(name): item for name, item in properties.items()}


def writable(known: Mapping[str, Property], name: str) -> bool:
    """Whether there is such a property, and it may be given."""
    return name in known and known[name].post


def in_order(rows: Iterable[Record]) -> list[Record]:
    """Lines by their number where all have one, else as they came."""
    found = list(rows)
    try:
        return sorted(found, key=lambda row: Decimal(str(value_of(row, LINE_NUMBER))))
    except ArithmeticError:
        return found


def without_number(line: Record, known: Mapping[str, Property]) -> Record:
    """The line without its number, where Exact Online numbers the lines itself."""
    number = plain(LINE_NUMBER)
    if writable(known, number):
        return line
    return {name: value for name, value in line.items() if plain(name) != number}
