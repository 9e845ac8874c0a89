"""Bookmark of a partition during a run: where to start, and how to advance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from tap_exactonline.definitions.definition import MODIFIED
from tap_exactonline.extract.query import FIRST_ROWVERSION
from tap_exactonline.state import bookmarks, validity

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from tap_exactonline.readers.request import StreamRequest
    from tap_exactonline.state.bookmarks import BookmarkTracker


class Position(msgspec.Struct, frozen=True):
    """Position of a partition in its list."""

    request: StreamRequest
    state: dict[str, Any]
    """State of the partition that the reader advances, see `Batch`."""
    start_date: str | None
    zone: ZoneInfo
    """Time zone of the server's local times."""

    def start(self, column: str | None) -> Any:  # noqa: ANN401
        """Bookmark of a column to read after; None to read all rows."""
        if column is None or not self.request.is_incremental:
            return None
        bookmark = bookmarks.value(self.state, column)
        if bookmark is None:
            bookmark = validity.start_from_other_endpoint(self.state, column)
        if column == MODIFIED:
            return self._start_by_modified(bookmark)
        if bookmark is not None or self.start_date is None:
            return bookmark
        # In a division that was moved, copied or restored, rowversions and times of change differ
        # in order: read the whole list, and skip rows before the start date.
        self.state[validity.SINCE] = self.start_date
        return FIRST_ROWVERSION

    def _start_by_modified(self, bookmark: str | None) -> str | None:
        """Bookmark of `Modified`; also sets the limit for lists that cannot be filtered by it.

        If the start date is later than the bookmark, changes between the two are still read.
        """
        self.state.pop(validity.SINCE, None)
        if self.start_date is None:
            return bookmark
        self.state[validity.SINCE] = min(self.start_date, bookmark or self.start_date)
        return bookmark or bookmarks.just_before(self.start_date)

    @property
    def oldest(self) -> str | None:
        """Time (UTC, ISO 8601) before which rows of the list are skipped; None to skip none."""
        definition = self.request.definition
        if (
            not self.request.is_incremental
            or definition.changed_column not in definition.endpoint.columns
        ):
            return None
        since = self.state.get(validity.SINCE)
        return since and bookmarks.earliest_stamp(since, self.zone)

    def advance(self, tracker: BookmarkTracker) -> None:
        """Advance the bookmark to the proven value."""
        if self.request.is_selected and self.request.is_incremental:
            bookmarks.advance(self.state, tracker)

    def complete(self, tracker: BookmarkTracker) -> None:
        """Note in the state up to which time the list is complete, after reading all of it."""
        self.state.pop(validity.SINCE, None)
        is_incremental = self.request.is_selected and self.request.is_incremental
        if is_incremental and tracker.settled is not None:
            self.state[validity.COMPLETE_UNTIL] = tracker.settled
