"""Loading documents so that each is created once, whatever happened before."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import InDoubt, RecordsRejected, RequestRefused
from target_exactonline import search
from target_exactonline.documents import refuse_contradictions
from target_exactonline.results import (
    CREATED,
    EXISTS,
    FAILED,
    IN_DOUBT,
    REJECTED,
    UNCHANGED,
    Fate,
    Result,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exactonline_client.connection import Connection
    from target_exactonline.documents import Document
    from target_exactonline.entities import Entity
    from target_exactonline.results import Results

logger = logging.getLogger(__name__)

WHOLE_ANSWER = {"Prefer": "return=representation"}
"""Without it, some entities answer with little more than their key."""
LOST = (
    "It was sent, no answer came, and it cannot be found at Exact Online. It is not sent again in "
    "this run; the next one looks for it once more before it does"
)
CHANGED = (
    "The record has changed since an earlier load; the document at Exact Online was left as it is"
)


@dataclass
class Loader:
    """Creates the documents of one entity in one division."""

    connection: Connection
    division: int
    entity: Entity
    reference_field: str
    results: Results
    prepare: Callable[[Mapping[str, Any]], Document]
    most_failures: int | None
    """Stop at this many records that were rejected or are in doubt."""
    check_stop: Callable[[], None]
    """Called before each document; raises to end the load there."""
    in_doubt: set[str] = field(default_factory=set)
    """References that this run has sent without learning what came of it."""

    def load(self, stream: str, records: Sequence[Mapping[str, Any]]) -> None:
        """Load a batch; each result is durable before the next document is looked at.

        Raises:
            RecordsRejected: `most_failures` is reached.
            The errors of `Session.get` and `Session.write` that are not about one document.
        """
        documents = [self.prepare(record) for record in records]
        refuse_contradictions(documents)
        # Two runs that load the same records at once must not both find a reference missing.
        with self.connection.store.lock(f"load-{self.entity.endpoint.name}-{self.division}"):
            fates = self._look(documents)
            for document in documents:
                self.check_stop()
                fate = self._settle(document, fates)
                self._note(self._result(stream, document, fate))

    def _look(self, documents: Sequence[Document]) -> dict[str, Fate]:
        """What is settled already, by reference; the store is asked first, since that is free."""
        wanted = {
            document.reference: document.payload_hash
            for document in documents
            if document.reference and not document.problems
        }
        known = self.results.known(self.entity.endpoint.id, list(wanted))
        fates = {
            reference: Fate(row.repeated, row.exact_id)
            for reference, row in known.items()
            if row.settled(wanted[reference])
        }
        found = self._find([reference for reference in wanted if reference not in fates])
        for reference, keys in found.items():
            changed = reference in known and known[reference].differs(wanted.get(reference, ""))
            fates[reference] = Fate(EXISTS, keys[0], CHANGED if changed else _several(keys))
        for reference in self.in_doubt & wanted.keys() - fates.keys():
            fates[reference] = Fate(IN_DOUBT, reason=LOST)
        return fates

    def _find(self, references: Sequence[str]) -> dict[str, list[str]]:
        return search.by_reference(
            self.connection, self.division, self.entity, self.reference_field, references
        )

    def _settle(self, document: Document, fates: dict[str, Fate]) -> Fate:
        if document.problems or document.reference is None:
            return Fate(REJECTED, reason="; ".join(document.problems))
        fate = fates.get(document.reference)
        if fate is None:
            fate = self._create(document, document.reference)
            repeated = Fate(UNCHANGED, fate.exact_id) if fate.outcome == CREATED else fate
            fates[document.reference] = repeated
        return fate

    def _create(self, document: Document, reference: str) -> Fate:
        try:
            return self._post(document, reference)
        except RequestRefused as refusal:
            return Fate(REJECTED, reason=refusal.reason or str(refusal))
        except InDoubt as doubt:
            return self._resolve(document, reference, doubt)

    def _post(self, document: Document, reference: str) -> Fate:
        address = self.entity.address(self.division)
        answer = self.connection.session.write(
            "POST", address, self.division, document.body, WHOLE_ANSWER
        )
        try:
            row = answer.json()["d"]
            key, kept = str(row[self.entity.key]), row.get(self.reference_field)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise InDoubt("The answer to a document that was sent cannot be read.") from None
        if kept is None or str(kept).strip() == reference:
            return Fate(CREATED, key)
        return Fate(CREATED, key, f"Exact Online keeps its {self.reference_field} as {kept!r}")

    def _resolve(self, document: Document, reference: str, doubt: InDoubt) -> Fate:
        """Look for a document that was sent without an answer."""
        self.in_doubt.add(reference)
        # Durable first: the search may fail as well.
        self.results.keep(self._result("", document, Fate(IN_DOUBT, reason=str(doubt))))
        keys = self._find([reference]).get(reference)
        if not keys:
            return Fate(IN_DOUBT, reason=LOST)
        self.in_doubt.remove(reference)
        return Fate(CREATED, keys[0], _several(keys))

    def _result(self, stream: str, document: Document, fate: Fate) -> Result:
        return Result(
            stream, self.entity.endpoint.id, document.reference, document.payload_hash, fate
        )

    def _note(self, result: Result) -> None:
        self.results.note(result)
        fate = result.fate
        name = f"record {result.reference}" if result.reference else "a record"
        if fate.outcome in FAILED:
            logger.error("%s: %s was rejected: %s.", result.stream, name, fate.reason)
            if self.results.failed == self.most_failures:
                raise RecordsRejected(
                    f"Stopped at {self.results.failed} rejected records, as on_error and "
                    "max_errors ask. What came before was written."
                )
        elif fate.reason:
            logger.warning("%s: %s: %s.", result.stream, name, fate.reason)


def _several(keys: Sequence[str]) -> str | None:
    if len(keys) == 1:
        return None
    return f"{len(keys)} documents at Exact Online carry this reference: {', '.join(keys)}"
