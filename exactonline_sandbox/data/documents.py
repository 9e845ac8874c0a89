"""Generate purchases, orders, quotations, subscriptions, journal entries and documents.

They are created by the business rules, like documents posted over the API.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.company import Author
from exactonline_sandbox.books.references import ACCOUNTS, DOCUMENTS, ITEMS
from exactonline_sandbox.business import rows
from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.entries import GENERAL_ENTRIES
from exactonline_sandbox.business.orders import (
    OPEN_ORDER,
    ORDERS,
    PURCHASE_ORDERS,
    QUOTATIONS,
    SUBSCRIPTIONS,
)
from exactonline_sandbox.data import words
from exactonline_sandbox.data.ledgers import gl_account
from exactonline_sandbox.data.periods import first_year
from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from datetime import datetime

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

_COMPLETE = 21
_CREDIT_EVERY = 15
_DOCUMENT_TYPES = ((10, "Verkoopfactuur"), (20, "Inkoopfactuur"), (55, "Diversen"))
_EXPENSES = ("housing", "office", "cars", "bank_charges")


def fill_purchases(maker: Maker, count: int, lines_each: int | None = None) -> None:
    """Make purchase entries (one to three lines each by default), and half as many orders."""
    suppliers = maker.company.table(ACCOUNTS).where("IsSupplier", value=True)
    for number, moment in enumerate(maker.moments(count)):
        supplier = maker.rng.choice(suppliers)
        row = {
            "Supplier": supplier["ID"],
            "Journal": "60",
            "Description": f"Inkoop {number + 1}",
            "YourRef": f"F{moment:%Y}-{number:05d}",
        }
        lines = [_expense(maker) for _ in range(lines_each or 1 + number % 3)]
        if maker.company.profile.detailed:
            lines = [_detailed(maker, supplier, number, line) for line in lines]
        entry = rows.create(
            _editor(maker, moment), booking.PURCHASE_ENTRIES, row, {"PurchaseEntryLines": lines}
        )
        if maker.today - moment > timedelta(days=60):
            process(maker.company, entry)
    for moment in maker.moments(max(3, count // 2)):
        row = {"Supplier": maker.rng.choice(suppliers)["ID"]}
        lines = [_goods(maker) for _ in range(1 + maker.rng.randrange(4))]
        rows.create(_editor(maker, moment), PURCHASE_ORDERS, row, {"PurchaseOrderLines": lines})


def _expense(maker: Maker) -> Row:
    return {
        "GLAccount": gl_account(maker, maker.rng.choice(_EXPENSES)),
        "AmountFC": Decimal(maker.rng.randrange(500, 250_000)) / 100,
        "VATCode": maker.rng.choice(("2", "2", "4", "0")),
        "Description": maker.rng.choice(words.REMARKS)[:60],
        "CostCenter": maker.rng.choice((None, "VERK", "MAG", "ADM")),
    }


def _detailed(maker: Maker, supplier: Row, number: int, line: Row) -> Row:
    """A line of full books: the supplier's VAT code, goods on every other bill, credit notes."""
    goods = number % 2 == 0
    amount = line["AmountFC"] if goods else line["AmountFC"] / 5
    credit = number % _CREDIT_EVERY == _CREDIT_EVERY - 1
    return {
        **line,
        "AmountFC": cents(-amount / 10 if credit else amount),
        "GLAccount": gl_account(maker, "stock") if goods else line["GLAccount"],
        "VATCode": supplier.get("PurchaseVATCode") or line["VATCode"],
        "CostUnit": ("NOORD", "ZUID", None)[number % 3],
    }


def fill_late_bill(maker: Maker) -> None:
    """Make a bill of January that belongs to December, and is booked in the year before."""
    profile, year = maker.company.profile, first_year(maker)
    moment = maker.working_moment(profile.start_of(year + 1, 1) + timedelta(days=8))
    supplier = maker.company.table(ACCOUNTS).where("IsSupplier", value=True)[1]
    row = {
        "Supplier": supplier["ID"],
        "Journal": "60",
        "Description": "Energie december, nagekomen",
        "YourRef": f"E{year}-12",
        "ReportingYear": year,
        "ReportingPeriod": 12,
    }
    line = {"GLAccount": gl_account(maker, "housing"), "AmountFC": Decimal("312.45")}
    vat = supplier.get("PurchaseVATCode") or "2"
    entry = rows.create(
        _editor(maker, moment),
        booking.PURCHASE_ENTRIES,
        row,
        {"PurchaseEntryLines": [{**line, "VATCode": vat, "CostCenter": "ADM"}]},
    )
    process(maker.company, entry)


def process(company: Company, entry: Row) -> None:
    """Set an entry and its transaction lines to processed."""
    entry["Status"] = booking.PROCESSED
    for line in company.table(booking.TRANSACTION_LINES).where("EntryID", entry["EntryID"]):
        line["Status"] = booking.PROCESSED


def _goods(maker: Maker) -> Row:
    items = list(maker.company.table(ITEMS).rows.values())[: len(words.GOODS)]
    return {"Item": maker.rng.choice(items)["ID"], "Quantity": Decimal(maker.rng.randrange(1, 40))}


def fill_orders(maker: Maker, count: int) -> None:
    """Make sales orders, quotations and a few subscriptions."""
    customers = maker.company.table(ACCOUNTS).where("Status", "C")
    for number, moment in enumerate(maker.moments(count)):
        row: Row = {
            "OrderedBy": maker.rng.choice(customers)["ID"],
            "YourRef": f"SO-{number:05d}",
            "Description": None if number % 2 else "Bestelling via de webwinkel",
        }
        lines = [_goods(maker) for _ in range(1 + number % 4)]
        order = rows.create(_editor(maker, moment), ORDERS, row, {"SalesOrderLines": lines})
        if maker.today - moment > timedelta(days=30):
            order.update(Status=_COMPLETE, DeliveryStatus=_COMPLETE, InvoiceStatus=OPEN_ORDER)
    for moment in maker.moments(max(4, count // 2)):
        row = {"OrderAccount": maker.rng.choice(customers)["ID"], "Description": "Offerte op maat"}
        lines = [_goods(maker) for _ in range(1 + maker.rng.randrange(3))]
        rows.create(_editor(maker, moment), QUOTATIONS, row, {"QuotationLines": lines})
    kind = maker.load(
        "subscription/SubscriptionTypes",
        {"ID": maker.guid(), "Code": "MND", "Description": "Maandelijks"},
    )
    service = maker.company.table(ITEMS).where("Description", "Onderhoudscontract per maand")[0]
    for moment in maker.moments(4):
        row = {
            "OrderedBy": maker.rng.choice(customers)["ID"],
            "SubscriptionType": kind["ID"],
            "Description": "Onderhoud",
        }
        lines = [{"Item": service["ID"], "Quantity": Decimal(1)}]
        rows.create(_editor(maker, moment), SUBSCRIPTIONS, row, {"SubscriptionLines": lines})


def fill_journal_entries_and_documents(maker: Maker) -> None:
    """Make general journal entries and documents without an entry."""
    detailed = maker.company.profile.detailed
    roles = ("selling", "general_costs") if detailed else ("office", "suspense")
    for number, moment in enumerate(maker.moments(12)):
        amount = Decimal(maker.rng.randrange(10_000, 400_000)) / 100
        text = f"Overboeking {number + 1}" if detailed else f"Afschrijving {number + 1}"
        lines = [
            {"GLAccount": gl_account(maker, role), "AmountFC": sign * amount, "Description": text}
            for role, sign in zip(roles, (1, -1), strict=True)
        ]
        entry = rows.create(
            _editor(maker, moment),
            GENERAL_ENTRIES,
            {"JournalCode": "90"},
            {"GeneralJournalEntryLines": lines},
        )
        if detailed and maker.today - moment > timedelta(days=60):
            process(maker.company, entry)
    for number, description in _DOCUMENT_TYPES:
        row = {
            "ID": number,
            "Description": description,
            "DocumentIsCreatable": True,
            "DocumentIsDeletable": True,
            "DocumentIsUpdatable": True,
            "DocumentIsViewable": True,
        }
        maker.load("documents/DocumentTypes", row)
    category = {"ID": maker.guid(), "Description": "Administratie"}
    maker.load("documents/DocumentCategories", category)
    for number, moment in enumerate(maker.moments(6)):
        row = {"Subject": f"Notitie {number + 1}", "Type": 55, "Body": words.REMARKS[number % 3]}
        rows.create(_editor(maker, moment), DOCUMENTS, row)


def _editor(maker: Maker, moment: datetime) -> Editor:
    return Editor(maker.company, Author(maker.user_id, moment))
