"""Read a custom stream: from one list, or slice by slice, by year or parent key."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from exactonline_client.odata.literals import EMPTY_GUID, INTEGERS, literal
from exactonline_client.odata.query import MAX_URL, any_of
from tap_exactonline.definitions.custom import CustomDefinition, ParentKeys, YearRange
from tap_exactonline.definitions.definition import HEADER_LINE_NUMBER, LINE_NUMBER, MODIFIED
from tap_exactonline.deletes import key_diff
from tap_exactonline.extract import decoding
from tap_exactonline.extract.query import Query, all_of, read_pages
from tap_exactonline.readers.base import PartitionReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.extract.batch import Batch

    Context = Mapping[str, Any]

SKIPTOKEN_ROOM = 300
"""Characters of a URL to reserve for the `$skiptoken` that the server adds."""


class Slice(msgspec.Struct, frozen=True):
    """One slice of a custom stream: the rows of one call and its next pages."""

    condition: str | None = None
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict)
    constants: Row = msgspec.field(default_factory=dict)
    """Columns to add to each row."""


class CustomReader(PartitionReader):
    """Read a custom stream."""

    @property
    @override
    def definition(self) -> CustomDefinition:
        if not isinstance(self.request.definition, CustomDefinition):
            raise TypeError(self.request.definition)
        return self.request.definition

    @property
    @override
    def sends_select(self) -> bool:
        return self.definition.sends_select

    @override
    def rows(self) -> Iterator[Batch]:
        if self.definition.sliced_by is None:
            yield from super().rows()
            return
        decode = self.decoder()
        diff = self.key_diff_or_none()
        for slice_ in self._slices():
            for page in self._read_slice(slice_):
                rows = [{**decode(row), **slice_.constants} for row in page.rows]
                if diff:
                    diff.add_records(rows)
                yield self.batch(self.rows_with_key(rows))
        if diff:
            yield from self.in_batches(diff.tombstones(self.state, sent_all=True))

    @override
    def pages(self, start: Any) -> Iterator[Page]:
        return self._read_slice(Slice(), start)

    @override
    def key_pages(self) -> Iterator[Page]:
        definition = replace(key_diff.key_definition(self.definition), replication_key=None)
        columns = key_diff.key(definition) if definition.sends_select else ()
        return read_pages(self.connection, definition, self.columns_query(columns))

    @override
    def columns_query(self, columns: Sequence[str]) -> Query:
        return replace(self._query(Slice()), columns=columns, all_columns=False)

    def _read_slice(
        self,
        slice_: Slice,
        start: Any = None,  # noqa: ANN401
    ) -> Iterator[Page]:
        return read_pages(self.connection, self.definition, self._query(slice_, start))

    def _query(self, slice_: Slice, start: Any = None) -> Query:  # noqa: ANN401
        return Query(
            self.division,
            self.requested_columns if self.definition.sends_select else (),
            start,
            condition=all_of(self.definition.filter, slice_.condition),
            parameters={**self.definition.parameters, **slice_.parameters},
            all_columns=self.request.keeps_unknown and self.definition.sends_select,
        )

    def _slices(self) -> Iterator[Slice]:
        if isinstance(self.definition.sliced_by, YearRange):
            values = self._years(self.definition.sliced_by)
            edm = "Edm.Int32"
        elif isinstance(self.definition.sliced_by, ParentKeys):
            values = self._keys(self.definition.sliced_by)
            edm = self.definition.sliced_by.column.type
        else:
            raise TypeError(self.definition.sliced_by)
        if self.definition.parameter is not None:
            for value in values:
                yield self._slice_of(self.definition.parameter, value, edm)
        elif self.definition.filter_field is not None:
            column = self.definition.filter_field
            # In the URL of the next page, the server may percent-encode any character.
            filters = any_of(column.name, column.type, values, self._room(), safe="")
            yield from (Slice(condition=text) for text in filters)

    def _slice_of(self, parameter: str, value: str, edm: str) -> Slice:
        """Slice of a function call; its parameter becomes a column unless the rows have it."""
        own = self.definition.columns.get(parameter)
        is_added = own is not None and parameter not in self.definition.endpoint.columns
        constants = int(value) if edm in INTEGERS else value
        return Slice(
            parameters={parameter: literal(value, edm)},
            constants={parameter: constants} if is_added else {},
        )

    def _years(self, years: YearRange) -> Iterator[str]:
        connection = self.connection
        this_year = datetime.fromtimestamp(connection.clock(), connection.zone).year
        last = this_year if years.last is None else years.last
        return map(str, range(years.first, last + 1))

    def _keys(self, parent: ParentKeys) -> Iterator[str]:
        """Distinct keys of all parent rows in a division, in Exact's notation."""
        definition = parent.definition
        feed = definition.endpoint.feed
        names = [parent.column.name, *([definition.bookmark] if definition.bookmark else [])]
        columns = [*dict.fromkeys([*names, *([LINE_NUMBER] if feed else [])])]
        of_headers = feed is not None and feed["header"] == definition.stream.plain
        properties = [definition.endpoint.columns[name] for name in columns]
        decode = decoding.decoder(properties, self.connection.zone, (), self.note_unreadable)
        seen = set()
        for page in read_pages(self.connection, definition, Query(self.division, columns)):
            for row in page.rows:
                # The raw value: filters and parameters take Exact's own notation.
                value = row.get(parent.column.name)
                decoded = decode(dict(row))
                if feed and (decoded[LINE_NUMBER] == HEADER_LINE_NUMBER) != of_headers:
                    continue
                if decoded[parent.column.name] is not None and value not in seen:
                    seen.add(value)
                    yield str(value)

    def _room(self) -> int:
        """Maximum length of the encoded condition of one call."""
        query = self._query(Slice(condition=f"{MODIFIED} eq {EMPTY_GUID}"))
        options = {**query.parameters, "$select": query.select, "$filter": query.condition}
        path = self.definition.endpoint.uri.format(division=self.division)
        taken = sum(len(quote(f"{name}={value}&", safe="")) for name, value in options.items())
        base = len(self.connection.session.base_url) + len(path)
        return MAX_URL - base - taken - SKIPTOKEN_ROOM
