"""Views: the columns of an endpoint as stored, joined or computed values."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from exactonline_sandbox.books.descriptions import description_source
from exactonline_sandbox.books.references import USERS, joined_properties
from exactonline_sandbox.edm.model import entity_name, schema
from exactonline_sandbox.edm.values import comparable, encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

    Reader = Callable[[Row], Any]
    Finder = Callable[[Any], Row | None]
    Encode = Callable[[Any], Any] | None

_OWN_ROW_IDS = uuid.UUID("8f4b1f5e-57b7-4f0c-8f6f-3e0d6d6a1c52")


class _Plan(NamedTuple):
    """How to write a stored value, and the columns joined through it."""

    shown: bool
    """Whether the value itself is written."""
    encode: Encode
    find: Finder | None
    """Finds the referenced row, for joined columns."""
    columns: tuple[tuple[str, str, Encode], ...]
    """Joined columns: name, column of the referenced row, encoder."""


class View:
    """The view of an endpoint on the rows of a table."""

    def __init__(
        self, endpoint: Endpoint, table: str, company: Company, users: Mapping[str, Row]
    ) -> None:
        """Make the view.

        Args:
            endpoint: The endpoint.
            table: The table.
            company: The division.
            users: Rows of users, by id.
        """
        self.endpoint = endpoint
        self.table = table
        self._company = company
        self._users = users
        self.columns = endpoint.columns
        self._entity = entity_name(schema().endpoints[table])
        self._joined = {item.name: item for item in joined_properties(table, endpoint)}
        self._special = self._specials()
        self.projection = lru_cache(maxsize=32)(self._projection)

    def reader(self, name: str) -> Reader:
        """The reader of a column, as a plain value."""
        if name in self._special:
            return self._special[name]
        if name in self._joined:
            item = self._joined[name]
            find, reference, column = self._finder(name), item.reference, item.column
            return lambda row: (
                None if (target := find(row.get(reference))) is None else target.get(column)
            )
        default = self._default(name)
        return lambda row: row.get(name, default)

    def comparable_reader(self, name: str) -> Reader:
        """The reader of a column, as the value that filters, order and skip tokens use."""
        read, change = self.reader(name), comparable(self._entity, self.columns[name])
        if change is None:
            return read
        return lambda row: None if (value := read(row)) is None else change(value)

    def is_compared_as_stored(self, name: str) -> bool:
        """Whether a column is stored in the form that filters compare."""
        return (
            name in self.columns
            and name not in self._special
            and name not in self._joined
            and comparable(self._entity, self.columns[name]) is None
        )

    def _projection(self, names: tuple[str, ...]) -> Projection:
        stored: dict[str, Encode] = {}
        joined: dict[str, list[tuple[str, str, Encode]]] = {}
        computed = []
        for name in names:
            encode = encoder(self._entity, self.columns[name])
            if name in self._special:
                computed.append((name, self._special[name], encode))
            elif name in self._joined:
                item = self._joined[name]
                joined.setdefault(item.reference, []).append((name, item.column, encode))
            else:
                stored[name] = encode
        plans = {
            name: _Plan(
                name in stored,
                stored.get(name),
                self._finder(joined[name][0][0]) if name in joined else None,
                tuple(joined.get(name, ())),
            )
            for name in {**stored, **joined}
        }
        return Projection({name: self._default(name) for name in names}, plans, computed)

    def _finder(self, name: str) -> Finder:
        target = self._joined[name].target
        if target.table == USERS:
            return self._users.get
        rows = self._company.table(target.table)
        return rows.by_code if target.by_code else rows.get

    def _default(self, name: str) -> int | None:
        """The default of a column."""
        if name == "Division":
            return self._company.code
        return 0 if self.columns[name].type == "Edm.Byte" else None

    def _specials(self) -> dict[str, Reader]:
        """Readers of computed columns: neither stored nor joined."""
        special: dict[str, Reader] = {}
        for name in self.columns:
            source = description_source(self.table, name)
            if source:
                special[name] = _describing(*source)
        if self.endpoint.kind == "sync":
            special.update(self._header_specials())
        return {name: read for name, read in special.items() if name in self.columns}

    def _header_specials(self) -> dict[str, Reader]:
        """Readers for sync endpoints: `ID` of a header, and line number 0 in a mixed feed."""
        feeds = schema().feed_of[self.table]
        key = schema().key_columns(self.table)[0]
        special: dict[str, Reader] = {}
        if key not in ("ID", "Timestamp"):
            switches = self._company.switches
            special["ID"] = lambda row: (
                own_row_id(row[key]) if switches.header_row_id == "own" else row[key]
            )
        if feeds.line is not None and feeds.header == self.table:
            special["LineNumber"] = lambda _row: 0
        return special


class Projection:
    """Encodes rows as JSON values, for one set of columns."""

    def __init__(
        self,
        template: Row,
        plans: Mapping[str, _Plan],
        computed: Iterable[tuple[str, Reader, Encode]],
    ) -> None:
        """Make it.

        Args:
            template: All columns with their defaults.
            plans: How to write stored values, by column.
            computed: Computed columns: name, reader, encoder.
        """
        self._template = template
        self._plans = plans
        self._computed = tuple(computed)

    def encode(self, row: Row) -> Row:
        """A row as JSON values, in the order of the endpoint."""
        out = self._template.copy()
        plans = self._plans
        for name, value in row.items():
            plan = plans.get(name)
            if plan is None:
                continue
            shown, encode, find, columns = plan
            if shown:
                out[name] = value if encode is None or value is None else encode(value)
            if find is not None and (target := find(value)) is not None:
                _write_joined(out, target, columns)
        for name, read, encode in self._computed:
            value = read(row)
            out[name] = value if encode is None or value is None else encode(value)
        return out


def _write_joined(out: Row, target: Row, columns: Iterable[tuple[str, str, Encode]]) -> None:
    for name, column, encode in columns:
        value = target.get(column)
        if value is not None:
            out[name] = value if encode is None else encode(value)


def own_row_id(key: str) -> str:
    """The `ID` of a header where that is not the key of the document."""
    return str(uuid.uuid5(_OWN_ROW_IDS, key))


def _describing(source: str, words: Mapping[Any, str]) -> Reader:
    return lambda row: words.get(row.get(source))
