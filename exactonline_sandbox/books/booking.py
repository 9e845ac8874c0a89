"""Bookings: the financial entry of an invoice, and the transaction lines of an entry.

The functions return rows and do not store them: generated data and posted documents are booked by
the same rules. Debit is positive, credit negative, and the lines of an entry add up to zero. Line
0 is the header line: debtor, creditor or bank.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.references import CONDITIONS, JOURNALS, VAT_CODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

    NewGuid = Callable[[], str]

SALES_ENTRIES = "salesentry/SalesEntries"
SALES_ENTRY_LINES = "salesentry/SalesEntryLines"
PURCHASE_ENTRIES = "purchaseentry/PurchaseEntries"
PURCHASE_ENTRY_LINES = "purchaseentry/PurchaseEntryLines"
TRANSACTION_LINES = "financialtransaction/TransactionLines"
RECEIVABLES = "cashflow/Receivables"
PAYMENTS = "cashflow/Payments"
PAYMENT_TERMS = "sync/Cashflow/PaymentTerms"

SALE, PURCHASE, CASH_FLOW, GENERAL = 20, 30, 40, 90
OPEN, PROCESSED = 20, 50
RECEIVABLE, PAYABLE = 20, 22
_ONE = Decimal(1)


def entry_number(company: Company, journal: str, day: date) -> int:
    """The next number of a journal in a year, such as 24700006."""
    number = company.number(f"journal {journal} {day.year}")
    return int(f"{day.year % 100:02d}{journal}{number:04d}")


def due_date(company: Company, condition: str | None, day: date) -> date:
    """The due date of a document of `day`."""
    row = company.table(CONDITIONS).by_code(condition)
    return day + timedelta(days=row.get("PaymentDays", 0) if row else 0)


def sales_entry(invoice: Row, lines: Iterable[Row], new_guid: NewGuid) -> tuple[Row, list[Row]]:
    """The sales entry of a processed invoice: one line per ledger account and VAT code."""
    day = invoice["InvoiceDate"]
    entry: Row = {
        "EntryID": new_guid(),
        "EntryNumber": invoice["InvoiceNumber"],
        "InvoiceNumber": invoice["InvoiceNumber"],
        "OrderNumber": invoice["OrderNumber"],
        "Customer": invoice["InvoiceTo"],
        "Journal": invoice["Journal"],
        "Currency": invoice["Currency"],
        "Description": invoice.get("Description"),
        "YourRef": invoice.get("YourRef"),
        "PaymentCondition": invoice.get("PaymentCondition"),
        "PaymentReference": invoice.get("PaymentReference"),
        "Document": invoice.get("Document"),
        "EntryDate": day,
        "DueDate": invoice["DueDate"],
        "ReportingYear": day.year,
        "ReportingPeriod": day.month,
        "Rate": _ONE,
        "Reversal": False,
        "Status": PROCESSED,
        "Type": SALE,
        "AmountFC": invoice["AmountFC"],
        "AmountDC": invoice["AmountDC"],
        "VATAmountFC": invoice["VATAmountFC"],
        "VATAmountDC": invoice["VATAmountDC"],
    }
    return entry, _grouped(entry["EntryID"], lines, new_guid)


def _grouped(entry_id: str, lines: Iterable[Row], new_guid: NewGuid) -> list[Row]:
    groups: dict[tuple[str, str | None], Row] = {}
    for line in lines:
        where = (line["GLAccount"], line.get("VATCode"))
        group = groups.get(where)
        if group is None:
            group = groups[where] = {
                "ID": new_guid(),
                "EntryID": entry_id,
                "LineNumber": len(groups) + 1,
                "GLAccount": where[0],
                "VATCode": where[1],
                "VATPercentage": line.get("VATPercentage"),
                "Description": line.get("Description"),
                "Type": SALE,
                "Quantity": ZERO,
                "AmountFC": ZERO,
                "VATAmountFC": ZERO,
            }
        for column in ("Quantity", "AmountFC", "VATAmountFC"):
            group[column] += line.get(column, ZERO)
    for group in groups.values():
        group.update(
            AmountDC=group["AmountFC"],
            VATAmountDC=group["VATAmountFC"],
            VATBaseAmountFC=group["AmountFC"],
            VATBaseAmountDC=group["AmountFC"],
        )
    return list(groups.values())


def ledger_lines(
    company: Company, entry: Row, lines: Iterable[Row], kind: int, new_guid: NewGuid
) -> list[Row]:
    """The transaction lines of a sales or purchase entry.

    Args:
        company: The company with its journals and VAT codes.
        entry: The row of the entry, with its amounts.
        lines: The rows of its lines.
        kind: `SALE` or `PURCHASE`.
        new_guid: Makes the keys.
    """
    sale = kind == SALE
    sign = -1 if sale else 1
    journal = company.table(JOURNALS).by_code(entry["Journal"]) or {}
    common = _common(entry, kind)
    rows = [
        {
            **common,
            "ID": new_guid(),
            "LineNumber": 0,
            "GLAccount": journal.get("GLAccount"),
            "AmountDC": -sign * entry["AmountDC"],
            "AmountFC": -sign * entry["AmountFC"],
        }
    ]
    vat_by_account: defaultdict[tuple[str | None, str], Decimal] = defaultdict(lambda: ZERO)
    for line in lines:
        amount, vat = line["AmountFC"], line.get("VATAmountFC", ZERO)
        rows.append(
            {
                **common,
                "ID": new_guid(),
                "LineNumber": line["LineNumber"],
                "GLAccount": line["GLAccount"],
                "Description": line.get("Description"),
                "VATCode": line.get("VATCode"),
                "VATPercentage": line.get("VATPercentage"),
                "Quantity": line.get("Quantity"),
                "AmountDC": sign * amount,
                "AmountFC": sign * amount,
                "AmountVATFC": sign * vat,
            }
        )
        if vat:
            vat_by_account[_vat_account(company, line["VATCode"], sale=sale), line["VATCode"]] += (
                vat
            )
    for number, ((account, code), vat) in enumerate(vat_by_account.items(), start=len(rows)):
        rows.append(
            {
                **common,
                "ID": new_guid(),
                "LineNumber": number,
                "GLAccount": account,
                "VATCode": code,
                "AmountDC": sign * vat,
                "AmountFC": sign * vat,
            }
        )
    return rows


def cash_lines(
    company: Company, entry: Row, lines: Iterable[Row], kind: int, new_guid: NewGuid
) -> list[Row]:
    """The transaction lines of a bank entry, or of a general journal entry (no header line)."""
    lines = list(lines)
    common = _common(entry, kind)
    rows: list[Row] = []
    if kind == CASH_FLOW:
        journal = company.table(JOURNALS).by_code(entry["JournalCode"]) or {}
        total = sum((line["AmountFC"] for line in lines), ZERO)
        rows.append(
            {
                **common,
                "ID": new_guid(),
                "LineNumber": 0,
                "GLAccount": journal.get("GLAccount"),
                "AmountDC": total,
                "AmountFC": total,
            }
        )
    sign = -1 if kind == CASH_FLOW else 1
    rows += [
        {
            **common,
            "ID": new_guid(),
            "LineNumber": line["LineNumber"],
            "GLAccount": line["GLAccount"],
            "Account": line.get("Account"),
            "Description": line.get("Description"),
            "Date": line["Date"],
            "OffsetID": line.get("OffsetID"),
            "AmountDC": sign * line["AmountFC"],
            "AmountFC": sign * line["AmountFC"],
        }
        for line in lines
    ]
    return rows


def term(entry: Row, kind: int, new_guid: NewGuid) -> Row:
    """The payment term of an entry: a receivable or a payable."""
    return {
        "ID": new_guid(),
        "Account": entry.get("Customer") or entry.get("Supplier"),
        "AmountDC": entry["AmountDC"],
        "AmountFC": entry["AmountFC"],
        "Currency": entry["Currency"],
        "Description": entry.get("Description"),
        "Document": entry.get("Document"),
        "DueDate": entry["DueDate"],
        "EntryDate": entry["EntryDate"],
        "EntryID": entry["EntryID"],
        "EntryNumber": entry["EntryNumber"],
        "InvoiceDate": entry["EntryDate"],
        "InvoiceNumber": entry.get("InvoiceNumber"),
        "IsFullyPaid": False,
        "Journal": entry["Journal"],
        "PaymentCondition": entry.get("PaymentCondition"),
        "PaymentMethod": "B",
        "RateFC": _ONE,
        "Status": OPEN,
        "TransactionAmountDC": entry["AmountDC"],
        "TransactionAmountFC": entry["AmountFC"],
        "TransactionDueDate": entry["DueDate"],
        "TransactionEntryID": entry["EntryID"],
        "TransactionReportingPeriod": entry["ReportingPeriod"],
        "TransactionReportingYear": entry["ReportingYear"],
        "TransactionType": kind,
        "YourRef": entry.get("YourRef"),
    }


def _common(entry: Row, kind: int) -> Row:
    """The common columns of the transaction lines of an entry."""
    day = entry.get("EntryDate") or entry["_day"]
    return {
        "EntryID": entry["EntryID"],
        "EntryNumber": entry["EntryNumber"],
        "JournalCode": entry.get("Journal") or entry["JournalCode"],
        "Account": entry.get("Customer") or entry.get("Supplier"),
        "Date": day,
        "DueDate": entry.get("DueDate"),
        "FinancialYear": day.year,
        "FinancialPeriod": day.month,
        "Currency": entry.get("Currency"),
        "ExchangeRate": _ONE,
        "Description": entry.get("Description"),
        "Document": entry.get("Document"),
        "InvoiceNumber": entry.get("InvoiceNumber"),
        "OrderNumber": entry.get("OrderNumber"),
        "PaymentReference": entry.get("PaymentReference"),
        "YourRef": entry.get("YourRef"),
        "Status": entry.get("Status"),
        "Type": kind,
    }


def _vat_account(company: Company, code: str, *, sale: bool) -> str | None:
    row = company.table(VAT_CODES).by_code(code) or {}
    return row.get("GLToPay" if sale else "GLToClaim")
