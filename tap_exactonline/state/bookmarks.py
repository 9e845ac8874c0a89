"""Bookmarks: where the next run of a stream continues in a division.

A bookmark advances with every page whose order is proven, else at the end of the list. It is stored
in the stream's partition of the Singer state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from exactonline_client.odata.literals import literal
from tap_exactonline.definitions.definition import MODIFIED, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence
    from zoneinfo import ZoneInfo

    from exactonline_client.http.pagination import Page

PARTITION = "division"
"""Key of the division in the context of a partition."""
SETTLED = timedelta(minutes=5)
"""Age after which a change is certainly visible; younger rows are read again by the next run.

A transaction takes its timestamp and rowversion before it commits, so a lower rowversion may become
visible after a higher one.
"""
LAST_TIMESTAMP = "last_timestamp"
"""State of a partition: its rowversion bookmark from before it was read by `Modified`."""
HOUR = timedelta(hours=1)
BEFORE_ALL_ROWVERSIONS = 0
BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class BookmarkTracker:
    """Track how far a list has been read, by the bookmark column of its rows."""

    column: str
    zone: ZoneInfo
    """Of the server's wall clock."""
    settled: str | None = None
    """Changes after this time (UTC, ISO 8601) may have been missed."""
    highest: Any = None
    """Highest value so far."""
    proven: Any = None
    """Bookmark that is safe to store: all rows up to this value have been read."""
    _is_ordered: bool = field(default=True, init=False)
    _second_highest: Any = field(default=None, init=False)
    """Highest value below `highest`."""
    _lowest_unsettled: Any = field(default=None, init=False)
    """Lowest rowversion of a row that was changed after `settled`."""
    _highest_settled: Any = field(default=None, init=False)
    """Highest rowversion below that."""

    def add_page(
        self, page: Page, values: Sequence[Any], changed_at: Sequence[str | None] = ()
    ) -> None:
        """Add a page; `values` are those of the bookmark column, in the order of the page.

        For rowversions, `changed_at` are the change times of the same rows (UTC, ISO 8601).

        The order of a page is proven if its rows are ordered, continue the page before, and the
        skiptoken of the next page is the last value, or there is no next page.
        """
        if self.settled is None and page.read_at is not None:
            self.settled = _iso(page.read_at - SETTLED)
        known = [value for value in values if value is not None]
        if not known:
            return
        if self.column == TIMESTAMP:
            self._note_unsettled(values, changed_at)
        ordered = all(a <= b for a, b in pairwise(known))
        follows = self.highest is None or known[0] >= self.highest
        self._is_ordered = self._is_ordered and ordered and follows and len(known) == len(values)
        seen = known if self.highest is None else [self.highest, *known]
        self.highest = max(seen)
        self._second_highest = max(
            (value for value in seen if value < self.highest), default=self._second_highest
        )
        is_last = page.next_address is None
        if self._is_ordered and (is_last or self._continues_after(page, known[-1])):
            self.proven = self._complete_up_to(known[-1])

    def _note_unsettled(self, values: Sequence[Any], changed_at: Sequence[str | None]) -> None:
        known = [value for value in (self._highest_settled, *values) if value is not None]
        if self.settled is not None:
            since = earliest_stamp(self.settled, self.zone)
            stamped = zip(values, changed_at, strict=False)
            young = [v for v, time in stamped if v is not None and time and time >= since]
            seen = young if self._lowest_unsettled is None else [self._lowest_unsettled, *young]
            self._lowest_unsettled = min(seen, default=None)
        below = (v for v in known if self._lowest_unsettled is None or v < self._lowest_unsettled)
        self._highest_settled = max(below, default=BEFORE_ALL_ROWVERSIONS)

    def _complete_up_to(self, last: Any) -> Any:  # noqa: ANN401
        """Value up to which all rows have been read, after a page that ends with `last`.

        Rows such as the lines of a document have the same `Modified`: the next page may begin with
        more rows of the last value.
        """
        if self.column == TIMESTAMP:
            return self._highest_settled
        if self.settled is not None and self.settled < last:
            return self.settled
        return self._second_highest

    def finish(self) -> None:
        """Finish the list: all rows have been read, in whatever order."""
        if self.highest is None:
            return
        self.proven = self._settled_part(self.highest)
        if self.settled is not None and self.column == MODIFIED:
            wall = datetime.fromisoformat(self.proven).astimezone(self.zone)
            # Once the repeated hour is over, no row can get a time in it any more.
            over = _iso(_hour(wall).replace(fold=1).astimezone(timezone.utc) + HOUR)
            if _is_repeated(wall) and over <= self.settled:
                self.proven = over

    def _continues_after(self, page: Page, last: Any) -> bool:  # noqa: ANN401
        token = page.skiptoken or ""
        if self.column == TIMESTAMP:
            return token.removesuffix("L") == str(last)
        return token.startswith("datetime'")

    def _settled_part(self, value: Any) -> Any:  # noqa: ANN401
        if self.column == TIMESTAMP:
            return self._highest_settled
        if self.settled is None or self.column != MODIFIED:
            return value
        return min(value, self.settled)


def value(state: MutableMapping[str, Any], column: str) -> Any:  # noqa: ANN401
    """Bookmark of a partition; None if it has none for this column."""
    if state.get("replication_key") != column:
        return None
    return state.get("replication_key_value")


def advance(state: MutableMapping[str, Any], tracker: BookmarkTracker) -> None:
    """Advance the bookmark of a partition to the proven value; never backwards."""
    before = value(state, tracker.column)
    if tracker.proven is None or (before is not None and tracker.proven <= before):
        return
    if state.get("replication_key") == TIMESTAMP != tracker.column:
        state[LAST_TIMESTAMP] = state["replication_key_value"]
    state.update(with_bookmark(state, tracker.column, tracker.proven))


def with_bookmark(state: Mapping[str, Any], column: str, value: Any) -> dict[str, Any]:  # noqa: ANN401
    """Copy of a partition's state with another bookmark."""
    return {**state, "replication_key": column, "replication_key_value": value}


def modified_filter(bookmark: str | None, zone: ZoneInfo) -> str:
    """OData filter for rows changed after `bookmark` (UTC, ISO 8601), in server local time.

    In the hour that is repeated at the end of summer time, a later time may have an earlier local
    time, so a bookmark in that hour reads the whole hour again.
    """
    time = datetime.fromisoformat(bookmark) if bookmark else BEGINNING
    wall = time.astimezone(zone)
    repeated = _is_repeated(wall)
    if repeated:
        wall = _hour(wall)
    operator = "gt" if bookmark and not repeated else "ge"
    return f"{MODIFIED} {operator} {literal(wall.replace(tzinfo=None), 'Edm.DateTime')}"


def earliest_stamp(time: str, zone: ZoneInfo) -> str:
    """Earliest time that a row changed at `time` or later may show (both UTC, ISO 8601).

    Local times in the repeated hour at the end of summer time are ambiguous.
    """
    wall = datetime.fromisoformat(time).astimezone(zone)
    if _is_repeated(wall):
        wall = _hour(wall).replace(fold=0)
    return _iso(wall.astimezone(timezone.utc))


def just_before(time: str) -> str:
    """Bookmark that includes rows changed at exactly `time`."""
    return _iso(datetime.fromisoformat(time) - timedelta(milliseconds=1))


def utc_text(text: str) -> str:
    """Convert a configured date or date-time to UTC (ISO 8601), comparable with a bookmark.

    Raises:
        ValueError: it is neither.
    """
    time = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return _iso(time.astimezone(timezone.utc))


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")


def _is_repeated(wall: datetime) -> bool:
    """Whether a local time occurs twice, at the end of summer time."""
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


def _hour(wall: datetime) -> datetime:
    return wall.replace(minute=0, second=0, microsecond=0)
