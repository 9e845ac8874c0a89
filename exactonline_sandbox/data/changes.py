"""A day of business: documents made, changed and deleted, decided by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.references import ACCOUNTS, CONTACTS, GL_ACCOUNTS, ITEMS
from exactonline_sandbox.business import rows as deeds
from exactonline_sandbox.business.invoices import INVOICE_LINES, INVOICES, OPEN, print_invoice
from exactonline_sandbox.business.orders import LINES_OF, ORDERS, PURCHASE_ORDERS, QUOTATIONS
from exactonline_sandbox.data import words
from exactonline_sandbox.edm.model import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Desk
    from exactonline_sandbox.business.rules import Lines

    Deed = Callable[["_Day"], None]

_GENERAL = "generaljournalentry/GeneralJournalEntries"


@dataclass(frozen=True)
class Amount:
    """How much happens in a day."""

    new: int = 5
    changed: int = 5
    deleted: int = 2


def day_of_business(
    company: Company, desk: Callable[[], Desk], seed: int, amount: Amount
) -> dict[str, Any]:
    """Make, change and delete documents.

    Args:
        company: Where.
        desk: Gives a desk at this moment, for each deed anew.
        seed: Decides what and how.
        amount: How many deeds of each kind.

    Returns:
        For `created`, `updated` and `deleted`, the number of rows by stream.
    """
    day = _Day(company, desk, random.Random(f"{seed}/{company.code}/changes"))
    company.activity.clear()
    for deeds_of, count in (
        (_NEW, amount.new),
        (_CHANGED, amount.changed),
        (_GONE, amount.deleted),
    ):
        for number in range(count):
            deeds_of[number % len(deeds_of)](day)
    return _report(company)


def _report(company: Company) -> dict[str, Any]:
    report: dict[str, dict[str, int]] = {"created": {}, "updated": {}, "deleted": {}}
    names = schema().stream_of
    for (action, table), count in sorted(company.activity.items()):
        report[action][names.get(table, table)] = count
    return {"division": company.code, **report}


class _Day:
    """What all deeds of a day need: the company, a desk, and chance."""

    def __init__(self, company: Company, desk: Callable[[], Desk], rng: random.Random) -> None:
        self.company = company
        self.desk = desk
        self.rng = rng

    def pick(self, table: str, column: str | None = None, value: object = None) -> Row:
        """A row by chance, of those with this value in the column."""
        rows = self.company.table(table)
        found = rows.where(column, value) if column else list(rows.rows.values())
        return self.rng.choice(found)

    def open_invoice(self) -> Row:
        """An invoice with lines that may still be changed; a new one where there is none."""
        lines = self.company.table(INVOICE_LINES)
        found = [
            invoice
            for invoice in self.company.table(INVOICES).where("Status", OPEN)
            if lines.where("InvoiceID", invoice["InvoiceID"])
        ]
        return self.rng.choice(found) if found else _new_invoice(self)

    def lines(self, count: int) -> list[Row]:
        """Lines of something that is sold or bought."""
        return [
            {"Item": self.pick(ITEMS)["ID"], "Quantity": Decimal(self.rng.randrange(1, 12))}
            for _ in range(count)
        ]


def _new_invoice(day: _Day) -> Row:
    customer = day.pick(ACCOUNTS, "Status", "C")
    lines: Lines = {"SalesInvoiceLines": day.lines(day.rng.randrange(1, 5))}
    row: Row = {"OrderedBy": customer["ID"], "YourRef": f"DAG-{day.rng.randrange(10**6):06d}"}
    return deeds.create(day.desk(), INVOICES, row, lines)


def _new_printed_invoice(day: _Day) -> None:
    invoice = _new_invoice(day)
    print_invoice(day.desk(), {"InvoiceID": invoice["InvoiceID"]})


def _new_customer(day: _Day) -> None:
    number = day.rng.randrange(10**6)
    name = f"{day.rng.choice(words.COMPANY_CORES)} {day.rng.choice(words.LAST_NAMES)} {number}"
    account = deeds.create(day.desk(), ACCOUNTS, {"Name": name, "Status": "C"})
    contact = {
        "Account": account["ID"],
        "FirstName": day.rng.choice(words.FIRST_NAMES),
        "LastName": day.rng.choice(words.LAST_NAMES),
    }
    deeds.create(day.desk(), CONTACTS, contact)


def _new_order(day: _Day) -> Row:
    customer = day.pick(ACCOUNTS, "Status", "C")
    lines: Lines = {"SalesOrderLines": day.lines(2)}
    return deeds.create(day.desk(), ORDERS, {"OrderedBy": customer["ID"]}, lines)


def _new_purchase(day: _Day) -> None:
    supplier = day.pick(ACCOUNTS, "IsSupplier", value=True)
    expense = day.pick(GL_ACCOUNTS, "Type", 120)
    line = {
        "GLAccount": expense["ID"],
        "AmountFC": Decimal(day.rng.randrange(1000, 90_000)) / 100,
        "VATCode": "2",
    }
    deeds.create(
        day.desk(),
        booking.PURCHASE_ENTRIES,
        {"Supplier": supplier["ID"], "Journal": "60"},
        {"PurchaseEntryLines": [line]},
    )


def _new_purchase_order(day: _Day) -> Row:
    supplier = day.pick(ACCOUNTS, "IsSupplier", value=True)
    lines: Lines = {"PurchaseOrderLines": day.lines(2)}
    return deeds.create(day.desk(), PURCHASE_ORDERS, {"Supplier": supplier["ID"]}, lines)


def _new_quotation(day: _Day) -> None:
    customer = day.pick(ACCOUNTS, "Status", "C")
    lines: Lines = {"QuotationLines": day.lines(3)}
    deeds.create(day.desk(), QUOTATIONS, {"OrderAccount": customer["ID"]}, lines)


def _new_memorial(day: _Day) -> None:
    amount = Decimal(day.rng.randrange(100, 50_000)) / 100
    lines: Lines = {
        "GeneralJournalEntryLines": [
            {"GLAccount": day.pick(GL_ACCOUNTS, "Code", "4500")["ID"], "AmountFC": amount},
            {"GLAccount": day.pick(GL_ACCOUNTS, "Code", "2000")["ID"], "AmountFC": -amount},
        ]
    }
    deeds.create(day.desk(), _GENERAL, {"JournalCode": "90"}, lines)


def _change_header(day: _Day) -> None:
    reference = f"GEWIJZIGD-{day.rng.randrange(10**6):06d}"
    deeds.change(day.desk(), INVOICES, day.open_invoice(), {"YourRef": reference})


def _change_line(day: _Day) -> None:
    """Only a line is changed, its header is not touched by the user."""
    line = day.pick(INVOICE_LINES, "InvoiceID", day.open_invoice()["InvoiceID"])
    changes = {"Quantity": line["Quantity"] + day.rng.randrange(1, 9)}
    deeds.change(day.desk(), INVOICE_LINES, line, changes)


def _change_account(day: _Day) -> None:
    account = day.pick(ACCOUNTS)
    changes = {"Name": f"{account['Name'][:60]} *", "Phone": None}
    deeds.change(day.desk(), ACCOUNTS, account, changes)


def _change_item(day: _Day) -> None:
    item = day.pick(ITEMS)
    deeds.change(day.desk(), ITEMS, item, {"Description": f"{item['Description'][:50]} (nieuw)"})


def _change_order_line(day: _Day) -> None:
    order = _new_order(day)
    line = day.pick(LINES_OF[ORDERS], "OrderID", order["OrderID"])
    deeds.change(day.desk(), LINES_OF[ORDERS], line, {"Quantity": line["Quantity"] + 1})


def _delete_invoice(day: _Day) -> None:
    deeds.remove(day.desk(), INVOICES, day.open_invoice())


def _delete_line(day: _Day) -> None:
    line = day.pick(INVOICE_LINES, "InvoiceID", day.open_invoice()["InvoiceID"])
    deeds.remove(day.desk(), INVOICE_LINES, line)


def _delete_customer(day: _Day) -> None:
    account = deeds.create(day.desk(), ACCOUNTS, {"Name": "Dubbel ingevoerd", "Status": "C"})
    deeds.remove(day.desk(), ACCOUNTS, account)


def _delete_contact(day: _Day) -> None:
    if not len(day.company.table(CONTACTS)):
        _new_customer(day)
    deeds.remove(day.desk(), CONTACTS, day.pick(CONTACTS))


def _delete_order(day: _Day) -> None:
    found = list(day.company.table(ORDERS).rows.values())
    deeds.remove(day.desk(), ORDERS, day.rng.choice(found) if found else _new_order(day))


def _delete_purchase_order(day: _Day) -> None:
    found = list(day.company.table(PURCHASE_ORDERS).rows.values())
    order = day.rng.choice(found) if found else _new_purchase_order(day)
    deeds.remove(day.desk(), PURCHASE_ORDERS, order)


def _delete_purchase(day: _Day) -> None:
    _delete_entry(day, booking.PURCHASE_ENTRIES, _new_purchase)


def _delete_memorial(day: _Day) -> None:
    _delete_entry(day, _GENERAL, _new_memorial)


def _delete_entry(day: _Day, table: str, make: Deed) -> None:
    """An entry that is not processed; a new one where there is none."""
    if not _open_entries(day, table):
        make(day)
    deeds.remove(day.desk(), table, day.rng.choice(_open_entries(day, table)))


def _open_entries(day: _Day, table: str) -> list[Row]:
    rows = day.company.table(table).rows.values()
    return [row for row in rows if row["Status"] != booking.PROCESSED]


_NEW: tuple[Callable[[_Day], object], ...] = (
    _new_invoice,
    _new_printed_invoice,
    _new_customer,
    _new_order,
    _new_purchase,
    _new_purchase_order,
    _new_quotation,
    _new_memorial,
)
_CHANGED = (_change_header, _change_line, _change_account, _change_item, _change_order_line)
_GONE = (
    _delete_invoice,
    _delete_line,
    _delete_order,
    _delete_contact,
    _delete_purchase_order,
    _delete_customer,
    _delete_purchase,
    _delete_memorial,
)
