"""What is refused of any document: parties, days, currencies and discounts that cannot be."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books.references import ACCOUNTS
from exactonline_sandbox.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.business.editor import Editor

PERIODS = "financial/FinancialPeriods"
CURRENCIES = "general/Currencies"
_CUSTOMER = "C"
_FIRST_DAY = date(2019, 1, 1)
"""Where the financial years begin, if the company lists none."""
# Columns that name a customer or a supplier, and the day that decides the period, by table.
_CUSTOMERS = {
    "salesinvoice/SalesInvoices": ("OrderedBy", "InvoiceTo"),
    "salesentry/SalesEntries": ("Customer",),
    "salesorder/SalesOrders": ("OrderedBy", "InvoiceTo"),
    "subscription/Subscriptions": ("OrderedBy", "InvoiceTo"),
}
_SUPPLIERS = {
    "purchaseentry/PurchaseEntries": ("Supplier",),
    "purchaseorder/PurchaseOrders": ("Supplier",),
}
_DAYS = {
    "salesinvoice/SalesInvoices": "InvoiceDate",
    "salesentry/SalesEntries": "EntryDate",
    "purchaseentry/PurchaseEntries": "EntryDate",
    "generaljournalentry/GeneralJournalEntryLines": "Date",
    "financialtransaction/BankEntryLines": "Date",
    "financialtransaction/CashEntryLines": "Date",
}
# ISO 4217, without metals, funds and units of account.
_CODES = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD
CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD
KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO
NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE
SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV
WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
"""
_ISO = frozenset(_CODES.split())


def check(editor: Editor, table: str, row: Row) -> None:
    """Check the values of a new row, or those that change.

    Raises:
        ApiError: 500 if one of them is refused.
    """
    for name in _CUSTOMERS.get(table, ()):
        account = _account(editor, row.get(name))
        if account is not None and account.get("Status") != _CUSTOMER:
            raise invalid(f"Account {account['Code']} is not a customer: {name}")
    for name in _SUPPLIERS.get(table, ()):
        account = _account(editor, row.get(name))
        if account is not None and not account.get("IsSupplier"):
            raise invalid(f"Account {account['Code']} is not a supplier: {name}")
    _check_day(editor, _DAYS.get(table), row)
    currency = row.get("Currency")
    if currency is not None and currency not in _currencies(editor):
        raise invalid(f"Invalid reference: Currency {currency}")
    discount = row.get("Discount")
    if isinstance(discount, Decimal) and not 0 <= discount <= 1:
        raise invalid(f"Invalid value: Discount {discount} is not between 0 and 1")


def _account(editor: Editor, key: object) -> Row | None:
    return None if key is None else editor.find(ACCOUNTS, key)


def _check_day(editor: Editor, name: str | None, row: Row) -> None:
    day = None if name is None else row.get(name)
    if day is None:
        return
    first, last = _financial_years(editor)
    if not first <= day <= last:
        raise invalid(f"Invalid date: {name} {day} is outside the financial years")


def _financial_years(editor: Editor) -> tuple[date, date]:
    """The first and the last day that can be booked on."""
    periods = editor.company.table(PERIODS).rows.values()
    if not periods:
        return _FIRST_DAY, date(editor.today.year + 1, 12, 31)
    return (
        min(period["StartDate"] for period in periods),
        max(period["EndDate"] for period in periods),
    )


def _currencies(editor: Editor) -> Iterable[str]:
    listed = editor.company.table(CURRENCIES).rows.values()
    return {row["Code"] for row in listed} if listed else _ISO
