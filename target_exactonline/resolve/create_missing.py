"""Create accounts and items that documents refer to, each once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from target_exactonline.load.journal import Intent
from target_exactonline.load.search import Search
from target_exactonline.mapping.model import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_exactonline.load.writer import Writer

REFERENCES = ("Code", "Name")
"""Fields for the reference of such a row, in order of preference."""


def _reference_field(fields: Mapping[str, Any]) -> str:
    return next(name for name in REFERENCES if fields.get(name))


def known_by(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return the journal reference of a row to be created, and the hash of its fields."""
    reference = str(fields[_reference_field(fields)]).strip()
    return reference, hashlib.sha256(encode(fields)).hexdigest()


@dataclass(frozen=True)
class MissingRows:
    """Creates missing rows that documents refer to."""

    writer: Writer

    def create(self, entity: str, fields: Mapping[str, Any]) -> str:
        """Create a row of an endpoint; return its key.

        Raises:
            RequestRefused: Exact Online rejected it.
            InDoubt: it is not known yet whether it was created.
        """
        endpoint = catalogue.load().endpoints[entity]
        name = _reference_field(fields)
        reference, digest = known_by(fields)
        body = encode(fields)
        stream = next(
            stream.name for stream in catalogue.load().streams.values() if stream.plain == entity
        )
        intent = Intent(stream, entity, reference, digest, record=dict(fields))

        def look(sent_at: float) -> list[str]:
            search = Search(self.writer.connection, self.writer.division, endpoint, name)
            rows = (search.by_reference([reference], prompt=True) or {}).get(reference)
            rows = rows or search.made_since(sent_at, reference)
            return [str(row[search.key]) for row in rows or ()]

        return self.writer.once(endpoint, intent, body, look)
