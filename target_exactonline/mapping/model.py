"""The document that a record becomes, and the rows that it refers to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from target_exactonline.results import discretion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from target_exactonline.mapping.attachments import Attachment

SOURCE_KEY = "source_key"
"""What a row is known by that was written here from one of another division: its key there."""

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@dataclass(frozen=True)
class RelatedRow:
    """A row of another entity that a document refers to, by what is known of it."""

    endpoint: str
    by: tuple[tuple[str, str], ...]
    """Columns and values, tried in this order."""
    new: Mapping[str, Any] | None = None
    """What to create it from where it is missing; None where that is not to be."""
    spare: bool = False
    """Whether the document can do without."""


@dataclass
class Document:
    """One record on its way to Exact Online."""

    reference: str | None
    """None where the record has none that can be used."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Exact's names and values; a `RelatedRow` stands for the key of a row that must be looked up
    first, None for what is to be emptied. Lines keep their own keys, as the record gave them."""
    payload_hash: str = ""
    """Tells whether two documents are the same, before anything is looked up; empty where the
    document has problems."""
    source_key: str | None = None
    """The key that the record was read with, where the journal has to remember it: there is
    another division it came from, or no other reference."""
    exact_id: str | None = None
    """The key that the record says it has in the division that is written to."""
    local: bool = False
    """Whether its reference is known to the journal alone, and cannot be searched by."""
    assembled: bool = False
    """Whether it was put together from several records, of which some may not have come."""
    deleted: bool = False
    """Whether the record was deleted where it came from."""
    expected: dict[str, Decimal] = field(default_factory=dict)
    """Totals of the record that Exact Online computes by itself."""
    attachments: tuple[Attachment, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    """The record as it came."""
    problems: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    """What is missing to create it; with a key of this division, it may be there already."""
    notes: list[str] = field(default_factory=list)
    """What of the record was left out though it could be written, and why."""
    shown: list[str] = field(default_factory=list)
    """Values of the books that the problems name."""
    line_keys: Mapping[str, str] = field(default_factory=dict)
    """The key property of lines, by the name of their collection."""

    def private(self) -> Iterator[str]:
        """What problems may quote: values of the record, and of rows that were looked up for it."""
        yield from discretion.values(self.record)
        yield from self.shown

    def body(self) -> bytes:
        """What creates it, as JSON with sorted names.

        What is to be empty is left out, and so are the keys of lines, which Exact Online gives.
        """
        fields = {
            name: [_filled(row, without=self.line_keys.get(name)) for row in value]
            if isinstance(value, list)
            else value
            for name, value in self.fields.items()
        }
        return encode(_filled(fields))


def encode(fields: Mapping[str, Any]) -> bytes:
    """JSON with sorted names, in which decimals keep all their digits."""
    return _encode(fields)


def _filled(fields: Mapping[str, Any], without: str | None = None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and name != without}
