"""The journal of writes: a posting for each document, written before and after it is sent.

A posting is durable before its document is sent, and settled once the answer has come. So the next
run knows a document whose answer was lost, or whose run was killed, and searches for it at Exact
Online before it sends it again.

Each write gives a posting another revision, and a posting is changed only if it still has the
revision that was read, or one of this run. So of two runs that decide on one posting one loses, and
decides anew, even if the lock between them is lost.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import sqlalchemy as sa
from singer_sdk.singerlib.json import deserialize_json, serialize_json

from exactonline_client.store.digests import Digests
from exactonline_client.store.engine import in_parts, retry_on_lost_connection
from exactonline_client.store.outcomes import FAILED, Status
from exactonline_client.store.postings import (
    BROKEN,
    COLUMNS,
    DONE,
    DOUBTFUL,
    IS_FREE,
    IS_THERE,
    NOT_ENDED,
    UNDER_WAY,
    beside,
    from_row,
    nameless,
    opened,
    sealed,
)
from exactonline_client.store.tables import postings, refusals
from target_exactonline.load.spelling import MOST_EXAMPLES, Spelling
from target_exactonline.results.outcome import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from exactonline_client.store.postings import Posting
    from exactonline_client.store.store import Store
    from target_exactonline.results.outcome import Outcome, Result

FRESH = 0.5
"""Seconds after which an intent is noted once more, just before its document is sent."""
MOST_CONFIRMATIONS = 3
"""How often that is done, if the store is so slow that the noted time is old again."""
DAY = 86_400.0
BESIDE = "its reference {reference} is that of an earlier record, which stays as it is"
MOST_RECORDS = 100_000
"""Number of rejected records of one division that are kept for a replay."""
RESTORED = (
    "stream",
    "outcome",
    "exact_id",
    "number",
    "payload_hash",
    "reason",
    "finalized",
    "sent_at",
)
"""Columns of a posting that a withdrawn intent puts back."""


class Overtaken(Exception):  # noqa: N818 - named for what the run has to know
    """Another run has changed a posting since it was read; its document is decided on anew."""


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
    """Make a reference for a record that has none that can be used."""
    return f"#{hashlib.sha256(_text(record).encode()).hexdigest()[:16]}"


def _text(record: Mapping[str, Any]) -> str:
    """Encode a record as JSON; half of a surrogate pair is escaped."""
    return serialize_json(record, sort_keys=True)


def _stays(outcome: Outcome, before: Posting | None, *, looked: bool) -> bool:
    """Whether a posting stays as it is after this outcome of a later record."""
    if looked:
        return outcome.status == Status.REJECTED and outcome.exact_id is not None
    if before is None:
        return False
    return before.under_way or (outcome.status == Status.REJECTED and before.is_there)


def _facts(outcome: Outcome) -> dict[str, Any]:
    """Make the columns of a posting that depend on the outcome."""
    if outcome.status == Status.DELETED:
        return {"exact_id": None, "payload_hash": "", "finalized": None}
    names = "exact_id", "number", "payload_hash"
    facts = {name: value for name in names if (value := getattr(outcome, name))}
    if outcome.status == Status.UPDATED:
        # The hash in the posting is out of date, even if only a part could be changed.
        facts["payload_hash"] = outcome.payload_hash
    # Empty: Exact Online dropped it.
    kept = outcome.kept_reference
    return facts if kept is None else {**facts, "kept_reference": kept}


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
        self._run = uuid4().hex
        self._writes = count()
        self._digests = Digests(store)

    def known(self, entity: str, references: Sequence[str]) -> dict[str, Posting]:
        """Read the postings of these references."""
        known = {}
        for some in in_parts(references):
            condition = self._mine(entity) & postings.c.reference.in_(some)
            known.update({posting.reference: posting for posting in self._read(condition)})
        return known

    @retry_on_lost_connection
    def forgotten(self, entity: str, references: Collection[str]) -> set[str]:
        """Return those of the references that were forgotten, and must not be sent again."""
        names = {name: each for each in references for name in nameless(self._digests, each)}
        forgotten: set[str] = set()
        for some in in_parts(list(names)):
            query = sa.select(postings.c.reference).where(
                self._mine(entity), postings.c.reference.in_(some)
            )
            with self._store.transaction() as connection:
                rows = connection.execute(query).scalars()
                forgotten.update(names[name] for name in rows)
        return forgotten

    @retry_on_lost_connection
    def taken(self, entity: str, keys: Sequence[str]) -> set[str]:
        """Return those of the keys at Exact Online that belong to a posting."""
        query = sa.select(postings.c.exact_id)
        mine = self._mine(entity) & postings.c.exact_id.in_(keys)
        with self._store.transaction() as connection:
            return {*connection.execute(query.where(mine)).scalars()}

    @retry_on_lost_connection
    def spelling(self, entity: str) -> Spelling:
        """Read how Exact Online has kept the references of a kind of documents."""
        kept, reference = postings.c.kept_reference, postings.c.reference
        mine = self._mine(entity)
        longest = sa.select(sa.func.max(sa.func.length(reference))).where(mine, kept == reference)
        others = sa.select(reference, kept).where(mine, kept != reference)
        others = others.order_by(postings.c.at.desc()).limit(MOST_EXAMPLES)
        with self._store.transaction() as connection:
            proven = connection.execute(longest).scalar() or 0
            examples = connection.execute(others).all()
        return Spelling(proven, [(row.reference, row.kept_reference) for row in examples])

    def unfinalized(self, entity: str) -> list[Posting]:
        """List the documents that were created, and whose finalising has not ended."""
        open_ones = postings.c.finalized.in_(NOT_ENDED) & postings.c.exact_id.is_not(None)
        return list(self._read(self._mine(entity) & open_ones))

    def unnumbered(self, entity: str) -> list[Posting]:
        """List the documents that were finalised, and whose number was not read."""
        processed = postings.c.finalized.in_((DONE, BROKEN)) & postings.c.number.is_(None)
        return list(self._read(self._mine(entity) & processed))

    def left(
        self, entity: str, *, changes: bool = False
    ) -> list[tuple[str, float, dict[str, Any]]]:
        """List what is in doubt: stream, time at which it was sent, and record.

        `changes` includes documents that are there, and of which a change is in doubt.
        """
        names = ("stream", "reference", "sent_at", "record")
        columns = [postings.c[name] for name in names]
        in_doubt = DOUBTFUL
        if changes:
            in_doubt |= postings.c.outcome == Status.IN_DOUBT
        kept = in_doubt & postings.c.record.is_not(None)
        query = sa.select(*columns).where(self._mine(entity) & kept).order_by(postings.c.at)
        rows = self._store.read(query)
        texts = [(row, opened(self._store, row)) for row in rows]
        return [
            (row.stream, row.sent_at or 0.0, deserialize_json(text))
            for row, text in texts
            if text is not None
        ]

    @retry_on_lost_connection
    def _read(self, condition: sa.ColumnElement[bool]) -> Iterator[Posting]:
        query = sa.select(*COLUMNS).where(condition).order_by(postings.c.at)
        with self._store.transaction() as connection:
            rows = connection.execute(query).all()
        return (from_row(self._store, row) for row in rows)

    def _mine(self, entity: str) -> sa.ColumnElement[bool]:
        return sa.and_(
            postings.c.app == self._app,
            postings.c.division == self._division,
            postings.c.entity == entity,
        )

    def _is(self, entity: str, reference: str) -> sa.ColumnElement[bool]:
        return self._mine(entity) & (postings.c.reference == reference)

    def _of_this_run(self) -> sa.ColumnElement[bool]:
        """Match postings that this run has changed last."""
        return postings.c.revision.startswith(f"{self._run}.")

    def _stamped(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add a revision that no other write has."""
        return {**sealed(self._store, values), "revision": f"{self._run}.{next(self._writes)}"}

    def _insert(
        self, connection: sa.Connection, entity: str, reference: str, values: Mapping[str, Any]
    ) -> bool:
        """Insert a posting if there is none; whether there was none."""
        key = {"app": self._app, "division": self._division, "entity": entity}
        row = {"payload_hash": "", **key, "reference": reference, **self._stamped(values)}
        # The drivers do not agree on the count of rows that an insertion made.
        made = self._store.insert(postings).values(**row).on_conflict_do_nothing()
        return connection.execute(made.returning(postings.c.reference)).first() is not None

    def _update(
        self, connection: sa.Connection, where: sa.ColumnElement[bool], values: Mapping[str, Any]
    ) -> int:
        """Update postings; how many there were."""
        changed = postings.update().where(where).values(**self._stamped(values))
        return connection.execute(changed).rowcount

    @retry_on_lost_connection
    def intend(self, intent: Intent, before: Posting | None) -> bool:
        """Note that a document is about to be sent, if its posting is still as it was read.

        Returns:
            Whether it was noted; if not, another run is at it, and it must not be sent.
        """
        now = self.clock()
        values = {
            "stream": intent.stream,
            "outcome": Status.POSTING.value,
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
        with self._store.transaction() as connection:
            if before is None:
                return self._insert(connection, intent.entity, intent.reference, values)
            as_read = postings.c.revision == before.revision
            where = self._is(intent.entity, intent.reference) & as_read
            return self._update(connection, where, values) == 1

    @retry_on_lost_connection
    def confirm(self, entity: str, references: Sequence[str], since: float) -> None:
        """Note anew, just before they are sent, that documents are, if that was noted long ago.

        They may have waited for a call to be free. Other runs go by the time in the posting.

        Args:
            entity: of the documents.
            references: of the documents.
            since: time of the last note, in seconds since the epoch.

        Raises:
            Overtaken: another run has one of them by now; they must not be sent.
        """
        mine = self._mine(entity) & postings.c.reference.in_(references) & self._of_this_run()
        for _ in range(MOST_CONFIRMATIONS):
            now = self.clock()
            # A clock that was ahead may have been corrected meanwhile.
            if 0 <= now - since < FRESH:
                return
            with self._store.transaction() as connection:
                if self._update(connection, mine, {"sent_at": now, "at": now}) < len(references):
                    raise Overtaken
            since = now

    def doubt(self, entity: str, reference: str, reason: str) -> None:
        """Note that no answer came; the wait for it starts now."""
        now = self.clock()
        self.change(
            entity, reference, outcome=Status.IN_DOUBT.value, reason=reason, sent_at=now, at=now
        )

    @retry_on_lost_connection
    def withdraw(self, intent: Intent, before: Posting | None) -> None:
        """Undo an intent: the request was certainly not carried out."""
        mine = self._is(intent.entity, intent.reference) & self._of_this_run()
        with self._store.transaction() as connection:
            if before is None:
                connection.execute(postings.delete().where(mine))
                return
            values = {name: getattr(before, name) for name in RESTORED}
            values["outcome"] = before.outcome.value
            self._update(connection, mine, values)

    @retry_on_lost_connection
    def settle(  # noqa: PLR0913 - what is known of a document
        self,
        result: Result,
        record: Mapping[str, Any],
        payload_hash: str,
        source_key: str | None = None,
        *,
        before: Posting | None,
        looked: bool = True,
    ) -> bool:
        """Note the outcome of a document.

        The posting of a document at Exact Online outlives failures of later records with its
        reference; so do doubts, unless Exact Online was searched, and what another run has noted
        since `before` was read. A record that failed is kept for a replay, beside such a posting.

        Args:
            result: with the outcome.
            record: as it came.
            payload_hash: of the document.
            source_key: the key that the record was read with.
            before: the posting that was decided on.
            looked: whether Exact Online was searched, or sent something.

        Returns:
            Whether the posting holds the outcome now.
        """
        outcome, entity, reference = result.outcome, result.entity, result.reference
        same = made_up(record)
        common = {
            "stream": result.stream,
            "outcome": outcome.status.value,
            "reason": joined(outcome.reason, outcome.detail),
            "record": self._sealed(record) if outcome.status in FAILED else None,
            "at": self.clock(),
        }
        if outcome.status == Status.IN_DOUBT and outcome.exact_id:
            # A part of a change may still be on its way.
            common["sent_at"] = common["at"]
        with self._store.transaction() as connection:
            if outcome.status not in FAILED:
                ended = postings.c.reference.in_([same, beside(reference)])
                connection.execute(postings.delete().where(self._mine(entity) & ended))
            if not _stays(outcome, before, looked=looked):
                values = (
                    common | _facts(outcome) | ({"source_key": source_key} if source_key else {})
                )
                mine = self._not_taken(before, looked=looked)
                if outcome.status == Status.CREATED:
                    # This settles the doubts of other runs.
                    mine |= DOUBTFUL
                if self._put(connection, result, values, mine, payload_hash):
                    return True
            if outcome.status == Status.REJECTED and reference != same:
                self._keep_beside(connection, result, common, before, looked=looked)
            elif outcome.status == Status.UPDATED:
                # Two runs have changed it at once: the next one compares it.
                self._update(connection, self._is(entity, reference), {"payload_hash": ""})
        return False

    def _not_taken(self, before: Posting | None, *, looked: bool) -> sa.ColumnElement[bool]:
        """Match a posting as it was read, of this run, or of nothing at Exact Online."""
        mine = IS_FREE if before is None else IS_FREE | (postings.c.revision == before.revision)
        return mine | self._of_this_run() if looked else mine

    def _put(
        self,
        connection: sa.Connection,
        result: Result,
        values: Mapping[str, Any],
        mine: sa.ColumnElement[bool],
        payload_hash: str = "",
    ) -> bool:
        """Update the posting of a result if it is `mine`, or insert one; whether it did."""
        condition = self._is(result.entity, result.reference) & mine
        return self._update(connection, condition, values) == 1 or self._insert(
            connection,
            result.entity,
            result.reference,
            {"payload_hash": payload_hash, **values},
        )

    def _keep_beside(
        self,
        connection: sa.Connection,
        result: Result,
        common: Mapping[str, Any],
        before: Posting | None,
        *,
        looked: bool,
    ) -> None:
        """Keep a record that failed beside the posting of its reference, which stays as it is."""
        entity, reference = result.entity, result.reference
        if looked and result.outcome.exact_id:
            # A part of the change may have been carried out: the next record is compared.
            settled = before is not None and before.outcome not in (*FAILED, Status.POSTING)
            values = {
                "stream": result.stream,
                "outcome": (before.outcome if before and settled else Status.EXISTS).value,
                "exact_id": result.outcome.exact_id,
                "payload_hash": "",
                "reason": None,
                "record": None,
                "at": common["at"],
            }
            self._put(connection, result, values, self._not_taken(before, looked=True))
        reason = joined(BESIDE.format(reference=reference), common["reason"])
        values = {**common, "reason": reason}
        if not self._insert(connection, entity, beside(reference), values):
            self._update(connection, self._is(entity, beside(reference)), values)

    @retry_on_lost_connection
    def forget(self, entity: str, reference: str) -> None:
        """Delete a posting that is out of date."""
        with self._store.transaction() as connection:
            connection.execute(postings.delete().where(self._is(entity, reference)))

    @retry_on_lost_connection
    def change(
        self,
        entity: str,
        reference: str,
        before: Posting | None = None,
        **values: Any,  # noqa: ANN401
    ) -> bool:
        """Update columns of a posting that is of this run, or still as it was read.

        Returns:
            Whether it is; else another run is at it.
        """
        mine = self._of_this_run()
        if before is not None:
            mine |= postings.c.revision == before.revision
        with self._store.transaction() as connection:
            return self._update(connection, self._is(entity, reference) & mine, values) == 1

    def _sealed(self, record: Mapping[str, Any]) -> bytes | None:
        return self._store.encrypt(_text(record), secret=False)

    @retry_on_lost_connection
    def purge(self, days: int, kept: Collection[str], most_records: int = MOST_RECORDS) -> None:
        """Delete old postings, unless only they keep a document from being sent twice.

        Postings in doubt stay until they are settled, without their records. So do those of
        documents that cannot be searched by their reference, and of those copied from another
        division, which may have no reference of their own.

        Args:
            days: age in days.
            kept: ids of endpoints whose documents cannot be searched reliably.
            most_records: number of rejected records that are kept for a replay.
        """
        mine = (postings.c.app == self._app) & (postings.c.division == self._division)
        old = postings.c.at < self.clock() - days * DAY
        settled = ~UNDER_WAY
        alone = (IS_THERE | (postings.c.outcome == Status.FORGOTTEN)) & sa.or_(
            postings.c.entity.in_(kept),
            postings.c.entity.in_(self._refusing_searches()),
            postings.c.source_key.is_not(None),
        )
        more = postings.c.record.is_not(None) | postings.c.reason.is_not(None)
        rejected = mine & (postings.c.outcome == Status.REJECTED) & postings.c.record.is_not(None)
        newest = sa.select(postings.c.at).where(rejected).order_by(postings.c.at.desc())
        beyond = rejected & (
            postings.c.at <= newest.offset(most_records).limit(1).scalar_subquery()
        )
        bare = postings.update().values(record=None, reason=None)
        with self._store.transaction() as connection:
            connection.execute(postings.delete().where(mine, old, settled, ~alone))
            connection.execute(bare.where(mine, more, old | beyond))

    def _refusing_searches(self) -> sa.Select[tuple[str]]:
        """Select the ids of endpoints that have refused to be searched by a property."""
        return sa.select(refusals.c.endpoint).where(
            refusals.c.app == self._app, refusals.c.option.startswith("$filter=")
        )
