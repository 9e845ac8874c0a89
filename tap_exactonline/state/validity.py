"""Whether the state of a partition still fits what Exact Online knows, and what to do if not.

Two things break it: Exact moves a company to another database, and all its rowversions begin
anew; or nobody looks at the deleted log for so long that part of it is gone.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from exactonline_client.odata.decoding import instant, milliseconds
from exactonline_client.store.delete_watermarks import LogPosition
from tap_exactonline.definitions.definition import TIMESTAMP
from tap_exactonline.state import bookmarks

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from zoneinfo import ZoneInfo

    State = MutableMapping[str, Any]

logger = logging.getLogger(__name__)

DELETES_READ = "deletes_timestamp"
"""How far the deleted log has been read for this stream."""
DELETES_READ_AT = "deletes_read_at"
"""When that was, by the server's clock."""
MOVED_AT = "division_moved"
"""When the company was last moved, as it was known when the bookmark was set."""
COMPLETE_UNTIL = "complete_until"
"""Everything stamped up to this moment has been read."""
SINCE = "since"
"""Rows stamped before this moment are left out, until the list has been read to its end."""
LEFT_OUT = "left_out"
"""Columns that rows were sent without, since Exact Online would not give them."""

NEVER = "never"
NOT_OVER = " (not over)"
"""Behind the day of a move: the company may have been moved once more on that day."""
DAY = timedelta(days=1)
LOG_REACHES_BACK = timedelta(days=59)
"""The deleted log is kept for two months, the shortest of which have 59 days."""


def move(day: str | None, now: datetime, zone: ZoneInfo) -> str:
    """A text that differs from that of an earlier run if the company may have been moved since.

    Exact tells the day of the last move, and no time.
    """
    if not day:
        return NEVER
    try:
        midnight = instant(milliseconds(day), zone)
    except (ValueError, OverflowError):
        return day
    return day if now - bookmarks.SETTLED >= midnight + DAY else f"{day}{NOT_OVER}"


def is_of_another_database(state: Mapping[str, Any], moved_at: str | None) -> bool:
    """Whether the company was moved since the rowversions of this state; see `check`."""
    if moved_at is None:
        return False
    if MOVED_AT not in state:
        # The divisions could not be listed when its rowversions were read.
        return moved_at != NEVER and _has_rowversions(state)
    return bool(state[MOVED_AT] != moved_at)


def _has_rowversions(state: Mapping[str, Any]) -> bool:
    is_by_rowversion = state.get("replication_key") == TIMESTAMP
    return is_by_rowversion or not {bookmarks.LAST_TIMESTAMP, DELETES_READ}.isdisjoint(state)


def log_position(state: Mapping[str, Any], moved_at: str | None) -> int | None:
    """Behind which entry of the deleted log to go on; None where none of it has been told."""
    if DELETES_READ not in state:
        return None
    # The log of a new database tells all deletes it knows.
    return 0 if is_of_another_database(state, moved_at) else int(state[DELETES_READ])


def with_place(state: State, place: LogPosition | None) -> State:
    """The state of a partition, and what the store remembers of its deletes if it says nothing."""
    if place is None or DELETES_READ in state:
        return state
    told = {DELETES_READ: place.timestamp, DELETES_READ_AT: place.read_at, MOVED_AT: place.moved_at}
    return {**state, **{name: value for name, value in told.items() if value is not None}}


def place_of(state: Mapping[str, Any]) -> LogPosition:
    """How far the deletes have been told, for the store."""
    return LogPosition(state[DELETES_READ], state.get(DELETES_READ_AT), state.get(MOVED_AT))


def check(what: str, state: State, moved_at: str | None, now: datetime) -> None:
    """Make a partition start anew where its state no longer fits; says so in a warning.

    `moved_at` tells when Exact last moved the company (see `move`); None where that is not known
    or where the stream has no rowversion to lose.
    """
    is_moved, position = is_of_another_database(state, moved_at), log_position(state, moved_at)
    is_over = state.get(MOVED_AT) == f"{moved_at}{NOT_OVER}"
    if moved_at is not None:
        state[MOVED_AT] = moved_at
    if is_moved:
        logger.warning(
            "%s: the day on which Exact Online moved this company to another database was not over "
            "when it was last read, and another move on that day cannot be told. Everything is "
            "read once more."
            if is_over
            else "%s: Exact Online has moved this company to another database, where all "
            "timestamps begin anew. Everything is read again.",
            what,
        )
        forget(state)
        if position is not None:
            state[DELETES_READ] = position
        return
    read_at = state.get(DELETES_READ_AT)
    if read_at is not None and now - datetime.fromisoformat(read_at) > LOG_REACHES_BACK:
        logger.warning(
            "%s: the deleted log was last read at %s and is kept for two months only. Everything "
            "is read again; rows that were deleted before that stay in the warehouse unless the "
            "table is loaded afresh.",
            what,
            read_at,
        )
        forget(state)
        # Where the log cannot be read at all, this is not done again in every run.
        state[DELETES_READ_AT] = now.isoformat()


def forget(state: State) -> None:
    """Let a partition start anew."""
    places = ("replication_key", "replication_key_value", bookmarks.LAST_TIMESTAMP)
    for name in (*places, COMPLETE_UNTIL, SINCE):
        state.pop(name, None)


def other_start(state: State, column: str) -> Any:  # noqa: ANN401
    """Where to go on when a stream is read from another endpoint than the last time.

    From a rowversion to `Modified` and back; None where the state says nothing. The rowversion of
    a moment is not known: where there is none to go back to, everything is read, and what was
    complete before is left out.
    """
    complete = state.get(COMPLETE_UNTIL)
    if complete is None or state.get("replication_key") in (None, column):
        return None
    if column != TIMESTAMP:
        return complete
    if bookmarks.LAST_TIMESTAMP not in state:
        state[SINCE] = complete
    return state.get(bookmarks.LAST_TIMESTAMP, 0)
