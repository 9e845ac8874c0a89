"""The journal of writes: what the store knows of each document, before and after it is sent.

An entry is durable before its document leaves, and settled when the answer has come. So a document
whose answer was lost, or whose run was killed, is known at the next run, and is looked for at
Exact Online before it may be sent again.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from singer_sdk.singerlib.json import deserialize_json, serialize_json

from exactonline_client.database import patient
from exactonline_client.postings import BROKEN, DONE, NOT_ENDED, opened
from exactonline_client.store import postings, refusals
from target_exactonline.results import (
    CREATED,
    DELETED,
    EXISTS,
    FAILED,
    IN_DOUBT,
    LONGEST_REFERENCE,
    POSTING,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from exactonline_client.store import Store
    from target_exactonline.results import Result

QUERY_SIZE = 500
"""References in one query of the store."""
DAY = 86_400.0
IS_DOUBTFUL = postings.c.outcome.in_((POSTING, IN_DOUBT)) & postings.c.exact_id.is_(None)
"""Entries of documents that were sent, and of which nothing is known."""
IS_THERE = postings.c.exact_id.is_not(None) | postings.c.outcome.in_((CREATED, EXISTS))
"""Entries of documents that are at Exact Online; match sets have no key there."""


@dataclass(frozen=True)
class Posting:
    """What the journal says of a reference."""

    stream: str
    reference: str
    outcome: str
    exact_id: str | None
    number: str | None
    payload_hash: str
    reason: str | None
    finalized: str | None
    sent_at: float | None

    @property
    def doubtful(self) -> bool:
        """Whether it was sent, and nothing is known of what came of it."""
        return self.outcome in (POSTING, IN_DOUBT) and self.exact_id is None


@dataclass(frozen=True)
class Intent:
    """A document that is about to be created."""

    stream: str
    entity: str
    """Id of the endpoint."""
    reference: str
    payload_hash: str
    record: Mapping[str, Any]
    """For a replay."""
    source_key: str | None = None
    finalized: str | None = None


def made_up(record: Mapping[str, Any]) -> str:
    """A reference for a record that has none that can be used."""
    return f"#{hashlib.sha256(_text(record).encode()).hexdigest()[:16]}"


def _text(record: Mapping[str, Any]) -> str:
    """A record as JSON, in which text that is no text (half of a surrogate pair) is escaped."""
    return serialize_json(record, sort_keys=True)


def derived(*parts: str) -> str:
    """A reference for a row that belongs to another document; always the same one."""
    name = "/".join(parts)
    if len(name) <= LONGEST_REFERENCE:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST_REFERENCE - len(digest) - 1]}#{digest}"


class Journal:
    """The journal of one app in one division."""

    def __init__(
        self, store: Store, app: str, division: int, clock: Callable[[], float] = time.time
    ) -> None:
        """`clock` gives seconds since the epoch."""
        self.clock = clock
        self._store = store
        self._app = app
        self._division = division

    def known(self, entity: str, references: Sequence[str]) -> dict[str, Posting]:
        """What is on record about these references."""
        found = {}
        for start in range(0, len(references), QUERY_SIZE):
            asked = postings.c.reference.in_(references[start : start + QUERY_SIZE])
            for posting in self._read(self._mine(entity) & asked):
                found[posting.reference] = posting
        return found

    @patient
    def taken(self, entity: str, keys: Sequence[str]) -> set[str]:
        """Which of the keys at Exact Online belong to a reference that is on record."""
        query = sa.select(postings.c.exact_id)
        mine = self._mine(entity) & postings.c.exact_id.in_(keys)
        with self._store.transaction() as connection:
            return {*connection.execute(query.where(mine)).scalars()}

    def unfinalized(self, entity: str) -> list[Posting]:
        """The documents that were created, but whose finalising was not carried to its end."""
        open_ones = postings.c.finalized.in_(NOT_ENDED) & postings.c.exact_id.is_not(None)
        return list(self._read(self._mine(entity) & open_ones))

    def unnumbered(self, entity: str) -> list[Posting]:
        """The documents that were finalised, and whose number has not been read."""
        processed = postings.c.finalized.in_((DONE, BROKEN)) & postings.c.number.is_(None)
        return list(self._read(self._mine(entity) & processed))

    def left(
        self, entity: str, *, changes: bool = False
    ) -> list[tuple[str, float, dict[str, Any]]]:
        """What is in doubt: the stream, the moment it was sent at, and the record.

        `changes` asks also for documents that are there, and of which a change is in doubt.
        """
        names = ("stream", "reference", "sent_at", "record")
        columns = [postings.c[name] for name in names]
        in_doubt = IS_DOUBTFUL
        if changes:
            in_doubt |= (postings.c.outcome == IN_DOUBT) & postings.c.record.is_not(None)
        query = sa.select(*columns).where(self._mine(entity) & in_doubt).order_by(postings.c.at)
        rows = self._store.read(query)
        texts = [(row, opened(self._store, row)) for row in rows]
        return [
            (row.stream, row.sent_at or 0.0, deserialize_json(text))
            for row, text in texts
            if text is not None
        ]

    @patient
    def _read(self, condition: sa.ColumnElement[bool]) -> Iterator[Posting]:
        names = [postings.c[name] for name in Posting.__dataclass_fields__]
        query = sa.select(*names).where(condition).order_by(postings.c.at)
        with self._store.transaction() as connection:
            rows = connection.execute(query).all()
        return (Posting(*row) for row in rows)

    def _mine(self, entity: str) -> sa.ColumnElement[bool]:
        return sa.and_(
            postings.c.app == self._app,
            postings.c.division == self._division,
            postings.c.entity == entity,
        )

    def _the(self, entity: str, reference: str) -> sa.ColumnElement[bool]:
        return self._mine(entity) & (postings.c.reference == reference)

    def intend(self, intent: Intent) -> None:
        """Note that a document is about to be sent."""
        now = self.clock()
        values = {
            "stream": intent.stream,
            "outcome": POSTING,
            "exact_id": None,
            "number": None,
            "payload_hash": intent.payload_hash,
            "source_key": intent.source_key,
            "reason": None,
            "finalized": intent.finalized,
            "record": self._sealed(intent.record),
            "sent_at": now,
            "at": now,
        }
        self._put(intent.entity, intent.reference, values)

    def doubt(self, entity: str, reference: str, reason: str) -> None:
        """Note that no answer came; from now on it is waited for."""
        now = self.clock()
        self.change(entity, reference, outcome=IN_DOUBT, reason=reason, sent_at=now, at=now)

    @patient
    def withdraw(self, intent: Intent, before: Posting | None) -> None:
        """Note that a document was certainly not carried out after all."""
        the = self._the(intent.entity, intent.reference)
        with self._store.transaction() as connection:
            if before is None:
                connection.execute(postings.delete().where(the))
                return
            values = {
                name: getattr(before, name) for name in Posting.__dataclass_fields__
                if name != "reference"
            }  # fmt: skip
            connection.execute(postings.update().where(the).values(**values))

    def settle(
        self,
        result: Result,
        record: Mapping[str, Any],
        payload_hash: str,
        source_key: str | None = None,
        *,
        looked: bool = True,
    ) -> None:
        """Note what became of a document.

        What is known to be at Exact Online stays on record, whatever becomes of later records with
        its reference. So does a document in doubt, unless Exact Online was `looked` into. A record
        that failed is kept, for a replay.
        """
        fate = result.fate
        failed = fate.outcome in FAILED
        values = {
            "stream": result.stream,
            "outcome": fate.outcome,
            "reason": joined(fate.reason, fate.detail),
            "record": self._sealed(record) if failed else None,
            "at": self.clock(),
        }
        if fate.outcome == IN_DOUBT and fate.exact_id:
            # A part of a change may still be on its way.
            values["sent_at"] = values["at"]
        for name in ("exact_id", "number", "payload_hash"):
            if getattr(fate, name):
                values[name] = getattr(fate, name)
        if fate.outcome == DELETED:
            values |= {"exact_id": None, "payload_hash": "", "finalized": None}
        if source_key:
            values["source_key"] = source_key
        same = None if failed else made_up(record)
        if looked or not self._is_doubtful(result.entity, result.reference):
            self._put(result.entity, result.reference, values, payload_hash, replaces=same)

    @patient
    def _is_doubtful(self, entity: str, reference: str) -> bool:
        query = sa.select(postings.c.at).where(self._the(entity, reference) & IS_DOUBTFUL)
        with self._store.transaction() as connection:
            return connection.execute(query).first() is not None

    @patient
    def _put(
        self,
        entity: str,
        reference: str,
        values: dict[str, Any],
        payload_hash: str = "",
        replaces: str | None = None,
    ) -> None:
        """Change an entry, or make one; `replaces` is one that this puts an end to."""
        with self._store.transaction() as connection:
            if replaces:
                connection.execute(postings.delete().where(self._the(entity, replaces)))
            changed = connection.execute(
                postings.update().where(self._the(entity, reference)).values(**values)
            )
            if not changed.rowcount:
                key = {"app": self._app, "division": self._division}
                row = {"payload_hash": payload_hash, **values}
                connection.execute(
                    postings.insert().values(**key, entity=entity, reference=reference, **row)
                )

    @patient
    def change(self, entity: str, reference: str, **values: Any) -> None:  # noqa: ANN401
        """Change columns of an entry that is there."""
        with self._store.transaction() as connection:
            connection.execute(
                postings.update().where(self._the(entity, reference)).values(**values)
            )

    def _sealed(self, record: Mapping[str, Any]) -> bytes | None:
        return self._store.encrypt(_text(record), secret=False)

    @patient
    def purge(self, days: int, kept: Collection[str]) -> None:
        """Forget what is older, but for what is in doubt and what nothing else would tell.

        What only the journal knows to be at Exact Online stays: documents that cannot be searched
        by their reference, and those that were copied from another division, which may carry no
        reference of their own. Of them no more is kept than that takes.

        Args:
            days: how long entries are kept.
            kept: ids of endpoints whose documents cannot be searched for certain.
        """
        old = sa.and_(
            postings.c.app == self._app,
            postings.c.division == self._division,
            postings.c.at < self.clock() - days * DAY,
            postings.c.outcome.not_in((POSTING, IN_DOUBT)),
        )
        alone = IS_THERE & sa.or_(
            postings.c.entity.in_(kept),
            postings.c.entity.in_(self._refusing_searches()),
            postings.c.source_key.is_not(None),
        )
        more = postings.c.record.is_not(None) | postings.c.reason.is_not(None)
        with self._store.transaction() as connection:
            connection.execute(postings.delete().where(old, ~alone))
            connection.execute(postings.update().where(old, more).values(record=None, reason=None))

    def _refusing_searches(self) -> sa.Select[tuple[str]]:
        """Ids of the endpoints that have ever refused to be searched by a property."""
        return sa.select(refusals.c.endpoint).where(
            refusals.c.app == self._app, refusals.c.option.startswith("$filter=")
        )
