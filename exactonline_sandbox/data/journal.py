"""Post journal entries of generated books: opening, payroll, VAT returns, differences, year end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.rates import ONE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from decimal import Decimal

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

JOURNAL = "90"
_ENTRIES = "generaljournalentry/GeneralJournalEntries"
_LINES = "generaljournalentry/GeneralJournalEntryLines"
_LISTED = (booking.OPENING, booking.GENERAL)
"""Types that the list of general journal entries has; others are transaction lines alone."""


def line(maker: Maker, role: str, amount: Decimal, **more: object) -> Row:
    """A line in the currency of the books, on the ledger account of a role."""
    account = maker.company.gl_accounts[role]
    return {"GLAccount": account, "AmountFC": amount, "AmountDC": amount, **more}


class Head(NamedTuple):
    """What an entry is, and when."""

    kind: int
    """Its type."""
    day: date
    text: str
    """Description of the entry and of its lines."""
    period: tuple[int, int] | None = None
    """Financial year and period; those of the day where None."""
    created: datetime | None = None
    """When it was made; on its day where None."""


def post(maker: Maker, head: Head, lines: Iterable[Row], **header: object) -> list[Row]:
    """Post a processed entry.

    Args:
        maker: Makes the rows.
        head: What it is, and when.
        lines: `GLAccount`, `AmountFC`, `AmountDC` and more; debit is positive. Empty lines are
            left out.
        **header: More of the entry: `Currency`, `ExchangeRate`, `Reversal`, `Document`.

    Returns:
        The transaction lines.
    """
    company, day = maker.company, head.day
    moment = min(maker.today, head.created or maker.working_moment(day))
    year, number = head.period or company.profile.period_of(day)
    entry: Row = {
        "EntryID": maker.guid(),
        "EntryNumber": booking.entry_number(company, JOURNAL, day),
        "JournalCode": JOURNAL,
        "Currency": company.profile.currency,
        "ExchangeRate": ONE,
        "FinancialYear": year,
        "FinancialPeriod": number,
        "Reversal": False,
        "Status": booking.PROCESSED,
        "Type": head.kind,
        **header,
    }
    rows: list[Row] = [
        {
            "ID": maker.guid(),
            "EntryID": entry["EntryID"],
            "Date": day,
            "Description": head.text,
            **row,
        }
        for row in lines
        if row["AmountDC"] != ZERO
    ]
    for at, row in enumerate(rows, start=1):
        row["LineNumber"] = at
    if head.kind in _LISTED:
        maker.load(_ENTRIES, dict(entry), moment)
        for row in rows:
            maker.load(_LINES, dict(row), moment)
    dated = {**entry, "_day": day, "Description": head.text}
    ledger = booking.cash_lines(company, dated, rows, head.kind, maker.guid)
    return [maker.load(booking.TRANSACTION_LINES, row, moment) for row in ledger]
