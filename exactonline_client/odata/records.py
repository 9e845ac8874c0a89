"""Decode a whole page at once, where its rows are as the catalogue says.

Once a row has told which columns a list has, and in which order, `msgspec` decodes pages straight
into objects with these columns and checks the type of each value on the way, which is several times
as fast as looking at rows one by one. A page that holds anything else is left to `decoding`.
"""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
    from collections.abc import Callable, Iterable, Sequence
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


class _Conversion(NamedTuple):
    """Conversion of the values of one column."""

    name: str
    value_of: Callable[[Record], Any]
    convert: Callable[[Any], Any]


class PageDecoder:
    """Decoder of the pages of one list."""

    def __init__(self, columns: Iterable[Property], required: str, zone: ZoneInfo) -> None:
        """Decode nothing at once before `expect`.

        Args:
            columns: of each row.
            required: name of the column that is never null.
            zone: time zone of the server.
        """
        self._types: dict[str, Any] = {METADATA: _Metadata}
        self._conversions: list[_Conversion] = []
        for column in columns:
            name, json_type = column.name, _json_type(column)
            self._types[name] = json_type if name == required else json_type | None
            if column.type in {"Edm.DateTime", "Edm.Int64"} or is_padded(column):
                convert, _ = converter(column, zone)
                self._conversions.append(_Conversion(name, attrgetter(name), convert))
        self._expected: tuple[str, ...] = ()
        self._decoder: msgspec.json.Decoder[Any] | None = None

    def expect(self, row: Row) -> None:
        """Expect rows with the columns of this one in their order, if it has all and no others."""
        names = tuple(row)
        if names == self._expected:
            return
        self._expected, self._decoder = names, None
        if {*names, METADATA} == self._types.keys():
            self._decoder = msgspec.json.Decoder(_body([self._field(name) for name in names]))

    def _field(self, name: str) -> tuple[str, Any, Any]:
        """Return the field of a column: its name, type and name in JSON."""
        field = METADATA_FIELD if name == METADATA else name
        return field, self._types[name], msgspec.field(name=name)

    def decode(self, body: bytes) -> RecordPage | None:
        """Decode a response body; None if that cannot be done at once."""
        # A single byte is found faster.
        if self._decoder is None or (b"\\" in body and NUL in body):
            return None
        try:
            page = self._decoder.decode(body).d
            for conversion in self._conversions:
                _convert(page.results, conversion)
        except (msgspec.DecodeError, *CONVERSION_ERRORS):
            return None
        leave_out(page.results, {METADATA_FIELD})
        return RecordPage(page.results, page.next_address)


def _body(fields: Sequence[tuple[str, Any, Any]]) -> type[msgspec.Struct]:
    """Return the type of a response body whose rows have these fields."""
    record = msgspec.defstruct("Row", fields, bases=(Record,))
    next_address = msgspec.field(name="__next", default=None)
    results: Any = list[record]  # type: ignore[valid-type]
    page = msgspec.defstruct(
        "Page", [("results", results), ("next_address", str | None, next_address)]
    )
    return msgspec.defstruct("Body", [("d", page)])


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
    values = {*map(value_of, records)} - {None}
    converted: dict[Any, Any] = {value: convert(value) for value in values}
    if any(value is not new for value, new in converted.items()):
        converted[None] = None
        for record in records:
            setattr(record, name, converted[value_of(record)])


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
