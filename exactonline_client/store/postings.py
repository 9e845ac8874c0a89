"""What became of the documents that were written, as the store keeps it."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from exactonline_client import catalogue
from exactonline_client.errors import StoreError
from exactonline_client.store.digests import Digests
from exactonline_client.store.engine import patient
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

OUTCOMES = (
    "created",
    "updated",
    "exists",
    "unchanged",
    "skipped",
    "deleted",
    "rejected",
    "in_doubt",
    "posting",
    "forgotten",
)
"""All that the store may say of a document; `posting`: a run was cut off while it was sent."""
REJECTED = "rejected"
CREATED, EXISTS = "created", "exists"
FORGOTTEN = "forgotten"
DOUBTFUL = ("in_doubt", "posting")
UNFINISHED = (REJECTED, *DOUBTFUL)
"""Outcomes of documents that may or may not be at Exact Online."""
UNCHECKED, WANTED, ASKED, SENDING = "unchecked", "wanted", "asked", "sending"
NOT_ENDED = (UNCHECKED, WANTED, ASKED, SENDING)
DONE, BROKEN, REFUSED, HELD = "done", "failed", "refused", "held"
FINALIZED = (*NOT_ENDED, DONE, BROKEN, REFUSED, HELD)
"""How far the finalising of a document is; None where it was not asked for.

Unchecked: its totals have to be compared first. Asked: a person wants it as it is. Broken: it is
processed, but a part failed. Refused: Exact Online left it open. Held: we did, and a person has to
look at it.
"""
SCHEMA_SIGNS = ("-", ".")
"""What stands between the schema and the name of a table in the name of a stream."""
REFERENCE = "reference"
LONGEST_REFERENCE = 200
"""Characters of a reference that the store can hold."""
DIGEST = 16
"""Characters of a hash in the name of an entry."""
SURE_START = LONGEST_REFERENCE - DIGEST - 1
"""Characters that are kept of a name which is longer, in front of a hash."""
BESIDE = "#beside-"
"""How the entry of a record begins that failed beside the document with its reference."""
NAMELESS = "#forgotten-"
"""How the entry of a document begins whose reference is kept as a hash only."""
UNREADABLE = "it was encrypted with another key than the store has now"
"""In place of a reason."""
FREED = "settled as not created"
SETTLED = "settled as created"


@dataclass(frozen=True)
class Posting:
    """What became of one document; moments are seconds since the epoch."""

    app: str
    division: int
    entity: str
    """Id of the endpoint."""
    reference: str
    stream: str
    outcome: str
    exact_id: str | None
    number: str | None
    reason: str | None
    finalized: str | None
    sent_at: float | None
    at: float


def beside(reference: str) -> str:
    """The entry of the last record that failed although a document has its reference."""
    return f"{BESIDE}{_short_hash(reference)}"


def derived(*parts: str) -> str:
    """A reference for a row that belongs to another document; always the same one."""
    name = "/".join(parts)
    return name if len(name) <= LONGEST_REFERENCE else f"{name[:SURE_START]}#{_short_hash(name)}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


COLUMNS = [postings.c[name] for name in Posting.__dataclass_fields__]
UNDER_WAY = postings.c.outcome.in_(DOUBTFUL)
IS_THERE = postings.c.exact_id.is_not(None) | postings.c.outcome.in_((CREATED, EXISTS))
"""Entries of documents that are at Exact Online; match sets have no key there."""


@dataclass(frozen=True)
class Wanted:
    """Which postings are asked for; None: whatever there is."""

    apps: Collection[str]
    division: int | None = None
    stream: str | None = None
    """Its name as it was loaded, with or without the schema in front, or that of its entity."""
    outcomes: Collection[str] | None = None
    reference: str | None = None
    since: float | None = None
    """Seconds since the epoch."""

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        """The same for a query."""
        found: list[sa.ColumnElement[bool]] = [postings.c.app.in_(self.apps)]
        if self.division is not None:
            found.append(postings.c.division == self.division)
        if self.stream is not None:
            found.append(_is_of(self.stream))
        if self.reference is not None:
            named = (self.reference, beside(self.reference))
            found.append(postings.c.reference.in_(named))
        if self.outcomes is not None:
            found.append(postings.c.outcome.in_(self.outcomes))
        if self.since is not None:
            found.append(postings.c.at >= self.since)
        return sa.and_(*found)


def _is_of(stream: str) -> sa.ColumnElement[bool]:
    """Whether a posting came with a stream, or is of the entity that has this name.

    Taps of databases put a schema in front: `public-sales_invoices`, `warehouse.sales_invoices`.
    """
    known = catalogue.load().streams.values()
    entities = [each.plain for each in known if each.plain and _plain(each.name) == _plain(stream)]
    name = postings.c.stream
    return sa.or_(
        name == stream,
        *(name.endswith(f"{sign}{stream}", autoescape=True) for sign in SCHEMA_SIGNS),
        postings.c.entity.in_(entities),
    )


def _plain(name: str) -> str:
    """What the spellings of an entity's name have in common: `SalesInvoices`, `sales_invoices`."""
    return name.replace("_", "").casefold()


@patient
def newest(store: Store, wanted: Wanted, limit: int | None = None) -> list[Posting]:
    """The postings that are asked for, the newest first."""
    query = sa.select(*COLUMNS).where(wanted.condition)
    query = query.order_by(postings.c.at.desc(), postings.c.reference).limit(limit)
    with store.transaction() as connection:
        rows = connection.execute(query).all()
    return [_posting(store, row) for row in rows]


def _posting(store: Store, row: sa.Row[Any]) -> Posting:
    return Posting(**{**row._mapping, "reason": reason(store, row.reason)})  # noqa: SLF001


def sealed(store: Store, values: Mapping[str, Any]) -> dict[str, Any]:
    """Columns of an entry as they are kept; a reason may hold what the record does."""
    told = values.get("reason")
    return {**values, "reason": store.encrypt(told, secret=False)} if told else {**values}


def reason(store: Store, kept: bytes | None) -> str | None:
    """A reason as it was before it was kept."""
    try:
        return store.decrypt(kept, secret=False)
    except StoreError:
        return UNREADABLE


@patient
def counts(store: Store, wanted: Wanted) -> Counter[str]:
    """How many postings there are of each outcome."""
    query = sa.select(postings.c.outcome, sa.func.count()).where(wanted.condition)
    with store.transaction() as connection:
        rows = connection.execute(query.group_by(postings.c.outcome)).all()
    return Counter({row[0]: row[1] for row in rows})


def unfinished(store: Store, wanted: Wanted) -> list[tuple[str, str, str]]:
    """The stream, the entity and the record (JSON) of what is not at Exact, the oldest first."""
    names = ("stream", "entity", "reference", "record")
    columns = [postings.c[name] for name in names]
    kept = postings.c.outcome.in_(UNFINISHED) & postings.c.record.is_not(None)
    query = sa.select(*columns).where(wanted.condition & kept).order_by(postings.c.at)
    rows = store.read(query)
    texts = [(row, opened(store, row)) for row in rows]
    return [(row.stream, row.entity, text) for row, text in texts if text is not None]


def opened(store: Store, row: Any) -> str | None:  # noqa: ANN401 - of a query
    """The record (JSON) of a row; None, with a warning, where it was encrypted with another key."""
    try:
        return store.decrypt(row.record, secret=False) or "{}"
    except StoreError:
        logger.warning(
            "Document %s of stream %s was encrypted with another key than the store has now, and "
            "is left out. Name that key in store_key, behind one more comma; where it is lost, "
            "say what became of the document with exactonline results settle.",
            row.reference,
            row.stream,
        )
        return None


def left_open(store: Store, wanted: Wanted) -> list[Posting]:
    """The documents that were created and have still to be finalised.

    Those that a person has to look at only where they are asked for by their reference.
    """
    states = (*NOT_ENDED, REFUSED, *((HELD,) if wanted.reference is not None else ()))
    found = newest(store, replace(wanted, outcomes=None))
    return [posting for posting in found if posting.finalized in states and posting.exact_id]


@patient
def finalize_again(store: Store, posting: Posting) -> None:
    """Let the next run that finalises take up a document, also one that was left open."""
    the = _the(posting) & postings.c.finalized.in_((REFUSED, HELD))
    with store.transaction() as connection:
        connection.execute(postings.update().where(the).values(finalized=ASKED))


def _the(posting: Posting) -> sa.ColumnElement[bool]:
    key = ("app", "division", "entity", "reference")
    return sa.and_(*(postings.c[name] == getattr(posting, name) for name in key))


@patient
def settle(store: Store, posting: Posting, exact_id: str | None, now: float) -> bool:
    """Note what a person has found out about a document in doubt.

    Args:
        store: where it is kept.
        posting: the document.
        exact_id: its key at Exact Online; None where it is not there, and may be sent again.
        now: seconds since the epoch.

    Returns:
        Whether it was in doubt until now.
    """
    found: dict[str, Any] = (
        {"outcome": CREATED, "exact_id": exact_id, "reason": SETTLED, "record": None}
        if exact_id
        else {"outcome": REJECTED, "reason": FREED, "sent_at": None}
    )
    the = _the(posting) & UNDER_WAY
    values = sealed(store, {**found, "at": now})
    with store.transaction() as connection:
        changed = connection.execute(postings.update().where(the).values(**values))
    return changed.rowcount == 1


def nameless(digests: Digests, reference: str) -> list[str]:
    """What the entry of a reference may be called once that is forgotten."""
    return [f"{NAMELESS}{digest}" for digest in digests.known(REFERENCE, reference)]


def was_forgotten(store: Store, apps: Collection[str], reference: str) -> bool:
    """Whether a document of one of some apps was forgotten."""
    names = nameless(Digests(store), reference)
    mine = postings.c.app.in_(apps) & postings.c.reference.in_(names)
    return bool(store.read(sa.select(postings.c.reference).where(mine).limit(1)))


@patient
def forget(store: Store, posting: Posting, now: float) -> bool:
    """Keep of a document no more than it takes not to send it twice: a hash of its reference.

    What is not at Exact Online, such as a rejected record, leaves nothing at all.

    Returns:
        Whether it is forgotten; not where it is in doubt, for its record is needed then.
    """
    digests = Digests(store)
    the = _the(posting) & ~UNDER_WAY
    values = {
        "reference": f"{NAMELESS}{digests.of(REFERENCE, posting.reference)}",
        "outcome": FORGOTTEN,
        "payload_hash": "",
        "at": now,
        **dict.fromkeys(("exact_id", "number", "kept_reference", "reason"), None),
        **dict.fromkeys(("finalized", "record", "sent_at"), None),
    }
    with store.transaction() as connection:
        found = connection.execute(sa.select(postings).where(the)).first()
        if found is None:
            return False
        there = connection.execute(sa.select(postings.c.reference).where(the, IS_THERE)).first()
        connection.execute(postings.delete().where(the | _belongs_to(posting)))
        if there:
            values = {**found._mapping, **values}  # noqa: SLF001
            # That there is one is why the entry of a copy is kept for good.
            if found.source_key:
                values["source_key"] = digests.of(REFERENCE, found.source_key)
            del values["revision"]
            row = store.insert(postings).values(**values).on_conflict_do_nothing()
            connection.execute(row)
    return True


def _belongs_to(posting: Posting) -> sa.ColumnElement[bool]:
    """Whether an entry is one more of a document: of a later record, or of its files."""
    name = f"{posting.entity}/{posting.reference}"
    mine = (postings.c.app == posting.app) & (postings.c.division == posting.division)
    later = (postings.c.entity == posting.entity) & (
        postings.c.reference == beside(posting.reference)
    )
    # Where a name was too long to be kept, its beginning was.
    start = f"{name}/" if len(name) < SURE_START else name[:SURE_START]
    files = (postings.c.reference == name) | postings.c.reference.startswith(start, autoescape=True)
    return mine & (later | (postings.c.entity.startswith("documents/") & files))


@patient
def changed_since(store: Store, app: str, division: int, since: float | None) -> Iterator[Posting]:
    """The postings of a division from a moment on, the oldest first."""
    wanted = Wanted([app], division, since=since)
    query = sa.select(*COLUMNS).where(wanted.condition, postings.c.outcome != FORGOTTEN)
    with store.transaction() as connection:
        rows = connection.execute(query.order_by(postings.c.at, postings.c.reference)).all()
    return (_posting(store, row) for row in rows)
