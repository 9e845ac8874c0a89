"""What the journal knows of the documents of a batch, and what it settles without a call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import beside
from target_exactonline.load.case import Case
from target_exactonline.load.decide import Known
from target_exactonline.results.outcome import Outcome, joined
from target_exactonline.results.reasons import CHANGED, FORGOTTEN, NOT_DELETED, WRITTEN_BEFORE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.store.postings import Posting
    from target_exactonline.load.case import Item
    from target_exactonline.load.journal import Journal


def recall(
    journal: Journal, entity: str, stream: str, documents: Sequence[Item]
) -> list[Case[Item]]:
    """Make a case of each document, with its posting; forgotten ones have their outcome."""
    # Those with problems as well: a rejected record must not overwrite the posting.
    references = list(dict.fromkeys(item.reference for item in documents if item.reference))
    known = journal.known(entity, [*references, *map(beside, references)])
    forgotten = journal.forgotten(entity, references)
    cases = []
    for document in documents:
        name = document.reference or ""
        case = Case(
            stream=stream,
            document=document,
            posting=known.get(name),
            has_failed_version=beside(name) in known,
            is_forgotten=name in forgotten,
        )
        if case.is_forgotten:
            case.outcome = Outcome(Status.SKIPPED, reason=FORGOTTEN)
        cases.append(case)
    return cases


def link_repeats(cases: Iterable[Case[Any]]) -> None:
    """Link each case whose reference came before in the batch to the first one."""
    firsts: dict[str, Case[Any]] = {}
    for case in cases:
        if case.is_sound and (first := firsts.setdefault(case.name, case)) is not case:
            case.first = first


def settled(known: Known, case: Case[Any], endpoint: Endpoint) -> Outcome | None:
    """Give the outcome of a document by its posting; None if Exact Online has to be asked."""
    if known is Known.DELETED_BEFORE:
        return Outcome(Status.UNCHANGED, detail=WRITTEN_BEFORE)
    if known is Known.KEPT:
        return Outcome(Status.SKIPPED, reason=NOT_DELETED)
    posting = case.posting
    if known is Known.LOOK or posting is None:
        return None
    if known is Known.FIXED:
        return Outcome(
            Status.SKIPPED,
            posting.exact_id,
            posting.number,
            f"The record has changed, but the API cannot change {endpoint.name}",
            payload_hash=case.document.payload_hash,
        )
    as_before = _as_before(posting)
    if known is Known.AS_BEFORE:
        return as_before
    reason = CHANGED if known is Known.CHANGED else None
    return replace(as_before, status=Status.EXISTS, reason=reason, detail=None)


def _as_before(posting: Posting) -> Outcome:
    """Give the outcome of a record that came before and was settled then."""
    outcome = Outcome(Status.UNCHANGED, posting.exact_id, posting.number)
    if posting.outcome == Status.SKIPPED:
        return replace(outcome, status=Status.SKIPPED, reason=posting.reason)
    if posting.outcome == Status.EXISTS:
        return replace(outcome, status=Status.EXISTS, detail=posting.reason)
    return replace(outcome, detail=joined(posting.reason, WRITTEN_BEFORE))
