"""Generate the opening balance of full books: an entry of type 10 on their first day."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.references import ACCOUNTS
from exactonline_sandbox.data.journal import Head, line, post
from exactonline_sandbox.data.periods import first_year
from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

# Debit is positive; in a company with 200 invoices.
_BALANCES = (
    ("buildings", 180_000), ("buildings_depreciated", -24_000),
    ("inventory", 22_500), ("inventory_depreciated", -9_000),
    ("vehicles", 31_000), ("vehicles_depreciated", -12_400),
    ("goodwill", 8_000), ("cash", 640), ("bank", 85_000), ("prepaid", 1_250),
    ("stock", 46_000), ("loan", -110_000), ("loan_short", -6_000),
    ("accrued", -1_900), ("capital", -50_000),
)  # fmt: skip
_REST = "reserves"
_RECEIVED = (Decimal("1210.00"), Decimal("484.37"), Decimal("2299.12"))
_OWED = (Decimal("907.50"), Decimal("3146.05"))
_SIZE = 200


def scale(invoices: int) -> Decimal:
    """How large a company is, by its number of sales invoices; one for 200 of them."""
    return max(Decimal(invoices) / _SIZE, Decimal("0.25"))


def fill_opening(maker: Maker, size: Decimal) -> None:
    """Post the balances, with the open items of customers and suppliers.

    Args:
        maker: Makes the rows.
        size: What the amounts are multiplied by, see `scale`.
    """
    profile, year = maker.company.profile, first_year(maker)
    day = profile.start_of(year, 1)
    lines = [line(maker, role, cents(amount * size)) for role, amount in _BALANCES]
    base = profile.currency
    customers = [row for row in _accounts(maker, "Status", "C") if row["SalesCurrency"] == base]
    suppliers = [
        row for row in _accounts(maker, "IsSupplier", value=True) if row["PurchaseCurrency"] == base
    ]
    number = year % 100 * 1_000_000 - 1_000_000
    for role, parties, amounts, sign in (
        ("debtors", customers, _RECEIVED, 1),
        ("creditors", suppliers, _OWED, -1),
    ):
        for at, (party, amount) in enumerate(zip(parties, amounts, strict=False), start=1):
            invoice = number + (700_000 if sign == 1 else 600_000) + at
            lines.append(line(maker, role, sign * amount, Account=party["ID"], OurRef=invoice))
    lines.append(line(maker, _REST, -sum((row["AmountDC"] for row in lines), ZERO)))
    ledger = post(maker, Head(booking.OPENING, day, "Beginbalans", (year, 1)), lines)
    for row in ledger:
        _open_item(maker, row)


def _open_item(maker: Maker, row: Row) -> None:
    if "Account" not in row:
        return
    receivable = row["GLAccount"] == maker.company.gl_accounts["debtors"]
    kind = booking.RECEIVABLE if receivable else booking.PAYABLE
    due = row["Date"] + timedelta(days=14)
    term = {**booking.money_term(row, kind, maker.guid), "DueDate": due, "TransactionDueDate": due}
    table = booking.RECEIVABLES if receivable else booking.PAYMENTS
    moment = row["Created"]
    maker.load(table, dict(term), moment)
    maker.load(booking.PAYMENT_TERMS, {**term, "LineType": kind}, moment)


def _accounts(maker: Maker, column: str, value: object) -> list[Row]:
    return maker.company.table(ACCOUNTS).where(column, value)
