"""Whether the state of a partition still fits what Exact Online knows, and what to do if not.

Two things break it: Exact moves a company to another database, and all its rowversions begin
anew; or nobody looks at the deleted log for so long that part of it is gone.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tap_exactonline import bookmarks
from tap_exactonline.plan import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

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

LOG_REACHES_BACK = timedelta(days=59)
"""The deleted log is kept for two months, the shortest of which have 59 days."""


def check(what: str, state: State, moved_at: str | None, now: datetime) -> None:
    """Make a partition start anew where its state no longer fits; says so in a warning.

    `moved_at` tells when Exact last moved the company; None where that is not known or where the
    stream has no rowversion to lose.
    """
    before = state.get(MOVED_AT)
    if moved_at is not None:
        state[MOVED_AT] = moved_at
        if before not in (None, moved_at):
            logger.warning(
                "%s: Exact Online has moved this company to another database (%s), where all "
                "timestamps begin anew. Everything is read again.",
                what,
                moved_at,
            )
            forget(state)
            # The log of the new database tells all deletes it knows.
            state[DELETES_READ] = 0
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
    for name in (*places, COMPLETE_UNTIL):
        state.pop(name, None)


def other_start(state: State, column: str, first_timestamp: Callable[[str], int]) -> Any:  # noqa: ANN401
    """Where to go on when a stream is read from another endpoint than the last time.

    From a rowversion to `Modified` and back; `first_timestamp` finds the rowversion of a moment.
    None where the state says nothing.
    """
    complete = state.get(COMPLETE_UNTIL)
    if complete is None or state.get("replication_key") in (None, column):
        return None
    if column == TIMESTAMP:
        return max(first_timestamp(complete), state.get(bookmarks.LAST_TIMESTAMP, 0)) or None
    return complete
