"""Write to Exact Online, with an intent in the journal before each creation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import ExactOnlineError, InDoubt
from exactonline_client.odata.literals import literal
from exactonline_client.store.outcomes import Status
from target_exactonline.load.in_doubt import is_ahead, is_old
from target_exactonline.load.journal import Overtaken
from target_exactonline.load.search import Search
from target_exactonline.mapping.model import encode
from target_exactonline.results.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.catalogue import Endpoint
    from exactonline_client.connection import Connection
    from exactonline_client.store.postings import Posting
    from target_exactonline.load.diff import Changes
    from target_exactonline.load.journal import Intent, Journal

WHOLE_ANSWER = {"Prefer": "return=representation"}
"""Without it, some entities answer with little more than their key."""


@dataclass(frozen=True)
class Writer:
    """Creates, changes and deletes in one division.

    Raises (every method):
        The errors of `Session.write`.
    """

    connection: Connection
    division: int
    journal: Journal
    settle_after: float
    """Seconds after which a row that was sent without an answer, and cannot be found, may be sent
    again."""

    def create(
        self, endpoint: Endpoint, intent: Intent, body: bytes, before: Posting | None
    ) -> dict[str, Any]:
        """Create a row, and return the answer; `before` is its posting.

        Raises:
            InDoubt: no answer came, or none that can be read; the journal holds that.
            Overtaken: another run is at it; nothing was sent.
        """
        now = self.journal.clock()
        if not self.journal.intend(intent, before):
            raise Overtaken
        confirm = partial(self.journal.confirm, intent.entity, [intent.reference], now)
        try:
            answer = self.connection.session.write(
                "POST", self._address(endpoint), self.division, body, WHOLE_ANSWER, confirm=confirm
            )
            try:
                row = dict(answer.json()["d"])
                row[endpoint.key[0]] = str(row[endpoint.key[0]])
            except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
                raise InDoubt("The answer to a document that was sent cannot be read.") from None
        except ExactOnlineError as error:
            if error.not_carried_out:
                self.journal.withdraw(intent, before)
            else:
                self.journal.doubt(intent.entity, intent.reference, str(error))
            raise
        return row

    def once(
        self,
        endpoint: Endpoint,
        intent: Intent,
        body: bytes,
        look: Callable[[float], list[str]],
    ) -> str:
        """Return the key of a row that belongs to a document; create it if it is not there.

        Args:
            endpoint: of the row.
            intent: its posting to be.
            body: the row as JSON.
            look: lists the keys of such rows at Exact Online that were created since a time; one
                that the journal has under another reference is not this one.

        Raises:
            InDoubt: whether it was created is not known yet.
        """
        key = None
        while key is None:
            key = self._once(endpoint, intent, body, look)
        return key

    def _once(
        self,
        endpoint: Endpoint,
        intent: Intent,
        body: bytes,
        look: Callable[[float], list[str]],
    ) -> str | None:
        """Try `once`; None if another run has changed the posting meanwhile."""
        # Two runs that need the same row at once must not both find it missing.
        with self.connection.store.lock(f"once-{intent.entity}-{self.division}"):
            before = self.journal.known(intent.entity, [intent.reference]).get(intent.reference)
            if before and before.exact_id and self._is_there(endpoint, before.exact_id):
                return before.exact_id
            if before and before.doubtful:
                key = self._settled(endpoint, intent, before, look)
                if key:
                    return key
            now = self.journal.clock()
            try:
                key = str(self.create(endpoint, intent, body, before)[endpoint.key[0]])
            except Overtaken:
                return None
            except InDoubt:
                key = self._free(intent, look(now)) or ""
                if not key:
                    raise
            return self._note(intent, key, before)

    def _settled(
        self,
        endpoint: Endpoint,
        intent: Intent,
        before: Posting,
        look: Callable[[float], list[str]],
    ) -> str | None:
        """Return the key of a row in doubt; None if it is not there and may be sent again.

        Raises:
            InDoubt: it may still come.
        """
        sent_at, now = before.sent_at or 0.0, self.journal.clock()
        key = self._free(intent, look(sent_at))
        if key:
            return self._note(intent, key, before)
        if is_ahead(sent_at, now):
            self.journal.change(intent.entity, intent.reference, before, sent_at=now, at=now)
        if not is_old(sent_at, now, self.settle_after):
            raise InDoubt(f"{endpoint.name}: {before.reason or 'no answer came'}")
        return None

    def _is_there(self, endpoint: Endpoint, key: str) -> bool:
        """Whether a row that was created before is still there."""
        search = Search(self.connection, self.division, endpoint, reference_field=None)
        return bool(search.by_key([key], {}))

    def _free(self, intent: Intent, keys: list[str]) -> str | None:
        """Return the first of the keys that the journal has under no other reference."""
        taken = self.journal.taken(intent.entity, keys)
        return next((key for key in keys if key not in taken), None)

    def _note(self, intent: Intent, key: str, before: Posting | None) -> str:
        outcome = Outcome(Status.CREATED, key, payload_hash=intent.payload_hash)
        result = Result(intent.stream, intent.entity, intent.reference, outcome)
        self.journal.settle(result, intent.record, intent.payload_hash, before=before)
        return key

    def change(
        self, endpoint: Endpoint, key: str, changes: Changes, confirm: Callable[[], None] | None
    ) -> None:
        """Carry out changes of a document and its lines.

        Lines are changed first, then added, then removed, so that the document always has one.
        `confirm` is called just before each is added, and raises if it must not be.
        """
        if changes.header:
            self._send("PUT", endpoint, key, encode(changes.header))
        for method in ("PUT", "POST", "DELETE"):
            for line in changes.lines:
                if line.method == method:
                    body = encode(line.body) if line.body else None
                    self._send(
                        method, line.endpoint, line.key, body, confirm if method == "POST" else None
                    )

    def delete(self, endpoint: Endpoint, key: str) -> None:
        """Delete a row that is there."""
        self._send("DELETE", endpoint, key, None)

    def _send(
        self,
        method: str,
        endpoint: Endpoint,
        key: str | None,
        body: bytes | None,
        confirm: Callable[[], None] | None = None,
    ) -> None:
        address = self._address(endpoint, key)
        self.connection.session.write(method, address, self.division, body, confirm=confirm)

    def _address(self, endpoint: Endpoint, key: str | None = None) -> str:
        address = endpoint.uri.format(division=self.division)
        if key is None:
            return address
        return f"{address}({literal(key, endpoint.properties[endpoint.key[0]].type)})"
