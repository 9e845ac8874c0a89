"""Bookings: the financial entry of an invoice, and the transaction lines of an entry.

The functions return rows and do not store them: generated data and posted documents are booked by
the same rules. Debit is positive, credit negative, and the lines of an entry add up to zero in its
currency and in that of the books. Line 0 is the header line: debtor, creditor or bank.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.books.amounts import ZERO, convert, totals
from exactonline_sandbox.books.rates import ONE, rate
from exactonline_sandbox.books.references import CONDITIONS, JOURNALS, VAT_CODES
from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date
    from decimal import Decimal

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

OPENING, SALE, SALES_CREDIT, PURCHASE, PURCHASE_CREDIT, CASH_FLOW = 10, 20, 21, 30, 31, 40
VAT_RETURN, REVALUATION, EXCHANGE_DIFFERENCE, PAYMENT_DIFFERENCE, GENERAL = 50, 80, 82, 83, 90
RESULT_TO_BALANCE, YEAR_CLOSING, YEAR_OPENING = 326, 327, 328
SALES = (SALE, SALES_CREDIT)
OPEN, PROCESSED = 20, 50
RECEIVABLE, PAYABLE = 20, 22
CREDIT_NOTES = (8021, 8024)
"""Types of sales invoices that are credit notes."""
_NO_VAT = "0"
_VAT_LINE = 9999


class _Letters(NamedTuple):
    """`VATType` of the lines of a type of entry."""

    base: str
    own: str
    """VAT to pay on sales, to claim on purchases."""
    charged: str = ""
    """VAT to pay on purchases, where the buyer books it."""


_LETTERS = {
    SALE: _Letters("V", "A"),
    SALES_CREDIT: _Letters("Z", "X"),
    PURCHASE: _Letters("I", "O", "P"),
    PURCHASE_CREDIT: _Letters("W", "Q", "Y"),
}
_WITHOUT_VAT = "S"
_DIMENSIONS = ("CostCenter", "CostUnit", "Project", "Item")


def entry_number(company: Company, journal: str, day: date) -> int:
    """The next number of a journal in a financial year, such as 24700006."""
    year, _ = company.profile.period_of(day)
    number = company.number(f"journal {journal} {year}")
    return int(f"{year % 100:02d}{journal}{number:04d}")


def due_date(company: Company, condition: str | None, day: date) -> date:
    """The due date of a document of `day`."""
    row = company.table(CONDITIONS).by_code(condition)
    return day + timedelta(days=row.get("PaymentDays", 0) if row else 0)


def sales_entry(
    company: Company, invoice: Row, lines: Iterable[Row], new_guid: NewGuid
) -> tuple[Row, list[Row]]:
    """The sales entry of a processed invoice: one line per ledger account and VAT code.

    In detailed books there is one per cost centre, cost unit, project and item, too.
    """
    day = invoice["InvoiceDate"]
    year, period = company.profile.period_of(day)
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
        "ReportingYear": year,
        "ReportingPeriod": period,
        "Rate": rate(company, invoice["Currency"], day),
        "Reversal": False,
        "Status": PROCESSED,
        "Type": SALES_CREDIT if invoice.get("Type") in CREDIT_NOTES else SALE,
    }
    rows = _grouped(entry, lines, new_guid, detailed=company.profile.detailed)
    amounts = totals(rows)
    del amounts["AmountFCExclVat"]
    entry.update(amounts)
    return entry, rows


def _grouped(entry: Row, lines: Iterable[Row], new_guid: NewGuid, *, detailed: bool) -> list[Row]:
    groups: dict[tuple[str | None, ...], Row] = {}
    columns = ("GLAccount", "VATCode", *(_DIMENSIONS if detailed else ()))
    for line in lines:
        where = tuple([line.get(column) for column in columns])
        group = groups.get(where)
        if group is None:
            group = groups[where] = {
                "ID": new_guid(),
                "EntryID": entry["EntryID"],
                "LineNumber": len(groups) + 1,
                **dict(zip(columns, where, strict=True)),
                "VATPercentage": line.get("VATPercentage"),
                "Description": line.get("Description"),
                "Type": entry["Type"],
                "Quantity": ZERO,
                "AmountFC": ZERO,
                "AmountDC": ZERO,
                "VATAmountFC": ZERO,
                "VATAmountDC": ZERO,
            }
        for column in ("Quantity", "AmountFC", "AmountDC", "VATAmountFC", "VATAmountDC"):
            group[column] += line.get(column, ZERO)
    for group in groups.values():
        group.update(VATBaseAmountFC=group["AmountFC"], VATBaseAmountDC=group["AmountDC"])
    return list(groups.values())


def ledger_lines(
    company: Company, entry: Row, lines: Iterable[Row], new_guid: NewGuid
) -> list[Row]:
    """The transaction lines of a sales or purchase entry.

    Args:
        company: The company with its journals and VAT codes.
        entry: The row of the entry, with its type and amounts.
        lines: The rows of its lines.
        new_guid: Makes the keys.
    """
    kind = entry["Type"]
    sign = -1 if kind in SALES else 1
    journal = company.table(JOURNALS).by_code(entry["Journal"]) or {}
    common = _common(company, entry, kind)
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
    vat_lines: dict[tuple[str | None, str, str], list[Decimal]] = {}
    for line in lines:
        code = line.get("VATCode")
        vat_code = None if code is None else company.table(VAT_CODES).by_code(code)
        row = {
            **common,
            "ID": new_guid(),
            "LineNumber": line["LineNumber"],
            "GLAccount": line["GLAccount"],
            "Description": line.get("Description"),
            "VATCode": code,
            "VATPercentage": line.get("VATPercentage"),
            "VATType": code and (_WITHOUT_VAT if code == _NO_VAT else _LETTERS[kind].base),
            "Quantity": line.get("Quantity"),
            "AmountDC": sign * line["AmountDC"],
            "AmountFC": sign * line["AmountFC"],
            "AmountVATFC": sign * line.get("VATAmountFC", ZERO),
        }
        for column in _DIMENSIONS:
            if column in line:
                row[column] = line[column]
        rows.append(row)
        for account, letter, *values in _vat(line, vat_code, kind):
            group = vat_lines.setdefault((account, str(code), letter), [ZERO, ZERO, ZERO])
            for at, value in enumerate((*values, line["AmountFC"])):
                group[at] += value
    follow = company.switches.vat_line_number == "next"
    for number, ((account, code, letter), values) in enumerate(vat_lines.items(), start=len(rows)):
        rows.append(
            {
                **common,
                "ID": new_guid(),
                "LineNumber": number if follow else _VAT_LINE,
                "GLAccount": account,
                "VATCode": code,
                "VATType": letter,
                "AmountFC": sign * values[0],
                "AmountDC": sign * values[1],
                "AmountVATBaseFC": sign * values[2],
            }
        )
    return rows


def _vat(
    line: Row, code: Row | None, kind: int
) -> Iterator[tuple[str | None, str, Decimal, Decimal]]:
    """The VAT lines of a line: account, letter, amount in its currency and in that of the books.

    Where the buyer books the VAT, it is to claim and to pay at once.
    """
    letters = _LETTERS[kind]
    if code is None:
        return
    if code.get("Charged") and letters.charged:
        percentage = code.get("Percentage", ZERO)
        vat, vat_dc = cents(line["AmountFC"] * percentage), cents(line["AmountDC"] * percentage)
        yield code.get("GLToClaim"), letters.own, vat, vat_dc
        yield code.get("GLToPay"), letters.charged, -vat, -vat_dc
    elif line.get("VATAmountFC"):
        account = code.get("GLToPay" if kind in SALES else "GLToClaim")
        yield account, letters.own, line["VATAmountFC"], line["VATAmountDC"]


def cash_lines(
    company: Company, entry: Row, lines: Iterable[Row], kind: int, new_guid: NewGuid
) -> list[Row]:
    """The transaction lines of a bank or cash entry, or of a general journal entry.

    That of a general journal has no header line, and its debits are positive; in a bank entry what
    comes in is positive.
    """
    lines = list(lines)
    common = _common(company, entry, kind)
    rows: list[Row] = []
    if kind == CASH_FLOW:
        journal = company.table(JOURNALS).by_code(entry["JournalCode"]) or {}
        rows.append(
            {
                **common,
                "ID": new_guid(),
                "LineNumber": 0,
                "GLAccount": journal.get("GLAccount"),
                "AmountDC": sum((line["AmountDC"] for line in lines), ZERO),
                "AmountFC": sum((line["AmountFC"] for line in lines), ZERO),
            }
        )
    sign = -1 if kind == CASH_FLOW else 1
    for line in lines:
        row = {
            **common,
            "ID": new_guid(),
            "LineNumber": line["LineNumber"],
            "GLAccount": line["GLAccount"],
            "Account": line.get("Account"),
            "Description": line.get("Description"),
            "Date": line["Date"],
            "OffsetID": line.get("OffsetID"),
            "InvoiceNumber": line.get("OurRef"),
            "AmountDC": sign * line["AmountDC"],
            "AmountFC": sign * line["AmountFC"],
        }
        for column in ("ExchangeRate", *_DIMENSIONS):
            if column in line:
                row[column] = line[column]
        rows.append(row)
    return rows


def convert_journal(lines: list[Row], at: Decimal) -> None:
    """Set the amounts of journal lines in the currency of the books; they stay in balance."""
    convert(lines, at)
    for line in lines:
        del line["VATAmountDC"]


def term(entry: Row, header: Row, new_guid: NewGuid) -> Row:
    """The payment term of an entry: a receivable or a payable.

    Args:
        entry: The sales or purchase entry.
        header: Its transaction line 0, which payments refer to by `OffsetID`.
        new_guid: Makes the key.
    """
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
        "GLAccount": header.get("GLAccount"),
        "InvoiceDate": entry["EntryDate"],
        "InvoiceNumber": entry.get("InvoiceNumber"),
        "IsFullyPaid": False,
        "Journal": entry["Journal"],
        "PaymentCondition": entry.get("PaymentCondition"),
        "PaymentMethod": "B",
        "RateFC": entry["Rate"],
        "Status": OPEN,
        "TransactionAmountDC": entry["AmountDC"],
        "TransactionAmountFC": entry["AmountFC"],
        "TransactionDueDate": entry["DueDate"],
        "TransactionEntryID": entry["EntryID"],
        "TransactionID": header["ID"],
        "TransactionReportingPeriod": entry["ReportingPeriod"],
        "TransactionReportingYear": entry["ReportingYear"],
        "TransactionType": entry["Type"],
        "YourRef": entry.get("YourRef"),
    }


def money_term(row: Row, kind: int, new_guid: NewGuid) -> Row:
    """The payment term of money, or of a journal line, that is not matched with an invoice.

    Args:
        row: Its transaction line, on an account of debtors or creditors.
        kind: `RECEIVABLE` or `PAYABLE`; what a payable is reduced by is negative too.
        new_guid: Makes the key.
    """
    sign = 1 if kind == RECEIVABLE else -1
    entry: Row = {
        "Customer": row.get("Account"),
        "AmountDC": sign * row["AmountDC"],
        "AmountFC": sign * row["AmountFC"],
        "Currency": row.get("Currency"),
        "Description": row.get("Description"),
        "DueDate": row["Date"],
        "EntryDate": row["Date"],
        "EntryID": row["EntryID"],
        "EntryNumber": row["EntryNumber"],
        "Journal": row["JournalCode"],
        "Rate": row.get("ExchangeRate", ONE),
        "ReportingPeriod": row["FinancialPeriod"],
        "ReportingYear": row["FinancialYear"],
        "Type": row["Type"],
        "InvoiceNumber": row.get("InvoiceNumber"),
    }
    return term(entry, row, new_guid)


def closed_by(day: date, period: tuple[int, int]) -> Row:
    """What is set on a term that is paid: on a day, by an entry in a financial year and period."""
    return {
        "IsFullyPaid": True,
        "Status": PROCESSED,
        "LastPaymentDate": day,
        "EndDate": day,
        "EndYear": period[0],
        "EndPeriod": period[1],
    }


def split_off(term: Row, part: Row, new_guid: NewGuid) -> Row:
    """A term for the paid part of a term.

    Args:
        term: The term; it is to keep the rest.
        part: `AmountFC` and `AmountDC` of the part.
        new_guid: Makes the key.
    """
    return {**term, **part, "ID": new_guid()}


def _common(company: Company, entry: Row, kind: int) -> Row:
    """The common columns of the transaction lines of an entry."""
    day = entry.get("EntryDate") or entry["_day"]
    year, period = company.profile.period_of(day)
    return {
        "EntryID": entry["EntryID"],
        "EntryNumber": entry["EntryNumber"],
        "JournalCode": entry.get("Journal") or entry["JournalCode"],
        "Account": entry.get("Customer") or entry.get("Supplier"),
        "Date": day,
        "DueDate": entry.get("DueDate"),
        "FinancialYear": entry.get("ReportingYear") or entry.get("FinancialYear") or year,
        "FinancialPeriod": entry.get("ReportingPeriod") or entry.get("FinancialPeriod") or period,
        "Currency": entry.get("Currency"),
        "ExchangeRate": entry.get("Rate") or entry.get("ExchangeRate") or ONE,
        "Description": entry.get("Description"),
        "Document": entry.get("Document"),
        "InvoiceNumber": entry.get("InvoiceNumber"),
        "OrderNumber": entry.get("OrderNumber"),
        "PaymentReference": entry.get("PaymentReference"),
        "YourRef": entry.get("YourRef"),
        "Status": entry.get("Status"),
        "Type": kind,
    }
