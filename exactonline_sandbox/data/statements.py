"""Generate bank statements of full books, and the differences that payments leave.

Payments of customers and suppliers and what wages, taxes and others move go through the same
statements.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.rates import converted, rate
from exactonline_sandbox.books.references import JOURNALS
from exactonline_sandbox.data.journal import Head, post
from exactonline_sandbox.data.payments import Payment, plan_payments
from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

_ENTRIES = "financialtransaction/BankEntries"
_LINES = "financialtransaction/BankEntryLines"
_INVOICES = "salesinvoice/SalesInvoices"
_BANK = 12
_SENT, _PAID = 1, 3


@dataclass(frozen=True)
class Transfer:
    """Money that comes in (positive) or goes out, on a ledger account by its role."""

    day: date
    role: str
    amount: Decimal
    description: str
    currency: str | None = None
    """That of the books where None."""


class _Bank:
    """A bank account with its journal."""

    def __init__(self, maker: Maker, journal: Row) -> None:
        self.journal = journal
        rows = maker.company.table(booking.TRANSACTION_LINES).where(
            "GLAccount", journal["GLAccount"]
        )
        self.balance = sum((row["AmountFC"] for row in rows), ZERO)


def fill_statements(maker: Maker, transfers: list[Transfer]) -> None:
    """Make the bank statements: one a week for each bank account, and none across a month's end."""
    company = maker.company
    banks = {
        row["Currency"]: _Bank(maker, row) for row in company.table(JOURNALS).where("Type", _BANK)
    }
    moves: list[tuple[date, str, Payment | Transfer]] = [
        (item.day, item.currency or company.profile.currency, item) for item in transfers
    ]
    for table, sign in ((booking.RECEIVABLES, 1), (booking.PAYMENTS, -1)):
        moves += [
            (item.day, item.term["Currency"], item) for item in plan_payments(maker, table, sign)
        ]
    groups: dict[tuple[tuple[int, int], tuple[int, int], str], list[Payment | Transfer]]
    groups = defaultdict(list)
    for day, currency, item in sorted(moves, key=lambda move: move[:2]):
        groups[company.profile.period_of(day), day.isocalendar()[:2], currency].append(item)
    for (period, _, currency), items in groups.items():
        _statement(maker, banks[currency], period, items)
    _mark_invoices(maker)


def _statement(
    maker: Maker, bank: _Bank, period: tuple[int, int], items: list[Payment | Transfer]
) -> None:
    """Make a statement with its transaction lines, and settle the terms that it pays."""
    company = maker.company
    last = max(item.day for item in items)
    moment = min(maker.today, maker.working_moment(last))
    currency = bank.journal["Currency"]
    entry: Row = {
        "EntryID": maker.guid(),
        "EntryNumber": booking.entry_number(company, bank.journal["Code"], last),
        "JournalCode": bank.journal["Code"],
        "Currency": currency,
        "FinancialYear": period[0],
        "FinancialPeriod": period[1],
        "Status": booking.PROCESSED,
    }
    lines: list[Row] = []
    paid: list[tuple[Payment, Row]] = []
    extras: list[tuple[Payment, int]] = []
    for item in items:
        if isinstance(item, Transfer):
            lines.append(_line(maker, currency, item.day, item.amount, _transfer(maker, item)))
            continue
        amount = item.sign * (item.amount - item.discount)
        lines.append(_line(maker, currency, item.day, amount, _settling(item.term)))
        paid.append((item, lines[-1]))
        if item.extra:
            extra = {"Account": item.term["Account"], "GLAccount": item.term["GLAccount"]}
            lines.append(
                _line(maker, currency, item.day, item.extra, {**extra, "Description": "Te veel"})
            )
            extras.append((item, len(lines)))
    for number, line in enumerate(lines, start=1):
        line.update(EntryID=entry["EntryID"], LineNumber=number)
    total = sum((line["AmountFC"] for line in lines), ZERO)
    entry.update(OpeningBalanceFC=bank.balance, ClosingBalanceFC=bank.balance + total)
    bank.balance += total
    maker.load(_ENTRIES, dict(entry), moment)
    for line in lines:
        maker.load(_LINES, line, moment)
    dated = {**entry, "_day": last, "Description": None, "ExchangeRate": lines[-1]["ExchangeRate"]}
    rows = booking.cash_lines(company, dated, lines, booking.CASH_FLOW, maker.guid)
    rows = [maker.load(booking.TRANSACTION_LINES, row, moment) for row in rows]
    for item, at in extras:
        _load_term(maker, booking.money_term(rows[at], booking.RECEIVABLE, maker.guid), item.sign)
    for item, line in paid:
        _settle(maker, item, line["AmountDC"] * item.sign, period)


def _line(maker: Maker, currency: str, day: date, amount: Decimal, more: Row) -> Row:
    current = rate(maker.company, currency, day)
    return {
        "ID": maker.guid(),
        "AmountFC": amount,
        "AmountDC": converted(amount, current),
        "Date": day,
        "ExchangeRate": current,
        **more,
    }


def _transfer(maker: Maker, item: Transfer) -> Row:
    return {"GLAccount": maker.company.gl_accounts[item.role], "Description": item.description}


def _settling(term: Row) -> Row:
    return {
        "Account": term["Account"],
        "Description": f"Factuur {term.get('InvoiceNumber') or term['EntryNumber']}",
        "GLAccount": term["GLAccount"],
        "OffsetID": term["TransactionID"],
        "OurRef": term.get("InvoiceNumber"),
    }


def _settle(maker: Maker, payment: Payment, paid: Decimal, period: tuple[int, int]) -> None:
    """Close a term, or split off what is paid of it, and post what the payment leaves.

    Args:
        maker: Makes the rows.
        payment: The payment.
        paid: What was paid, in the currency of the books.
        period: Financial year and period of the statement.
    """
    term = payment.term
    whole = payment.amount == term["AmountFC"]
    settled = (
        term["AmountDC"] if whole else cents(payment.amount * term["AmountDC"] / term["AmountFC"])
    )
    current = rate(maker.company, term["Currency"], payment.day)
    discount = converted(payment.discount, current)
    _post_rest(maker, payment, booking.PAYMENT_DIFFERENCE, (payment.discount, discount), period)
    _post_rest(
        maker, payment, booking.EXCHANGE_DIFFERENCE, (ZERO, settled - paid - discount), period
    )
    closed = booking.closed_by(payment.day, period)
    table = booking.RECEIVABLES if payment.sign == 1 else booking.PAYMENTS
    rows = (term, maker.company.table(booking.PAYMENT_TERMS).rows[term["ID"]])
    if whole:
        for row in rows:
            row.update(closed)
        return
    part = {"AmountFC": payment.amount, "AmountDC": settled}
    fresh = {"ID": maker.guid()}
    for name, row in zip((table, booking.PAYMENT_TERMS), rows, strict=True):
        split = {**booking.split_off(row, part, maker.guid), **fresh, **closed}
        split.pop("Timestamp", None)
        maker.company.load(name, split)
        for column, value in part.items():
            row[column] -= value


def _post_rest(
    maker: Maker,
    payment: Payment,
    kind: int,
    amounts: tuple[Decimal, Decimal],
    period: tuple[int, int],
) -> None:
    """Post what a payment leaves of its term, by discount or by another rate.

    Args:
        maker: Makes the rows.
        payment: The payment.
        kind: The type of the entry.
        amounts: What is left, in the currency of the term and in that of the books.
        period: Financial year and period of the statement.
    """
    in_currency, in_books = amounts
    if not in_books:
        return
    term = payment.term
    discount = kind == booking.PAYMENT_DIFFERENCE
    role = "payment_differences" if discount else "exchange_results"
    offset = {"Account": term["Account"], "OffsetID": term["TransactionID"]}
    reference = {"GLAccount": term["GLAccount"], "OurRef": term.get("InvoiceNumber"), **offset}
    sign = -payment.sign
    lines = [
        {**reference, "AmountFC": sign * in_currency, "AmountDC": sign * in_books},
        {
            "GLAccount": maker.company.gl_accounts[role],
            "AmountFC": -sign * in_currency,
            "AmountDC": -sign * in_books,
        },
    ]
    text = "Betalingskorting" if discount else "Koersverschil"
    post(
        maker,
        Head(kind, payment.day, text, period),
        lines,
        Currency=term["Currency"],
        ExchangeRate=rate(maker.company, term["Currency"], payment.day),
    )


def _load_term(maker: Maker, term: Row, sign: int) -> None:
    table = booking.RECEIVABLES if sign == 1 else booking.PAYMENTS
    kind = booking.RECEIVABLE if sign == 1 else booking.PAYABLE
    moment = maker.working_moment(term["EntryDate"])
    maker.load(table, dict(term), moment)
    maker.load(booking.PAYMENT_TERMS, {**term, "LineType": kind}, moment)


def _mark_invoices(maker: Maker) -> None:
    """Say of processed invoices whether they are paid."""
    terms = maker.company.table(booking.RECEIVABLES)
    for invoice in maker.company.table(_INVOICES).rows.values():
        number = invoice.get("InvoiceNumber")
        if number is not None:
            paid = all(term["IsFullyPaid"] for term in terms.where("InvoiceNumber", number))
            invoice["StarterSalesInvoiceStatus"] = _PAID if paid else _SENT
