"""The facts of the Exact Online API that everything else reads: endpoints, properties, streams.

The facts live in `catalogue.json` beside this file, which `make catalogue` rebuilds. An endpoint
is one address of the API; a stream is one entity, whichever of its endpoints (plain, bulk or
sync) it is read from.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Property:
    """One property of an entity, as the API documents it."""

    name: str
    type: str
    """`Edm.Guid`, `Edm.String`, ...; for navigations `Collection(Name)` or `Exact.Web.Api...`."""
    key: bool = False
    filter: bool = False
    post: bool = False
    """May be given when a row is created."""
    put: bool = False
    """May be given when a row is changed."""
    mandatory: bool = False
    """Mandatory according to the documentation, which is stricter than the server."""
    navigation: bool = False
    date: str | None = None
    """For `Edm.DateTime`: `instant` (a moment in time) or `date` (a day, without a time)."""
    entity: str | None = None
    """For a collection: id of the endpoint that lists its rows, where there is one."""
    field: str | None = None
    """For a collection: the property of those rows that holds this row's key."""


@dataclass(frozen=True)
class Endpoint:
    """One address of the API and what may be done there."""

    id: str
    """Path below the division, such as `salesinvoice/SalesInvoices`; unique."""
    service: str
    name: str
    kind: str
    """`crud`, `bulk`, `sync`, `read` or `function` (a read that demands parameters)."""
    uri: str
    """`/api/v1/{division}/...`; the braces are absent where no division is part of it."""
    path: str
    methods: tuple[str, ...]
    key: tuple[str, ...] = ()
    page_size: int | None = None
    beta: bool = False
    select_required: bool = False
    select_star_forbidden: bool = False
    filter_only_timestamp: bool = False
    filter_fields: tuple[str, ...] = ()
    """The properties that the documentation allows in a filter; empty where it does not say."""
    mandatory_post: tuple[str, ...] = ()
    webhook_topic: str | None = None
    scope: str | None = None
    bulk_twin: str | None = None
    sync_twin: str | None = None
    feed: Mapping[str, str] | None = None
    """For a list that mixes headers and lines: the endpoint ids of `header` and `line`."""
    facts: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)

    @cached_property
    def properties(self) -> dict[str, Property]:
        """Properties by name, in the order of the documentation."""
        return {fact["name"]: Property(**fact) for fact in self.facts}

    @cached_property
    def columns(self) -> dict[str, Property]:
        """The properties that hold a value, which is all but the navigations."""
        return {name: item for name, item in self.properties.items() if not item.navigation}


@dataclass(frozen=True)
class Parent:
    """Where the rows of a stream belong."""

    stream: str
    field: str
    """The property of the child that holds the key of its parent."""
    navigation: str | None = None
    """The collection property of the parent that lists the child's rows."""


@dataclass(frozen=True)
class Stream:
    """One entity that can be read, with the endpoint ids it can be read from."""

    name: str
    key: tuple[str, ...]
    plain: str | None = None
    bulk: str | None = None
    sync: str | None = None
    per_user: bool = False
    """The same rows come whichever division is asked: read once, not once a division."""
    deleted_type: int | None = None
    """Its number in the deleted log (`EntityType` of `sync/Deleted`), where that knows it."""
    parent: Parent | None = None


@dataclass(frozen=True)
class Catalogue:
    """All endpoints by id, all streams by name, and the entity types of the deleted log."""

    endpoints: dict[str, Endpoint]
    streams: dict[str, Stream]
    deleted_types: dict[int, str]


def _endpoint(fact: dict[str, Any]) -> Endpoint:
    known = {item.name for item in fields(Endpoint)}
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in fact.items()
        if name in known
    }
    return Endpoint(**values, facts=tuple(fact["properties"]))


def _stream(fact: dict[str, Any]) -> Stream:
    parent = Parent(**fact["parent"]) if "parent" in fact else None
    return Stream(**{**fact, "key": tuple(fact["key"]), "parent": parent})


@cache
def load() -> Catalogue:
    """Read the catalogue; the result is immutable and read only once."""
    text = resources.files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    facts = json.loads(text)
    return Catalogue(
        endpoints={fact["id"]: _endpoint(fact) for fact in facts["endpoints"]},
        streams={fact["name"]: _stream(fact) for fact in facts["streams"]},
        deleted_types={int(number): name for number, name in facts["deleted_types"].items()},
    )
