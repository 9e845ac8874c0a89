"""The outcomes of records that are written to Exact Online."""

from __future__ import annotations

from enum import Enum


class Status(str, Enum):
    """Outcome of a record, as the journal and the results file spell it."""

    CREATED = "created"
    UPDATED = "updated"
    EXISTS = "exists"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    DELETED = "deleted"
    REJECTED = "rejected"
    IN_DOUBT = "in_doubt"
    POSTING = "posting"
    """In the journal only: the document is being sent, or the run was cut off while it was."""
    FORGOTTEN = "forgotten"
    """In the journal only: a user had the document forgotten; a hash of its reference is left."""
    WOULD_CREATE = "would_create"
    """This and those below: outcomes of a dry run, which writes nothing to the journal."""
    WOULD_UPDATE = "would_update"
    WOULD_DELETE = "would_delete"
    WOULD_SKIP = "would_skip"
    WOULD_REJECT = "would_reject"

    __str__ = str.__str__


WOULD = {
    Status.CREATED: Status.WOULD_CREATE,
    Status.UPDATED: Status.WOULD_UPDATE,
    Status.DELETED: Status.WOULD_DELETE,
    Status.SKIPPED: Status.WOULD_SKIP,
    Status.REJECTED: Status.WOULD_REJECT,
}
"""Outcomes of a dry run by those of a run that writes; outcomes not listed are the same in both."""
STORED = tuple(status for status in Status if status not in WOULD.values())
"""Outcomes that the journal holds."""
FAILED = (Status.REJECTED, Status.IN_DOUBT)
WRITTEN = (Status.CREATED, Status.UPDATED, Status.DELETED)
PRESENT = (Status.CREATED, Status.EXISTS)
"""Outcomes that place a document at Exact Online, also one without a key there."""
UNANSWERED = (Status.IN_DOUBT, Status.POSTING)
"""Sent without an answer: the document, or its change, may or may not be at Exact Online."""
