"""The journal of writes in the store: one posting for each document that was written."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from exactonline_client import catalogue
from exactonline_client.errors import StoreError
from exactonline_client.store.digests import Digests
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.outcomes import FAILED, PRESENT, UNANSWERED, Status
from exactonline_client.store.references import LONGEST_REFERENCE
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

UNFINISHED = (*FAILED, Status.POSTING)
"""Outcomes of documents that a replay loads again."""
UNCHECKED, WANTED, ASKED, SENDING = "unchecked", "wanted", "asked", "sending"
NOT_ENDED = (UNCHECKED, WANTED, ASKED, SENDING)
DONE, BROKEN, REFUSED, HELD = "done", "failed", "refused", "held"
FINALIZED = (*NOT_ENDED, DONE, BROKEN, REFUSED, HELD)
"""States of finalising a document; None if it was not requested.

Unchecked: its totals have to be compared first. Asked: a user has requested it as it is. Broken:
it is processed, but a part failed. Refused: Exact Online left it open. Held: the target left it
open, for a user to look at.
"""
SCHEMA_SIGNS = ("-", ".")
"""Separators of schema and table in the name of a stream."""
REFERENCE = "reference"
DIGEST = 16
"""Characters of a hash in a reference."""
SURE_START = LONGEST_REFERENCE - DIGEST - 1
"""Characters that are kept of a longer reference, in front of its hash."""
BESIDE = "#beside-"
"""Prefix of the reference of a record that failed although a document has its reference."""
NAMELESS = "#forgotten-"
"""Prefix of the reference of a forgotten document, which is kept as a hash."""
UNREADABLE = "it was encrypted with another key than the store has now"
"""Stands for a reason that cannot be decrypted."""
FREED = "settled as not created"
SETTLED = "settled as created"


@dataclass(frozen=True)
class Posting:
    """A document in the journal; times are seconds since the epoch."""

    app: str
    division: int
    entity: str
    """Id of the endpoint."""
    reference: str
    stream: str
    outcome: Status
    exact_id: str | None
    """Key at Exact Online."""
    number: str | None
    """Number that Exact Online gave it."""
    payload_hash: str
    """Of the document that was sent; empty where the next load has to compare it."""
    reason: str | None
    finalized: str | None
    """One of `FINALIZED`."""
    sent_at: float | None
    at: float
    """Time of the last change."""
    revision: str = field(compare=False)
    """Differs after each write."""

    @property
    def under_way(self) -> bool:
        """Whether it, or a change of it, was sent without an answer."""
        return self.outcome in UNANSWERED

    @property
    def doubtful(self) -> bool:
        """Whether its creation was sent without an answer."""
        return self.under_way and self.exact_id is None

    @property
    def is_there(self) -> bool:
        """Whether it is at Exact Online; match sets have no key there."""
        return self.exact_id is not None or self.outcome in PRESENT

    @property
    def is_free(self) -> bool:
        """Whether it is neither at Exact Online nor sent without an answer."""
        return self.outcome == Status.REJECTED and self.exact_id is None


def beside(reference: str) -> str:
    """Reference of the last record that failed although a document has its reference."""
    return f"{BESIDE}{_short_hash(reference)}"


def derived(*parts: str) -> str:
    """Deterministic reference of a row that belongs to another document."""
    name = "/".join(parts)
    return name if len(name) <= LONGEST_REFERENCE else f"{name[:SURE_START]}#{_short_hash(name)}"


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


COLUMNS = [postings.c[column.name] for column in fields(Posting)]
UNDER_WAY = postings.c.outcome.in_(UNANSWERED)
"""Condition for `Posting.under_way`."""
DOUBTFUL = UNDER_WAY & postings.c.exact_id.is_(None)
"""Condition for `Posting.doubtful`."""
IS_THERE = postings.c.exact_id.is_not(None) | postings.c.outcome.in_(PRESENT)
"""Condition for `Posting.is_there`."""
IS_FREE = (postings.c.outcome == Status.REJECTED) & postings.c.exact_id.is_(None)
"""Condition for `Posting.is_free`."""


class Wanted(msgspec.Struct, frozen=True):
    """Criteria of a query for postings; None: any."""

    apps: Collection[str]
    division: int | None = None
    stream: str | None = None
    """Name as it was loaded, with or without the schema in front, or of its entity."""
    outcomes: Collection[str] | None = None
    reference: str | None = None
    since: float | None = None
    """Seconds since the epoch."""

    @property
    def condition(self) -> sa.ColumnElement[bool]:
        """The criteria as SQL."""
        terms: list[sa.ColumnElement[bool]] = [postings.c.app.in_(self.apps)]
        if self.division is not None:
            terms.append(postings.c.division == self.division)
        if self.stream is not None:
            terms.append(_is_of(self.stream))
        if self.reference is not None:
            named = (self.reference, beside(self.reference))
            terms.append(postings.c.reference.in_(named))
        if self.outcomes is not None:
            terms.append(postings.c.outcome.in_(self.outcomes))
        if self.since is not None:
            terms.append(postings.c.at >= self.since)
        return sa.and_(*terms)


def _is_of(stream: str) -> sa.ColumnElement[bool]:
    """Match postings that came with a stream, or whose entity has this name.

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
    """Normalise the name of an entity: `SalesInvoices` and `sales_invoices` are the same."""
    return name.replace("_", "").casefold()


@retry_on_lost_connection
def newest(store: Store, wanted: Wanted, limit: int | None = None) -> list[Posting]:
    """List postings, the newest first."""
    query = sa.select(*COLUMNS).where(wanted.condition)
    query = query.order_by(postings.c.at.desc(), postings.c.reference).limit(limit)
    with store.transaction() as connection:
        rows = connection.execute(query).all()
    return [from_row(store, row) for row in rows]


def from_row(store: Store, row: sa.Row[Any]) -> Posting:
    """Make a posting of a row of `COLUMNS`."""
    decoded = {"outcome": Status(row.outcome), "reason": _reason(store, row.reason)}
    return Posting(**{**row._mapping, **decoded})  # noqa: SLF001


def sealed(store: Store, values: Mapping[str, Any]) -> dict[str, Any]:
    """Encrypt the reason among the values of columns: it may quote the record."""
    reason = values.get("reason")
    return {**values, "reason": store.encrypt(reason, secret=False)} if reason else {**values}


def _reason(store: Store, encrypted: bytes | None) -> str | None:
    try:
        return store.decrypt(encrypted, secret=False)
    except StoreError:
        return UNREADABLE


@retry_on_lost_connection
def counts(store: Store, wanted: Wanted) -> Counter[str]:
    """Count postings by outcome."""
    query = sa.select(postings.c.outcome, sa.func.count()).where(wanted.condition)
    with store.transaction() as connection:
        rows = connection.execute(query.group_by(postings.c.outcome)).all()
    return Counter({row[0]: row[1] for row in rows})


def unfinished(store: Store, wanted: Wanted) -> list[tuple[str, str, str]]:
    """List stream, entity and record (JSON) of what a replay loads again, the oldest first."""
    names = ("stream", "entity", "reference", "record")
    columns = [postings.c[name] for name in names]
    kept = postings.c.outcome.in_(UNFINISHED) & postings.c.record.is_not(None)
    query = sa.select(*columns).where(wanted.condition & kept).order_by(postings.c.at)
    rows = store.read(query)
    texts = [(row, opened(store, row)) for row in rows]
    return [(row.stream, row.entity, text) for row, text in texts if text is not None]


def opened(store: Store, row: Any) -> str | None:  # noqa: ANN401 - of a query
    """Decrypt the record (JSON) of a row; None, with a warning, if it has another key."""
    try:
        return store.decrypt(row.record, secret=False) or "{}"
    except StoreError:
        logger.warning(
            "Document %s of stream %s was encrypted with another key than the store has now, and "
            "is left out. Add that key to store_key, after one more comma; if it is lost, "
            "say what became of the document with exactonline results settle.",
            row.reference,
            row.stream,
        )
        return None


def left_open(store: Store, wanted: Wanted) -> list[Posting]:
    """List documents that were created and not finalised.

    Those that a user has to look at only in a query for their reference.
    """
    states = (*NOT_ENDED, REFUSED, *((HELD,) if wanted.reference is not None else ()))
    candidates = newest(store, replace(wanted, outcomes=None))
    return [posting for posting in candidates if posting.finalized in states and posting.exact_id]


@retry_on_lost_connection
def finalize_again(store: Store, posting: Posting) -> None:
    """Have the next run that finalises take up a document that was left open."""
    left_open = _is(posting) & postings.c.finalized.in_((REFUSED, HELD))
    with store.transaction() as connection:
        connection.execute(postings.update().where(left_open).values(finalized=ASKED))


def _is(posting: Posting) -> sa.ColumnElement[bool]:
    key = ("app", "division", "entity", "reference")
    return sa.and_(*(postings.c[name] == getattr(posting, name) for name in key))


@retry_on_lost_connection
def settle(store: Store, posting: Posting, exact_id: str | None, now: float) -> bool:
    """Record what a user has found out about a document in doubt.

    Args:
        store: where it is kept.
        posting: the document.
        exact_id: its key at Exact Online; None if it is not there, and may be sent again.
        now: seconds since the epoch.

    Returns:
        Whether it was in doubt until now.
    """
    values: dict[str, Any] = (
        {"outcome": Status.CREATED.value, "exact_id": exact_id, "reason": SETTLED, "record": None}
        if exact_id
        else {"outcome": Status.REJECTED.value, "reason": FREED, "sent_at": None}
    )
    in_doubt = _is(posting) & UNDER_WAY
    values = sealed(store, {**values, "at": now})
    with store.transaction() as connection:
        changed = connection.execute(postings.update().where(in_doubt).values(**values))
    return changed.rowcount == 1


def nameless(digests: Digests, reference: str) -> list[str]:
    """List the references that a document may have in the journal once it is forgotten."""
    return [f"{NAMELESS}{digest}" for digest in digests.known(REFERENCE, reference)]


def was_forgotten(store: Store, apps: Collection[str], reference: str) -> bool:
    """Whether a document of one of the apps was forgotten."""
    names = nameless(Digests(store), reference)
    mine = postings.c.app.in_(apps) & postings.c.reference.in_(names)
    return bool(store.read(sa.select(postings.c.reference).where(mine).limit(1)))


@retry_on_lost_connection
def forget(store: Store, posting: Posting, now: float) -> bool:
    """Reduce a posting to a hash of its reference, which keeps it from being sent again.

    Of what is not at Exact Online, such as a rejected record, nothing is left.

    Returns:
        Whether it is forgotten; False if it is in doubt, for its record is needed then.
    """
    digests = Digests(store)
    settled = _is(posting) & ~UNDER_WAY
    values = {
        "reference": f"{NAMELESS}{digests.of(REFERENCE, posting.reference)}",
        "outcome": Status.FORGOTTEN.value,
        "payload_hash": "",
        "at": now,
        **dict.fromkeys(("exact_id", "number", "kept_reference", "reason"), None),
        **dict.fromkeys(("finalized", "record", "sent_at"), None),
    }
    with store.transaction() as connection:
        before = connection.execute(sa.select(postings).where(settled)).first()
        if before is None:
            return False
        query = sa.select(postings.c.reference).where(settled, IS_THERE)
        is_there = connection.execute(query).first() is not None
        connection.execute(postings.delete().where(settled | _belongs_to(posting)))
        if is_there:
            values = {**before._mapping, **values}  # noqa: SLF001
            # A purge keeps postings with a source key.
            if before.source_key:
                values["source_key"] = digests.of(REFERENCE, before.source_key)
            del values["revision"]
            row = store.insert(postings).values(**values).on_conflict_do_nothing()
            connection.execute(row)
    return True


def _belongs_to(posting: Posting) -> sa.ColumnElement[bool]:
    """Match the other postings of a document: of a later record, and of its files."""
    name = f"{posting.entity}/{posting.reference}"
    mine = (postings.c.app == posting.app) & (postings.c.division == posting.division)
    later = (postings.c.entity == posting.entity) & (
        postings.c.reference == beside(posting.reference)
    )
    # Of a name that was too long, the beginning was kept.
    start = f"{name}/" if len(name) < SURE_START else name[:SURE_START]
    files = (postings.c.reference == name) | postings.c.reference.startswith(start, autoescape=True)
    return mine & (later | (postings.c.entity.startswith("documents/") & files))


@retry_on_lost_connection
def changed_since(store: Store, app: str, division: int, since: float | None) -> Iterator[Posting]:
    """List the postings of a division that changed since a time, the oldest first."""
    wanted = Wanted([app], division, since=since)
    query = sa.select(*COLUMNS).where(wanted.condition, postings.c.outcome != Status.FORGOTTEN)
    with store.transaction() as connection:
        rows = connection.execute(query.order_by(postings.c.at, postings.c.reference)).all()
    return (from_row(store, row) for row in rows)
