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
class Target:
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
    Target(
        ACCOUNTS,
        (
            "Account", "OrderedBy", "InvoiceTo", "DeliverTo", "Customer", "Supplier",
            "OrderAccount", "InvoiceAccount", "DeliveryAccount", "DeliveredTo", "InvolvedAccount",
            "OwnerAccount", "SubscriptionAccount",
        ),
        ("Code", "Name"),
        "Name",
    ),
    Target(ACCOUNTS, ("Accountant", "Reseller", "Accounts.Parent"), ("Code", "Name"), "Name",
           spare=True),
    Target(ITEMS, ("Item", "PartItem", "FixedPriceItem", "PrepaidItem", "DefaultItem", "HourType",
                   "CostTypeRebill")),
    Target(
        "financial/GLAccounts",
        (
            "GLAccount", "GLAccountPurchase", "GLAccountSales", "GLAP", "GLAR", "GLRevenue",
            "GLCosts", "GLStock", "OffsetGLInventory", "PrivateGLAccount",
            "VATNonDeductibleGLAccount", "YearEndCostGLAccount", "YearEndReflectionGLAccount",
            "PaymentInTransitAccount", "GLDiscountPurchase", "GLDiscountSales", "GLToClaim",
            "GLToPay",
        ),
    ),
    Target("project/Projects", ("Project",)),
    Target("project/ProjectClassifications", ("Projects.Classification",), spare=True),
    Target("inventory/Warehouses", ("Warehouse", "WarehouseID", "WarehouseFrom", "WarehouseTo")),
    # Exact Online fills these in by itself, and a feed of invoices tells no more than their keys.
    Target("inventory/Warehouses", ("SalesInvoices.Warehouse",), spare=True),
    Target("financial/GLAccounts", ("SalesInvoiceLines.GLAccount",), spare=True),
    Target("inventory/StorageLocations", ("StorageLocation", "StorageLocationFrom",
                                          "StorageLocationTo", "DefaultStorageLocation")),
    Target("logistics/ItemGroups", ("ItemGroup",)),
    Target("logistics/SelectionCodes", ("SelectionCode",), spare=True),
    Target("assets/Assets", ("Asset",)),
    Target("payroll/Employees", ("Employee",), ("Code", "FullName"), "FullName"),
    Target("sales/ShippingMethods", ("ShippingMethod",), spare=True),
    Target("sales/SalesChannels", ("SalesChannel",), spare=True),
    Target("sales/SalesPriceLists", ("Pricelist", "PriceList"), ("Code", "Description"),
           spare=True),
    Target("crm/LeadSources", ("LeadSource",), ("Code", "Description"), spare=True),
    Target("subscription/SubscriptionTypes", ("SubscriptionType",)),
    Target("subscription/SubscriptionReasonCodes", ("ReasonCancelled",), spare=True),
    Target("financial/GLSchemes", ("GLSchemeID",)),
    Target("financial/GLClassifications", ("GLAccountClassificationMappings.Classification",)),
    Target("manufacturing/Operations", ("Operation",)),
    Target("manufacturing/Workcenters", ("Workcenter",)),
    Target("manufacturing/ProductionAreas", ("ProductionArea",)),
    Target("documents/DocumentFolders", ("DocumentFolder", "ParentFolder")),
    Target("documents/DocumentCategories", ("Documents.Category",), ("Description",), spare=True),
    # Names of people are not unique, but within what is given beside them they mostly are.
    Target(
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
    Target("crm/Addresses", ("DeliverToAddress", "DeliveryAddress", "InvoiceAddress"), (),
           spare=True),
    Target("crm/BankAccounts", ("DirectDebitMandates.BankAccount",), ()),
    Target("crm/Opportunities", ("Opportunity",), (), spare=True),
    Target("documents/Documents", ("Document", "BankStatementDocument"), (), spare=True),
    Target("manufacturing/ShopOrders", ("ShopOrder", "SubShopOrder"), ()),
    Target("subscription/Subscriptions", ("Subscription",), (), spare=True),
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
    target: Target

    @property
    def beside(self) -> dict[str, str]:
        """Columns of that row by the names under which they stand beside the property."""
        columns = dict.fromkeys([*self.target.by, self.target.title])
        stems = dict.fromkeys([self.name, self.name.removesuffix("ID")])
        return {plain(stem + column): column for stem in stems for column in columns}


@cache
def _targets() -> Mapping[str, Target]:
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
        target = known.get(f"{endpoint.name}.{name}") or known.get(name)
        if target is None and parent and parent[0] == name:
            target = Target(parent[1], (name,), ())
        if target:
            found[name] = Link(name, target)
    return found


def parent_of(endpoint: Endpoint) -> tuple[str, str] | None:
    """For lines: the property that holds the key of their document, and its endpoint."""
    facts = catalogue.load()
    for stream in facts.streams.values():
        if stream.plain == endpoint.id and stream.parent:
            return stream.parent.field, facts.streams[stream.parent.stream].plain or ""
    return None
