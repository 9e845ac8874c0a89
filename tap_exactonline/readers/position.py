"""Where the reading of a partition begins, and how its state moves on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_exactonline.definitions.definition import MODIFIED
from tap_exactonline.extract import query as reading
from tap_exactonline.state import bookmarks, validity

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from tap_exactonline.readers.request import StreamRequest
    from tap_exactonline.state.bookmarks import Progress


@dataclass(frozen=True)
class Position:
    """The position of a partition in its list."""

    request: StreamRequest
    state: dict[str, Any]
    """That of the partition, as it will be when everything read so far is out."""
    start_date: str | None
    zone: ZoneInfo
    """Of the server's wall clock."""

    def start(self, column: str | None) -> Any:  # noqa: ANN401
        """Behind which bookmark of a column to read; None for everything."""
        if column is None or not self.request.is_incremental:
            return None
        found = bookmarks.start(self.state, column)
        if found is None:
            found = validity.other_start(self.state, column)
        if column == MODIFIED:
            return self._since_moment(found)
        if found is not None or self.start_date is None:
            return found
        # A company that was moved, copied or restored has rowversions in another order than
        # moments: everything is read, and what is too old is left out.
        self.state[validity.SINCE] = self.start_date
        return reading.BEGINNING

    def _since_moment(self, bookmark: str | None) -> str | None:
        """Where a list goes on by `Modified`; older rows come where it takes no filter.

        A start date behind the bookmark must not keep back what has changed between the two.
        """
        self.state.pop(validity.SINCE, None)
        if self.start_date is None:
            return bookmark
        self.state[validity.SINCE] = min(self.start_date, bookmark or self.start_date)
        return bookmark or bookmarks.just_before(self.start_date)

    @property
    def oldest(self) -> str | None:
        """The moment before which rows are not wanted, although the list may hold such."""
        plan = self.request.plan
        if not self.request.is_incremental or plan.stamp not in plan.endpoint.columns:
            return None
        since = self.state.get(validity.SINCE)
        return since and bookmarks.earliest(since, self.zone)

    def advance(self, progress: Progress) -> None:
        """Move the bookmark to what is proven."""
        if self.request.is_selected and self.request.is_incremental:
            bookmarks.advance(self.state, progress)

    def complete(self, progress: Progress) -> None:
        """Note until when the list is complete, which is read to its end."""
        self.state.pop(validity.SINCE, None)
        is_incremental = self.request.is_selected and self.request.is_incremental
        if is_incremental and progress.settled is not None:
            self.state[validity.COMPLETE_UNTIL] = progress.settled
