"""Creating the accounts and items that documents need, each once."""

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
"""What such a row is known by; the first that is given."""


def _reference_field(fields: Mapping[str, Any]) -> str:
    return next(name for name in REFERENCES if fields.get(name))


def known_by(fields: Mapping[str, Any]) -> tuple[str, str]:
    """The reference that such a row has in the journal, and the hash of what is sent."""
    reference = str(fields[_reference_field(fields)]).strip()
    return reference, hashlib.sha256(encode(fields)).hexdigest()


@dataclass(frozen=True)
class MissingRows:
    """Creates rows that documents refer to and that are not there."""

    writer: Writer

    def create(self, entity: str, fields: Mapping[str, Any]) -> str:
        """Create a row of an endpoint, and give its key.

        Raises:
            RequestRefused: Exact Online does not take it.
            InDoubt: whether it was created is not known yet.
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
