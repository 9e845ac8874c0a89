"""Times as given on a command line."""

from __future__ import annotations

from datetime import datetime, timezone


def parse_time(text: str) -> datetime:
    """Parse an ISO date or time; without a zone it is UTC.

    Raises:
        ValueError: the text has another format.
    """
    time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
