"""Sales invoices: defaults, amounts, and printing (processing)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO, convert, line_values
from exactonline_sandbox.books.attachments import CONTENT
from exactonline_sandbox.books.attachments import TABLE as ATTACHMENTS
from exactonline_sandbox.books.rates import rate
from exactonline_sandbox.books.references import (
    ACCOUNTS,
    DOCUMENTS,
    ITEMS,
    JOURNALS,
    VAT_CODES,
    WAREHOUSES,
)
from exactonline_sandbox.business.discounts import discounted, header_totals
from exactonline_sandbox.business.editor import Editor, missing
from exactonline_sandbox.business.periods import check_open
from exactonline_sandbox.business.rules import Lines, Rules
from exactonline_sandbox.business.terms import insert_term
from exactonline_sandbox.edm.values import cents
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from exactonline_sandbox.books.tables import Row

INVOICES = "salesinvoice/SalesInvoices"
INVOICE_LINES = "salesinvoice/SalesInvoiceLines"
PRINTED = "salesinvoice/PrintedSalesInvoices"

INVOICE, CREDIT_NOTE, DIRECT, DIRECT_CREDIT = 8020, 8021, 8023, 8024
DRAFT, OPEN, PROCESSED = 10, 20, 50
_SALES_JOURNALS = (20, 21)
_PDF = b"%PDF-1.4\n% a sales invoice of the sandbox\n"


def prepare_invoice(editor: Editor, invoice: Row, lines: Lines) -> None:
    """Set the defaults of a new invoice from its customer, journal and lines."""
    rows = lines.get("SalesInvoiceLines") or []
    if not rows:
        raise missing("SalesInvoiceLines")
    customer = editor.require(ACCOUNTS, invoice["OrderedBy"], "OrderedBy")
    kind = invoice.setdefault("Type", INVOICE)
    if kind not in (INVOICE, CREDIT_NOTE, DIRECT, DIRECT_CREDIT):
        raise invalid("Invalid value: Type")
    if kind in (DIRECT, DIRECT_CREDIT):
        main = editor.find_code(WAREHOUSES, "1") or {}
        invoice.setdefault("Warehouse", main.get("ID"))
    _set_defaults(editor, invoice, customer)
    for line in rows:
        line.setdefault("InvoiceID", invoice["InvoiceID"])
        fill_line(editor, line, invoice)
        if kind in (CREDIT_NOTE, DIRECT_CREDIT):
            _set_credit_sign(editor, line)
    invoice.update(_converted(editor, invoice, rows))


def _converted(editor: Editor, invoice: Row, lines: list[Row]) -> Row:
    """Set the amounts of lines in the currency of the books; return those of their header."""
    convert(lines, rate(editor.company, invoice["Currency"], invoice["InvoiceDate"]))
    return header_totals(lines, invoice.get("Discount"))


def _set_credit_sign(editor: Editor, line: Row) -> None:
    if editor.company.switches.credit_note_sign == "negated" and line["Quantity"] > 0:
        line["Quantity"] = -line["Quantity"]
        calculate(editor, line)


def _set_defaults(editor: Editor, invoice: Row, customer: Row) -> None:
    invoice.setdefault("Journal", _first_journal(editor))
    sales_journal(editor, invoice["Journal"])
    day = invoice.setdefault("InvoiceDate", editor.today)
    condition = customer.get("PaymentConditionSales") or "00"
    condition = invoice.setdefault("PaymentCondition", condition)
    defaults = {
        "InvoiceTo": customer["ID"],
        "DeliverTo": customer["ID"],
        "OrderedByContactPerson": customer.get("MainContact"),
        "InvoiceToContactPerson": customer.get("MainContact"),
        "DeliverToContactPerson": customer.get("MainContact"),
        "OrderDate": day,
        "DueDate": booking.due_date(editor.company, condition, day),
        "Currency": customer.get("SalesCurrency", editor.company.profile.currency),
        "Status": OPEN,
        "StarterSalesInvoiceStatus": 0,
        "Salesperson": editor.author.user_id,
        "Discount": ZERO,
        "DiscountType": 1,
    }
    for name, value in defaults.items():
        invoice.setdefault(name, value)
    if "OrderNumber" not in invoice:
        invoice["OrderNumber"] = editor.company.number("order")


def sales_journal(editor: Editor, code: object) -> None:
    """Refuse a journal that is no sales journal.

    Raises:
        ApiError: 500.
    """
    journal = editor.find_code(JOURNALS, code)
    if journal is None or journal["Type"] not in _SALES_JOURNALS:
        raise invalid("Invalid journal. The journal must be a sales journal.")


def _first_journal(editor: Editor) -> str | None:
    journals = editor.company.table(JOURNALS).rows.values()
    codes = sorted(row["Code"] for row in journals if row["Type"] in _SALES_JOURNALS)
    return codes[0] if codes else None


def fill_line(editor: Editor, line: Row, header: Row) -> None:
    """Set the defaults of a line from its item and the customer, and calculate its amounts.

    Used by invoices, orders and quotations.
    """
    if "Item" not in line:
        raise missing("Item")
    item = editor.require(ITEMS, line["Item"], "Item")
    customer = editor.find(ACCOUNTS, header.get("OrderedBy") or header.get("OrderAccount")) or {}
    quantity = line.setdefault("Quantity", Decimal(1))
    discount = line.setdefault("Discount", ZERO)
    listed = _listed_price(editor, item, header)
    unit_price = line.setdefault("UnitPrice", listed)
    if "NetPrice" not in line:
        given = line.get("AmountFC")
        line["NetPrice"] = given / quantity if given and quantity else unit_price * (1 - discount)
    line.setdefault("Description", item.get("Description"))
    line.setdefault("GLAccount", item.get("GLRevenue"))
    line.setdefault("UnitCode", item.get("Unit"))
    line.setdefault("VATCode", customer.get("SalesVATCode") or item.get("SalesVatCode"))
    calculate(editor, line)


def _listed_price(editor: Editor, item: Row, header: Row) -> Decimal:
    """The price of an item in the currency of a document."""
    price = Decimal(item.get("StandardSalesPrice", ZERO))
    day = header.get("InvoiceDate", editor.today)
    current = rate(editor.company, header.get("Currency"), day)
    return price if current == 1 else cents(price / current)


def calculate(editor: Editor, line: Row) -> None:
    """Calculate the amounts of a line from quantity, price and VAT code."""
    vat_code = editor.find_code(VAT_CODES, line.get("VATCode"))
    line.update(line_values(line["Quantity"], line["NetPrice"], vat_code))
    line["VATPercentage"] = None if vat_code is None else vat_code.get("Percentage")


def _changing_invoice(_editor: Editor, invoice: Row, changes: Row) -> None:
    _refuse_processed(invoice)
    if "Type" in changes and changes["Type"] not in (INVOICE, CREDIT_NOTE, DIRECT, DIRECT_CREDIT):
        raise invalid("Invalid value: Type")


def _changed_invoice(editor: Editor, invoice: Row) -> None:
    """Convert the amounts again, as day or currency may be others."""
    lines = editor.where(INVOICE_LINES, "InvoiceID", invoice["InvoiceID"])
    editor.company.table(INVOICES).change(invoice, _converted(editor, invoice, lines))
    editor.company.table(INVOICE_LINES).edited()


def _refuse_processed(invoice: Row) -> None:
    if invoice["Status"] == PROCESSED:
        raise invalid("The invoice has been processed and can no longer be changed.")


def _removing_invoice(_editor: Editor, invoice: Row) -> None:
    if invoice["Status"] == PROCESSED:
        raise invalid("Can't delete: the invoice has been processed.")


def _invoice_of(editor: Editor, line: Row) -> Row:
    if "InvoiceID" not in line:
        raise missing("InvoiceID")
    return editor.require(INVOICES, line["InvoiceID"], "InvoiceID")


def _prepare_line(editor: Editor, line: Row, _lines: Lines) -> None:
    """Add a line to an existing invoice."""
    invoice = _invoice_of(editor, line)
    _refuse_processed(invoice)
    others = editor.where(INVOICE_LINES, "InvoiceID", invoice["InvoiceID"])
    line["LineNumber"] = max((row["LineNumber"] for row in others), default=0) + 1
    fill_line(editor, line, invoice)


def _changing_line(editor: Editor, line: Row, changes: Row) -> None:
    _refuse_processed(_invoice_of(editor, line))
    whole = {**line, **changes}
    if {"UnitPrice", "Discount"} & set(changes) and "NetPrice" not in changes:
        whole["NetPrice"] = changes["NetPrice"] = (whole.get("UnitPrice") or ZERO) * (
            1 - (whole.get("Discount") or ZERO)
        )
    for name in ("Quantity", "NetPrice"):
        whole[name] = whole.get(name) or ZERO
    calculate(editor, whole)
    for name in ("AmountFC", "AmountDC", "VATAmountFC", "VATAmountDC", "VATPercentage"):
        changes[name] = whole[name]


def _removing_line(editor: Editor, line: Row) -> None:
    _refuse_processed(_invoice_of(editor, line))


def _update_totals(editor: Editor, line: Row) -> None:
    """Update the totals of the invoice of a line."""
    _changed_invoice(editor, _invoice_of(editor, line))


def print_invoice(editor: Editor, given: Row) -> Row:
    """Process an invoice: number it, create its document, and book it.

    Args:
        editor: Edits the company.
        given: The body of the POST to PrintedSalesInvoices.

    Returns:
        The row for the answer.
    """
    invoice = editor.find(INVOICES, given.get("InvoiceID"))
    if invoice is None:
        raise invalid("Invalid reference: InvoiceID")
    if invoice["Status"] == PROCESSED:
        raise invalid("The invoice has already been processed.")
    lines = editor.where(INVOICE_LINES, "InvoiceID", invoice["InvoiceID"])
    if not lines:
        raise missing("SalesInvoiceLines")
    day = given.get("InvoiceDate") or invoice["InvoiceDate"]
    year, period = editor.company.profile.period_of(day)
    year, period = given.get("ReportingYear", year), given.get("ReportingPeriod", period)
    check_open(editor.company, year, period)
    changes = {
        "InvoiceDate": day,
        "InvoiceNumber": booking.entry_number(editor.company, invoice["Journal"], day),
        "Status": PROCESSED,
    }
    if day != invoice["InvoiceDate"]:
        changes["DueDate"] = booking.due_date(editor.company, invoice.get("PaymentCondition"), day)
        changes.update(_converted(editor, {**invoice, **changes}, lines))
        editor.company.table(INVOICE_LINES).edited()
    document = _document(editor, {**invoice, **changes})
    editor.update(INVOICES, invoice, {**changes, "Document": document["ID"]})
    _book(editor, invoice, lines, (year, period))
    return {
        "InvoiceID": invoice["InvoiceID"],
        "Document": document["ID"],
        "DocumentCreationSuccess": "The document has been created.",
        "InvoiceDate": day,
        "ReportingPeriod": period,
        "ReportingYear": year,
        **_sending(editor, invoice, given),
    }


def _sending(editor: Editor, invoice: Row, given: Row) -> Row:
    if not given.get("SendEmailToCustomer"):
        return {}
    customer = editor.find(ACCOUNTS, invoice["InvoiceTo"]) or {}
    if not customer.get("Email"):
        return {"EmailCreationError": "The customer has no e-mail address."}
    return {"EmailCreationSuccess": "The e-mail has been created."}


def _document(editor: Editor, invoice: Row) -> Row:
    document = {
        "ID": editor.guid(),
        "HID": editor.company.number("document"),
        "Type": 10,
        "Subject": f"Factuur {invoice['InvoiceNumber']}",
        "Account": invoice["InvoiceTo"],
        "AmountFC": invoice["AmountFC"],
        "Currency": invoice["Currency"],
        "DocumentDate": invoice["InvoiceDate"],
        "SalesInvoiceNumber": invoice["InvoiceNumber"],
        "HasEmptyBody": True,
    }
    editor.insert(DOCUMENTS, document)
    attachment = {
        "ID": editor.guid(),
        "Document": document["ID"],
        "FileName": f"factuur-{invoice['InvoiceNumber']}.pdf",
        "FileSize": Decimal(len(_PDF)),
        CONTENT: _PDF,
    }
    editor.insert(ATTACHMENTS, attachment)
    return document


def _book(editor: Editor, invoice: Row, lines: list[Row], period: tuple[int, int]) -> None:
    shares = discounted(lines, invoice)
    entry, entry_lines = booking.sales_entry(editor.company, invoice, shares, editor.guid)
    entry["ReportingYear"], entry["ReportingPeriod"] = period
    editor.insert(booking.SALES_ENTRIES, entry)
    editor.insert(booking.SALES_ENTRY_LINES, *entry_lines)
    rows = booking.ledger_lines(editor.company, entry, entry_lines, editor.guid)
    editor.insert(booking.TRANSACTION_LINES, *rows)
    receivable = booking.term(entry, rows[0], editor.guid)
    insert_term(editor, receivable, booking.RECEIVABLE)


RULES = {
    INVOICES: Rules(
        required=("OrderedBy",),
        prepare=prepare_invoice,
        changing=_changing_invoice,
        changed=_changed_invoice,
        removing=_removing_invoice,
    ),
    INVOICE_LINES: Rules(
        required=("InvoiceID", "Item"),
        prepare=_prepare_line,
        created=_update_totals,
        changing=_changing_line,
        changed=_update_totals,
        removing=_removing_line,
        removed=_update_totals,
    ),
}
