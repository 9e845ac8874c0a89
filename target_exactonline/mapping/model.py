"""The document that is mapped from a record, and its related rows."""

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
"""Pseudo-column: the key of a row in the division that it was copied from."""

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


@dataclass(frozen=True)
class RelatedRow:
    """A row of another entity that a document refers to, to be looked up."""

    endpoint: str
    by: tuple[tuple[str, str], ...]
    """Columns and values to find it by, in order of preference."""
    new: Mapping[str, Any] | None = None
    """Fields to create it with if it is missing; None not to create it."""
    optional: bool = False
    """Whether the document can be written without it."""


@dataclass
class Document:
    """One record on its way to Exact Online."""

    reference: str | None
    """None if the record has no valid one."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Values by property. A `RelatedRow` stands for a key that has to be looked up, None empties
    the property. Lines keep the keys of the record."""
    payload_hash: str = ""
    """Hash of the fields before lookups, to compare documents; empty if there are problems."""
    source_key: str | None = None
    """Key of the record in its source, for the journal, if the source is another division or the
    record has no other reference."""
    exact_id: str | None = None
    """Key of the document in the target division, if the record holds it."""
    local: bool = False
    """Whether the reference exists in the journal only, and cannot be searched at Exact Online."""
    assembled: bool = False
    """Whether it was assembled from several records, some of which may be missing."""
    deleted: bool = False
    """Whether the record was deleted at its source."""
    expected: dict[str, Decimal] = field(default_factory=dict)
    """Totals in the record, which Exact Online computes itself."""
    attachments: tuple[Attachment, ...] = ()
    record: Mapping[str, Any] = field(default_factory=dict)
    """The original record."""
    problems: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    """Missing fields that are required to create it, but not to change it."""
    notes: list[str] = field(default_factory=list)
    """Writable fields that were left out, with the reason."""
    shown: list[str] = field(default_factory=list)
    """Values of Exact Online that are quoted in problems."""
    line_keys: Mapping[str, str] = field(default_factory=dict)
    """Key property of the lines, by collection."""

    def private(self) -> Iterator[str]:
        """Yield values that problems may quote: of the record and of looked-up rows."""
        yield from discretion.values(self.record)
        yield from self.shown

    def body(self) -> bytes:
        """Encode the body of the POST, JSON with sorted names.

        Empty properties and keys of lines are left out.
        """
        fields = {
            name: [_filled(row, without=self.line_keys.get(name)) for row in value]
            if isinstance(value, list)
            else value
            for name, value in self.fields.items()
        }
        return encode(_filled(fields))


def encode(fields: Mapping[str, Any]) -> bytes:
    """Encode as JSON with sorted names; decimals keep all digits."""
    return _encode(fields)


def _filled(fields: Mapping[str, Any], without: str | None = None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and name != without}
