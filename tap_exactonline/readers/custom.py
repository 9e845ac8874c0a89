"""The lists that a custom stream is read from: one, or one for each year or some parents."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from typing_extensions import override

from exactonline_client.odata.literals import EMPTY_GUID, INTEGERS, literal
from exactonline_client.odata.query import MAX_URL, any_of
from tap_exactonline.definitions.custom import CustomPlan, Parents, Years
from tap_exactonline.definitions.definition import HEADER_LINE_NUMBER, LINE_NUMBER, MODIFIED
from tap_exactonline.deletes import key_diff
from tap_exactonline.extract import decoding
from tap_exactonline.extract import query as reading
from tap_exactonline.readers.base import PartitionReader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.decoding import Row
    from tap_exactonline.extract.batch import Batch

    Context = Mapping[str, Any]

ROOM_TO_GO_ON = 300
"""Characters of an address that are left to the server, for the place where a page goes on."""


@dataclass(frozen=True)
class Part:
    """One of the lists that make up a custom stream."""

    condition: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    told: Row = field(default_factory=dict)
    """What its rows have in common and do not say themselves."""


class CustomReader(PartitionReader):
    """Reads a stream of the user's own."""

    @property
    @override
    def plan(self) -> CustomPlan:
        if not isinstance(self.request.plan, CustomPlan):
            raise TypeError(self.request.plan)
        return self.request.plan

    @property
    @override
    def sends_select(self) -> bool:
        return self.plan.sends_select

    @override
    def rows(self) -> Iterator[Batch]:
        if self.plan.around is None:
            yield from super().rows()
            return
        decode = self.decoder()
        compared = self.comparison()
        for part in self._parts():
            for page in self._read_part(part):
                rows = [{**decode(row), **part.told} for row in page.rows]
                if compared:
                    compared.note(rows)
                yield self.batch(self.keyed(rows))
        if compared:
            yield from self.batches(compared.gone(self.state, sent_all=True))

    @override
    def pages(self, start: Any) -> Iterator[Page]:
        return self._read_part(Part(), start)

    @override
    def key_pages(self) -> Iterator[Page]:
        plan = replace(key_diff.key_plan(self.plan), replication_key=None)
        columns = key_diff.key(plan) if plan.sends_select else ()
        return reading.read(self.connection, plan, self.query_of(columns))

    @override
    def query_of(self, columns: Sequence[str]) -> reading.Query:
        return replace(self._query(Part()), columns=columns, everything=False)

    def _read_part(
        self,
        part: Part,
        start: Any = None,  # noqa: ANN401
    ) -> Iterator[Page]:
        return reading.read(self.connection, self.plan, self._query(part, start))

    def _query(self, part: Part, start: Any = None) -> reading.Query:  # noqa: ANN401
        return reading.Query(
            self.division,
            self.asked_columns if self.plan.sends_select else (),
            start,
            condition=reading.both(self.plan.filter, part.condition),
            parameters={**self.plan.parameters, **part.parameters},
            everything=self.request.keeps_unknown and self.plan.sends_select,
        )

    def _parts(self) -> Iterator[Part]:
        if isinstance(self.plan.around, Years):
            values = self._years(self.plan.around)
            edm = "Edm.Int32"
        elif isinstance(self.plan.around, Parents):
            values = self._keys(self.plan.around)
            edm = self.plan.around.column.type
        else:
            raise TypeError(self.plan.around)
        if self.plan.parameter is not None:
            for value in values:
                yield self._part_of(self.plan.parameter, value, edm)
        elif self.plan.filter_field is not None:
            column = self.plan.filter_field
            # In the address of the next page the server may encode any character.
            filters = any_of(column.name, column.type, values, self._room(), safe="")
            yield from (Part(condition=text) for text in filters)

    def _part_of(self, parameter: str, value: str, edm: str) -> Part:
        """One call's list, whose parameter is a column where no row tells it."""
        own = self.plan.columns.get(parameter)
        is_told = own is not None and parameter not in self.plan.endpoint.columns
        told = int(value) if edm in INTEGERS else value
        return Part(
            parameters={parameter: literal(value, edm)},
            told={parameter: told} if is_told else {},
        )

    def _years(self, years: Years) -> Iterator[str]:
        connection = self.connection
        this_year = datetime.fromtimestamp(connection.clock(), connection.zone).year
        last = this_year if years.last is None else years.last
        return map(str, range(years.first, last + 1))

    def _keys(self, parents: Parents) -> Iterator[str]:
        """The keys of all parents in a division, each once, as Exact writes them."""
        plan = parents.plan
        feed = plan.endpoint.feed
        wanted = [parents.column.name, *([plan.bookmark] if plan.bookmark else [])]
        columns = [*dict.fromkeys([*wanted, *([LINE_NUMBER] if feed else [])])]
        of_headers = feed is not None and feed["header"] == plan.stream.plain
        facts = [plan.endpoint.columns[name] for name in columns]
        decode = decoding.decoder(facts, self.connection.zone, (), self.note)
        seen = set()
        for page in reading.read(self.connection, plan, reading.Query(self.division, columns)):
            for row in page.rows:
                # As Exact writes it, which is how it has to be asked for.
                value = row.get(parents.column.name)
                told = decode(dict(row))
                if feed and (told[LINE_NUMBER] == HEADER_LINE_NUMBER) != of_headers:
                    continue
                if told[parents.column.name] is not None and value not in seen:
                    seen.add(value)
                    yield str(value)

    def _room(self) -> int:
        """How long the encoded conditions of one call may be."""
        query = self._query(Part(condition=f"{MODIFIED} eq {EMPTY_GUID}"))
        options = {**query.parameters, "$select": query.select, "$filter": query.condition}
        path = self.plan.endpoint.uri.format(division=self.division)
        taken = sum(len(quote(f"{name}={value}&", safe="")) for name, value in options.items())
        base = len(self.connection.session.base_url) + len(path)
        return MAX_URL - base - taken - ROOM_TO_GO_ON
