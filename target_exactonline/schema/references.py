"""Which properties refer to rows of other entities, and what those rows can be known by.

Exact Online wants the GUID of an account or item; people have its code. Beside a reference the API
itself shows code and name (`Item`, `ItemCode`, `ItemDescription`): so they are given here too.
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
"""What can be created where a document needs it, by its name in the setting create_missing."""
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
"""The properties that hold a code of a list."""


@dataclass(frozen=True)
class Related:
    """Rows that are referred to."""

    endpoint: str
    properties: tuple[str, ...]
    """What refers to them: a property, or `Entity.Property` where its name means this only there.
    """
    by: tuple[str, ...] = ("Code",)
    """Columns by which one of them can be found, the surest first."""
    title: str = "Description"
    """The column that says in words what a row is."""
    spare: bool = False
    """Whether a document that has to do without is the same document still."""


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
           spare=True),
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
    Related("project/ProjectClassifications", ("Projects.Classification",), spare=True),
    Related("inventory/Warehouses", ("Warehouse", "WarehouseID", "WarehouseFrom", "WarehouseTo")),
    # Exact Online fills these in by itself, and a feed of invoices tells no more than their keys.
    Related("inventory/Warehouses", ("SalesInvoices.Warehouse",), spare=True),
    Related("financial/GLAccounts", ("SalesInvoiceLines.GLAccount",), spare=True),
    Related("inventory/StorageLocations", ("StorageLocation", "StorageLocationFrom",
                                          "StorageLocationTo", "DefaultStorageLocation")),
    Related("logistics/ItemGroups", ("ItemGroup",)),
    Related("logistics/SelectionCodes", ("SelectionCode",), spare=True),
    Related("assets/Assets", ("Asset",)),
    Related("payroll/Employees", ("Employee",), ("Code", "FullName"), "FullName"),
    Related("sales/ShippingMethods", ("ShippingMethod",), spare=True),
    Related("sales/SalesChannels", ("SalesChannel",), spare=True),
    Related("sales/SalesPriceLists", ("Pricelist", "PriceList"), ("Code", "Description"),
           spare=True),
    Related("crm/LeadSources", ("LeadSource",), ("Code", "Description"), spare=True),
    Related("subscription/SubscriptionTypes", ("SubscriptionType",)),
    Related("subscription/SubscriptionReasonCodes", ("ReasonCancelled",), spare=True),
    Related("financial/GLSchemes", ("GLSchemeID",)),
    Related("financial/GLClassifications", ("GLAccountClassificationMappings.Classification",)),
    Related("manufacturing/Operations", ("Operation",)),
    Related("manufacturing/Workcenters", ("Workcenter",)),
    Related("manufacturing/ProductionAreas", ("ProductionArea",)),
    Related("documents/DocumentFolders", ("DocumentFolder", "ParentFolder")),
    Related("documents/DocumentCategories", ("Documents.Category",), ("Description",), spare=True),
    # Names of people are not unique, but within what is given beside them they mostly are.
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
        spare=True,
    ),
    # These have nothing that names them: only what was created here before can be found again.
    Related("crm/Addresses", ("DeliverToAddress", "DeliveryAddress", "InvoiceAddress"), (),
           spare=True),
    Related("crm/BankAccounts", ("DirectDebitMandates.BankAccount",), ()),
    Related("crm/Opportunities", ("Opportunity",), (), spare=True),
    Related("documents/Documents", ("Document", "BankStatementDocument"), (), spare=True),
    Related("manufacturing/ShopOrders", ("ShopOrder", "SubShopOrder"), ()),
    Related("subscription/Subscriptions", ("Subscription",), (), spare=True),
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
"""What a new account has to be for the property that refers to it."""


@dataclass(frozen=True)
class Link:
    """A property that refers to a row of another entity."""

    name: str
    """The property's own."""
    target: Related

    @property
    def beside(self) -> dict[str, str]:
        """Columns of that row by the names under which they stand beside the property."""
        columns = dict.fromkeys([*self.target.by, self.target.title])
        stems = dict.fromkeys([self.name, self.name.removesuffix("ID")])
        return {plain(stem + column): column for stem in stems for column in columns}


@cache
def _targets() -> Mapping[str, Related]:
    return {name: target for target in TARGETS for name in target.properties}


def links(endpoint: Endpoint) -> dict[str, Link]:
    """The properties of an endpoint that refer to rows which can be looked up, by name."""
    known = _targets()
    parent = parent_of(endpoint)
    found = {}
    possible = writable(endpoint.id)
    for name, item in endpoint.columns.items():
        if name not in possible or item.type != "Edm.Guid" or name in endpoint.key:
            continue
        related = known.get(f"{endpoint.name}.{name}") or known.get(name)
        if related is None and parent and parent[0] == name:
            related = Related(parent[1], (name,), ())
        if related:
            found[name] = Link(name, related)
    return found


def parent_of(endpoint: Endpoint) -> tuple[str, str] | None:
    """For lines: the property that holds the key of their document, and its endpoint."""
    facts = catalogue.load()
    for stream in facts.streams.values():
        if stream.plain == endpoint.id and stream.parent:
            return stream.parent.field, facts.streams[stream.parent.stream].plain or ""
    return None
