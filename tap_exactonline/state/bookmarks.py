"""Where the next run goes on, per stream and division.

A bookmark moves with every page that is proven to be in order; where that cannot be proven, it
moves at the end. It is kept in the partition of the stream's Singer state.
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
"""What the context of a partition calls its division."""
SETTLED = timedelta(minutes=5)
"""Rows stamped longer ago than this are all visible; younger ones are read again next time.

Rowversions too are taken before their transaction is committed: lower ones may be seen after higher
ones.
"""
LAST_TIMESTAMP = "last_timestamp"
"""In the state of a partition: the rowversion it had before it went on by `Modified`."""
HOUR = timedelta(hours=1)
BEFORE_ALL_ROWVERSIONS = 0
BEGINNING = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass
class Progress:
    """How far a list has been read, judged by the bookmark column of its rows."""

    column: str
    zone: ZoneInfo
    """Of the server's wall clock."""
    settled: str | None = None
    """Rows stamped after this moment may have been missed."""
    highest: Any = None
    """The highest value so far."""
    proven: Any = None
    """Everything up to this value has been read, whatever comes next."""
    _in_order: bool = field(default=True, init=False)
    _below: Any = field(default=None, init=False)
    """The highest value so far but one."""
    _unsettled: Any = field(default=None, init=False)
    """The lowest rowversion of a row that was changed after `settled`."""
    _old: Any = field(default=None, init=False)
    """The highest rowversion below that."""

    def page_read(
        self, page: Page, values: Sequence[Any], moments: Sequence[str | None] = ()
    ) -> None:
        """Take note of a page; `values` are those of the bookmark column, in the page's order.

        With rowversions, `moments` are when the same rows were changed, as far as that is known.

        A page proves its order when its rows are in order, begin where the page before ended,
        and the server says that it goes on behind the last of them, or not at all.
        """
        if self.settled is None and page.read_at is not None:
            self.settled = _text(page.read_at - SETTLED)
        known = [value for value in values if value is not None]
        if not known:
            return
        if self.column == TIMESTAMP:
            self._note_unsettled(values, moments)
        ordered = all(a <= b for a, b in pairwise(known))
        follows = self.highest is None or known[0] >= self.highest
        self._in_order = self._in_order and ordered and follows and len(known) == len(values)
        seen = known if self.highest is None else [self.highest, *known]
        self.highest = max(seen)
        self._below = max((value for value in seen if value < self.highest), default=self._below)
        is_last = page.next_address is None
        if self._in_order and (is_last or self._goes_on_behind(page, known[-1])):
            self.proven = self._before(known[-1])

    def _note_unsettled(self, values: Sequence[Any], moments: Sequence[str | None]) -> None:
        known = [value for value in (self._old, *values) if value is not None]
        if self.settled is not None:
            since = earliest(self.settled, self.zone)
            stamped = zip(values, moments, strict=False)
            young = [v for v, moment in stamped if v is not None and moment and moment >= since]
            seen = young if self._unsettled is None else [self._unsettled, *young]
            self._unsettled = min(seen, default=None)
        below = (v for v in known if self._unsettled is None or v < self._unsettled)
        self._old = max(below, default=BEFORE_ALL_ROWVERSIONS)

    def _before(self, last: Any) -> Any:  # noqa: ANN401
        """What is complete once a page has ended in `last`.

        Moments are shared, as by the lines of a document: the next page may begin with more rows
        of the last one.
        """
        if self.column == TIMESTAMP:
            return self._old
        if self.settled is not None and self.settled < last:
            return self.settled
        return self._below

    def finished(self) -> None:
        """The last page has been read: nothing is missing, whatever the order was."""
        if self.highest is None:
            return
        self.proven = self._capped(self.highest)
        if self.settled is not None and self.column == MODIFIED:
            wall = datetime.fromisoformat(self.proven).astimezone(self.zone)
            # Nothing more can be stamped in an hour that came twice, once it is long over.
            over = _text(_hour(wall).replace(fold=1).astimezone(timezone.utc) + HOUR)
            if _is_repeated(wall) and over <= self.settled:
                self.proven = over

    def _goes_on_behind(self, page: Page, last: Any) -> bool:  # noqa: ANN401
        token = page.skiptoken or ""
        if self.column == TIMESTAMP:
            return token.removesuffix("L") == str(last)
        return token.startswith("datetime'")

    def _capped(self, value: Any) -> Any:  # noqa: ANN401
        if self.column == TIMESTAMP:
            return self._old
        if self.settled is None or self.column != MODIFIED:
            return value
        return min(value, self.settled)


def start(state: MutableMapping[str, Any], column: str) -> Any:  # noqa: ANN401
    """The bookmark in the state of a partition; None when there is none for this column."""
    if state.get("replication_key") != column:
        return None
    return state.get("replication_key_value")


def advance(state: MutableMapping[str, Any], progress: Progress) -> None:
    """Move the bookmark in the state of a partition to what is proven; never backwards."""
    before = start(state, progress.column)
    if progress.proven is None or (before is not None and progress.proven <= before):
        return
    if state.get("replication_key") == TIMESTAMP != progress.column:
        state[LAST_TIMESTAMP] = state["replication_key_value"]
    state.update(moved(state, progress.column, progress.proven))


def moved(state: Mapping[str, Any], column: str, value: Any) -> dict[str, Any]:  # noqa: ANN401
    """The state of a partition with its bookmark at a value."""
    return {**state, "replication_key": column, "replication_key_value": value}


def modified_filter(bookmark: str | None, zone: ZoneInfo) -> str:
    """The filter for rows changed since `bookmark` (UTC, ISO), on the server's wall clock.

    In the hour that the clock is set back, a later moment may carry an earlier wall time: a
    bookmark inside that hour reads the whole hour again.
    """
    moment = datetime.fromisoformat(bookmark) if bookmark else BEGINNING
    wall = moment.astimezone(zone)
    repeated = _is_repeated(wall)
    if repeated:
        wall = _hour(wall)
    operator = "gt" if bookmark and not repeated else "ge"
    return f"{MODIFIED} {operator} {literal(wall.replace(tzinfo=None), 'Edm.DateTime')}"


def earliest(moment: str, zone: ZoneInfo) -> str:
    """The earliest stamp (UTC, ISO) that a row changed at this moment or later may seem to have.

    In the hour that the clock is set back a later moment may carry an earlier wall time.
    """
    wall = datetime.fromisoformat(moment).astimezone(zone)
    if _is_repeated(wall):
        wall = _hour(wall).replace(fold=0)
    return _text(wall.astimezone(timezone.utc))


def just_before(moment: str) -> str:
    """The bookmark with which rows stamped at this very moment are read too."""
    return _text(datetime.fromisoformat(moment) - timedelta(milliseconds=1))


def utc_text(text: str) -> str:
    """A date or moment of the configuration as UTC text, comparable with a bookmark.

    Raises:
        ValueError: it is neither.
    """
    moment = datetime.fromisoformat(re.sub(r"[zZ]$", "+00:00", text.strip()))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return _text(moment.astimezone(timezone.utc))


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _is_repeated(wall: datetime) -> bool:
    """Whether the clock showed this wall time twice, because it was set back."""
    return wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()


def _hour(wall: datetime) -> datetime:
    return wall.replace(minute=0, second=0, microsecond=0)
