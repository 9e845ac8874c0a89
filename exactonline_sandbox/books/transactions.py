"""Entries as `Transactions` lists them: put together from their transaction lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.books.booking import TRANSACTION_LINES
from exactonline_sandbox.books.tables import Table

if TYPE_CHECKING:
    from exactonline_sandbox.books.company import Company

TRANSACTIONS = "financialtransaction/Transactions"
_OF_A_LINE = (
    "EntryID", "EntryNumber", "Date", "Description", "Document", "FinancialPeriod",
    "FinancialYear", "JournalCode", "PaymentReference", "Status", "Type",
)  # fmt: skip


def table_of(company: Company, name: str) -> Table:
    """The table of a plain endpoint, made of others where it stores nothing of its own."""
    return _transactions(company) if name == TRANSACTIONS else company.table(name)


def _transactions(company: Company) -> Table:
    lines = company.table(TRANSACTION_LINES)
    made: Table | None = lines.derived.get(TRANSACTIONS)
    if made is None:
        made = Table(TRANSACTIONS, ("EntryID",), (True,))
        for line in lines.rows.values():
            entry = made.get(line["EntryID"])
            if entry is None:
                made.add({name: line[name] for name in _OF_A_LINE if name in line})
                entry = made.rows[line["EntryID"]]
            for name, choose in (("Created", min), ("Modified", max)):
                entry[name] = choose(entry.get(name, line[name]), line[name])
        lines.derived[TRANSACTIONS] = made
    return made
