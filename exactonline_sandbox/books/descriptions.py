"""Descriptions of status numbers, types and codes, by entity and property."""

from __future__ import annotations

_ENTRY_STATUS = {5: "Rejected", 20: "Open", 50: "Processed"}
_ENTRY_TYPE = {
    10: "Opening balance",
    20: "Sales entry",
    21: "Sales credit note",
    30: "Purchase entry",
    31: "Purchase credit note",
    40: "Cash flow",
    90: "Journal entry",
}
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
        10: "Cash",
        12: "Bank",
        20: "Accounts receivable",
        21: "Prepayment accounts receivable",
        22: "Accounts payable",
        24: "VAT",
        25: "Employees payable",
        26: "Prepaid expenses",
        27: "Accrued expenses",
        29: "Income taxes payable",
        30: "Fixed assets",
        32: "Other assets",
        35: "Accumulated depreciation",
        40: "Inventory",
        50: "Capital stock",
        52: "Retained earnings",
        55: "Long term debt",
        60: "Current portion of debt",
        90: "General",
        100: "Tax payable",
        110: "Revenue",
        111: "Cost of goods",
        120: "Other costs",
        121: "Sales, general administrative expenses",
        122: "Depreciation costs",
        123: "Research and development",
        125: "Employee costs",
        126: "Employment costs",
        130: "Exceptional costs",
        140: "Exceptional income",
        150: "Income taxes",
        160: "Interest income",
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
COUNTRIES = {
    "NL": "Nederland", "BE": "België", "DE": "Duitsland", "FR": "Frankrijk",
    "GB": "Verenigd Koninkrijk", "US": "Verenigde Staten",
}  # fmt: skip
CURRENCIES = {"EUR": "Euro", "USD": "Amerikaanse dollar", "GBP": "Brits pond"}


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
