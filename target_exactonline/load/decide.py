"""Decide what is done with a document: two tables of rules, without a call and without a write.

The first table goes by the journal alone, which costs no call; the second by what was found at
Exact Online. Of each table the first rule that fits counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Generic, TypeVar

from exactonline_client.store.outcomes import FAILED, Status
from exactonline_client.store.postings import FREED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_client.store.postings import Posting
    from target_exactonline.load.search import Row
    from target_exactonline.mapping.model import Document


@dataclass(frozen=True)
class Policy:
    """What the settings allow."""

    upsert: bool = False
    """Change documents that are there; else they are left as they are."""
    hard_delete: bool = False
    dry_run: bool = False
    """Find out what would be done, and send nothing that changes anything."""


class Known(Enum):
    """What is done by the journal alone."""

    LOOK = auto()
    """Ask Exact Online: the journal does not settle it."""
    AS_BEFORE = auto()
    """It ends as the same record did before."""
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
    """What is done once Exact Online was looked into."""

    WAIT = auto()
    """It was sent without an answer, and may still come."""
    ASK_USER = auto()
    """It was sent without an answer, and cannot be looked for."""
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
    """It is to be deleted, and cannot be looked for: rejected."""
    INCOMPLETE = auto()
    """It is not there, and the record lacks what creates it: rejected."""
    COMPARE_CONTENT = auto()
    """Another store may have loaded it: look for the same content before it is created."""
    CREATE = auto()


class Doubt(Enum):
    """What was sent without an answer before."""

    NOTHING = auto()
    CREATION = auto()
    CHANGE = auto()


class Found(Enum):
    """What was found at Exact Online."""

    NO_SEARCH = auto()
    """There is no way to look."""
    NOTHING = auto()
    ONE = auto()
    SEVERAL = auto()


THERE = (Found.ONE, Found.SEVERAL)
ABSENT = (Found.NO_SEARCH, Found.NOTHING)
UP_TO_DATE = (Status.CREATED, Status.UPDATED, Status.UNCHANGED)

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Rule(Generic[Result]):
    """What is done where facts have these values; None: whatever they are."""

    then: Result
    deleted: bool | None = None
    """The record was deleted at its source."""
    same: bool | None = None
    """The entry in the journal is of the same content."""
    before: tuple[Status, ...] | None = None
    """How the entry in the journal ended."""
    known: bool | None = None
    """The journal knows the document at Exact Online."""
    doubt: Doubt | None = None
    over: bool | None = None
    """What is in doubt has been waited for."""
    found: tuple[Found, ...] | None = None
    upsert: bool | None = None
    hard_delete: bool | None = None
    dry_run: bool | None = None
    can_change: bool | None = None
    """The API can change documents of this kind."""
    complete: bool | None = None
    """The record has all that it takes to create the document."""
    sent_nowhere: bool | None = None
    """The journal does not say whether it was created before."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a document; the names are those of `Rule`."""

    deleted: bool = False
    same: bool = False
    before: str | None = None
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
CONDITIONS = tuple(Facts.__dataclass_fields__)


def first(rules: Sequence[Rule[Result]], facts: Facts) -> Result:
    """What the first rule says that fits; the last one fits always."""
    return next(rule.then for rule in rules if _fits(rule, facts))


def _fits(rule: Rule[Result], facts: Facts) -> bool:
    wanted = ((getattr(rule, name), getattr(facts, name)) for name in CONDITIONS)
    return all(
        value is None or (fact in value if isinstance(value, tuple) else fact is value)
        for value, fact in wanted
    )


def facts_of(
    document: Document, posting: Posting | None, policy: Policy, *, can_change: bool
) -> Facts:
    """What is known before Exact Online was asked."""
    return Facts(
        deleted=document.deleted,
        same=posting is not None and posting.payload_hash == document.payload_hash,
        before=posting.outcome if posting else None,
        known=posting is not None and posting.exact_id is not None and not posting.doubtful,
        doubt=_doubt(posting),
        upsert=policy.upsert,
        hard_delete=policy.hard_delete,
        dry_run=policy.dry_run,
        can_change=can_change,
        complete=not document.lacks,
        sent_nowhere=not (posting and (posting.exact_id or posting.reason == FREED)),
    )


def _doubt(posting: Posting | None) -> Doubt:
    if posting is not None and posting.doubtful:
        return Doubt.CREATION
    changed = posting is not None and posting.outcome == Status.IN_DOUBT
    return Doubt.CHANGE if changed else Doubt.NOTHING


def found(rows: Sequence[Row] | None) -> Found:
    """What rows say; None where there was no way to look."""
    if rows is None:
        return Found.NO_SEARCH
    if not rows:
        return Found.NOTHING
    return Found.ONE if len(rows) == 1 else Found.SEVERAL
