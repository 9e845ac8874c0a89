"""Properties that refer to rows of other entities, and columns to find those rows by.

The API requires the GUID of an account or item, while sources have its code. For each reference the
API returns code and name as well (`Item`, `ItemCode`, `ItemDescription`), and records may use these
names.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from target_exactonline.schema.entities import writable
from target_exactonline.schema.names import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint

ACCOUNTS, ITEMS = "crm/Accounts", "logistics/Items"
CREATABLE = {"accounts": ACCOUNTS, "items": ITEMS}
"""Endpoints of rows that can be created, by value of the setting create_missing."""
LISTS = {
    "cashflow/PaymentConditions": (
        "PaymentCondition",
        "PaymentConditionPurchase",
        "PaymentConditionSales",
    ),
    "financial/Journals": ("Journal", "JournalCode"),
    "general/Currencies": (
        "CostPriceCurrency",
        "Currency",
        "PurchaseCurrency",
        "SalesCurrency",
        "SourceCurrency",
    ),
    "hrm/Costcenters": ("CostCenter", "Costcenter"),
    "hrm/Costunits": ("CostUnit", "Costunit"),
    "logistics/Units": ("Unit", "UnitCode"),
    "vat/VATCodes": ("PurchaseVATCode", "SalesVATCode", "SalesVatCode", "VATCode"),
}
"""Properties that hold a code, by endpoint of the list."""


@dataclass(frozen=True)
class Related:
    """An entity whose rows are referred to."""

    endpoint: str
    properties: tuple[str, ...]
    """Referring properties; `Entity.Property` for names that differ in meaning elsewhere."""
    by: tuple[str, ...] = ("Code",)
    """Columns to find a row by, the most reliable first."""
    title: str = "Description"
    """Column with the name of a row."""
    optional: bool = False
    """Whether a copied document can be written without it."""


TARGETS = (
    Related(
        ACCOUNTS,
        (
            "Account", "OrderedBy", "InvoiceTo", "DeliverTo", "Customer", "Supplier",
            "OrderAccount", "InvoiceAccount", "DeliveryAccount", "DeliveredTo", "InvolvedAccount",
            "OwnerAccount", "SubscriptionAccount",
        ),
        ("Code", "Name"),
        "Name",
    ),
    Related(ACCOUNTS, ("Accountant", "Reseller", "Accounts.Parent"), ("Code", "Name"), "Name",
           optional=True),
    Related(ITEMS, ("Item", "PartItem", "FixedPriceItem", "PrepaidItem", "DefaultItem", "HourType",
                   "CostTypeRebill")),
    Related(
        "financial/GLAccounts",
        (
            "GLAccount", "GLAccountPurchase", "GLAccountSales", "GLAP", "GLAR", "GLRevenue",
            "GLCosts", "GLStock", "OffsetGLInventory", "PrivateGLAccount",
            "VATNonDeductibleGLAccount", "YearEndCostGLAccount", "YearEndReflectionGLAccount",
            "PaymentInTransitAccount", "GLDiscountPurchase", "GLDiscountSales", "GLToClaim",
            "GLToPay",
        ),
    ),
    Related("project/Projects", ("Project",)),
    Related("project/ProjectClassifications", ("Projects.Classification",), optional=True),
    Related("inventory/Warehouses", ("Warehouse", "WarehouseID", "WarehouseFrom", "WarehouseTo")),
    # Exact Online fills these in, and the sync endpoint of invoices has only their keys.
    Related("inventory/Warehouses", ("SalesInvoices.Warehouse",), optional=True),
    Related("financial/GLAccounts", ("SalesInvoiceLines.GLAccount",), optional=True),
    Related("inventory/StorageLocations", ("StorageLocation", "StorageLocationFrom",
                                          "StorageLocationTo", "DefaultStorageLocation")),
    Related("logistics/ItemGroups", ("ItemGroup",)),
    Related("logistics/SelectionCodes", ("SelectionCode",), optional=True),
    Related("assets/Assets", ("Asset",)),
    Related("payroll/Employees", ("Employee",), ("Code", "FullName"), "FullName"),
    Related("sales/ShippingMethods", ("ShippingMethod",), optional=True),
    Related("sales/SalesChannels", ("SalesChannel",), optional=True),
    Related("sales/SalesPriceLists", ("Pricelist", "PriceList"), ("Code", "Description"),
           optional=True),
    Related("crm/LeadSources", ("LeadSource",), ("Code", "Description"), optional=True),
    Related("subscription/SubscriptionTypes", ("SubscriptionType",)),
    Related("subscription/SubscriptionReasonCodes", ("ReasonCancelled",), optional=True),
    Related("financial/GLSchemes", ("GLSchemeID",)),
    Related("financial/GLClassifications", ("GLAccountClassificationMappings.Classification",)),
    Related("manufacturing/Operations", ("Operation",)),
    Related("manufacturing/Workcenters", ("Workcenter",)),
    Related("manufacturing/ProductionAreas", ("ProductionArea",)),
    Related("documents/DocumentFolders", ("DocumentFolder", "ParentFolder")),
    Related("documents/DocumentCategories", ("Documents.Category",), ("Description",),
            optional=True),
    # Names of contacts are not unique, but mostly are for the account given as well.
    Related(
        "crm/Contacts",
        (
            "Contact", "OrderedByContactPerson", "InvoiceToContactPerson", "DeliverToContactPerson",
            "DeliveredToContactPerson", "OrderAccountContact", "InvoiceAccountContact",
            "DeliveryAccountContact", "AccountContact", "MainContact", "SupplierContact",
            "PurchaseInvoices.ContactPerson",
        ),
        ("FullName",),
        "FullName",
        optional=True,
    ),
    # No column identifies these; only rows in the journal can be found.
    Related("crm/Addresses", ("DeliverToAddress", "DeliveryAddress", "InvoiceAddress"), (),
           optional=True),
    Related("crm/BankAccounts", ("DirectDebitMandates.BankAccount",), ()),
    Related("crm/Opportunities", ("Opportunity",), (), optional=True),
    Related("documents/Documents", ("Document", "BankStatementDocument"), (), optional=True),
    Related("manufacturing/ShopOrders", ("ShopOrder", "SubShopOrder"), ()),
    Related("subscription/Subscriptions", ("Subscription",), (), optional=True),
)  # fmt: skip

CUSTOMER = {"Status": "C"}
ROLES: Mapping[str, Mapping[str, Any]] = {
    "Customer": CUSTOMER,
    "DeliverTo": CUSTOMER,
    "InvoiceTo": CUSTOMER,
    "OrderAccount": CUSTOMER,
    "OrderedBy": CUSTOMER,
    "Supplier": {"IsSupplier": True},
}
"""Fields of a new account by referring property."""


@dataclass(frozen=True)
class Link:
    """A property that refers to a row of another entity."""

    name: str
    """Name of the property."""
    target: Related

    @property
    def columns(self) -> dict[str, str]:
        """Columns of the row, by their normalised names in a record."""
        names = dict.fromkeys([*self.target.by, self.target.title])
        stems = dict.fromkeys([self.name, self.name.removesuffix("ID")])
        return {plain(stem + column): column for stem in stems for column in names}


@cache
def _targets() -> Mapping[str, Related]:
    return {name: target for target in TARGETS for name in target.properties}


def links(endpoint: Endpoint) -> dict[str, Link]:
    """Return the properties of an endpoint that refer to rows, by name."""
    known = _targets()
    parent = parent_of(endpoint)
    by_name = {}
    possible = writable(endpoint.id)
    for name, item in endpoint.columns.items():
        if name not in possible or item.type != "Edm.Guid" or name in endpoint.key:
            continue
        related = known.get(f"{endpoint.name}.{name}") or known.get(name)
        if related is None and parent and parent[0] == name:
            related = Related(parent[1], (name,), ())
        if related:
            by_name[name] = Link(name, related)
    return by_name


def parent_of(endpoint: Endpoint) -> tuple[str, str] | None:
    """For lines: return the property that holds the key of the document, and its endpoint."""
    facts = catalogue.load()
    for stream in facts.streams.values():
        if stream.plain == endpoint.id and stream.parent:
            return stream.parent.field, facts.streams[stream.parent.stream].plain or ""
    return None
