"""Finalising sales invoices: processing them, and sending them by e-mail or Peppol.

It cannot be taken back, so no invoice is ever finalised twice: the journal says so before the
request leaves, and a request without an answer is followed by a look at the invoice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.errors import ExactOnlineError, InDoubt, RequestRefused
from exactonline_client.http import pagination
from exactonline_client.store.postings import ASKED, BROKEN, DONE, HELD, REFUSED, SENDING, WANTED
from target_exactonline.load.journal import Overtaken
from target_exactonline.mapping.model import encode
from target_exactonline.mapping.validation import TOTAL, TYPE, against_type

if TYPE_CHECKING:
    from exactonline_client.store.postings import Posting
    from target_exactonline.load.journal import Journal
    from target_exactonline.load.search import Row, Search

INVOICES = "salesinvoice/SalesInvoices"
PRINTED = "salesinvoice/PrintedSalesInvoices"
NONE, EMAIL, PEPPOL = "none", "email", "peppol"
SENDS = (EMAIL, PEPPOL)
STATUS = "Status"
PROCESSED = 50
"""The status of an invoice that has its number and can no longer be changed."""
FAILURES = (
    "DocumentCreationError",
    "EmailCreationError",
    "PeppolCreationError",
    "PostboxMessageCreationError",
)
"""Where an answer says that a part of it failed, although it was carried out as a whole."""
NOT_FINALIZED = "it was not finalised"
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
    """How far the finalising of an invoice is, as the journal calls it, and what went wrong."""

    finalized: str
    reason: str | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it has come to an end that a person has to look at."""
        return self.reason is not None and self.finalized != SENDING


WAITING = Ending(SENDING, LATER)
OTHERS = Ending(SENDING, "another run finalises it")


@dataclass(frozen=True)
class Finalizer:
    """Finalises the invoices of one division.

    Raises (every method):
        The errors of `Session.write` that are not about one invoice.
    """

    search: Search
    """Of sales invoices."""
    journal: Journal
    mode: str
    """`print`, `email` or `peppol`."""
    sender: str | None = None
    """The address that e-mail comes from, else the one that Exact Online is set to."""

    def finalize(self, reference: str, key: str, back: str = WANTED) -> Ending:
        """Finalise an invoice that is there and open; `back` is noted where it was not sent."""
        now = self.journal.clock()
        if not self._note(reference, SENDING, sent_at=now):
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
            return self._ended(reference, self._found(NOT_KNOWN) if is_processed else WAITING)
        except ExactOnlineError as error:
            if error.not_carried_out:
                self._note(reference, back)
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

    def _found(self, unsent: str) -> Ending:
        """The end of an invoice that is processed; `unsent` is said where it was to be sent."""
        return Ending(DONE, unsent if self.mode in SENDS else None)

    def _ended(self, reference: str, ending: Ending) -> Ending:
        """Note an ending; one that a person has to see only once it is `told`.

        A run that is cut off in between has the next one look at the invoice again, and tell.
        """
        if ending.reason is None:
            self._note(reference, ending.finalized)
        return ending

    def told(self, reference: str, ending: Ending) -> None:
        """Note an ending that has been told."""
        self._note(reference, ending.finalized)

    def _note(self, reference: str, finalized: str, **others: Any) -> bool:  # noqa: ANN401
        now = self.journal.clock()
        return self.journal.change(INVOICES, reference, finalized=finalized, at=now, **others)

    def catch_up(self, posting: Posting, *, is_over: bool) -> Ending:
        """Go on with an invoice whose finalising was cut off, or is to be tried again.

        `is_over`: whether a request without an answer has been carried out by now, if ever.
        """
        key, was_sent = str(posting.exact_id), posting.finalized == SENDING
        row = self._row(key)
        is_processed = row.get(STATUS) == PROCESSED
        if was_sent and not is_processed and not is_over:
            return WAITING
        if not self.journal.change(INVOICES, posting.reference, posting):
            return OTHERS
        if is_processed:
            return self._ended(posting.reference, self._found(NOT_KNOWN if was_sent else NOT_SENT))
        if posting.finalized == WANTED and (against := against_type(INVOICES, row)):
            return Ending(HELD, f"{against}; {NOT_FINALIZED}")
        asked = posting.finalized == ASKED
        return self.finalize(posting.reference, key, ASKED if asked else WANTED)


def _carried_out(problems: str) -> Ending:
    return Ending(BROKEN, f"it was processed, but: {problems}") if problems else Ending(DONE)


def _problems(body: bytes) -> str:
    """What an answer says went wrong inside.

    Raises:
        InDoubt: it cannot be read.
    """
    row = pagination.content(body)
    if not isinstance(row, dict):
        raise InDoubt("The answer to an invoice that was finalised cannot be read.")
    return "; ".join(str(row[name]).strip() for name in FAILURES if row.get(name))
