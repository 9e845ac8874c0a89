"""Open items of a company, and records that match them."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.rows import create

if TYPE_CHECKING:
    from tests.target.conftest import Company, Load, Record, Runner

STREAM = "match_sets"
UPLOAD, DOWNLOAD = "XMLUpload.aspx", "XMLDownload.aspx"
NUMBERS = count(1)


@dataclass
class Books:
    """A customer whose open invoices are paid on the bank, without being matched."""

    company: Company
    account: dict[str, Any] = field(default_factory=dict)

    def make(self, table: str, row: dict[str, Any], **lines: Any) -> dict[str, Any]:
        """Make a row of the company as somebody at work in it does."""
        world = self.company.server.world
        author = world.author(world.config.users[0])
        return create(Editor(world.company(self.company.division), author), table, row, lines)

    def gl_account(self, code: str) -> str:
        rows = self.company.server.control.truth(self.company.division, "gl_accounts")
        return next(str(row["ID"]) for row in rows if row["Code"] == code)

    def begin(self) -> None:
        self.account = self.make("crm/Accounts", {"Name": "Betaler", "Status": "C"})

    def item(self, amount: str = "100.00", paid: str | None = None) -> Record:
        """A record that matches an invoice with its payment."""
        sold = {"GLAccount": self.gl_account("8000"), "AmountFC": Decimal(amount), "VATCode": "0"}
        sale = self.make(
            "salesentry/SalesEntries",
            {"Customer": self.account["ID"], "Journal": "70"},
            SalesEntryLines=[sold],
        )
        payment = {
            "GLAccount": self.gl_account("1300"),
            "Account": self.account["ID"],
            "AmountFC": Decimal(paid or amount),
        }
        bank = self.make(
            "financialtransaction/BankEntries", {"JournalCode": "20"}, BankEntryLines=[payment]
        )
        when = (sale["EntryDate"].year, sale["EntryDate"].month)
        return {
            "reference": f"M-{next(NUMBERS)}",
            "gl_account": "1300",
            "account": self.account["Code"],
            "lines": [
                line(*when, "70", sale, amount),
                line(*when, "20", bank, f"-{paid or amount}"),
            ],
        }

    def is_paid(self, record: Record) -> bool:
        rows = self.company.server.control.truth(self.company.division, "receivables")
        entry = record["lines"][0]["entry"]
        return next(bool(row["IsFullyPaid"]) for row in rows if row["EntryNumber"] == entry)

    def calls(self, endpoint: str) -> int:
        calls = self.company.server.control.calls()["calls"]
        return sum(call["count"] for call in calls if call["endpoint"] == endpoint)

    def fault(self, kind: str, **rule: Any) -> None:
        self.company.server.control.faults({"kind": kind, "path": UPLOAD, "times": 1, **rule})


def line(year: int, period: int, journal: str, entry: dict[str, Any], amount: str) -> Record:
    return {
        "year": year,
        "period": period,
        "journal": journal,
        "entry": entry["EntryNumber"],
        "amount": float(amount),
    }


def load(runner: Runner, *records: Record, **options: Any) -> Load:
    return runner.load(*records, stream=STREAM, **options)
