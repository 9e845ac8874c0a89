"""Finalising sales invoices: processing them, and sending them by e-mail or Peppol.

It cannot be taken back, so no invoice is ever finalised twice: the journal says so before the
request leaves, and a request without an answer is followed by a look at the invoice.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exactonline_client import catalogue
from exactonline_client.errors import ExactOnlineError, InDoubt, RequestRefused
from target_exactonline.documents import encode
from target_exactonline.journal import BROKEN, DONE, SENDING, WANTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_exactonline.journal import Journal, Posting
    from target_exactonline.search import Search

INVOICES = "salesinvoice/SalesInvoices"
PRINTED = "salesinvoice/PrintedSalesInvoices"
NONE, EMAIL, PEPPOL = "none", "email", "peppol"
PROCESSED = 50
"""The status of an invoice that has its number and can no longer be changed."""
FAILURES = (
    "DocumentCreationError",
    "EmailCreationError",
    "PeppolCreationError",
    "PostboxMessageCreationError",
)
"""Where an answer says that a part of it failed, although it was carried out as a whole."""
NOT_KNOWN = "no answer came when it was finalised; it is processed, but whether it was sent is not"
LATER = (
    "no answer came when it was finalised, and it is not processed; it is looked at again, by the "
    "next run at the latest"
)


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

    def finalize(self, reference: str, key: str) -> str | None:
        """Finalise an invoice that was created; what went wrong, in words, or None."""
        self._note(reference, SENDING, sent_at=self.journal.clock())
        endpoint = catalogue.load().endpoints[PRINTED]
        try:
            answer = self.search.connection.session.write(
                "POST",
                endpoint.uri.format(division=self.search.division),
                self.search.division,
                encode(self._order(key)),
            )
        except RequestRefused as refusal:
            if self._is_processed(key):
                self._note(reference, DONE)
                return None
            self._note(reference, BROKEN)
            return f"it could not be finalised: {refusal.reason or refusal}"
        except InDoubt:
            return self._look(reference, key)
        except ExactOnlineError:
            # Nothing was carried out.
            self._note(reference, WANTED)
            raise
        problems = _problems(answer.content)
        self._note(reference, BROKEN if problems else DONE)
        return f"it was processed, but: {problems}" if problems else None

    def _order(self, key: str) -> dict[str, Any]:
        order: dict[str, Any] = {"InvoiceID": key, "SendEmailToCustomer": self.mode == EMAIL}
        if self.mode == EMAIL and self.sender:
            order["SenderEmailAddress"] = self.sender
        if self.mode == PEPPOL:
            order["SendInvoiceViaPeppol"] = True
        return order

    def _is_processed(self, key: str) -> bool:
        row = self.search.by_key([key], {"": ["Status"]}).get(key, {})
        return bool(row.get("Status") == PROCESSED)

    def _look(self, reference: str, key: str) -> str | None:
        """Settle a request without an answer, where the invoice tells."""
        if not self._is_processed(key):
            return LATER
        self._note(reference, DONE)
        return NOT_KNOWN if self.mode in (EMAIL, PEPPOL) else None

    def _note(self, reference: str, finalized: str, **others: Any) -> None:  # noqa: ANN401
        now = self.journal.clock()
        self.journal.change(INVOICES, reference, finalized=finalized, at=now, **others)

    def catch_up(self, posting: Posting, settle_after: float) -> str | None:
        """Go on with an invoice whose finalising was cut off; what went wrong, in words, or None.

        `LATER` where that is not settled yet.
        """
        key = str(posting.exact_id)
        if posting.finalized == SENDING:
            reason = self._look(posting.reference, key)
            if reason != LATER:
                return reason
            if self.journal.clock() < (posting.sent_at or 0.0) + settle_after:
                return LATER
        return self.finalize(posting.reference, key)


def _problems(body: bytes) -> str:
    """What an answer says went wrong inside."""
    row = _row(body)
    return "; ".join(str(row[name]).strip() for name in FAILURES if row.get(name))


def _row(body: bytes) -> Mapping[str, Any]:
    try:
        row = json.loads(body)["d"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}
