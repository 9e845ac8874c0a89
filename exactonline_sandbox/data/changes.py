"""Simulates a working day: documents created, changed and deleted, repeatable by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.references import ACCOUNTS, CONTACTS, GL_ACCOUNTS, ITEMS
from exactonline_sandbox.business.invoices import INVOICE_LINES, INVOICES, OPEN, print_invoice
from exactonline_sandbox.business.orders import LINES_OF, ORDERS, PURCHASE_ORDERS, QUOTATIONS
from exactonline_sandbox.business.rows import change, create, remove
from exactonline_sandbox.data import words
from exactonline_sandbox.edm.model import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor
    from exactonline_sandbox.business.rules import Lines

    Action = Callable[["_Day"], None]

_GENERAL = "generaljournalentry/GeneralJournalEntries"


@dataclass(frozen=True)
class DayCounts:
    """How many documents a day creates, changes and deletes."""

    new: int = 5
    changed: int = 5
    deleted: int = 2


def simulate_day(
    company: Company, editor: Callable[[], Editor], seed: int, counts: DayCounts
) -> dict[str, Any]:
    """Create, change and delete documents.

    Args:
        company: The company.
        editor: Returns an editor at the current time; called once per operation.
        seed: Decides which documents, and their values.
        counts: How many operations of each kind.

    Returns:
        The number of rows by stream, for `created`, `updated` and `deleted`.
    """
    day = _Day(company, editor, random.Random(f"{seed}/{company.code}/changes"))
    company.activity.clear()
    for actions, count in (
        (_NEW, counts.new),
        (_CHANGED, counts.changed),
        (_DELETED, counts.deleted),
    ):
        for number in range(count):
            actions[number % len(actions)](day)
    return _report(company)


def _report(company: Company) -> dict[str, Any]:
    report: dict[str, dict[str, int]] = {"created": {}, "updated": {}, "deleted": {}}
    names = schema().stream_of
    for (action, table), count in sorted(company.activity.items()):
        report[action][names.get(table, table)] = count
    return {"division": company.code, **report}


class _Day:
    """Context of a day's operations: the company, an editor and the random generator."""

    def __init__(self, company: Company, editor: Callable[[], Editor], rng: random.Random) -> None:
        self.company = company
        self.editor = editor
        self.rng = rng
        self._earlier = {row["InvoiceID"] for row in company.table(INVOICES).rows.values()}

    def pick(self, table: str, column: str | None = None, value: object = None) -> Row:
        """A random row, of those with this value in the column where one is given."""
        rows = self.company.table(table)
        found = rows.where(column, value) if column else list(rows.rows.values())
        return self.rng.choice(found)

    def open_invoice(self, *, of_earlier_days: bool = False) -> Row:
        """An open invoice with lines; one of this day, or a new one, where there is no other."""
        lines = self.company.table(INVOICE_LINES)
        found = [
            invoice
            for invoice in self.company.table(INVOICES).where("Status", OPEN)
            if lines.where("InvoiceID", invoice["InvoiceID"])
        ]
        if of_earlier_days:
            found = [each for each in found if each["InvoiceID"] in self._earlier] or found
        return self.rng.choice(found) if found else _new_invoice(self)

    def lines(self, count: int) -> list[Row]:
        """Lines of random items and quantities."""
        return [
            {"Item": self.pick(ITEMS)["ID"], "Quantity": Decimal(self.rng.randrange(1, 12))}
            for _ in range(count)
        ]


def _new_invoice(day: _Day) -> Row:
    customer = day.pick(ACCOUNTS, "Status", "C")
    lines: Lines = {"SalesInvoiceLines": day.lines(day.rng.randrange(1, 5))}
    row: Row = {"OrderedBy": customer["ID"], "YourRef": f"DAG-{day.rng.randrange(10**6):06d}"}
    return create(day.editor(), INVOICES, row, lines)


def _new_printed_invoice(day: _Day) -> None:
    invoice = _new_invoice(day)
    print_invoice(day.editor(), {"InvoiceID": invoice["InvoiceID"]})


def _new_customer(day: _Day) -> None:
    number = day.rng.randrange(10**6)
    name = f"{day.rng.choice(words.COMPANY_CORES)} {day.rng.choice(words.LAST_NAMES)} {number}"
    account = create(day.editor(), ACCOUNTS, {"Name": name, "Status": "C"})
    contact = {
        "Account": account["ID"],
        "FirstName": day.rng.choice(words.FIRST_NAMES),
        "LastName": day.rng.choice(words.LAST_NAMES),
    }
    create(day.editor(), CONTACTS, contact)


def _new_order(day: _Day) -> Row:
    customer = day.pick(ACCOUNTS, "Status", "C")
    lines: Lines = {"SalesOrderLines": day.lines(2)}
    return create(day.editor(), ORDERS, {"OrderedBy": customer["ID"]}, lines)


def _new_purchase(day: _Day) -> None:
    supplier = day.pick(ACCOUNTS, "IsSupplier", value=True)
    expense = day.pick(GL_ACCOUNTS, "Type", 120)
    line = {
        "GLAccount": expense["ID"],
        "AmountFC": Decimal(day.rng.randrange(1000, 90_000)) / 100,
        "VATCode": "2",
    }
    create(
        day.editor(),
        booking.PURCHASE_ENTRIES,
        {"Supplier": supplier["ID"], "Journal": "60"},
        {"PurchaseEntryLines": [line]},
    )


def _new_purchase_order(day: _Day) -> Row:
    supplier = day.pick(ACCOUNTS, "IsSupplier", value=True)
    lines: Lines = {"PurchaseOrderLines": day.lines(2)}
    return create(day.editor(), PURCHASE_ORDERS, {"Supplier": supplier["ID"]}, lines)


def _new_quotation(day: _Day) -> None:
    customer = day.pick(ACCOUNTS, "Status", "C")
    lines: Lines = {"QuotationLines": day.lines(3)}
    create(day.editor(), QUOTATIONS, {"OrderAccount": customer["ID"]}, lines)


def _new_memorial(day: _Day) -> None:
    amount = Decimal(day.rng.randrange(100, 50_000)) / 100
    lines: Lines = {
        "GeneralJournalEntryLines": [
            {"GLAccount": day.company.gl_accounts["office"], "AmountFC": amount},
            {"GLAccount": day.company.gl_accounts["suspense"], "AmountFC": -amount},
        ]
    }
    create(day.editor(), _GENERAL, {"JournalCode": "90"}, lines)


def _change_header(day: _Day) -> None:
    reference = f"GEWIJZIGD-{day.rng.randrange(10**6):06d}"
    change(day.editor(), INVOICES, day.open_invoice(), {"YourRef": reference})


def _change_line(day: _Day) -> None:
    """Change a line only, not its header."""
    line = day.pick(INVOICE_LINES, "InvoiceID", day.open_invoice()["InvoiceID"])
    changes = {"Quantity": line["Quantity"] + day.rng.randrange(1, 9)}
    change(day.editor(), INVOICE_LINES, line, changes)


def _change_account(day: _Day) -> None:
    account = day.pick(ACCOUNTS)
    changes = {"Name": f"{account['Name'][:60]} *", "Phone": None}
    change(day.editor(), ACCOUNTS, account, changes)


def _change_item(day: _Day) -> None:
    item = day.pick(ITEMS)
    change(day.editor(), ITEMS, item, {"Description": f"{item['Description'][:50]} (nieuw)"})


def _change_purchase(day: _Day) -> None:
    """Change the amount of an open purchase entry; its transaction lines are made anew."""
    if not _open_entries(day, booking.PURCHASE_ENTRIES):
        _new_purchase(day)
    entry = day.rng.choice(_open_entries(day, booking.PURCHASE_ENTRIES))
    line = day.pick(booking.PURCHASE_ENTRY_LINES, "EntryID", entry["EntryID"])
    changes = {"AmountFC": line["AmountFC"] + 1}
    change(day.editor(), booking.PURCHASE_ENTRY_LINES, line, changes)


def _change_order_line(day: _Day) -> None:
    order = _new_order(day)
    line = day.pick(LINES_OF[ORDERS], "OrderID", order["OrderID"])
    change(day.editor(), LINES_OF[ORDERS], line, {"Quantity": line["Quantity"] + 1})


def _delete_invoice(day: _Day) -> None:
    remove(day.editor(), INVOICES, day.open_invoice(of_earlier_days=True))


def _delete_line(day: _Day) -> None:
    line = day.pick(INVOICE_LINES, "InvoiceID", day.open_invoice()["InvoiceID"])
    remove(day.editor(), INVOICE_LINES, line)


def _delete_customer(day: _Day) -> None:
    account = create(day.editor(), ACCOUNTS, {"Name": "Dubbel ingevoerd", "Status": "C"})
    remove(day.editor(), ACCOUNTS, account)


def _delete_contact(day: _Day) -> None:
    if not len(day.company.table(CONTACTS)):
        _new_customer(day)
    remove(day.editor(), CONTACTS, day.pick(CONTACTS))


def _delete_order(day: _Day) -> None:
    found = list(day.company.table(ORDERS).rows.values())
    remove(day.editor(), ORDERS, day.rng.choice(found) if found else _new_order(day))


def _delete_purchase_order(day: _Day) -> None:
    found = list(day.company.table(PURCHASE_ORDERS).rows.values())
    order = day.rng.choice(found) if found else _new_purchase_order(day)
    remove(day.editor(), PURCHASE_ORDERS, order)


def _delete_purchase(day: _Day) -> None:
    _delete_entry(day, booking.PURCHASE_ENTRIES, _new_purchase)


def _delete_memorial(day: _Day) -> None:
    _delete_entry(day, _GENERAL, _new_memorial)


def _delete_entry(day: _Day, table: str, make: Action) -> None:
    """Delete an unprocessed entry; create one first where there is none."""
    if not _open_entries(day, table):
        make(day)
    remove(day.editor(), table, day.rng.choice(_open_entries(day, table)))


def _open_entries(day: _Day, table: str) -> list[Row]:
    """Entries that are not processed, and whose period is open."""
    is_closed = day.company.is_closed
    return [
        row
        for row in day.company.table(table).rows.values()
        if row["Status"] != booking.PROCESSED
        and not is_closed(
            row.get("ReportingYear") or row["FinancialYear"],
            row.get("ReportingPeriod") or row["FinancialPeriod"],
        )
    ]


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
_CHANGED = (
    _change_header,
    _change_line,
    _change_account,
    _change_item,
    _change_order_line,
    _change_purchase,
)
_DELETED = (
    _delete_invoice,
    _delete_line,
    _delete_order,
    _delete_contact,
    _delete_purchase_order,
    _delete_customer,
    _delete_purchase,
    _delete_memorial,
)
