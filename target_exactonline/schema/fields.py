"""Writable fields of an entity and its lines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from target_exactonline.schema.entities import required, writable
from target_exactonline.schema.names import plain
from target_exactonline.schema.references import Link, links, parent_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint, Property

TOTALS = frozenset(
    {
        "Amount",
        "AmountDC",
        "AmountFC",
        "AmountFCExclVat",
        "VATAmount",
        "VATAmountDC",
        "VATAmountFC",
    }
)
"""Totals of a document, unless they are writable."""


@dataclass(frozen=True)
class Shape:
    """The fields of one entity."""

    endpoint: Endpoint
    known: Mapping[str, Property]
    """All properties by normalised name."""
    writable: tuple[str, ...]
    children: Mapping[str, Shape]
    """Shapes of lines, by collection."""
    links: Mapping[str, Link]
    """Properties that refer to rows of other entities, by name."""
    related_columns: Mapping[str, tuple[Link, str]]
    """Columns accepted in place of a key, by normalised name: link and column of the row."""
    required: tuple[str, ...]
    parent: str | None = None
    """For lines: the property that holds the key of the document."""

    @property
    def name(self) -> str:
        """Name of the entity, such as `SalesInvoices`."""
        return self.endpoint.name

    @property
    def key(self) -> str:
        """Key property."""
        return self.endpoint.key[0]

    @property
    def totals(self) -> frozenset[str]:
        """Totals that are checked and not sent."""
        return TOTALS - set(self.writable) if self.children else frozenset()


@cache
def shape_of(endpoint_id: str, parent: str | None = None) -> Shape:
    """Return the shape of an entity, or of lines.

    Args:
        endpoint_id: of the entity or of the lines.
        parent: for lines, the property that holds the key of the document.
    """
    endpoint = catalogue.load().endpoints[endpoint_id]
    possible = writable(endpoint_id)
    children = {
        item.name: shape_of(rows, item.field or _parent_field(rows))
        for item in endpoint.properties.values()
        if item.navigation and item.name in possible and (rows := _rows_of(endpoint, item))
    }
    referring = links(endpoint)
    return Shape(
        endpoint,
        {plain(name): item for name, item in endpoint.properties.items()},
        tuple(
            item.name
            for item in endpoint.properties.values()
            if item.name in possible and (not item.navigation or item.name in children)
        ),
        children,
        referring,
        {
            name: (link, column)
            for link in referring.values()
            for name, column in link.columns.items()
        },
        tuple(name for name in required(endpoint) if parent is None or name != parent),
        parent,
    )


def _parent_field(endpoint_id: str) -> str:
    parent = parent_of(catalogue.load().endpoints[endpoint_id])
    return parent[0] if parent else ""


def _rows_of(endpoint: Endpoint, collection: Property) -> str | None:
    """Return the endpoint of a collection's rows; by default of the same service."""
    if collection.entity:
        return collection.entity
    kind = collection.type.removeprefix("Collection(").removesuffix(")")
    own = f"{endpoint.id.rpartition('/')[0]}/{kind}"
    return own if own in catalogue.load().endpoints else None
