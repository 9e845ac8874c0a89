"""The endpoints of the catalogue, and the tables behind them.

Each plain endpoint has a table (so has each sync or bulk endpoint without a plain one). Bulk and
sync endpoints are views of the same tables.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from typing import TYPE_CHECKING, NamedTuple

from exactonline_client.catalogue import load

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint

DELETED = "sync/Deleted"
USER_LISTS = ("current/Me", "system/Divisions", "hrm/Divisions", "system/AllDivisions")
"""Lists that depend on the user, not on the division."""
MODELS = "Exact.Web.Api.Models"
"""Namespace of the types."""
# Types of newer services have an area in their name. Recorded or documented: that of `Division`,
# `Me`, `DivisionClass`, `StockBatchNumber`, `MaterialPlanCalculator` and `TransactionLine`.
_AREAS = {
    "current": "System",
    "system": "System",
    "hrm": "HRM",
    "inventory": "Inventory",
    "manufacturing": "Manufacturing",
}
_AREA_OF_ENTITY = {"TransactionLines": "Financial"}


class Feeds(NamedTuple):
    """The sync feed of a table."""

    endpoint: str
    """Id of the sync endpoint."""
    header: str
    """Table of the headers in a mixed feed of headers and lines; else the table itself."""
    line: str | None
    """Table of the lines in a mixed feed."""


class Schema:
    """Facts about endpoints, by path and by table."""

    def __init__(self) -> None:
        """Read the catalogue."""
        self.catalogue = load()
        self.endpoints = self.catalogue.endpoints
        self._by_path = {
            (endpoint.beta, _folded(endpoint.path)): endpoint
            for endpoint in self.endpoints.values()
        }

    def find(self, path: str, *, beta: bool) -> Endpoint | None:
        """The endpoint at a path below the division; the entity's name is case-sensitive."""
        return self._by_path.get((beta, _folded(path)))

    @cached_property
    def table_of(self) -> dict[str, str]:
        """For each endpoint, the table whose rows it shows (the header's where it is mixed)."""
        tables = {id_: id_ for id_ in self.endpoints}
        for endpoint in self.endpoints.values():
            for twin in (endpoint.bulk_twin, endpoint.sync_twin):
                if twin:
                    tables[twin] = endpoint.id
        for endpoint in self.endpoints.values():
            if endpoint.feed:
                tables[endpoint.id] = endpoint.feed["header"]
        tables["bulk/Project/ProjectWBS"] = "sync/Project/ProjectWBS"
        return tables

    @cached_property
    def feed_of(self) -> dict[str, Feeds]:
        """For each table that the sync API knows, its feed."""
        feeds = {}
        for id_, table in self.table_of.items():
            endpoint = self.endpoints[id_]
            if endpoint.kind != "sync":
                continue
            if endpoint.feed:
                mixed = Feeds(id_, endpoint.feed["header"], endpoint.feed["line"])
                feeds[mixed.header] = feeds[endpoint.feed["line"]] = mixed
            else:
                feeds[table] = Feeds(id_, table, None)
        return feeds

    @cached_property
    def deleted_type_of(self) -> dict[str, int]:
        """For each table whose deletes are logged, its number in the log."""
        return {
            table: stream.deleted_type
            for stream in self.catalogue.streams.values()
            if stream.deleted_type and (table := stream.plain or stream.sync)
        }

    @cached_property
    def stream_of(self) -> dict[str, str]:
        """For each table, the name of the stream that its rows belong to."""
        return {
            self.table_of[endpoint]: stream.name
            for stream in reversed(self.catalogue.streams.values())
            if (endpoint := stream.plain or stream.bulk or stream.sync)
        }

    def key_columns(self, table: str) -> tuple[str, ...]:
        """The key of a table's rows."""
        endpoint = self.endpoints[table]
        if endpoint.kind == "sync" and table != DELETED:
            return ("ID",)
        return endpoint.key


@cache
def schema() -> Schema:
    """The schema; it never changes."""
    return Schema()


def entity_name(endpoint: Endpoint) -> str:
    """The entity without its service: `SalesInvoices` for `sync/SalesInvoice/SalesInvoices`."""
    return endpoint.name.rsplit("/", 1)[-1]


@cache
def model_name(endpoint_id: str) -> str:
    """The `type` in the metadata of a row."""
    name = endpoint_id.rsplit("/", 1)[-1]
    singular = re.sub(r"ies$", "y", name)
    if singular == name:
        singular = re.sub(r"(ss|x|ch|sh)es$", r"\1", name)
    if singular == name and not name.endswith(("ss", "us")):
        singular = name.removesuffix("s")
    service = endpoint_id.removeprefix("bulk/").removeprefix("sync/").split("/", 1)[0].lower()
    area = _AREA_OF_ENTITY.get(name) or _AREAS.get(service)
    return ".".join(filter(None, (MODELS, area, singular)))


def _folded(path: str) -> str:
    services, _, entity = path.rpartition("/")
    return f"{services.lower()}/{entity}"
