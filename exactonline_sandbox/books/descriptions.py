"""Descriptions of status numbers, types and codes, by entity and property."""

from __future__ import annotations

_ENTRY_STATUS = {5: "Rejected", 20: "Open", 50: "Processed"}
_ENTRY_TYPE = {20: "Sales entry", 30: "Purchase entry", 40: "Cash flow", 90: "Journal entry"}
_ORDER_STATUS = {12: "Open", 20: "Partial", 21: "Complete", 45: "Cancelled"}

_BY_TABLE: dict[tuple[str, str], dict[int, str]] = {
    ("salesinvoice/SalesInvoices", "StatusDescription"): {
        10: "Draft",
        20: "Open",
        50: "Processed",
    },
    ("salesinvoice/SalesInvoices", "TypeDescription"): {
        8020: "Invoice",
        8021: "Credit note",
        8023: "Direct sales invoice",
        8024: "Direct credit note",
    },
    ("salesinvoice/SalesInvoices", "StarterSalesInvoiceStatusDescription"): {0: "Draft", 3: "Paid"},
    ("documents/Documents", "TypeDescription"): {
        10: "Sales invoice",
        20: "Purchase invoice",
        55: "Miscellaneous",
    },
    ("financial/GLAccounts", "TypeDescription"): {
        12: "Bank",
        20: "Accounts receivable",
        22: "Accounts payable",
        24: "VAT",
        30: "Inventory",
        90: "Equity",
        110: "Revenue",
        111: "Cost of goods",
        120: "Expense",
    },
}  # fmt: skip
_BY_NAME = {"StatusDescription": _ENTRY_STATUS, "TypeDescription": _ENTRY_TYPE}
_ORDERS = ("salesorder/SalesOrders", "salesorder/SalesOrderLines")
_ENTRIES = (
    "salesentry/SalesEntries",
    "purchaseentry/PurchaseEntries",
    "generaljournalentry/GeneralJournalEntries",
    "financialtransaction/BankEntries",
    "financialtransaction/Transactions",
)
COUNTRIES = {"NL": "Nederland", "BE": "België", "DE": "Duitsland", "FR": "Frankrijk"}
CURRENCIES = {"EUR": "Euro"}


def description_source(table: str, name: str) -> tuple[str, dict[int, str] | dict[str, str]] | None:
    """The property that a description describes, and the texts by value; None for others."""
    if name == "CountryName":
        return "Country", COUNTRIES
    source = name.removesuffix("Description")
    if source == name:
        return None
    if name.endswith("CurrencyDescription"):
        return source, CURRENCIES
    words = _BY_TABLE.get((table, name))
    if table in _ORDERS and source in ("Status", "DeliveryStatus", "InvoiceStatus"):
        words = _ORDER_STATUS
    if words is None and table in _ENTRIES:
        words = _BY_NAME.get(name)
    return None if words is None else (source, words)
