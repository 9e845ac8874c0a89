"""Check whether the state of a partition is still valid, and reset it if not.

It becomes invalid when Exact moves the division to another database, where rowversions start again,
and when the deleted log has not been read for longer than Exact keeps it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from exactonline_client.odata.decoding import instant, milliseconds
from exactonline_client.store.log_position import LogPosition
from tap_exactonline.definitions.definition import TIMESTAMP
from tap_exactonline.state import bookmarks

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from zoneinfo import ZoneInfo

    State = MutableMapping[str, Any]

logger = logging.getLogger(__name__)

DELETES_READ = "deletes_timestamp"
"""State of a partition: rowversion up to which the deleted log was read for the stream."""
DELETES_READ_AT = "deletes_read_at"
"""State of a partition: when that was, on the server's clock."""
MOVED_AT = "division_moved"
"""State of a partition: marker of the division's last move, see `move_marker`."""
COMPLETE_UNTIL = "complete_until"
"""State of a partition: all changes up to this time have been read."""
SINCE = "since"
"""State of a partition: rows changed before this time are skipped until the list is finished."""
LEFT_OUT = "left_out"
"""State of a partition: columns that Exact Online did not return, missing from rows sent so far."""

NEVER = "never"
NOT_OVER = " (not over)"
"""Suffix of a marker whose day was not over: another move on that day cannot be ruled out."""
DAY = timedelta(days=1)
LOG_RETENTION = timedelta(days=59)
"""Exact keeps the deleted log for two months; the shortest two have 59 days."""


def move_marker(day: str | None, now: datetime, zone: ZoneInfo) -> str:
    """Marker that differs between two runs if the division may have been moved in between.

    `day` is the `DivisionMoveDate` of the division; Exact returns no time.
    """
    if not day:
        return NEVER
    try:
        midnight = instant(milliseconds(day), zone)
    except (ValueError, OverflowError):
        return day
    return day if now - bookmarks.SETTLED >= midnight + DAY else f"{day}{NOT_OVER}"


def has_moved(state: Mapping[str, Any], moved_at: str | None) -> bool:
    """Whether the division was moved since the rowversions of this state; see `check`."""
    if moved_at is None:
        return False
    if MOVED_AT not in state:
        # The list of divisions was not available when the rowversions were read.
        return moved_at != NEVER and _has_rowversions(state)
    return bool(state[MOVED_AT] != moved_at)


def _has_rowversions(state: Mapping[str, Any]) -> bool:
    is_by_rowversion = state.get("replication_key") == TIMESTAMP
    return is_by_rowversion or not {bookmarks.LAST_TIMESTAMP, DELETES_READ}.isdisjoint(state)


def log_position(state: Mapping[str, Any], moved_at: str | None) -> int | None:
    """Rowversion to read the deleted log after; None if it was never read for the stream."""
    if DELETES_READ not in state:
        return None
    # In a new database, read the whole log.
    return 0 if has_moved(state, moved_at) else int(state[DELETES_READ])


def with_watermark(state: State, watermark: LogPosition | None) -> State:
    """State of a partition, with the store's delete watermark if the state has none."""
    if watermark is None or DELETES_READ in state:
        return state
    remembered = {
        DELETES_READ: watermark.timestamp,
        DELETES_READ_AT: watermark.read_at,
        MOVED_AT: watermark.moved_at,
    }
    return {**state, **{name: value for name, value in remembered.items() if value is not None}}


def watermark_of(state: Mapping[str, Any]) -> LogPosition:
    """Delete watermark of a partition's state."""
    return LogPosition(state[DELETES_READ], state.get(DELETES_READ_AT), state.get(MOVED_AT))


def check(what: str, state: State, moved_at: str | None, now: datetime) -> None:
    """Reset the state of a partition if it is no longer valid, and log a warning.

    `moved_at` is the marker of the division's last move (see `move_marker`); None if it is not
    known or the stream uses no rowversions. `what` names the partition in the warning.
    """
    moved, position = has_moved(state, moved_at), log_position(state, moved_at)
    is_over = state.get(MOVED_AT) == f"{moved_at}{NOT_OVER}"
    if moved_at is not None:
        state[MOVED_AT] = moved_at
    if moved:
        logger.warning(
            "%s: the day on which Exact Online moved this company to another database was not over "
            "when it was last read, and another move on that day cannot be noticed. "
            "Everything is read again."
            if is_over
            else "%s: Exact Online has moved this company to another database, where all "
            "timestamps start again. Everything is read again.",
            what,
        )
        reset(state)
        if position is not None:
            state[DELETES_READ] = position
        return
    read_at = state.get(DELETES_READ_AT)
    if read_at is not None and now - datetime.fromisoformat(read_at) > LOG_RETENTION:
        logger.warning(
            "%s: the deleted log was last read at %s and is kept for two months only. Everything "
            "is read again; rows that were deleted before that stay in the warehouse unless the "
            "table is loaded afresh.",
            what,
            read_at,
        )
        reset(state)
        # Do not repeat this in every run while the log cannot be read at all.
        state[DELETES_READ_AT] = now.isoformat()


def reset(state: State) -> None:
    """Reset the bookmark of a partition, so that all rows are read again."""
    bookmark_keys = ("replication_key", "replication_key_value", bookmarks.LAST_TIMESTAMP)
    for name in (*bookmark_keys, COMPLETE_UNTIL, SINCE):
        state.pop(name, None)


def start_from_other_endpoint(state: State, column: str) -> Any:  # noqa: ANN401
    """Bookmark for a stream that was read from another type of endpoint before; None if unknown.

    From a rowversion to `Modified`, or back. Without an earlier rowversion to go back to, the whole
    list is read, and rows changed before `COMPLETE_UNTIL` are skipped.
    """
    complete = state.get(COMPLETE_UNTIL)
    if complete is None or state.get("replication_key") in (None, column):
        return None
    if column != TIMESTAMP:
        return complete
    if bookmarks.LAST_TIMESTAMP not in state:
        state[SINCE] = complete
    return state.get(bookmarks.LAST_TIMESTAMP, 0)
