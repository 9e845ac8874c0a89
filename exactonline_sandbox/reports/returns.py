"""VAT returns, and which periods of a journal are closed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exactonline_sandbox.reports.ledger import VAT, VAT_RETURN, ZERO, Ledger

if TYPE_CHECKING:
    from datetime import date

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

_PERIODS = "financial/FinancialPeriods"
_JOURNALS = "financial/Journals"
_STATUS = ("Open", "Closed")
_JOURNAL_TYPES = {
    10: "Cash",
    12: "Bank",
    20: "Sales",
    21: "Return invoice",
    22: "Purchase",
    23: "Received return invoice",
    90: "General journal",
}
_QUARTER = 3


def returns(company: Company, _today: date) -> list[Row]:
    """The VAT returns: a row for each entry that files one."""
    ledger = Ledger(company)
    vat = ledger.of_types(VAT)
    entries: dict[str, list[Row]] = defaultdict(list)
    for row in ledger.lines():
        if row["Type"] == VAT_RETURN:
            entries[row["EntryID"]].append(row)
    found = []
    for rows in entries.values():
        first = rows[0]
        quarter = first["FinancialPeriod"] // _QUARTER
        found.append(
            {
                "DocumentID": first["Document"],
                "Amount": sum((row["AmountDC"] for row in rows if row["GLAccount"] in vat), ZERO),
                "Created": first["Created"],
                "Currency": first["Currency"],
                "Description": first["Description"],
                "Frequency": "q",
                "Period": quarter,
                "PeriodDescription": f"Kwartaal {quarter}",
                "Subject": first["Description"],
                "Year": first["FinancialYear"],
            }
        )
    return found


def journal_status(company: Company, today: date) -> list[Row]:
    """A row for each journal and each period that has begun."""
    journals = company.table(_JOURNALS).rows.values()
    rows = []
    for period in company.table(_PERIODS).rows.values():
        if period["StartDate"] > today:
            continue
        year, number = period["FinYear"], period["FinPeriod"]
        status = int(company.is_closed(year, number))
        rows += [
            {
                "Journal": journal["Code"],
                "Period": number,
                "Year": year,
                "JournalDescription": journal["Description"],
                "JournalType": journal["Type"],
                "JournalTypeDescription": _JOURNAL_TYPES.get(journal["Type"]),
                "Status": status,
                "StatusDescription": _STATUS[status],
            }
            for journal in journals
        ]
    return rows
