"""Open items of a company, and sets that match a part of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.rows import create

if TYPE_CHECKING:
    from tests.stress.writing.company import Company, Record

MATCH_SETS = "match_sets"
DEBTORS, REVENUE = "1300", "8000"
OPEN = Decimal(100)
MATCHED = Decimal(10)
"""So small a part that Exact would take the same set again."""


@dataclass
class OpenItems:
    """Invoices that are paid on the bank; made while no call is under way."""

    books: Company
    _records: dict[int, Record] = field(default_factory=dict)

    def record(self, number: int) -> Record:
        """The set of this number: the same one whenever it is asked for."""
        if number not in self._records:
            self._records[number] = self._made(number)
        return self._records[number]

    def times_matched(self, record: Record) -> int:
        """How many sets there are at Exact of the entry that this one is about."""
        world = self.books.server.world
        (sale, _) = record["lines"]
        return sum(
            any(
                (line.journal, line.entry) == (sale["journal"], sale["entry"])
                for line in made.lines
            )
            for made in world.matches(world.company(self.books.division)).sets
        )

    def _made(self, number: int) -> Record:
        truth = self.books.server.control.truth
        code = self.books.customers[number % len(self.books.customers)]
        accounts = {row["Code"]: row["ID"] for row in truth(self.books.division, "accounts")}
        ledger = {row["Code"]: row["ID"] for row in truth(self.books.division, "gl_accounts")}
        sale = self._make(
            "salesentry/SalesEntries",
            {"Customer": accounts[code], "Journal": "70"},
            SalesEntryLines=[{"GLAccount": ledger[REVENUE], "AmountFC": OPEN, "VATCode": "0"}],
        )
        paid = {"GLAccount": ledger[DEBTORS], "Account": accounts[code], "AmountFC": OPEN}
        bank = self._make(
            "financialtransaction/BankEntries", {"JournalCode": "20"}, BankEntryLines=[paid]
        )
        day = sale["EntryDate"]
        lines = [
            {
                "year": day.year,
                "period": day.month,
                "journal": journal,
                "entry": entry["EntryNumber"],
                "amount": float(amount),
            }
            for journal, entry, amount in (("70", sale, MATCHED), ("20", bank, -MATCHED))
        ]
        return {
            "reference": f"M{self.books.seed}-{number:06d}",
            "gl_account": DEBTORS,
            "account": code,
            "lines": lines,
        }

    def _make(self, table: str, row: dict[str, Any], **lines: Any) -> dict[str, Any]:
        """Make a row as somebody at work in the company does."""
        world = self.books.server.world
        editor = Editor(world.company(self.books.division), world.author(world.config.users[0]))
        return create(editor, table, row, lines)
