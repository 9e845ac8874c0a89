"""The ledger: transaction lines, with the ledger accounts they are on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

ZERO = Decimal(0)
LINES = "financialtransaction/TransactionLines"
ACCOUNTS = "financial/GLAccounts"
OPENING, VAT_RETURN = 10, 50
RESULT_TO_BALANCE, YEAR_CLOSING, YEAR_OPENING = 326, 327, 328
PROCESSED = 50
RECEIVABLE, PAYABLE, VAT, RETAINED_EARNINGS, REVENUE = 20, 22, 24, 52, 110


class Ledger:
    """The transaction lines of a company."""

    def __init__(self, company: Company) -> None:
        """Read the chart of accounts; lines are read when they are asked for."""
        self.company = company
        self.accounts: dict[str, Row] = dict(company.table(ACCOUNTS).rows)

    def lines(self, *, without: tuple[int, ...] = (), processed: bool = False) -> Iterator[Row]:
        """The lines.

        Args:
            without: Types of entries to leave out.
            processed: Only those of processed entries; else open ones too.
        """
        for row in self.company.table(LINES).rows.values():
            if row["Type"] not in without and (not processed or row["Status"] == PROCESSED):
                yield row

    def of_types(self, *kinds: int) -> set[str]:
        """The keys of the ledger accounts of these types."""
        return {key for key, row in self.accounts.items() if row.get("Type") in kinds}

    def is_on_balance_sheet(self, row: Row) -> bool:
        """Whether a line is on an account of the balance sheet; else it is profit or loss."""
        return bool(self.accounts[row["GLAccount"]].get("BalanceType") == "B")
