"""The catalogue `exactonline_client/catalogue.json`, from a collection of endpoint facts.

The collection lists what is publicly known of every endpoint: names, paths, methods, keys, Edm
types and flags. This module drops what was removed from the API, and adds what only we decide: the
name of the stream, which endpoints are the same entity, which row belongs to which parent, and
whether a date is a moment in time or a day on the calendar. Those decisions are the tables below.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from scripts.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.pages import Files

Facts = dict[str, Any]

CATALOGUE = ROOT / "exactonline_client" / "catalogue.json"
ENDPOINT_FACTS = (
    "id", "service", "name", "kind", "uri", "path", "methods", "key", "page_size", "beta",
    "select_required", "select_star_forbidden", "filter_only_timestamp", "filter_fields",
    "mandatory_post", "webhook_topic", "scope", "bulk_twin", "sync_twin", "source",
)  # fmt: skip
PROPERTY_FLAGS = ("key", "filter", "post", "put", "mandatory", "navigation")

# Where facts are from. What names no source is from the first.
SOURCES = {
    "reference": "the reference pages of Exact Online, by public collections of 2022 to 2025",
    "recorded": "answers of the service in June 2026",
    "clients": "published clients of the service, up to October 2026",
}

# Endpoints that the collection lacks.
ADDED: list[Facts] = [
    {
        "id": "financialtransaction/Transactions",
        "service": "FinancialTransaction",
        "name": "Transactions",
        "kind": "crud",
        "path": "financialtransaction/Transactions",
        "methods": ["GET"],
        "key": ["EntryID"],
        "page_size": 60,
        "scope": "Financial accounting",
        "source": "clients",
        "properties": [
            ("EntryID", "Edm.Guid", "key"),
            ("ClosingBalanceFC", "Edm.Double"),
            ("Created", "Edm.DateTime"),
            ("Date", "Edm.DateTime"),
            ("Description", "Edm.String"),
            ("Division", "Edm.Int32"),
            ("Document", "Edm.Guid"),
            ("DocumentNumber", "Edm.Int32"),
            ("DocumentSubject", "Edm.String"),
            ("EntryNumber", "Edm.Int32"),
            ("ExternalLinkDescription", "Edm.String"),
            ("ExternalLinkReference", "Edm.String"),
            ("FinancialPeriod", "Edm.Int16"),
            ("FinancialYear", "Edm.Int16"),
            ("IsExtraDuty", "Edm.Boolean"),
            ("JournalCode", "Edm.String"),
            ("JournalDescription", "Edm.String"),
            ("Modified", "Edm.DateTime"),
            ("OpeningBalanceFC", "Edm.Double"),
            ("PaymentConditionCode", "Edm.String"),
            ("PaymentConditionDescription", "Edm.String"),
            ("PaymentReference", "Edm.String"),
            ("Status", "Edm.Int16"),
            ("StatusDescription", "Edm.String"),
            ("TransactionLines", "Collection(TransactionLines)", "navigation"),
            ("Type", "Edm.Int32"),
            ("TypeDescription", "Edm.String"),
        ],
    },
    {
        "id": "read/salesinvoice/InvoiceSalesOrderResult",
        "service": "SalesInvoice",
        "name": "InvoiceSalesOrderResult",
        "kind": "function",
        "path": "read/salesinvoice/InvoiceSalesOrderResult",
        "methods": ["GET"],
        "key": ["ProcessID"],
        "scope": "Sales orders",
        "source": "clients",
        "properties": [
            ("ProcessID", "Edm.Guid", "key"),
            ("Errors", "Edm.String"),
            ("NumberOfCreatedInvoices", "Edm.Int32"),
            ("NumberOfFailedInvoices", "Edm.Int32"),
            ("Status", "Edm.String"),
        ],
    },
]

# Properties that the collection lacks, with their source.
ADDED_PROPERTIES: dict[str, list[tuple[str, ...]]] = {
    "salesinvoice/InvoiceSalesOrders": [
        ("clients", "Mode", "Edm.Int32", "post"),
        ("clients", "ProcessID", "Edm.Guid"),
    ],
}

# Page sizes that differ from what the collection says: a recorded list with `$top=100` came whole.
PAGE_SIZES = {"system/Divisions": 100}

# Entities whose sync or bulk endpoint carries another name than the plain one.
TWINS = {
    "financialtransaction/TransactionLines": {
        "bulk_twin": "bulk/Financial/TransactionLines",
        "sync_twin": "sync/Financial/TransactionLines",
    },
    "crm/Quotations": {"sync_twin": "sync/CRM/QuotationHeaders"},
    "salesorder/SalesOrders": {"sync_twin": "sync/SalesOrder/SalesOrderHeaders"},
    "purchaseorder/PurchaseOrderLines": {"sync_twin": "sync/PurchaseOrder/PurchaseOrders"},
    "salesinvoice/SalesInvoiceLines": {"sync_twin": "sync/SalesInvoice/SalesInvoices"},
}

# Sync endpoints that return the header (LineNumber 0) and the lines of a document in one list.
FEEDS = {
    "sync/SalesInvoice/SalesInvoices": (
        "salesinvoice/SalesInvoices",
        "salesinvoice/SalesInvoiceLines",
    ),
    "sync/PurchaseOrder/PurchaseOrders": (
        "purchaseorder/PurchaseOrders",
        "purchaseorder/PurchaseOrderLines",
    ),
}

# Names that the snake-case rule would spoil.
STREAM_NAMES = {"sync/Payroll/EmploymentCLAs": "employment_clas"}

# Lists that answer the same whichever division is in the path: they belong to the user.
PER_USER = {
    "current/Me",
    "hrm/Divisions",
    "system/AccountantInfo",
    "system/AllDivisions",
    "system/Divisions",
    "system/GetMostRecentlyUsedDivisions",
}

# The deleted log names its entities by names of its own.
DELETED_NAMES = {
    "sync/Documents/DocumentAttachments": "Attachments",
    "sync/Logistics/SalesItemPrices": "ItemPrices",
    "sync/Logistics/SupplierItem": "ItemAccounts",
    "sync/Sales/SalesPriceListVolumeDiscounts": "DiscountTables",
    "sync/Manufacturing/MaterialIssues": "RequirementIssues",
}

# Parents of rows that the navigation properties do not give: stream -> (parent stream, field).
PARENTS = {
    "document_attachments": ("documents", "Document"),
    "purchase_invoice_lines": ("purchase_invoices", "InvoiceID"),
    "schedule_entries": ("schedules", "Schedule"),
}

# Rows that belong to a parent, and are read without it: it is no longer documented.
PARENTLESS = {"transaction_lines"}

# Sync endpoints without a plain twin whose entity has webhooks all the same.
ALSO_TOPICS = {
    "sync/Inventory/StockPositions": "StockPositions",
    "sync/Project/TimeCostTransactions": "CostTransactions|TimeTransactions",
}

# Accepted when a row is created, as real traffic shows, though the documentation does not say so.
ALSO_CREATABLE = {("salesinvoice/SalesInvoices", "InvoiceDate")}

# Edm.DateTime fields that are a moment in time; every other one is a day without a time.
INSTANTS = {
    "Approved", "ApprovedDate", "ControlledDate", "Created", "CreatedDate", "DateLastUsed",
    "DeletedDate", "EndTime", "Modified", "ModifiedDate", "NotificationMoment", "PaymentSelected",
    "ReceivableSelected", "RejectedDate", "RunStartTime", "SenderDateSent", "SetupStartTime",
    "StartTime", "SubmittedDate", "SysCreated", "SysModified", "syscreated", "sysmodified",
}  # fmt: skip
# Exceptions of that rule: on invoice lines the "times" are the days of a subscription period,
# and calendar events have a time of day.
INSTANT_EXCEPTIONS = {
    ("SalesInvoiceLines", "StartTime"): "date",
    ("SalesInvoiceLines", "EndTime"): "date",
    ("SalesInvoices", "StartTime"): "date",
    ("SalesInvoices", "EndTime"): "date",
    ("Events", "StartDate"): "instant",
    ("Events", "EndDate"): "instant",
}


def snake(name: str) -> str:
    """`SalesInvoiceLines` -> `sales_invoice_lines`, `GLAccounts` -> `gl_accounts`."""
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name.replace("/", "_"))
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", words).lower()


def build(entities: Path) -> Files:
    """The file, from that of the endpoint facts."""
    return {CATALOGUE: dump(whole(json.loads(entities.read_text(encoding="utf-8"))))}


def whole(source: Facts) -> Facts:
    """The whole catalogue as it is written to disk."""
    current = [dict(fact) for fact in source["endpoints"] if fact["status"] == "current"]
    known = {fact["id"] for fact in current}
    current += [added(fact) for fact in ADDED if fact["id"] not in known]
    for fact in current:
        fact.update(TWINS.get(fact["id"], {}))
        fact["page_size"] = PAGE_SIZES.get(fact["id"], fact.get("page_size"))
        fact["properties"] = [*fact["properties"], *added_properties(fact)]
    ids = {fact["id"] for fact in current}
    for fact in current:
        for twin in ("bulk_twin", "sync_twin"):
            if fact.get(twin) not in ids:
                fact[twin] = None
    endpoints = {fact["id"]: endpoint(fact) for fact in sorted(current, key=lambda f: f["id"])}
    link_navigations(endpoints)
    deleted = {int(number): name for number, name in source["deleted_entity_types"].items()}
    deleted = {number: name for number, name in deleted.items() if "removed" not in name}
    return {
        "sources": SOURCES,
        "deleted_types": {str(number): deleted[number] for number in sorted(deleted)},
        "streams": streams(endpoints, deleted),
        "endpoints": endpoints,
    }


def added(fact: Facts) -> Facts:
    """An endpoint that the collection lacks, in the form of the collection."""
    return {
        "select_required": False,
        "webhook_topic": None,
        "uri": f"/api/v1/{{division}}/{fact['path']}",
        **fact,
        "properties": [written_property(*item) for item in fact["properties"]],
    }


def added_properties(fact: Facts) -> list[Facts]:
    """The properties of an endpoint that the collection lacks."""
    known = {item["name"] for item in fact["properties"]}
    return [
        {**written_property(*item), "source": source}
        for source, *item in ADDED_PROPERTIES.get(fact["id"], ())
        if item[0] not in known
    ]


def written_property(name: str, kind: str, *flags: str) -> Facts:
    """A property in the form of the collection."""
    return {"name": name, "type": kind, **dict.fromkeys(flags, True)}


def endpoint(fact: Facts) -> Facts:
    """One endpoint: its facts, and its properties with the flags that are set."""
    facts = {name: fact.get(name) for name in ENDPOINT_FACTS}
    facts["select_required"] = bool(fact["select_required"])
    facts["webhook_topic"] = ALSO_TOPICS.get(fact["id"], facts["webhook_topic"])
    short_name = fact["name"].rsplit("/", 1)[-1]
    if fact["id"] in FEEDS:
        facts["feed"] = dict(zip(("header", "line"), FEEDS[fact["id"]], strict=True))
    facts = {name: value for name, value in facts.items() if value not in (None, False, [])}
    properties = [prop(short_name, item) for item in fact["properties"] if item["name"] is not None]
    for item in properties:
        if (fact["id"], item["name"]) in ALSO_CREATABLE:
            item.update(post=True, source="recorded")
    facts["property_list"] = properties
    return facts


def prop(entity: str, item: Facts) -> Facts:
    """One property: name, Edm type, set flags, and for dates which kind of date."""
    facts: Facts = {"name": item["name"], "type": item["type"]}
    facts.update({flag: True for flag in PROPERTY_FLAGS if item.get(flag)})
    if "source" in item:
        facts["source"] = item["source"]
    if item["type"] == "Edm.DateTime":
        default = "instant" if item["name"] in INSTANTS else "date"
        facts["date"] = INSTANT_EXCEPTIONS.get((entity, item["name"]), default)
    return facts


def link_navigations(endpoints: dict[str, Facts]) -> None:
    """Note on each collection property which endpoint lists its rows, and by which field."""
    by_name: dict[str, list[Facts]] = defaultdict(list)
    for fact in endpoints.values():
        if fact["kind"] == "crud":
            by_name[fact["name"].lower()].append(fact)
    for fact in endpoints.values():
        for item in fact["property_list"]:
            match = re.fullmatch(r"Collection\((\w+)\)", item["type"])
            if not match:
                continue
            for child in by_name[match[1].lower()]:
                field = foreign_key(fact, child)
                if field:
                    item.update(entity=child["id"], field=field)
                    break


def foreign_key(parent: Facts, child: Facts) -> str | None:
    """The field of a child's row that holds its parent's key, if there is one."""
    names = {item["name"] for item in child["property_list"]}
    parent_name = parent["name"].rsplit("/", 1)[-1]
    singular = re.sub(r"ies$", "y", parent_name)
    singular = singular if singular != parent_name else re.sub(r"s$", "", parent_name)
    candidates = [*(key for key in parent.get("key", []) if key not in ("ID", "Code"))]
    candidates += [f"{singular}ID", singular, f"{parent_name}ID"]
    if parent_name.endswith("Returns"):
        candidates.append("EntryID")
    return next((name for name in candidates if name in names), None)


def streams(endpoints: dict[str, Facts], deleted: dict[int, str]) -> list[Facts]:
    """Every entity that can be read without parameters, once, whatever its endpoints."""
    twins = {
        fact[twin]
        for fact in endpoints.values()
        for twin in ("bulk_twin", "sync_twin")
        if fact.get(twin)
    }
    readable = [
        fact
        for fact in endpoints.values()
        if "GET" in fact["methods"] and fact["kind"] != "function" and fact["id"] not in twins
    ]
    groups = pair_twinless(readable)
    names = stream_names(endpoints, list(groups))
    found = sorted(
        (stream(names[id_], group, endpoints, deleted) for id_, group in groups.items()),
        key=lambda item: item["name"],
    )
    add_parents(found, endpoints)
    return found


def pair_twinless(readable: list[Facts]) -> dict[str, dict[str, str]]:
    """Group endpoints of one entity: {main id: {"plain"|"bulk"|"sync": id}}."""
    groups: dict[str, dict[str, str]] = {}
    by_name: dict[str, str] = {}
    for fact in sorted(readable, key=lambda f: ("crud", "read", "bulk", "sync").index(f["kind"])):
        if fact["kind"] in ("crud", "read"):
            groups[fact["id"]] = {
                "plain": fact["id"],
                **{
                    variant: fact[f"{variant}_twin"]
                    for variant in ("bulk", "sync")
                    if fact.get(f"{variant}_twin")
                },
            }
            continue
        # A bulk and a sync endpoint of one name and no plain one are still one entity.
        main = by_name.setdefault(fact["name"], fact["id"])
        groups.setdefault(main, {})[fact["kind"]] = fact["id"]
    return groups


def stream_names(endpoints: dict[str, Facts], ids: list[str]) -> dict[str, str]:
    """Snake-case names; the service goes in front only where two entities share a name."""
    services, names = {}, {}
    for id_ in ids:
        fact = endpoints[id_]
        first, *rest = id_.split("/")
        if first in ("bulk", "sync", "read", "beta") and len(rest) > 1:
            services[id_], *own = rest
        else:
            services[id_], own = fact["service"], rest
        names[id_] = STREAM_NAMES.get(id_, snake("_".join(own)))
        if first == "openingbalance":
            names[id_] = f"opening_balance_{names[id_]}"
    shared = {name for name, count in Counter(names.values()).items() if count > 1}
    for id_, name in names.items():
        service = snake(services[id_])
        if name in shared and name != service:
            names[id_] = f"{service}_{name}"
    return names


def stream(
    name: str, group: dict[str, str], endpoints: dict[str, Facts], deleted: dict[int, str]
) -> Facts:
    """The facts of one stream: endpoints, key, scope and how deletes are logged."""
    main = endpoints[group.get("plain") or group.get("bulk") or group["sync"]]
    key = main.get("key", [])
    if main["kind"] == "sync" and main["id"] != "sync/Deleted":
        key = ["ID"]
    facts: Facts = {"name": name, **group, "key": key}
    if main["id"] in PER_USER:
        facts["per_user"] = True
    sync = group.get("sync")
    if sync:
        logged_as = DELETED_NAMES.get(sync, sync.rsplit("/", 1)[-1])
        numbers = [number for number, entity in deleted.items() if entity == logged_as]
        if numbers:
            facts["deleted_type"] = numbers[0]
    return facts


def add_parents(found: list[Facts], endpoints: dict[str, Facts]) -> None:
    """Note on each child stream its parent stream and the field that points at it."""
    by_plain = {item["plain"]: item for item in found if "plain" in item}
    by_name = {item["name"]: item for item in found}
    for item in found:
        for navigation in endpoints.get(item.get("plain", ""), {}).get("property_list", []):
            child = by_plain.get(navigation.get("entity", ""))
            if child is not None and "parent" not in child and child["name"] not in PARENTLESS:
                child["parent"] = {
                    "stream": item["name"],
                    "field": navigation["field"],
                    "navigation": navigation["name"],
                }
    for name, (parent, field) in PARENTS.items():
        if name in by_name:
            by_name[name]["parent"] = {"stream": parent, "field": field}


def dump(catalogue: Facts) -> str:
    """JSON with one stream and one property a line, so that a change reads well in a diff."""
    lines = [
        "{",
        '"sources": ' + json.dumps(catalogue["sources"]) + ",",
        '"deleted_types": ' + json.dumps(catalogue["deleted_types"]) + ",",
        '"streams": [',
    ]
    lines += [",\n".join(json.dumps(item) for item in catalogue["streams"]), "],", '"endpoints": [']
    blocks = []
    for fact in catalogue["endpoints"].values():
        head = {name: value for name, value in fact.items() if name != "property_list"}
        rows = ",\n  ".join(json.dumps(item) for item in fact["property_list"])
        blocks.append(json.dumps(head)[:-1] + f', "property_list": [\n  {rows}\n]}}')
    lines += [",\n".join(blocks), "]", "}"]
    return "\n".join(lines) + "\n"
