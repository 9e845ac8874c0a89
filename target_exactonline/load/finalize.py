"""Finalising sales invoices: processing them, and sending them by e-mail or Peppol.

It cannot be taken back, so no invoice is finalised twice: the journal holds the intent before the
request leaves, and after a request without an answer the invoice is read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.errors import ExactOnlineError, InDoubt, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.store.outcomes import Status
from exactonline_client.store.postings import (
    ASKED,
    BROKEN,
    DONE,
    HELD,
    REFUSED,
    SENDING,
    UNCHECKED,
    WANTED,
)
from target_exactonline.load.journal import Overtaken
from target_exactonline.mapping.model import encode
from target_exactonline.mapping.validation import TOTAL, TYPE, sign_problem
from target_exactonline.results.outcome import Outcome, Result, joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.store.postings import Posting
    from target_exactonline.load.case import Case
    from target_exactonline.load.in_doubt import PutOff
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.search import Row, Search
    from target_exactonline.load.totals import Totals
    from target_exactonline.mapping.model import Document

INVOICES = "salesinvoice/SalesInvoices"
PRINTED = "salesinvoice/PrintedSalesInvoices"
NONE, EMAIL, PEPPOL = "none", "email", "peppol"
SENDS = (EMAIL, PEPPOL)
STATUS = "Status"
PROCESSED = 50
"""Status of an invoice that has its number and can no longer be changed."""
FAILURES = (
    "DocumentCreationError",
    "EmailCreationError",
    "PeppolCreationError",
    "PostboxMessageCreationError",
)
"""Properties of an answer that hold the error of a part, although the whole was carried out."""
NOT_FINALIZED = "it was not finalised"
MAYBE_FINALIZED = "the run ended before it was known whether it was finalised"
CUT_OFF = "it was not finalised, since a run was cut off before its totals were compared"
NOT_KNOWN = (
    "no answer came when it was finalised; it is processed, but whether it was sent is not known"
)
NOT_SENT = "it had been processed before it was to be finalised, and was not sent"
LATER = (
    "no answer came when it was finalised, and it is not processed; it is looked at again, by the "
    "next run at the latest"
)


@dataclass(frozen=True)
class Ending:
    """State of finalising after an attempt, and what went wrong."""

    finalized: str
    """As in the journal."""
    reason: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether a user has to look at the invoice."""
        return self.reason is not None and self.finalized != SENDING


WAITING = Ending(SENDING, LATER)
OTHERS = Ending(SENDING, "another run finalises it")
OUTCOMES = {SENDING: Status.IN_DOUBT, REFUSED: Status.REJECTED, HELD: Status.REJECTED}
"""Outcome of an invoice of an earlier run by the state of finalising; else it is updated."""


@dataclass(frozen=True, kw_only=True)
class Finalizer:
    """Finalises the invoices of one division.

    Raises (every method):
        The errors of `Session.get` and `Session.write` that are not about one invoice.
    """

    search: Search
    """Of sales invoices."""
    journal: Journal
    totals: Totals
    put_off: PutOff[Document]
    mode: str
    """`print`, `email` or `peppol`."""
    sender: str | None = None
    """Address that e-mail comes from; None for the one that is set at Exact Online."""

    def finalize(self, case: Case[Document], outcome: Outcome) -> Outcome:
        """Finalise a new invoice, unless its totals differ from the record; give its outcome."""
        key = str(outcome.exact_id)
        if case.lacks_totals:
            self.totals.complete([case])
            outcome = case.outcome or outcome
        if outcome.unfinished:
            ending = Ending(HELD, NOT_FINALIZED)
        else:
            case.lacks_number = True
            ending = self._send(case.name, key)
        reason = joined(outcome.reason, ending.reason)
        if ending.reason:
            self.totals.note(case.name, reason=joined(reason, outcome.detail))
            case.finalized = ending.finalized
        unfinished = outcome.unfinished or ending.has_failed
        return replace(outcome, reason=reason, unfinished=unfinished)

    def note(self, reference: str, finalized: str, **others: Any) -> bool:  # noqa: ANN401
        """Note a state of finalising in the journal; whether the posting is of this run.

        One that a user has to see is noted once it was reported: after a run that was cut off in
        between, the next one reads the invoice again, and reports it.
        """
        now = self.journal.clock()
        return self.journal.change(INVOICES, reference, finalized=finalized, at=now, **others)

    def wait_until(self) -> float:
        """Return the time until which to wait for requests without an answer; 0 without any."""
        postings = self.journal.unfinalized(INVOICES)
        sent = [posting for posting in postings if posting.finalized == SENDING]
        self.put_off.expect(sent)
        times = [posting.sent_at or 0.0 for posting in sent]
        return max(times) + self.put_off.settle_after if times else 0.0

    def catch_up(self) -> Iterator[tuple[Result, str | None]]:
        """Finalise what earlier runs, or this one, left unfinished.

        Yields:
            The result of an invoice, and the state to note once it was reported.
        """
        for posting in self.journal.unfinalized(INVOICES):
            ending = self._resume(posting)
            if ending is OTHERS:
                continue
            key, number = str(posting.exact_id), posting.number
            if ending.finalized != SENDING:
                number = self.totals.number(key) or number
                self.totals.note(posting.reference, number=number, reason=ending.reason)
            status = OUTCOMES.get(ending.finalized, Status.UPDATED)
            outcome = Outcome(
                status, posting.exact_id, number, ending.reason, unfinished=ending.has_failed
            )
            result = Result(posting.stream, INVOICES, posting.reference, outcome)
            yield result, ending.finalized if ending.reason else None
        self.totals.number_postings()

    def _resume(self, posting: Posting) -> Ending:
        """Finalise an invoice of an earlier attempt, or find out that it is."""
        key, was_sent = str(posting.exact_id), posting.finalized == SENDING
        if posting.finalized == UNCHECKED:
            is_mine = self.journal.change(INVOICES, posting.reference, posting)
            return Ending(HELD, CUT_OFF) if is_mine else OTHERS
        row = self._row(key)
        is_processed = row.get(STATUS) == PROCESSED
        if was_sent and not is_processed and not self.put_off.is_over(posting):
            return WAITING
        if not self.journal.change(INVOICES, posting.reference, posting):
            return OTHERS
        if is_processed:
            return self._ended(
                posting.reference, self._processed(NOT_KNOWN if was_sent else NOT_SENT)
            )
        if posting.finalized == WANTED and (against := sign_problem(INVOICES, row)):
            return Ending(HELD, f"{against}; {NOT_FINALIZED}")
        asked = posting.finalized == ASKED
        return self._send(posting.reference, key, ASKED if asked else WANTED)

    def _send(self, reference: str, key: str, back: str = WANTED) -> Ending:
        """Finalise an open invoice; `back` is the state to restore if the request never left."""
        now = self.journal.clock()
        if not self.note(reference, SENDING, sent_at=now):
            return OTHERS
        confirm = partial(self.journal.confirm, INVOICES, [reference], now)
        endpoint = catalogue.load().endpoints[PRINTED]
        try:
            answer = self.search.connection.session.write(
                "POST",
                endpoint.uri.format(division=self.search.division),
                self.search.division,
                encode(self._order(key)),
                confirm=confirm,
            )
            problems = _problems(answer.content)
        except Overtaken:
            return OTHERS
        except RequestRefused as refusal:
            return self._ended(reference, self._refused(key, refusal.reason or str(refusal)))
        except InDoubt:
            is_processed = self._is_processed(key)
            return self._ended(reference, self._processed(NOT_KNOWN) if is_processed else WAITING)
        except ExactOnlineError as error:
            if error.not_carried_out:
                self.note(reference, back)
            raise
        return self._ended(reference, _carried_out(problems))

    def _order(self, key: str) -> dict[str, Any]:
        order: dict[str, Any] = {"InvoiceID": key, "SendEmailToCustomer": self.mode == EMAIL}
        if self.mode == EMAIL and self.sender:
            order["SenderEmailAddress"] = self.sender
        if self.mode == PEPPOL:
            order["SendInvoiceViaPeppol"] = True
        return order

    def _row(self, key: str) -> Row:
        return self.search.by_key([key], {"": [STATUS, TYPE, TOTAL]}).get(key, {})

    def _is_processed(self, key: str) -> bool:
        return bool(self._row(key).get(STATUS) == PROCESSED)

    def _refused(self, key: str, reason: str) -> Ending:
        if not self._is_processed(key):
            return Ending(REFUSED, f"it could not be finalised: {reason}")
        return _carried_out(reason if self.mode in SENDS else "")

    def _processed(self, unsent: str) -> Ending:
        """End with an invoice that is processed; `unsent` is the reason if it was to be sent."""
        return Ending(DONE, unsent if self.mode in SENDS else None)

    def _ended(self, reference: str, ending: Ending) -> Ending:
        """Note an ending that no user has to see."""
        if ending.reason is None:
            self.note(reference, ending.finalized)
        return ending


def _carried_out(problems: str) -> Ending:
    return Ending(BROKEN, f"it was processed, but: {problems}") if problems else Ending(DONE)


def _problems(body: bytes) -> str:
    """List the errors inside an answer of success.

    Raises:
        InDoubt: it cannot be read.
    """
    row = pagination.content(body)
    if not isinstance(row, dict):
        raise InDoubt("The answer to an invoice that was finalised cannot be read.")
    return "; ".join(str(row[name]).strip() for name in FAILURES if row.get(name))
