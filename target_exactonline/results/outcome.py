"""The outcome of a record, with its reason and its key and number at Exact Online."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exactonline_client.store.outcomes import FAILED, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def joined(*reasons: str | None) -> str | None:
    """Join reasons to one; None if there is none."""
    return "; ".join(reason for reason in reasons if reason) or None


@dataclass(frozen=True)
class Outcome:
    """Outcome of a document."""

    status: Status
    exact_id: str | None = None
    """Key at Exact Online."""
    number: str | None = None
    """Number that Exact Online gave it."""
    reason: str | None = None
    """For results and log; the log hides the values of the record in it."""
    detail: str | None = None
    """Part of the reason that shows values of the record; for the results alone."""
    payload_hash: str = ""
    """Of the document that Exact Online now holds, or that need not be tried again."""
    kept_reference: str | None = None
    """Its reference as Exact Online keeps it, if that is known; empty if it keeps none."""
    unfinished: bool = False
    """Whether it is there, but a step after its creation failed: a user has to look at it."""

    @property
    def failed(self) -> bool:
        """Whether it differs from what the record and the settings ask for."""
        return self.unfinished or self.status in (*FAILED, Status.WOULD_REJECT)


@dataclass(frozen=True)
class Result:
    """Outcome of one record."""

    stream: str
    entity: str
    """Id of the endpoint."""
    reference: str
    outcome: Outcome
    private: Callable[[], Iterable[str]] = tuple
    """List the values that its reason may quote and the log must hide."""
