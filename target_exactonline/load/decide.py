"""Decide what is done with a document or a match set: two tables of rules, without side effects.

The first table goes by the journal alone, which costs no call; the second by the rows found at
Exact Online. Of each table the first rule that fits counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from exactonline_client.store.outcomes import FAILED, Status
from exactonline_client.store.postings import FREED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_client.store.postings import Posting
    from target_exactonline.load.case import Case
    from target_exactonline.mapping.model import Document


@dataclass(frozen=True)
class Policy:
    """What the settings, and the API, allow for documents of one kind."""

    upsert: bool = False
    """Change documents that are there; else they are left as they are."""
    hard_delete: bool = False
    dry_run: bool = False
    """Report what would be done, and send nothing that changes anything."""
    can_change: bool = True
    """The API can change such documents."""


class Known(Enum):
    """Decision by the journal alone."""

    LOOK = auto()
    """Search at Exact Online: the journal does not settle it."""
    AS_BEFORE = auto()
    """Same outcome as the same record had before."""
    EXISTS = auto()
    """It is there, and was not written by this record."""
    CHANGED = auto()
    """It is there, the record has changed, and the settings leave it as it is."""
    FIXED = auto()
    """It is there, the record has changed, and the API cannot change such documents."""
    DELETED_BEFORE = auto()
    KEPT = auto()
    """It was deleted at the source, and the settings keep it."""


class Action(Enum):
    """Decision after the search at Exact Online."""

    WAIT = auto()
    """It was sent without an answer, and may still be carried out."""
    ASK_USER = auto()
    """It was sent without an answer, and cannot be searched for."""
    ADOPT = auto()
    """It was sent without an answer, and is there: created."""
    CHANGE = auto()
    KEEP = auto()
    """It is there, and stays as it is."""
    DELETE = auto()
    GONE = auto()
    """It is to be deleted, and is not there any more."""
    SEVERAL = auto()
    """It is to be deleted, and more than one document has its reference: rejected."""
    UNKNOWN_KEY = auto()
    """It is to be deleted, and cannot be searched for: rejected."""
    INCOMPLETE = auto()
    """It is not there, and the record lacks fields to create it: rejected."""
    COMPARE_CONTENT = auto()
    """Another store may have loaded it: search for the same content before it is created."""
    CREATE = auto()


class Doubt(Enum):
    """Part of a document that was sent before without an answer."""

    NOTHING = auto()
    CREATION = auto()
    CHANGE = auto()


class Found(Enum):
    """Number of documents found at Exact Online."""

    NO_SEARCH = auto()
    """There is no way to search."""
    NOTHING = auto()
    ONE = auto()
    SEVERAL = auto()


THERE = (Found.ONE, Found.SEVERAL)
ABSENT = (Found.NO_SEARCH, Found.NOTHING)
UP_TO_DATE = (Status.CREATED, Status.UPDATED, Status.UNCHANGED)

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Result]):
    """A decision, and the facts it applies to; None: any."""

    then: Result
    deleted: bool | None = None
    """The record was deleted at its source."""
    same: bool | None = None
    """The posting is of the same content."""
    before: tuple[Status, ...] | None = None
    """Outcome of the posting."""
    known: bool | None = None
    """By the journal, it is at Exact Online."""
    doubt: Doubt | None = None
    over: bool | None = None
    """What was sent without an answer has been waited for."""
    found: tuple[Found, ...] | None = None
    upsert: bool | None = None
    hard_delete: bool | None = None
    dry_run: bool | None = None
    can_change: bool | None = None
    """The API can change documents of this kind."""
    complete: bool | None = None
    """The record has all fields that its creation takes."""
    sent_nowhere: bool | None = None
    """The journal does not know whether it was created before."""

    @cached_property
    def conditions(self) -> Sequence[tuple[str, tuple[Any, ...]]]:
        """The facts it asks for, each with the values that fit."""
        asked = ((name, getattr(self, name)) for name in Facts.__dataclass_fields__)
        return [
            (name, value if isinstance(value, tuple) else (value,))
            for name, value in asked
            if value is not None
        ]

    def fits(self, facts: Facts) -> bool:
        """Whether all facts are as it asks."""
        return all(getattr(facts, name) in values for name, values in self.conditions)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about a document; the names are those of `Rule`."""

    deleted: bool = False
    same: bool = False
    before: Status | None = None
    known: bool = False
    doubt: Doubt = Doubt.NOTHING
    over: bool = False
    found: Found = Found.NOTHING
    upsert: bool = False
    hard_delete: bool = False
    dry_run: bool = False
    can_change: bool = True
    complete: bool = True
    sent_nowhere: bool = True


BY_JOURNAL: tuple[Rule[Known], ...] = (
    Rule(deleted=True, before=(Status.DELETED,), then=Known.DELETED_BEFORE),
    Rule(deleted=True, hard_delete=False, then=Known.KEPT),
    Rule(deleted=True, then=Known.LOOK),
    Rule(known=False, then=Known.LOOK),
    Rule(same=True, before=(Status.SKIPPED,), then=Known.AS_BEFORE),
    Rule(upsert=True, can_change=False, same=False, then=Known.FIXED),
    Rule(upsert=True, can_change=False, before=FAILED, then=Known.LOOK),
    Rule(upsert=True, can_change=False, then=Known.AS_BEFORE),
    Rule(upsert=True, same=True, before=UP_TO_DATE, then=Known.AS_BEFORE),
    Rule(upsert=True, then=Known.LOOK),
    Rule(same=True, before=FAILED, then=Known.EXISTS),
    Rule(same=True, then=Known.AS_BEFORE),
    Rule(then=Known.CHANGED),
)
BY_SEARCH: tuple[Rule[Action], ...] = (
    Rule(doubt=Doubt.CREATION, found=(Found.NO_SEARCH,), then=Action.ASK_USER),
    Rule(doubt=Doubt.CREATION, found=(Found.NOTHING,), over=False, then=Action.WAIT),
    Rule(
        doubt=Doubt.CREATION, found=THERE, same=True, deleted=False, dry_run=False,
        then=Action.ADOPT,
    ),
    Rule(doubt=Doubt.CHANGE, over=False, then=Action.WAIT),
    Rule(deleted=True, found=(Found.NO_SEARCH,), then=Action.UNKNOWN_KEY),
    Rule(deleted=True, found=(Found.NOTHING,), then=Action.GONE),
    Rule(deleted=True, found=(Found.SEVERAL,), then=Action.SEVERAL),
    Rule(deleted=True, then=Action.DELETE),
    Rule(found=THERE, upsert=True, can_change=True, then=Action.CHANGE),
    Rule(found=THERE, then=Action.KEEP),
    Rule(found=ABSENT, complete=False, then=Action.INCOMPLETE),
    Rule(found=(Found.NO_SEARCH,), sent_nowhere=True, then=Action.COMPARE_CONTENT),
    Rule(then=Action.CREATE),
)  # fmt: skip


def first(rules: Sequence[Rule[Result]], facts: Facts) -> Result:
    """Return the decision of the first rule that fits; the last one always does."""
    return next(rule.then for rule in rules if rule.fits(facts))


def facts_of_document(case: Case[Document], policy: Policy, *, over: bool = False) -> Facts:
    """Collect the facts about a document.

    Args:
        case: with the rows that were found, or before the search.
        policy: what is allowed.
        over: whether what was sent without an answer has been waited for.
    """
    return replace(
        facts_of(case),
        deleted=case.document.deleted,
        over=over,
        found=found(case.rows),
        upsert=policy.upsert,
        hard_delete=policy.hard_delete,
        dry_run=policy.dry_run,
        can_change=policy.can_change,
        complete=not case.document.lacks,
    )


def facts_of(case: Case[Any]) -> Facts:
    """Collect the facts that the journal holds of a document or match set."""
    posting = case.posting
    if posting is None:
        return Facts()
    return Facts(
        same=posting.payload_hash == case.document.payload_hash,
        before=posting.outcome,
        known=posting.is_there,
        doubt=_doubt(posting),
        sent_nowhere=not posting.exact_id and posting.reason != FREED,
    )


def _doubt(posting: Posting) -> Doubt:
    if posting.doubtful:
        return Doubt.CREATION
    return Doubt.CHANGE if posting.outcome == Status.IN_DOUBT else Doubt.NOTHING


def found(rows: Sequence[object] | None) -> Found:
    """Count the rows of a search; None: there is no way to search."""
    if rows is None:
        return Found.NO_SEARCH
    if not rows:
        return Found.NOTHING
    return Found.ONE if len(rows) == 1 else Found.SEVERAL
