"""Open items of customers and suppliers, and how old they are.

Lines on accounts of debtors and creditors belong together by `OffsetID`. In what belongs together
the oldest is settled first; what is left is open. Differences of payment and exchange change what
is open of the line that they refer to.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.reports.ledger import (
    PAYABLE,
    RECEIVABLE,
    YEAR_CLOSING,
    YEAR_OPENING,
    ZERO,
    Ledger,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from decimal import Decimal

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

_GROUPS = ((30, "<= 30"), (60, "31 - 60"), (90, "61 - 90"), (None, "> 90"))
"""Days after the due date, and how the service calls that."""
_DIFFERENCES = (82, 83)
"""Types of entries for what a payment leaves of an item."""
_RELATIONS = "crm/Accounts"
_JOURNALS = "financial/Journals"


class OpenItem(NamedTuple):
    """What is open of a transaction line."""

    row: Row
    amount: Decimal
    """In the currency of the books; positive is owed."""

    @property
    def due(self) -> date:
        """When it has to be paid."""
        day: date = self.row.get("DueDate") or self.row["Date"]
        return day


def open_items(company: Company, kind: int) -> list[OpenItem]:
    """The open items on accounts of debtors (20) or creditors (22), oldest first."""
    ledger = Ledger(company)
    accounts = ledger.of_types(kind)
    sign = 1 if kind == RECEIVABLE else -1
    rows = {
        row["ID"]: row
        for row in ledger.lines(without=(YEAR_CLOSING, YEAR_OPENING))
        if row["GLAccount"] in accounts
    }
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows.values():
        groups[_root(rows, row)].append(row)
    items = [
        OpenItem(row, sign * amount)
        for root, group in groups.items()
        for row, amount in _left(rows[root], group)
    ]
    return sorted(items, key=lambda item: (item.row["Date"], item.row["EntryNumber"]))


def _root(rows: dict[str, Row], row: Row) -> str:
    """The line that all of a group refer to."""
    seen = {row["ID"]}
    while (target := rows.get(row.get("OffsetID", ""))) is not None and target["ID"] not in seen:
        row = target
        seen.add(row["ID"])
    return str(row["ID"])


def _left(root: Row, group: list[Row]) -> Iterator[tuple[Row, Decimal]]:
    """What is open of lines that belong together."""
    total = sum((row["AmountDC"] for row in group), ZERO)
    if not total:
        return
    amounts = [(row, row["AmountDC"]) for row in group if row["Type"] not in _DIFFERENCES]
    changed = total - sum((amount for _, amount in amounts), ZERO)
    amounts = [(row, amount + changed if row is root else amount) for row, amount in amounts]
    larger = [(row, amount) for row, amount in amounts if (amount > 0) == (total > 0)]
    settled = sum((amount for _, amount in larger), ZERO) - total
    for row, amount in sorted(larger, key=lambda item: (item[0]["Date"], item[0]["EntryNumber"])):
        part = min(amount, settled, key=abs)
        settled -= part
        if amount != part:
            yield row, amount - part


def item_list(company: Company, kind: int) -> list[Row]:
    """A row for each open item."""
    relations, journals = company.table(_RELATIONS), company.table(_JOURNALS)
    found = []
    for number, item in enumerate(open_items(company, kind), start=1):
        row = item.row
        relation = relations.get(row.get("Account")) or {}
        journal = journals.by_code(row["JournalCode"]) or {}
        found.append(
            {
                "HID": number,
                "AccountCode": relation.get("Code"),
                "AccountId": row.get("Account"),
                "AccountName": relation.get("Name"),
                "Amount": item.amount,
                "AmountInTransit": ZERO,
                "CurrencyCode": company.profile.currency,
                "Description": row.get("Description"),
                "DueDate": item.due,
                "EntryNumber": row["EntryNumber"],
                "Id": row["ID"],
                "InvoiceDate": row["Date"],
                "InvoiceNumber": row.get("InvoiceNumber"),
                "JournalCode": row["JournalCode"],
                "JournalDescription": journal.get("Description"),
                "YourRef": row.get("YourRef"),
            }
        )
    return found


def ageing_list(company: Company, kind: int, today: date) -> list[Row]:
    """A row for each customer or supplier, with what is open by age."""
    by_relation: dict[str, list[OpenItem]] = defaultdict(list)
    for item in open_items(company, kind):
        by_relation[item.row.get("Account", "")].append(item)
    rows = []
    for key, items in by_relation.items():
        relation = company.table(_RELATIONS).get(key) or {}
        amounts = _by_age(items, today)
        row: Row = {
            "AccountId": key,
            "AccountCode": relation.get("Code"),
            "AccountName": relation.get("Name"),
            "CurrencyCode": company.profile.currency,
            "TotalAmount": sum(amounts, ZERO),
        }
        for number, (amount, (_, words)) in enumerate(zip(amounts, _GROUPS, strict=True), start=1):
            row[f"AgeGroup{number}"] = number
            row[f"AgeGroup{number}Amount"] = amount
            row[f"AgeGroup{number}Description"] = words
        rows.append(row)
    return rows


def ageing_overview(company: Company, today: date) -> list[Row]:
    """A row for each age group."""
    owed = _by_age(open_items(company, RECEIVABLE), today)
    owing = _by_age(open_items(company, PAYABLE), today)
    return [
        {
            "AgeGroup": number,
            "AgeGroupDescription": words,
            "AmountReceivable": receivable,
            "AmountPayable": payable,
            "CurrencyCode": company.profile.currency,
        }
        for number, ((_, words), receivable, payable) in enumerate(
            zip(_GROUPS, owed, owing, strict=True), start=1
        )
    ]


def outstanding(company: Company, today: date) -> list[Row]:
    """How many items are open, how many of them overdue, and what they amount to."""
    row: Row = {"CurrencyCode": company.profile.currency}
    for kind, name in ((RECEIVABLE, "Receivable"), (PAYABLE, "Payable")):
        items = open_items(company, kind)
        overdue = [item for item in items if item.due < today]
        for word, group in (("Outstanding", items), ("Overdue", overdue)):
            row[f"{word}{name}InvoiceAmount"] = sum((item.amount for item in group), ZERO)
            row[f"{word}{name}InvoiceCount"] = ZERO + len(group)
    return [row]


def _by_age(items: list[OpenItem], today: date) -> list[Decimal]:
    """What is open in each age group."""
    amounts = [ZERO] * len(_GROUPS)
    for item in items:
        days = (today - item.due).days
        at = next(at for at, (last, _) in enumerate(_GROUPS) if last is None or days <= last)
        amounts[at] += item.amount
    return amounts
