"""Views: the columns of an endpoint as stored, joined or computed values."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.books.descriptions import description_source
from exactonline_sandbox.books.references import USERS, joined_properties
from exactonline_sandbox.edm.empty import empty_value
from exactonline_sandbox.edm.model import USER_LISTS, entity_name, schema
from exactonline_sandbox.edm.values import comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.references import JoinedProperty
    from exactonline_sandbox.books.tables import Row, Table

    Reader = Callable[[Row], Any]
    Finder = Callable[[Any], Row | None]

SALES_FEED = "sync/SalesInvoice/SalesInvoices"
_SIGNED = ("AmountDC", "AmountFC", "AmountFCExclVat", "VATAmountDC", "VATAmountFC")
"""Columns of the feed of invoices whose sign is a switch."""
_OWN_ROW_IDS = uuid.UUID("8f4b1f5e-57b7-4f0c-8f6f-3e0d6d6a1c52")


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
        self.entity = entity_name(schema().endpoints[table])
        # Companies and users are the same in every division, and refer to users alone.
        self._joined = {
            item.name: item
            for item in joined_properties(table, endpoint)
            if table not in USER_LISTS or item.target.table == USERS
        }
        self._special = self._specials()
        self.layouts: dict[Any, Any] = {}
        """How to write its rows, by properties and format; for the modules that write them."""

    def reader(self, name: str) -> Reader:
        """The reader of a column, as a plain value."""
        if name in self._special:
            return self._special[name]
        if name in self._joined:
            item = self._joined[name]
            find, reference, column = self.finder(name), item.reference, item.column
            return lambda row: (
                None if (target := find(row.get(reference))) is None else target.get(column)
            )
        default = self.default(name)
        return lambda row: row.get(name, default)

    def comparable_reader(self, name: str) -> Reader:
        """The reader of a column, as the value that filters, order and skip tokens use."""
        read, change = self.reader(name), comparable(self.entity, self.columns[name])
        if change is None:
            return read
        return lambda row: None if (value := read(row)) is None else change(value)

    def is_compared_as_stored(self, name: str) -> bool:
        """Whether a column is stored in the form that filters compare."""
        return (
            self.is_own(name)
            and self.default(name) is None
            and comparable(self.entity, self.columns[name]) is None
        )

    def computed(self, name: str) -> Reader | None:
        """The reader of a computed column; None for a stored or a joined one."""
        return self._special.get(name)

    def is_lasting(self, name: str) -> bool:
        """Whether a computed column changes only with its own row, and with no switch."""
        return name == "LineNumber" or description_source(self.table, name) is not None

    def joined(self, name: str) -> JoinedProperty | None:
        """Where a joined column is read from; None for other columns."""
        return None if name in self._special else self._joined.get(name)

    def joined_table(self, name: str) -> Table | None:
        """The table that a joined column is read from; None for users, who never change."""
        target = self._joined[name].target
        return None if target.table == USERS else self._company.table(target.table)

    def is_own(self, name: str) -> bool:
        """Whether a column changes only with its own row: it is not joined, and not computed."""
        return name in self.columns and name not in self._special and name not in self._joined

    def finder(self, name: str) -> Finder:
        """The function that finds the row a joined column is read from, by its reference."""
        rows = self.joined_table(name)
        if rows is None:
            return self._users.get
        return rows.by_code if self._joined[name].target.by_code else rows.get

    def default(self, name: str) -> int | bool | str | None:
        """What a column shows in a row that has no value for it."""
        return self._company.code if name == "Division" else empty_value(self.columns[name])

    def _specials(self) -> dict[str, Reader]:
        """Readers of computed columns: neither stored nor joined."""
        special: dict[str, Reader] = {}
        for name in self.columns:
            source = description_source(self.table, name)
            if source:
                special[name] = _describing(*source)
        if self.endpoint.kind == "sync":
            special.update(self._header_specials())
        if self.endpoint.id == SALES_FEED and self._company.switches.sync_sales_sign == "negated":
            special.update({name: _negated(name) for name in _SIGNED})
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


def own_row_id(key: str) -> str:
    """The `ID` of a header where that is not the key of the document."""
    return str(uuid.uuid5(_OWN_ROW_IDS, key))


def _negated(name: str) -> Reader:
    return lambda row: None if (value := row.get(name)) is None else -value


def _describing(source: str, words: Mapping[Any, str]) -> Reader:
    return lambda row: words.get(row.get(source))
