"""A document on its way through a load, with all that the steps of the load find out about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from target_exactonline.load.journal import made_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.store.postings import Posting
    from target_exactonline.results.outcome import Outcome


class Sendable(Protocol):
    """A document or a match set."""

    @property
    def reference(self) -> str | None:
        """Its reference outside Exact Online; None if it has none that can be used."""

    @property
    def record(self) -> Mapping[str, Any]:
        """The record as it came."""

    @property
    def problems(self) -> list[str]:
        """Reasons to reject it."""


Item = TypeVar("Item", bound=Sendable)


@dataclass(kw_only=True)
class Case(Generic[Item]):
    """One document of a batch; each step of the load fills in its part."""

    stream: str
    document: Item
    posting: Posting | None = None
    """What the journal holds of its reference."""
    has_failed_version: bool = False
    """Whether the journal holds a later record of its reference that failed."""
    is_forgotten: bool = False
    """Whether the journal holds no more of it than that it must not be sent again."""
    first: Case[Item] | None = None
    """The earlier case of the batch with the same reference, whose outcome this one shares."""
    rows: list[dict[str, Any]] | None = None
    """The documents found at Exact Online; None if there is no way to search for them."""
    outcome: Outcome | None = None
    was_carried_out: bool = False
    """Whether the outcome comes from Exact Online, not from the journal alone."""
    lacks_totals: bool = False
    """Whether its totals have still to be read and compared."""
    lacks_number: bool = False
    """Whether its number has still to be read."""
    finalized: str | None = None
    """The state of finalising to note in the journal once the outcome is reported."""

    @property
    def name(self) -> str:
        """Its reference in journal and results."""
        return self.document.reference or made_up(self.document.record)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with its record."""
        return self.document.reference is not None and not self.document.problems

    @property
    def is_open(self) -> bool:
        """Whether it still has to be decided on, by itself."""
        return self.outcome is None and self.first is None and self.is_sound

    @property
    def is_doubtful(self) -> bool:
        """Whether its creation was sent before without an answer."""
        return self.posting is not None and self.posting.doubtful

    @property
    def sent_at(self) -> float:
        """Time at which it was sent before, in seconds since the epoch; 0 if it was not."""
        return (self.posting.sent_at if self.posting else None) or 0.0
