"""Catalogue of the Exact Online API: endpoints, properties and streams.

The data is in `catalogue.json` beside this file, which `make catalogue` rebuilds. An endpoint is
one address of the API. A stream is one entity, which may be read from several endpoints (plain,
bulk or sync).
"""

from __future__ import annotations

from functools import cache, cached_property
from importlib import resources

import msgspec
from typing_extensions import override


class Property(msgspec.Struct, frozen=True):
    """A property of an entity, as the API documents it."""

    name: str
    type: str
    """`Edm.Guid`, `Edm.String`, ...; for navigations `Collection(Name)` or `Exact.Web.Api...`."""
    key: bool = False
    filter: bool = False
    post: bool = False
    """Accepted when a row is created."""
    put: bool = False
    """Accepted when a row is changed."""
    mandatory: bool = False
    """Mandatory according to the documentation; the server requires less."""
    navigation: bool = False
    date: str | None = None
    """For `Edm.DateTime`: `instant` (a point in time) or `date` (a day without a time)."""
    entity: str | None = None
    """For a collection: id of the endpoint that lists its rows, if there is one."""
    field: str | None = None
    """For a collection: the property of its rows that holds the key of the parent."""
    source: str | None = None
    """Where it is from, if not from where its endpoint is; see `Catalogue.sources`."""


class Endpoint(msgspec.Struct, frozen=True, dict=True):
    """An address of the API and what it supports."""

    id: str
    """Path below the division, such as `salesinvoice/SalesInvoices`; unique."""
    service: str
    name: str
    kind: str
    """`crud`, `bulk`, `sync`, `read` or `function` (a read that requires parameters)."""
    uri: str
    """`/api/v1/{division}/...`; without the placeholder if it belongs to no division."""
    path: str
    methods: tuple[str, ...]
    key: tuple[str, ...] = ()
    page_size: int | None = None
    beta: bool = False
    select_required: bool = False
    select_star_forbidden: bool = False
    filter_only_timestamp: bool = False
    filter_fields: tuple[str, ...] = ()
    """Properties that the documentation allows in a filter; empty if it does not say."""
    mandatory_post: tuple[str, ...] = ()
    webhook_topic: str | None = None
    scope: str | None = None
    bulk_twin: str | None = None
    sync_twin: str | None = None
    source: str = "reference"
    """Where its facts are from; see `Catalogue.sources`."""
    feed: dict[str, str] | None = None
    """For a list that mixes headers and lines: endpoint ids by `header` and `line`."""
    property_list: tuple[Property, ...] = ()
    """In the order of the documentation."""

    @override
    def __repr__(self) -> str:
        return f"Endpoint({self.id!r})"

    @cached_property
    def properties(self) -> dict[str, Property]:
        """Properties by name."""
        return {item.name: item for item in self.property_list}

    @cached_property
    def columns(self) -> dict[str, Property]:
        """Properties that hold a value: all except navigations."""
        return {name: item for name, item in self.properties.items() if not item.navigation}


class Parent(msgspec.Struct, frozen=True):
    """The parent of a stream's rows."""

    stream: str
    field: str
    """Property of the child that holds the key of its parent."""
    navigation: str | None = None
    """Collection property of the parent that holds the child's rows."""


class Stream(msgspec.Struct, frozen=True):
    """An entity that can be read, with the ids of its endpoints."""

    name: str
    key: tuple[str, ...]
    plain: str | None = None
    bulk: str | None = None
    sync: str | None = None
    per_user: bool = False
    """Every division returns the same rows: read it once, not once per division."""
    deleted_type: int | None = None
    """Its `EntityType` in the deleted log (`sync/Deleted`), if it is logged there."""
    parent: Parent | None = None


class Catalogue(msgspec.Struct, frozen=True):
    """All endpoints by id, all streams by name, and the entity types of the deleted log."""

    sources: dict[str, str]
    """Where facts are from, by the word that stands for it."""

    endpoints: dict[str, Endpoint]
    streams: dict[str, Stream]
    deleted_types: dict[int, str]


class _File(msgspec.Struct, frozen=True):
    """The content of `catalogue.json`."""

    sources: dict[str, str]
    endpoints: list[Endpoint]
    streams: list[Stream]
    deleted_types: dict[int, str]


@cache
def load() -> Catalogue:
    """Read the catalogue; the result is immutable and read only once."""
    content = resources.files(__package__).joinpath("catalogue.json").read_bytes()
    file = msgspec.json.decode(content, type=_File)
    return Catalogue(
        sources=file.sources,
        endpoints={endpoint.id: endpoint for endpoint in file.endpoints},
        streams={stream.name: stream for stream in file.streams},
        deleted_types=file.deleted_types,
    )
