"""What can be written: as the catalogue says, with a line of data where it says too little."""

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
    """What the catalogue does not tell of an entity, or tells wrong."""

    required: tuple[str, ...] | None = None
    """What a record must hold. None for what the documentation calls mandatory, which is more than
    the server asks for: it fills in some by itself."""
    references: tuple[str, ...] | None = None
    """Texts of the user's own that documents are known by, the best first. None for those that
    have a name like one."""


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
"""By endpoint id."""
REFERENCES = ("YourRef", "Code", "Subject", "Description", "Name", "PaymentReference")
"""Names of texts that documents are known by, the best first."""

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
"""What is written most, for a message that has no place for all."""


@dataclass(frozen=True)
class Entity:
    """Something that can be created at Exact Online from the records of a stream."""

    stream: str
    endpoint: Endpoint

    @property
    def key(self) -> str:
        """The property that identifies a document at Exact Online."""
        return self.endpoint.key[0]

    @property
    def required(self) -> tuple[str, ...]:
        """What a record must hold besides its reference."""
        return required(self.endpoint)

    @property
    def references(self) -> tuple[str, ...]:
        """Texts of the user's own that documents are known by, the best first."""
        return references(self.endpoint)

    def is_filterable(self, reference_field: str) -> bool:
        """Whether the documentation promises that documents can be searched by this property."""
        allowed = self.endpoint.filter_fields
        return not allowed or reference_field in allowed

    @property
    def is_searchable(self) -> bool:
        """Whether documents can be searched for certain, by whichever reference is chosen."""
        return bool(self.references) and all(map(self.is_filterable, self.references))

    def address(self, division: int) -> str:
        """Where documents of this entity are listed and created."""
        return self.endpoint.uri.format(division=division)

    def reference_field(self, setting: str) -> str | None:
        """The property that holds the reference of a document; None where there is none.

        Args:
            setting: the setting reference_field, which counts where the entity has that property.

        Raises:
            ConfigurationError: documents cannot be looked for by it, or nothing has that property.
        """
        if setting in writable(self.endpoint.id):
            self.check_reference(setting)
            return setting
        if setting not in _writable_names():
            near = ", ".join(nearest(setting, _writable_names()))
            raise ConfigurationError(
                f"Setting reference_field: nothing that can be written has a field {setting!r}."
                + (f" Near it: {near}." if near else "")
            )
        return self.references[0] if self.references else None

    def check_reference(self, field: str) -> None:
        """Make sure that documents can be looked for by this property.

        Raises:
            ConfigurationError: they cannot; the message lists the properties that would do.
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
    """The properties that may be given when a row is created, collections included.

    Where the documentation marks none at all, Exact Online is left to judge.
    """
    properties = catalogue.load().endpoints[endpoint_id].properties.values()
    marked = {item.name for item in properties if item.post}
    if not marked:
        return frozenset(item.name for item in properties if not SERVER_FIELDS.match(item.name))
    return frozenset(marked | {item.name for item in properties if item.mandatory})


def required(endpoint: Endpoint) -> tuple[str, ...]:
    """What must be given to create a row."""
    rules = RULES.get(endpoint.id, Rules())
    if rules.required is not None:
        return rules.required
    return tuple(
        name
        for name in endpoint.mandatory_post
        if name not in endpoint.key and not SERVER_FIELDS.match(name)
    )


def references(endpoint: Endpoint) -> tuple[str, ...]:
    """Texts of the user's own that rows are known by, the best first.

    Those that the documentation allows in a filter stand before the others, which may work too.
    """
    rules = RULES.get(endpoint.id, Rules())
    if rules.references is not None:
        return rules.references
    if endpoint.name.endswith("Lines"):
        # What a line says need not be said once only.
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
    """All that can be written, by the name of its stream."""
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
    """The entity that a stream stands for.

    Taps of databases put a schema in front: `public-sales_invoices`, `warehouse.sales_invoices`.

    Raises:
        ConfigurationError: there is none; the message names what is near, or some that can be.
    """
    possible = entities()
    wanted = plain(re.split(r"[-.]", stream_name)[-1])
    for name, entity in possible.items():
        if plain(name) == wanted:
            return entity
    near = nearest(wanted, possible)
    some = f"Near it: {', '.join(near)}" if near else f"Possible: {', '.join(COMMON)} and others"
    raise ConfigurationError(
        f"Stream {stream_name!r} is nothing that can be written. {some}. Select only what can be "
        "written in the tap, or say with the setting streams what it is."
    )
