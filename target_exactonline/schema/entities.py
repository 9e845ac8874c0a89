"""Entities that can be written: from the catalogue, with overrides in `RULES`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from target_exactonline.schema.names import nearest, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint


@dataclass(frozen=True)
class Rules:
    """Overrides of the catalogue for an entity."""

    required: tuple[str, ...] | None = None
    """Required properties of a record. None for those that the documentation calls mandatory,
    although the server fills in some of them."""
    references: tuple[str, ...] | None = None
    """Properties for the user's reference, the best first. None for those with a name in
    `REFERENCES`."""


RULES = {
    "crm/Addresses": Rules(required=("Account", "Type")),
    "crm/BankAccounts": Rules(references=("BankAccount",)),
    "crm/Contacts": Rules(required=("Account", "LastName")),
    "cashflow/DirectDebitMandates": Rules(references=("Reference",)),
    "financial/GLAccounts": Rules(references=("Code", "Description")),
    "financial/Journals": Rules(required=("Code", "Description", "Type")),
    "inventory/Warehouses": Rules(required=("Code", "Description")),
    "logistics/Items": Rules(references=("Code", "Barcode")),
    "logistics/SalesItemPrices": Rules(required=("Item", "Price")),
    "salesinvoice/SalesInvoices": Rules(required=("OrderedBy", "SalesInvoiceLines")),
    "salesinvoice/SalesInvoiceLines": Rules(required=("InvoiceID", "Item")),
}
"""Overrides by endpoint id."""
REFERENCES = ("YourRef", "Code", "Subject", "Description", "Name", "PaymentReference")
"""Names of properties for the user's reference, the best first."""

SERVER_FIELDS = re.compile("Division$|(Sys)?(Created|Creator|Modified|Modifier)")
"""Names of properties that the server fills in."""
COMMON = (
    "accounts",
    "items",
    "sales_invoices",
    "sales_entries",
    "purchase_entries",
    "sales_orders",
)
"""Most used streams, for a message that has no room for all."""


@dataclass(frozen=True)
class Entity:
    """An entity that can be created, with the name of its stream."""

    stream: str
    endpoint: Endpoint

    @property
    def key(self) -> str:
        """The property that identifies a document at Exact Online."""
        return self.endpoint.key[0]

    @property
    def required(self) -> tuple[str, ...]:
        """Required properties of a record besides its reference."""
        return required(self.endpoint)

    @property
    def references(self) -> tuple[str, ...]:
        """Properties for the user's reference, the best first."""
        return references(self.endpoint)

    def is_filterable(self, reference_field: str) -> bool:
        """Return whether the documentation allows a filter on this property."""
        allowed = self.endpoint.filter_fields
        return not allowed or reference_field in allowed

    @property
    def is_searchable(self) -> bool:
        """Whether every property for the reference can be filtered on."""
        return bool(self.references) and all(map(self.is_filterable, self.references))

    def address(self, division: int) -> str:
        """Return the address of this entity in a division."""
        return self.endpoint.uri.format(division=division)

    def reference_field(self, setting: str) -> str | None:
        """Return the property that holds the reference; None if the entity has none.

        Args:
            setting: the setting reference_field, used if the entity has such a property.

        Raises:
            ConfigurationError: it cannot be searched by, or no entity has such a property.
        """
        if setting in writable(self.endpoint.id):
            self.check_reference(setting)
            return setting
        if setting not in _writable_names():
            near = " or ".join(nearest(setting, _writable_names()))
            raise ConfigurationError(
                f"Setting reference_field: no writable entity has a field {setting!r}."
                + (f" Did you mean {near}?" if near else "")
            )
        return self.references[0] if self.references else None

    def check_reference(self, field: str) -> None:
        """Check that documents can be searched by a property.

        Raises:
            ConfigurationError: they cannot; the message lists valid properties.
        """
        if field in self.references:
            return
        raise ConfigurationError(
            f"Setting reference_field: stream {self.stream} cannot be searched by {field!r}. "
            + (
                f"Choose one of {', '.join(self.references)}."
                if self.references
                else "It has no field that could; give its records a field of your own that is "
                "called reference, and leave out the setting."
            )
        )


@cache
def writable(endpoint_id: str) -> frozenset[str]:
    """Return the properties accepted when a row is created, including collections.

    If the documentation marks none, all are accepted and Exact Online validates them.
    """
    properties = catalogue.load().endpoints[endpoint_id].properties.values()
    marked = {item.name for item in properties if item.post}
    if not marked:
        return frozenset(item.name for item in properties if not SERVER_FIELDS.match(item.name))
    return frozenset(marked | {item.name for item in properties if item.mandatory})


def required(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the properties required to create a row."""
    rules = RULES.get(endpoint.id, Rules())
    if rules.required is not None:
        return rules.required
    return tuple(
        name
        for name in endpoint.mandatory_post
        if name not in endpoint.key and not SERVER_FIELDS.match(name)
    )


def references(endpoint: Endpoint) -> tuple[str, ...]:
    """Return the properties for the user's reference, the best first.

    Those that the documentation allows in a filter come first; the others may work too.
    """
    rules = RULES.get(endpoint.id, Rules())
    if rules.references is not None:
        return rules.references
    if endpoint.name.endswith("Lines"):
        # Texts of lines are not unique.
        return ()
    texts = [
        name
        for name in REFERENCES
        if name in writable(endpoint.id) and endpoint.properties[name].type == "Edm.String"
    ]
    allowed = endpoint.filter_fields or texts
    return tuple(sorted(texts, key=lambda name: name not in allowed))


@cache
def entities() -> Mapping[str, Entity]:
    """Return all entities that can be written, by stream."""
    known = catalogue.load()
    return {
        stream.name: Entity(stream.name, known.endpoints[stream.plain])
        for stream in known.streams.values()
        if stream.plain and "POST" in known.endpoints[stream.plain].methods
    }


@cache
def _writable_names() -> frozenset[str]:
    return frozenset(
        name
        for entity in entities().values()
        for name in writable(entity.endpoint.id)
        if entity.endpoint.properties[name].type == "Edm.String"
    )


def find(stream_name: str) -> Entity:
    """Find the entity of a stream by its name.

    Database taps prefix a schema: `public-sales_invoices`, `warehouse.sales_invoices`.

    Raises:
        ConfigurationError: there is none; the message names similar or common streams.
    """
    possible = entities()
    wanted = plain(re.split(r"[-.]", stream_name)[-1])
    for name, entity in possible.items():
        if plain(name) == wanted:
            return entity
    near = nearest(wanted, possible)
    hint = (
        f"Did you mean {' or '.join(near)}?"
        if near
        else f"Writable are {', '.join(COMMON)} and others."
    )
    raise ConfigurationError(
        f"Stream {stream_name!r} is not a writable entity. {hint} Select only writable entities in "
        "the tap, or name the entity of the stream in the setting streams."
    )
