"""What can be written: one line of data for each entity, and how a stream finds its entity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_client import catalogue
from exactonline_client.errors import ConfigurationError
from target_exactonline.names import plain

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint


@dataclass(frozen=True)
class Rules:
    """What the catalogue does not tell of an entity."""

    required: tuple[str, ...]
    """What a record must hold besides its reference.

    The documentation calls more properties mandatory; those the server fills in by itself.
    """
    references: tuple[str, ...]
    """Texts of the user's own that the API can search by."""


RULES = {
    "salesinvoice/SalesInvoices": Rules(
        required=("OrderedBy", "SalesInvoiceLines"),
        references=("YourRef", "Description", "PaymentReference"),
    ),
}
"""By endpoint id, all that can be written."""


@dataclass(frozen=True)
class Entity:
    """Something that can be created at Exact Online from the records of a stream."""

    stream: str
    endpoint: Endpoint
    rules: Rules

    @property
    def key(self) -> str:
        """The property that identifies a document at Exact Online."""
        return self.endpoint.key[0]

    def address(self, division: int) -> str:
        """Where documents of this entity are listed and created."""
        return self.endpoint.uri.format(division=division)

    def check_reference(self, field: str) -> None:
        """Make sure that documents can be looked for by this property.

        Raises:
            ConfigurationError: they cannot; the message lists the properties that would do.
        """
        if field not in self.rules.references:
            raise ConfigurationError(
                f"Setting reference_field: stream {self.stream} cannot be searched by {field!r}. "
                f"Choose one of {', '.join(self.rules.references)}."
            )


def entities() -> dict[str, Entity]:
    """All that can be written, by the name of its stream."""
    known = catalogue.load()
    names = {stream.plain: stream.name for stream in known.streams.values()}
    return {
        names[endpoint]: Entity(names[endpoint], known.endpoints[endpoint], rules)
        for endpoint, rules in RULES.items()
    }


def find(stream_name: str) -> Entity:
    """The entity that a stream stands for.

    Taps of databases put a schema in front: `public-sales_invoices`, `warehouse.sales_invoices`.

    Raises:
        ConfigurationError: there is none; the message lists what is possible.
    """
    possible = entities()
    wanted = plain(re.split(r"[-.]", stream_name)[-1])
    for name, entity in possible.items():
        if plain(name) == wanted:
            return entity
    raise ConfigurationError(
        f"Stream {stream_name!r} is nothing that can be written. Possible: "
        f"{', '.join(sorted(possible))}. Select only those in the tap, or rename a stream with "
        "the setting stream_maps."
    )
