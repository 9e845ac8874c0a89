"""Open items: what is entered on debtors and creditors, and what is paid of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.rates import rate
from exactonline_sandbox.books.references import GL_ACCOUNTS
from exactonline_sandbox.edm.values import cents
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor

JOURNAL = "90"
"""The journal of differences."""
_LISTS = {booking.RECEIVABLE: booking.RECEIVABLES, booking.PAYABLE: booking.PAYMENTS}
_OTHER = {"AmountDC": "AmountFC", "AmountFC": "AmountDC"}


def kind_of(editor: Editor, gl_account: object) -> int | None:
    """`RECEIVABLE` or `PAYABLE`, by the type of a ledger account; None for all others."""
    kind = (editor.find(GL_ACCOUNTS, gl_account) or {}).get("Type")
    return kind if kind in _LISTS else None


def insert_term(editor: Editor, term: Row, kind: int) -> None:
    """Add a term to the receivables or payables, and to the payment terms."""
    editor.insert(_LISTS[kind], dict(term))
    editor.insert(booking.PAYMENT_TERMS, {**term, "LineType": kind})


def open_terms(editor: Editor, kind: int, column: str, value: object) -> list[Row]:
    """The open receivables or payables with this value in a column."""
    return [row for row in editor.where(_LISTS[kind], column, value) if not row["IsFullyPaid"]]


def check_offset(editor: Editor, line: Row, currency: str, amount: Decimal) -> None:
    """Refuse a line whose `OffsetID` names no open item that it could pay.

    Args:
        editor: Edits the company.
        line: The line of a bank or journal entry.
        currency: That of the entry.
        amount: What it and earlier lines pay of the item, as they are in the ledger, in that
            currency; debit is positive.

    Raises:
        ApiError: 500 if there is no such item, or less of it is open.
    """
    kind = kind_of(editor, line["GLAccount"])
    terms = open_terms(editor, kind, "TransactionID", line["OffsetID"]) if kind else []
    owed = [
        term["AmountFC"]
        for term in terms
        if (term["GLAccount"], term["Account"], term["Currency"])
        == (line["GLAccount"], line.get("Account"), currency)
    ]
    paid = -amount if kind == booking.RECEIVABLE else amount
    left = sum(owed, ZERO)
    if not owed or paid * left <= 0 or abs(paid) > abs(left):
        raise invalid("Invalid reference: OffsetID")


def enter(editor: Editor, row: Row) -> None:
    """Follow a transaction line on debtors or creditors.

    It closes what it names by `OffsetID`; else it is an open item until it is matched.
    """
    kind = kind_of(editor, row.get("GLAccount"))
    if kind is None or "Account" not in row:
        return
    if "OffsetID" not in row:
        insert_term(editor, booking.money_term(row, kind, editor.guid), kind)
        return
    sign = 1 if kind == booking.RECEIVABLE else -1
    closed = booking.closed_by(row["Date"], (row["FinancialYear"], row["FinancialPeriod"]))
    terms = open_terms(editor, kind, "TransactionID", row["OffsetID"])
    settled = settle(editor, kind, terms, {"AmountFC": -sign * row["AmountFC"]}, closed)
    difference = sign * settled + row["AmountDC"]
    if difference:
        party = {name: row[name] for name in ("GLAccount", "Account", "OffsetID")}
        post_exchange_difference(editor, party, row["Currency"], -difference, row)


def settle(editor: Editor, kind: int, terms: Iterable[Row], amount: Row, closed: Row) -> Decimal:
    """Close terms up to an amount, and split the one that it ends in.

    Args:
        editor: Edits the company.
        kind: `RECEIVABLE` or `PAYABLE`.
        terms: Open terms of one item.
        amount: `AmountFC`, or `AmountDC`: the one that counts.
        closed: What is set on terms that are paid, see `booking.closed_by`.

    Returns:
        What was settled, in the currency of the books.
    """
    ((column, left),) = amount.items()
    settled = ZERO
    for term in terms:
        if not left:
            break
        whole = term[column]
        if abs(left) >= abs(whole):
            settled += term["AmountDC"]
            left -= whole
            _close(editor, kind, term, closed)
        else:
            other = _OTHER[column]
            part = {column: left, other: cents(left * term[other] / whole)}
            settled += part["AmountDC"]
            left = ZERO
            _split(editor, kind, term, part, closed)
    return settled


def _both(editor: Editor, kind: int, term: Row) -> list[tuple[str, Row]]:
    """A term in its own list and among the payment terms."""
    twin = editor.find(booking.PAYMENT_TERMS, term["ID"])
    assert twin is not None  # noqa: S101 - they are made together
    return [(_LISTS[kind], term), (booking.PAYMENT_TERMS, twin)]


def _close(editor: Editor, kind: int, term: Row, closed: Row) -> None:
    for table, row in _both(editor, kind, term):
        editor.update(table, row, closed)


def _split(editor: Editor, kind: int, term: Row, part: Row, closed: Row) -> None:
    key = editor.guid()
    for table, row in _both(editor, kind, term):
        paid = {**row, **part, **closed, "ID": key}
        paid.pop("Timestamp", None)
        editor.update(table, row, {name: row[name] - value for name, value in part.items()})
        editor.insert(table, paid)


def post_exchange_difference(
    editor: Editor, party: Row, currency: str, amount: Decimal, by: Row | None = None
) -> Row:
    """Post what an item is left with by another rate.

    Args:
        editor: Edits the company.
        party: `GLAccount`, `Account` and `OffsetID` of the item.
        currency: That of the item.
        amount: What the item gets, in the currency of the books; debit is positive.
        by: The transaction line that pays it: the entry is of its day and period. Today's if None.

    Returns:
        The transaction line of the item.
    """
    company = editor.company
    day = by["Date"] if by else editor.today
    entry: Row = {
        "EntryID": editor.guid(),
        "EntryNumber": booking.entry_number(company, JOURNAL, day),
        "JournalCode": JOURNAL,
        "Currency": currency,
        "ExchangeRate": rate(company, currency, day),
        "Status": booking.PROCESSED,
        "Description": "Koersverschil",
        "FinancialYear": by and by["FinancialYear"],
        "FinancialPeriod": by and by["FinancialPeriod"],
        "_day": day,
    }
    common: Row = {"Date": day, "AmountFC": ZERO}
    offset = {"GLAccount": company.gl_accounts["exchange_results"], "AmountDC": -amount}
    lines = [
        {**common, **party, "AmountDC": amount, "LineNumber": 1},
        {**common, **offset, "LineNumber": 2},
    ]
    kind = booking.EXCHANGE_DIFFERENCE
    rows = booking.cash_lines(company, entry, lines, kind, editor.guid)
    editor.insert(booking.TRANSACTION_LINES, *rows)
    return rows[0]
