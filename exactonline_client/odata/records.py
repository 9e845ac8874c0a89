"""Decode a whole page at once, where its rows are as the catalogue says.

Once a row has told which columns a list has, and in which order, `msgspec` decodes pages straight
into objects with these columns and checks the type of each value on the way, which is several times
as fast as looking at rows one by one. A page that holds anything else is left to `decoding`.
"""

from __future__ import annotations

from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

import msgspec

from exactonline_client.odata.decoding import (
    CONVERSION_ERRORS,
    INT64_END,
    METADATA,
    converter,
    is_padded,
)
from exactonline_client.odata.literals import INTEGERS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property
    from exactonline_client.odata.decoding import Row

NUL = rb"\u0000"
"""JSON escape of NUL, which PostgreSQL rejects in text."""
METADATA_FIELD = "metadata_"
"""Field of a record for `METADATA`: Python changes names that begin with two underscores."""
_Integer = Annotated[int, msgspec.Meta(ge=1 - INT64_END, le=INT64_END - 1)]


class Record(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """A row that was decoded with its page: read like a dict, and encoded like one."""

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        """Return the value of a column."""
        return getattr(self, name)

    def get(self, name: str) -> Any:  # noqa: ANN401
        """Return the value of a column; None if there is no such column."""
        return getattr(self, name, None)


DecodedRow = dict[str, Any] | Record
"""A row that was decoded, by itself or with its page."""


class _Metadata(msgspec.Struct, gc=False):
    """Metadata of a row, which is not kept."""


class RecordPage(NamedTuple):
    """Records of a page, and the address of the next page."""

    records: list[Record]
    next_address: str | None


class Expansion(NamedTuple):
    """A collection that each row holds, see `$expand`."""

    name: str
    columns: Sequence[Property]


class _Conversion(NamedTuple):
    """Conversion of the values of one column."""

    name: str
    value_of: Callable[[Record], Any]
    convert: Callable[[Any], Any]


class _Layout:
    """Columns of rows: the types in which they are sent, and their conversions."""

    def __init__(
        self, columns: Iterable[Property], required: AbstractSet[str], zone: ZoneInfo
    ) -> None:
        """Take the arguments of `PageDecoder`."""
        self._types: dict[str, Any] = {METADATA: _Metadata}
        self._conversions: list[_Conversion] = []
        for column in columns:
            name, json_type = column.name, _json_type(column)
            self._types[name] = json_type if name in required else json_type | None
            if column.type in {"Edm.DateTime", "Edm.Int64"} or is_padded(column):
                convert, _ = converter(column, zone)
                self._conversions.append(_Conversion(name, attrgetter(name), convert))

    def record(self, names: Sequence[str], expanded: Mapping[str, Any]) -> type[Record] | None:
        """Return the type of records with these columns; None if there are others or too few.

        Args:
            names: of columns and collections, in their order.
            expanded: types of the collections by name.
        """
        types = {**self._types, **expanded}
        if {*names, METADATA} != types.keys():
            return None
        fields = [
            (METADATA_FIELD if name == METADATA else name, types[name], msgspec.field(name=name))
            for name in names
        ]
        return cast("type[Record]", msgspec.defstruct("Row", fields, bases=(Record,)))

    def convert(self, records: Sequence[Record]) -> None:
        """Convert the values of records to JSON types, and remove the metadata.

        Raises:
            One of `CONVERSION_ERRORS`: a value has another form.
        """
        for conversion in self._conversions:
            _convert(records, conversion)
        leave_out(records, {METADATA_FIELD})


class PageDecoder:
    """Decoder of the pages of one list."""

    def __init__(
        self,
        columns: Iterable[Property],
        required: AbstractSet[str],
        zone: ZoneInfo,
        expansion: Expansion | None = None,
    ) -> None:
        """Decode nothing at once before `expect`.

        Args:
            columns: of each row.
            required: names of the columns that are never null, also in the collection.
            zone: time zone of the server.
            expansion: collection of each row, which becomes a `RecordPage`.
        """
        self._rows = _Layout(columns, required, zone)
        self._expansion = expansion
        self._lines = _Layout(expansion.columns if expansion else (), required, zone)
        self._expected: tuple[Sequence[str], Sequence[str]] = ((), ())
        self._decoder: msgspec.json.Decoder[Any] | None = None

    def expect(self, rows: Sequence[Row]) -> None:
        """Expect rows like those of a page, if they have all columns and no others.

        The first row, and the first of a collection, say in which order the columns come.
        """
        line = _first_line(rows, self._expansion.name) if self._expansion else None
        names, line_names = tuple(rows[0]), self._expected[1] if line is None else tuple(line)
        if (names, line_names) == self._expected:
            return
        self._expected, self._decoder = (names, line_names), None
        expanded: dict[str, Any] = {}
        if self._expansion:
            line_record = self._lines.record(line_names, {})
            if line_record is None:
                return
            lines: Any = list[line_record]  # type: ignore[valid-type]
            expanded[self._expansion.name] = _page(line_record) | lines
        record = self._rows.record(names, expanded)
        if record is not None:
            body = msgspec.defstruct("Body", [("d", _page(record))])
            self._decoder = msgspec.json.Decoder(body)

    def decode(self, body: bytes) -> RecordPage | None:
        """Decode a response body; None if that cannot be done at once."""
        # A single byte is found faster.
        if self._decoder is None or (b"\\" in body and NUL in body):
            return None
        try:
            page = self._decoder.decode(body).d
            self._rows.convert(page.results)
            if self._expansion:
                self._convert_lines(page.results, self._expansion.name)
        except (msgspec.DecodeError, *CONVERSION_ERRORS):
            return None
        return RecordPage(page.results, page.next_address)

    def _convert_lines(self, records: Sequence[Record], name: str) -> None:
        """Convert the collections of records."""
        for record in records:
            collection = record[name]
            page = (
                RecordPage(collection, None)
                if isinstance(collection, list)
                else RecordPage(collection.results, collection.next_address)
            )
            setattr(record, name, page)
        self._lines.convert([line for record in records for line in record[name].records])


def _first_line(rows: Iterable[Row], name: str) -> Row | None:
    """Return the first row of the collections of rows; None if there is none."""
    for row in rows:
        collection = row.get(name)
        lines = collection.get("results") if isinstance(collection, dict) else collection
        if isinstance(lines, list) and lines and isinstance(lines[0], dict):
            return lines[0]
    return None


def _page(record: type[Record]) -> Any:  # noqa: ANN401
    """Return the type of a page of such records."""
    next_address = msgspec.field(name="__next", default=None)
    results: Any = list[record]  # type: ignore[valid-type]
    return msgspec.defstruct(
        "Page", [("results", results), ("next_address", str | None, next_address)]
    )


def _json_type(column: Property) -> Any:  # noqa: ANN401
    """Return the type in which the API sends a column."""
    if column.type in INTEGERS - {"Edm.Int64"}:
        return _Integer
    if column.type in NUMBERS:
        return _Integer | float
    return bool if column.type == "Edm.Boolean" else str


def _convert(records: Sequence[Record], conversion: _Conversion) -> None:
    """Convert a column; a value that many rows have is converted once."""
    name, value_of, convert = conversion
    values = [*map(value_of, records)]
    converted: dict[Any, Any] = {value: convert(value) for value in {*values} - {None}}
    if any(value is not new for value, new in converted.items()):
        converted[None] = None
        for record, value in zip(records, values, strict=True):
            setattr(record, name, converted[value])


def projection(columns: Sequence[str]) -> Callable[[Record], Record]:
    """Build a function that returns a record with these columns only, of which there are several.

    It is the same record if that has no others.
    """
    projected: Any = msgspec.defstruct("Row", [(name, Any) for name in columns], bases=(Record,))
    values_of = attrgetter(*columns)

    @cache
    def has_no_others(kind: type[Record]) -> bool:
        return {*kind.__struct_fields__} - {METADATA_FIELD} == {*columns}

    def project(record: Record) -> Record:
        return record if has_no_others(type(record)) else projected(*values_of(record))

    return project


def leave_out(rows: Iterable[DecodedRow], names: AbstractSet[str]) -> None:
    """Remove columns from rows."""
    for kind, alike in groupby(rows, type):
        fields = names & {*getattr(kind, "__struct_fields__", ())}
        if fields or kind is dict:
            for row in alike:
                if isinstance(row, dict):
                    for name in row.keys() & names:
                        del row[name]
                else:
                    for name in fields:
                        setattr(row, name, msgspec.UNSET)


def as_row(row: DecodedRow) -> Row:
    """Return the columns of a row as a dict."""
    if isinstance(row, dict):
        return row
    values = ((name, getattr(row, name)) for name in row.__struct_fields__)
    return {name: value for name, value in values if value is not msgspec.UNSET}
