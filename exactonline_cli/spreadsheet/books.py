"""What an import has to know of a division: VAT codes, customers and items."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from exactonline_cli.spreadsheet.reckoning import VatCode
from exactonline_client import catalogue
from exactonline_client.errors import AccessDenied, RequestRefused
from exactonline_client.lookups import CODE, padded
from exactonline_client.odata.query import MAX_URL, any_of, match_all, url

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from exactonline_client.http.pagination import Page

VAT_CODES, ACCOUNTS, ITEMS = "vat/VATCodes", "crm/Accounts", "logistics/Items"
COLUMNS = {
    VAT_CODES: (
        "Code",
        "Description",
        "Percentage",
        "Type",
        "Charged",
        "VATTransactionType",
        "IsBlocked",
    ),
    ACCOUNTS: ("Code", "Name", "SalesVATCode", "Status"),
    ITEMS: ("Code", "Description", "SalesVatCode", "StandardSalesPrice"),
}
MOST_TERMS = 60
"""Values in one filter; a page of a plain list has as many rows."""
MOST_ASKED = 300
"""Codes that are asked for; from more on a whole bulk list is cheaper, of 1,000 rows a page."""
INCLUSIVE = "I"
"""Type of a VAT code whose prices hold the VAT."""
PURCHASES = "P"
"""VATTransactionType of codes for purchases alone."""
CUSTOMER = "C"
"""Status of an account that is a customer."""


class Lists(Protocol):
    """What reads lists of Exact Online."""

    def pages(self, address: str, division: int | None) -> Iterator[Page]:
        """All pages of a list."""


@dataclass(frozen=True)
class Customer:
    """A customer, as far as an invoice depends on it."""

    code: str
    name: str
    vat_code: str | None
    is_customer: bool = True
    """Exact Online may refuse invoices to other accounts."""


@dataclass(frozen=True)
class Item:
    """An item, as far as a line depends on it."""

    code: str
    description: str
    vat_code: str | None
    price: Decimal | None


@dataclass
class Books:
    """Rows of one division, by folded code or name."""

    vat_codes: dict[str, VatCode] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    """By code."""
    names: dict[str, list[Customer]] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    calls: int = 0
    """Calls that reading them took."""
    notes: list[str] = field(default_factory=list)

    def vat(self, code: str | None) -> VatCode | None:
        """A VAT code by its code."""
        return self.vat_codes.get(fold(code)) if code else None

    def customer(self, *texts: str | None) -> Customer | None:
        """A customer by code, else by a name that only one has."""
        for text in filter(None, texts):
            if fold(text) in self.customers:
                return self.customers[fold(text)]
            same = self.names.get(fold(text), ())
            if len(same) == 1:
                return same[0]
        return None

    def item(self, code: str | None) -> Item | None:
        """An item by its code."""
        return self.items.get(fold(code)) if code else None


def fold(text: str) -> str:
    """Normalise a code: Exact Online ignores case."""
    return text.strip().casefold()


def read(
    lists: Lists,
    division: int,
    customers: Iterable[str],
    names: Iterable[str],
    items: Iterable[str],
) -> Books:
    """Read what the documents of a file depend on.

    Args:
        lists: of Exact Online.
        division: its number.
        customers: codes that the file names.
        names: of customers that the file may name.
        items: codes that the file names.

    Raises:
        The errors of `Session.get` other than a refusal of one list.
    """
    books = Books()
    reader = _Reader(lists, division, books)
    for row in reader.all(VAT_CODES):
        code = _text(row["Code"])
        books.vat_codes[fold(code)] = VatCode(
            code,
            _text(row["Description"]),
            _number(row["Percentage"]) or Decimal(0),
            _text(row["Type"]) == INCLUSIVE,
            charged=row["Charged"] is True,
            for_sales=_text(row["VATTransactionType"]) != PURCHASES
            and row["IsBlocked"] is not True,
        )
    for column, values in ((CODE, customers), ("Name", names)):
        for row in reader.some(ACCOUNTS, column, list(values)):
            found = Customer(
                _text(row["Code"]),
                _text(row["Name"]),
                _text(row["SalesVATCode"]) or None,
                is_customer=_text(row["Status"]) == CUSTOMER,
            )
            books.customers[fold(found.code)] = found
            same = books.names.setdefault(fold(found.name), [])
            if found not in same:
                same.append(found)
    for row in reader.some(ITEMS, CODE, list(items)):
        item = Item(
            _text(row["Code"]),
            _text(row["Description"]),
            _text(row["SalesVatCode"]) or None,
            _number(row["StandardSalesPrice"]),
        )
        books.items[fold(item.code)] = item
    return books


@dataclass
class _Reader:
    lists: Lists
    division: int
    books: Books

    def all(self, endpoint: str) -> list[dict[str, Any]]:
        """All rows of a short list; none, with a note, where it is refused."""
        try:
            return self._rows(self._address(endpoint, None))
        except (AccessDenied, RequestRefused) as refusal:
            self.books.notes.append(f"VAT and totals cannot be calculated: {refusal}")
            return []

    def some(self, endpoint: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
        """The rows whose column has one of some values; none, with a note, where refused."""
        distinct = list({fold(value): value.strip() for value in values if value.strip()}.values())
        if not distinct:
            return []
        try:
            if len(distinct) > MOST_ASKED:
                return self._bulk(endpoint, column, distinct)
            return self._asked(endpoint, column, distinct)
        except (AccessDenied, RequestRefused) as refusal:
            self.books.notes.append(f"VAT and totals cannot be calculated: {refusal}")
            return []

    def _bulk(self, endpoint: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
        facts = catalogue.load().endpoints
        twin = facts[facts[endpoint].bulk_twin or endpoint]
        wanted = {fold(value) for value in values}
        try:
            address = self._address(twin.id, match_all(twin, self.division), endpoint)
            return [row for row in self._rows(address) if fold(_text(row[column])) in wanted]
        except (AccessDenied, RequestRefused):
            return self._asked(endpoint, column, values)

    def _asked(self, endpoint: str, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
        item = catalogue.load().endpoints[endpoint].columns[column]
        room = MAX_URL // 2
        filters = any_of(
            column,
            item.type,
            (padded(endpoint, column, value) for value in values),
            room,
            most=MOST_TERMS,
        )
        return [row for each in filters for row in self._rows(self._address(endpoint, each))]

    def _address(self, endpoint: str, condition: str | None, columns_of: str | None = None) -> str:
        facts = catalogue.load().endpoints[endpoint]
        key = facts.key[0]
        names = ",".join((key, *COLUMNS[columns_of or endpoint]))
        path = facts.uri.format(division=self.division)
        return url(path, {"$filter": condition, "$select": names})

    def _rows(self, address: str) -> list[dict[str, Any]]:
        found = []
        for page in self.lists.pages(address, self.division):
            self.books.calls += 1
            found += page.rows
        return found


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _number(value: object) -> Decimal | None:
    # The shortest text of a double has the digits it was written with.
    return None if value is None else Decimal(str(value))


def some(
    lists: Lists, division: int, most: int = 2
) -> tuple[list[Customer], list[tuple[str, str, str]]]:
    """A few customers and items of a division, to show in an empty table.

    Returns:
        Customers, and items as code, description and price (with a point).

    Raises:
        The errors of `Session.get`.
    """
    customers = [
        Customer(_text(row["Code"]), _text(row["Name"]), None)
        for row in _first(lists, division, ACCOUNTS, f"Status eq '{CUSTOMER}'", most)
    ]
    items = [
        (
            _text(row["Code"]),
            _text(row["Description"]),
            f"{_number(row['StandardSalesPrice']) or Decimal(0):.2f}",
        )
        for row in _first(lists, division, ITEMS, "IsSalesItem eq true", most)
    ]
    return customers, items


def _first(
    lists: Lists, division: int, endpoint: str, condition: str, most: int
) -> list[dict[str, Any]]:
    facts = catalogue.load().endpoints[endpoint]
    names = ",".join((facts.key[0], *COLUMNS[endpoint]))
    options = {"$filter": condition, "$select": names, "$top": str(most)}
    return next(lists.pages(url(facts.uri.format(division=division), options), division)).rows
