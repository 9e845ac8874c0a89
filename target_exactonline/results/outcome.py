"""The outcome of a record: created, rejected, in doubt and so on, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Status(str, Enum):
    """How a record ended, as the results and the journal write it."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    EXISTS = "exists"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    POSTING = "posting"
    """Not an end: what the journal says of a document while it is being sent."""
    WOULD_CREATE = "would_create"
    WOULD_UPDATE = "would_update"
    WOULD_DELETE = "would_delete"
    WOULD_SKIP = "would_skip"
    WOULD_REJECT = "would_reject"

    __str__ = str.__str__


FAILED = (Status.REJECTED, Status.IN_DOUBT)
WRITTEN = (Status.CREATED, Status.UPDATED, Status.DELETED)
WOULD = {
    Status.CREATED: Status.WOULD_CREATE,
    Status.UPDATED: Status.WOULD_UPDATE,
    Status.DELETED: Status.WOULD_DELETE,
    Status.SKIPPED: Status.WOULD_SKIP,
    Status.REJECTED: Status.WOULD_REJECT,
}
"""What a dry run says in place of an outcome; the others it can find out for certain."""


def joined(*reasons: str | None) -> str | None:
    """Reasons as one; None where there is none."""
    return "; ".join(reason for reason in reasons if reason) or None


@dataclass(frozen=True)
class Outcome:
    """What became of a document, under which key and number it is at Exact Online, and why."""

    status: Status
    exact_id: str | None = None
    number: str | None = None
    reason: str | None = None
    """For the log as well, which hides the values of the record in it."""
    detail: str | None = None
    """What the reason is about, with values of the record; for the results alone."""
    payload_hash: str = ""
    """Of the document that Exact Online now holds, or that need not be tried again."""
    kept_reference: str | None = None
    """How Exact Online keeps its reference, where that was seen; empty where it keeps none."""
    unfinished: bool = False
    """Whether it is there, but not all that was to be done with it: a person has to look."""

    @property
    def failed(self) -> bool:
        """Whether it did not end as the record and the settings ask."""
        return self.unfinished or self.status in (*FAILED, Status.WOULD_REJECT)


@dataclass(frozen=True)
class Result:
    """What became of one record."""

    stream: str
    entity: str
    """Id of the endpoint."""
    reference: str
    outcome: Outcome
    private: Callable[[], Iterable[str]] = tuple
    """The values that its reason may quote, and the log must not."""
