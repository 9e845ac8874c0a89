"""Rows that a dry run would have written, for later records that refer to them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_client.lookups import CODE, Match
from exactonline_client.store.outcomes import Status
from target_exactonline.mapping.model import SOURCE_KEY
from target_exactonline.results.outcome import Outcome
from target_exactonline.results.reasons import CHANGED
from target_exactonline.schema.references import LISTS, TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.lookups import Matches
    from target_exactonline.mapping.model import Document

FOUND_BY = {target.endpoint: target.by for target in TARGETS} | dict.fromkeys(LISTS, (CODE,))
"""Columns that rows are searched by, by endpoint; others are never searched for."""
DIGITS = 16
"""Length of a hash; enough for the few documents with one reference."""
FULL_NAME = ("FirstName", "MiddleName", "LastName")
"""Fields that Exact Online joins to the `FullName` of a person."""
NEW = "a new row of {name}, {title}"
"""Placeholder for the key of a row that is not created; no key has a space in it."""


@dataclass
class Planned:
    """The rows that a run would have written so far."""

    _rows: dict[tuple[str, str], Matches] = field(default_factory=lambda: defaultdict(dict))
    """By endpoint and column, then by value without case."""
    _hashes: dict[tuple[str, str], str] = field(default_factory=dict)
    """Hash of the last document with a reference, by endpoint and reference."""

    def add(self, endpoint: Endpoint, document: Document, key: str | None) -> None:
        """Add a document that would be created, or changed if it has a key already."""
        texts = _texts(endpoint, document)
        title = texts.get("Code") or texts.get("Name") or str(document.reference)
        stands_in = key or NEW.format(name=endpoint.name, title=title)
        for column, value in texts.items():
            same = self._rows[endpoint.id, column].setdefault(_fold(value), [])
            same.append(Match(stands_in, value, title))
        self.note(endpoint.id, str(document.reference), document.payload_hash)

    def note(self, endpoint: str, reference: str, payload_hash: str) -> None:
        """Note the hash of the document with a reference."""
        self._hashes[endpoint, reference] = payload_hash[:DIGITS]

    def find(self, endpoint: str, column: str, values: Sequence[str]) -> Matches:
        """Find the rows whose column has one of these values, by value."""
        known = self._rows.get((endpoint, column), {})
        return {value: known[_fold(value)] for value in values if _fold(value) in known}

    def outcome(self, endpoint: Endpoint, document: Document, *, upsert: bool) -> Outcome | None:
        """Give the outcome of a document whose reference came before in this run."""
        before = self._hashes.get((endpoint.id, str(document.reference)))
        if before is None or document.deleted:
            return None
        if before == document.payload_hash[:DIGITS]:
            return Outcome(Status.UNCHANGED)
        return (
            Outcome(Status.UPDATED)
            if upsert and "PUT" in endpoint.methods
            else Outcome(Status.EXISTS, reason=CHANGED)
        )


def refers_to_new(fields: Mapping[str, Any]) -> bool:
    """Whether a document refers to a row that is not created, so that it is not there either."""
    begin = NEW.partition("{")[0]
    return any(
        any(map(refers_to_new, value)) if isinstance(value, list) else str(value).startswith(begin)
        for value in fields.values()
    )


def _texts(endpoint: Endpoint, document: Document) -> dict[str, str]:
    """List the values that a document can be searched by, by column."""
    fields, columns = document.fields, FOUND_BY.get(endpoint.id, ())
    found = {name: str(fields[name]).strip() for name in columns if fields.get(name)}
    if "FullName" in columns and "FullName" not in found:
        found["FullName"] = " ".join(str(fields[name]) for name in FULL_NAME if fields.get(name))
    if document.source_key:
        found[SOURCE_KEY] = document.source_key
    return found


def _fold(value: str) -> str:
    return value.strip().casefold()
