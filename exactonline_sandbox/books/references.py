"""References between entities, and the properties that are joined through them.

The server shows the code and name of what a row refers to next to the reference itself
(`Item`, `ItemCode`, `ItemDescription`). The sandbox stores only the reference; the rest is read
from the row it points to, so a renamed item has its new name everywhere at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint, Property

ACCOUNTS = "crm/Accounts"
ADDRESSES = "crm/Addresses"
CONTACTS = "crm/Contacts"
GL_ACCOUNTS = "financial/GLAccounts"
ITEMS = "logistics/Items"
JOURNALS = "financial/Journals"
VAT_CODES = "vat/VATCodes"
CONDITIONS = "cashflow/PaymentConditions"
COST_CENTRES = "hrm/Costcenters"
COST_UNITS = "hrm/Costunits"
UNITS = "logistics/Units"
WAREHOUSES = "inventory/Warehouses"
PROJECTS = "project/Projects"
DOCUMENTS = "documents/Documents"
USERS = "users"


@dataclass(frozen=True)
class Reference:
    """A foreign key, to the key or to the code of a row."""

    table: str
    by_code: bool = False


_GUIDS = {
    ACCOUNTS: (
        "Account", "OrderedBy", "InvoiceTo", "DeliverTo", "Customer", "Supplier", "OrderAccount",
        "InvoiceAccount", "DeliveryAccount", "Accountant", "Reseller",
    ),
    CONTACTS: (
        "Contact", "OrderedByContactPerson", "InvoiceToContactPerson", "DeliverToContactPerson",
        "OrderAccountContact", "InvoiceAccountContact", "DeliveryAccountContact", "AccountContact",
        "SupplierContact", "DeliveryContact", "MainContact",
    ),
    ADDRESSES: ("DeliverToAddress", "DeliveryAddress"),
    ITEMS: ("Item",),
    "logistics/ItemGroups": ("ItemGroup",),
    GL_ACCOUNTS: (
        "GLAccount", "GLRevenue", "GLCosts", "GLStock", "GLAccountSales", "GLAccountPurchase",
        "GLToPay", "GLToClaim", "GLPurchaseAccount",
    ),
    WAREHOUSES: ("Warehouse", "WarehouseID"),
    PROJECTS: ("Project",),
    DOCUMENTS: ("Document",),
    USERS: ("Creator", "Modifier", "Salesperson", "SalesPerson", "AccountManager", "PurchaseAgent",
            "ManagerUser", "Manager"),
    "documents/DocumentCategories": ("Category",),
    "documents/DocumentFolders": ("DocumentFolder",),
    "beta/budget/BudgetScenarios": ("BudgetScenario",),
    "financial/GLClassifications": ("Classification",),
    "financial/GLSchemes": ("GLSchemeID",),
    "subscription/Subscriptions": ("Subscription",),
    "subscription/SubscriptionTypes": ("SubscriptionType",),
    "salesorder/SalesOrders": ("SalesOrder",),
    "salesorder/SalesOrderLines": ("SalesOrderLine",),
}  # fmt: skip
_CODES = {
    JOURNALS: ("Journal", "JournalCode"),
    VAT_CODES: ("VATCode", "SalesVATCode", "SalesVatCode", "PurchaseVATCode"),
    CONDITIONS: ("PaymentCondition", "PaymentConditionSales", "PaymentConditionPurchase"),
    COST_CENTRES: ("CostCenter", "CostCenterCode", "Costcenter", "CostcenterCode"),
    COST_UNITS: ("CostUnit", "CostUnitCode", "Costunit", "CostunitCode"),
    UNITS: ("Unit", "UnitCode"),
}
_BY_NAME = {
    **{name: Reference(table) for table, names in _GUIDS.items() for name in names},
    **{name: Reference(table, by_code=True) for table, names in _CODES.items() for name in names},
}

_LINES = {
    "OrderID": ("salesorder/SalesOrders", {"OrderNumber": "OrderNumber"}),
    "QuotationID": (
        "crm/Quotations",
        {"QuotationNumber": "QuotationNumber", "VersionNumber": "VersionNumber"},
    ),
}
_ENTRY_HEADERS = {
    "generaljournalentry/GeneralJournalEntryLines": "generaljournalentry/GeneralJournalEntries",
    "financialtransaction/BankEntryLines": "financialtransaction/BankEntries",
    "subscription/SubscriptionLines": "subscription/Subscriptions",
    "salesinvoice/SalesInvoiceLines": "salesinvoice/SalesInvoices",
    "salesentry/SalesEntryLines": "salesentry/SalesEntries",
    "purchaseentry/PurchaseEntryLines": "purchaseentry/PurchaseEntries",
    "purchaseorder/PurchaseOrderLines": "purchaseorder/PurchaseOrders",
}

# Columns joined through a reference: suffix of the property's name -> column of the row.
_JOINED = {
    ACCOUNTS: {
        "Code": "Code", "Name": "Name", "Country": "Country", "IsSupplier": "IsSupplier",
    },
    CONTACTS: {"FullName": "FullName", "Name": "FullName", "PersonFullName": "FullName"},
    ITEMS: {"Code": "Code", "Description": "Description", "Barcode": "Barcode"},
    GL_ACCOUNTS: {"Code": "Code", "Description": "Description", "Type": "Type"},
    JOURNALS: {"Description": "Description"},
    VAT_CODES: {"Description": "Description"},
    CONDITIONS: {"Description": "Description", "PaymentMethod": "PaymentMethod"},
    DOCUMENTS: {"Number": "HID", "Subject": "Subject"},
    USERS: {"FullName": "FullName", "Fullname": "FullName"},
    "subscription/Subscriptions": {"Description": "Description", "Number": "Number"},
    "salesorder/SalesOrders": {"Number": "OrderNumber"},
    "salesorder/SalesOrderLines": {"Number": "LineNumber"},
}  # fmt: skip
_CODE_AND_DESCRIPTION = {"Code": "Code", "Description": "Description"}


@dataclass(frozen=True)
class JoinedProperty:
    """A property whose value is read from another row."""

    name: str
    reference: str
    """The property with the foreign key."""
    target: Reference
    column: str
    """The column of that row."""


def reference(item: Property) -> Reference | None:
    """The reference of a property, or None where it is none."""
    target = _BY_NAME.get(item.name)
    if target is None or item.type != ("Edm.String" if target.by_code else "Edm.Guid"):
        return None
    return target


def joined_properties(table: str, endpoint: Endpoint) -> tuple[JoinedProperty, ...]:
    """The joined properties of an endpoint.

    Args:
        table: The table; the id of its plain endpoint.
        endpoint: The endpoint; may be a bulk or sync twin.
    """
    found: dict[str, JoinedProperty] = {}
    for name, column in endpoint.columns.items():
        target = reference(column)
        if target:
            for item in _through(name, target, endpoint):
                found.setdefault(item.name, item)
    for item in _from_header(table):
        if {item.name, item.reference} <= endpoint.columns.keys():
            found.setdefault(item.name, item)
    return tuple(found.values())


def _through(name: str, target: Reference, endpoint: Endpoint) -> list[JoinedProperty]:
    columns = _JOINED.get(target.table, _CODE_AND_DESCRIPTION)
    stems = {name, name.removesuffix("ID"), name.removesuffix("Code")}
    return [
        JoinedProperty(stem + ending, name, target, column)
        for stem in sorted(stems, key=len, reverse=True)
        for ending, column in columns.items()
        if stem + ending in endpoint.columns and stem + ending != name
    ]


def _from_header(table: str) -> list[JoinedProperty]:
    """Numbers of the header that lines show."""
    items = [
        JoinedProperty(name, field, Reference(header), column)
        for field, (header, columns) in _LINES.items()
        if header != table
        for name, column in columns.items()
    ]
    header = _ENTRY_HEADERS.get(table)
    if header:
        items += [
            JoinedProperty("EntryNumber", "EntryID", Reference(header), "EntryNumber"),
            JoinedProperty("SubscriptionNumber", "EntryID", Reference(header), "Number"),
        ]
    return items
