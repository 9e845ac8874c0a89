"""Generate sales invoices with lines, the bookings of the processed ones, and payments."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO, convert, line_values, totals
from exactonline_sandbox.books.attachments import CONTENT
from exactonline_sandbox.books.attachments import TABLE as ATTACHMENTS
from exactonline_sandbox.books.rates import ONE, rate
from exactonline_sandbox.books.references import ACCOUNTS, DOCUMENTS, ITEMS, VAT_CODES, WAREHOUSES
from exactonline_sandbox.data import words
from exactonline_sandbox.edm.values import cents, wall_clock

if TYPE_CHECKING:
    from datetime import datetime

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

INVOICES = "salesinvoice/SalesInvoices"
LINES = "salesinvoice/SalesInvoiceLines"
INVOICE, CREDIT_NOTE, DIRECT = 8020, 8021, 8023
DRAFT, OPEN, PROCESSED = 10, 20, 50

_CREDIT_EVERY = 25
_DIRECT_EVERY = 7
_OPEN_SHARE = 30
_PDF = b"%PDF-1.4\n%sandbox\n"
_SPECIAL_REVENUE = {
    **dict.fromkeys(("6", "7", "8", "9", "30"), "revenue_abroad"),
    "11": "revenue_other",
}
"""Role of the revenue account of sales at other rates and without VAT, by VAT code."""
_DISCOUNTS = (Decimal(0), Decimal(0), Decimal(0), Decimal("0.05"), Decimal("0.1"))


class _Sale(NamedTuple):
    """Quantity, discount and amounts of a line; equal ones are shared."""

    quantity: Decimal
    discount: Decimal
    net_price: Decimal
    values: Row


def fill_sales(maker: Maker, count: int, lines_each: int | None, *, booked: bool) -> None:
    """Make `count` invoices; the last few are open or drafts.

    Args:
        maker: Makes the rows.
        count: Number of invoices.
        lines_each: Lines of each; one to five where None.
        booked: Whether processed invoices get an entry, transaction lines and a document.
    """
    customers = [row for row in maker.company.table(ACCOUNTS).rows.values() if row["Status"] == "C"]
    sales = _Sales(maker)
    first_open = count - max(2, count // _OPEN_SHARE)
    for number, moment in enumerate(maker.moments(count)):
        status = PROCESSED
        if number >= first_open:
            status = DRAFT if number % 5 == 0 else OPEN
        lines = lines_each or 1 + min(maker.rng.randrange(5), maker.rng.randrange(8))
        customer = customers[int(maker.rng.random() ** 2 * len(customers))]
        invoice, rows = sales.invoice(number, customer, moment, status, lines)
        if booked and status == PROCESSED:
            _book(maker, invoice, rows, moment)


class _Sales:
    """Makes invoices; holds the items and warehouse that all use."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._items = list(maker.company.table(ITEMS).rows.values())
        self._warehouse = maker.company.table(WAREHOUSES).by_code("1") or {}
        self._sold: dict[tuple[str, str, int, int, Decimal], _Sale] = {}

    def invoice(
        self, number: int, customer: Row, moment: datetime, status: int, lines: int
    ) -> tuple[Row, list[Row]]:
        """Make one invoice with its lines, and load them."""
        maker = self._maker
        day = wall_clock(moment).date()
        credit = number % _CREDIT_EVERY == _CREDIT_EVERY - 1
        direct = number % _DIRECT_EVERY == _DIRECT_EVERY - 1
        key, account = maker.guid(), customer["ID"]
        condition = customer.get("PaymentConditionSales")
        currency = customer["SalesCurrency"]
        current = rate(maker.company, currency, day)
        sign = -1 if credit else 1
        rows = [self._line(key, customer, at + 1, sign, current) for at in range(lines)]
        if current != ONE:
            convert(rows, current)
        header = {
            "InvoiceID": key,
            "Journal": "70",
            "Type": CREDIT_NOTE if credit else DIRECT if direct else INVOICE,
            "Status": status,
            "StarterSalesInvoiceStatus": 0,
            "OrderNumber": maker.number("order"),
            "InvoiceNumber": None
            if status != PROCESSED
            else booking.entry_number(maker.company, "70", day),
            "InvoiceDate": day,
            "OrderDate": day,
            "DueDate": booking.due_date(maker.company, condition, day),
            "OrderedBy": account,
            "InvoiceTo": account,
            "DeliverTo": account,
            "OrderedByContactPerson": customer.get("MainContact"),
            "InvoiceToContactPerson": customer.get("MainContact"),
            "PaymentCondition": condition,
            "Currency": currency,
            "Description": None if number % 3 else f"Levering week {day.isocalendar()[1]}",
            "YourRef": None if number % 4 == 3 else f"PO-{day.year}-{number:06d}",  # noqa: PLR2004
            "Remarks": None if number % 11 else words.REMARKS[number // 11 % 3],
            "Salesperson": maker.user_id,
            "Warehouse": self._warehouse.get("ID") if direct else None,
            "Discount": ZERO,
            "DiscountType": 1,
            "AmountDiscount": ZERO,
            "AmountDiscountExclVat": ZERO,
            **totals(rows),
        }
        header = maker.load(INVOICES, header, moment)
        return header, [maker.load(LINES, row, moment) for row in rows]

    def _line(self, invoice: str, customer: Row, number: int, sign: int, current: Decimal) -> Row:
        maker = self._maker
        item = self._items[int(maker.rng.random() * len(self._items))]
        vat = customer.get("SalesVATCode") or item["SalesVatCode"]
        sale = self._sale(item, vat, sign * int(1 + maker.rng.random() ** 3 * 23), current)
        row = {
            "ID": maker.guid(),
            "InvoiceID": invoice,
            "LineNumber": number,
            "Item": item["ID"],
            "Description": item["Description"],
            "GLAccount": item["GLRevenue"],
            "UnitCode": item["Unit"],
            "UnitPrice": _price(item, current),
            "NetPrice": sale.net_price,
            "Quantity": sale.quantity,
            "Discount": sale.discount,
            "VATCode": vat,
            **sale.values,
        }
        if number == 1 and maker.maybe(0.03):
            row["Notes"] = words.REMARKS[1]
        if maker.company.profile.detailed:
            row.update(_details(maker, customer, vat))
        return row

    def _sale(self, item: Row, vat: str, quantity: int, current: Decimal) -> _Sale:
        discount = self._maker.rng.randrange(len(_DISCOUNTS))
        key = (item["ID"], vat, quantity, discount, current)
        sale = self._sold.get(key)
        if sale is None:
            vat_code = self._maker.company.table(VAT_CODES).by_code(vat) or {}
            net_price = _price(item, current) * (1 - _DISCOUNTS[discount])
            values = line_values(Decimal(quantity), net_price, vat_code)
            values["VATPercentage"] = vat_code["Percentage"]
            sale = _Sale(Decimal(quantity), _DISCOUNTS[discount], net_price, values)
            self._sold[key] = sale
        return sale


def _price(item: Row, current: Decimal) -> Decimal:
    """The price of an item in a currency, by its rate."""
    price: Decimal = item["StandardSalesPrice"]
    return price if current == ONE else cents(price / current)


def _details(maker: Maker, customer: Row, vat: str) -> Row:
    """Cost centre and unit of a line, and the revenue account of sales without VAT."""
    details: Row = {
        "CostCenter": "MAG" if vat in _SPECIAL_REVENUE else "VERK",
        "CostUnit": "NOORD" if int(customer["Code"]) % 2 else "ZUID",
    }
    if vat in _SPECIAL_REVENUE:
        details["GLAccount"] = maker.company.gl_accounts[_SPECIAL_REVENUE[vat]]
    return details


def _book(maker: Maker, invoice: Row, lines: list[Row], moment: datetime) -> None:
    """Make the document, sales entry, transaction lines and receivable of an invoice."""
    document = _document(maker, invoice, moment)
    invoice["Document"] = document["ID"]
    entry, entry_lines = booking.sales_entry(maker.company, invoice, lines, maker.guid)
    maker.load(booking.SALES_ENTRIES, entry, moment)
    for line in entry_lines:
        maker.company.load(booking.SALES_ENTRY_LINES, _filled(line))
    rows = booking.ledger_lines(maker.company, entry, entry_lines, maker.guid)
    for row in rows:
        maker.load(booking.TRANSACTION_LINES, row, moment)
    receivable = booking.term(entry, rows[0], maker.guid)
    maker.load(booking.RECEIVABLES, receivable, moment)
    maker.load(booking.PAYMENT_TERMS, {**receivable, "LineType": booking.RECEIVABLE}, moment)


def _document(maker: Maker, invoice: Row, moment: datetime) -> Row:
    document = maker.load(
        DOCUMENTS,
        {
            "ID": maker.guid(),
            "HID": maker.number("document"),
            "Type": 10,
            "Subject": f"Factuur {invoice['InvoiceNumber']}",
            "Account": invoice["InvoiceTo"],
            "AmountFC": invoice["AmountFC"],
            "Currency": invoice["Currency"],
            "DocumentDate": invoice["InvoiceDate"],
            "SalesInvoiceNumber": invoice["InvoiceNumber"],
            "HasEmptyBody": True,
        },
        moment,
    )
    maker.load(
        ATTACHMENTS,
        {
            "ID": maker.guid(),
            "Document": document["ID"],
            "FileName": f"factuur-{invoice['InvoiceNumber']}.pdf",
            "FileSize": Decimal(len(_PDF)),
            CONTENT: _PDF,
        },
        moment,
    )
    return document


def fill_payments(maker: Maker) -> None:
    """Make payments: one bank statement a week; most invoices are paid around their due date."""
    company = maker.company
    today = wall_clock(maker.today).date()
    by_week: dict[tuple[int, int], list[Row]] = {}
    for row in company.table(booking.RECEIVABLES).rows.values():
        paid_on = row["DueDate"] + timedelta(days=maker.rng.randrange(-10, 25))
        if paid_on < today and maker.rng.random() < 0.95:  # noqa: PLR2004 - a few never pay
            row["LastPaymentDate"] = max(paid_on, row["EntryDate"])
            by_week.setdefault(row["LastPaymentDate"].isocalendar()[:2], []).append(row)
    balance = Decimal(25_000)
    debtors = company.gl_accounts["debtors"]
    for week in sorted(by_week):
        balance = _statement(maker, by_week[week], debtors, balance)


def _statement(maker: Maker, paid: list[Row], debtors: str, opening: Decimal) -> Decimal:
    """Make a bank statement that pays these receivables; return the new balance."""
    company = maker.company
    day = max(row["LastPaymentDate"] for row in paid)
    total = sum((row["AmountFC"] for row in paid), ZERO)
    moment = min(maker.today, maker.working_moment(day))
    entry = {
        "EntryID": maker.guid(),
        "EntryNumber": booking.entry_number(maker.company, "20", day),
        "JournalCode": "20",
        "Currency": "EUR",
        "FinancialYear": day.year,
        "FinancialPeriod": day.month,
        "OpeningBalanceFC": opening,
        "ClosingBalanceFC": opening + total,
        "Status": booking.PROCESSED,
    }
    maker.load("financialtransaction/BankEntries", dict(entry), moment)
    lines = []
    for number, row in enumerate(paid, start=1):
        line = {
            "ID": maker.guid(),
            "EntryID": entry["EntryID"],
            "LineNumber": number,
            "Account": row["Account"],
            "AmountFC": row["AmountFC"],
            "AmountDC": row["AmountDC"],
            "Date": row["LastPaymentDate"],
            "Description": f"Factuur {row['InvoiceNumber']}",
            "GLAccount": debtors,
            "OffsetID": row["TransactionID"],
            "OurRef": row["InvoiceNumber"],
            "ExchangeRate": Decimal(1),
        }
        lines.append(maker.load("financialtransaction/BankEntryLines", line, moment))
        closed = booking.closed_by(row["LastPaymentDate"], (day.year, day.month))
        row.update(closed)
        company.table(booking.PAYMENT_TERMS).rows[row["ID"]].update(closed)
    dated = {**entry, "_day": day, "Description": None}
    for row in booking.cash_lines(maker.company, dated, lines, booking.CASH_FLOW, maker.guid):
        maker.load(booking.TRANSACTION_LINES, row, moment)
    return opening + total


def _filled(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}
