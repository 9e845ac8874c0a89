"""Parse dates and timestamps in the formats of databases, alike on every Python version."""

from __future__ import annotations

import re
from datetime import date, datetime

TIMESTAMP = re.compile(
    r"""
    (?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})
    (?:
        [T ](?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2})?)
        (?:\.(?P<fraction>[0-9]{1,9}))?
        \ ?(?P<zone>Z|UTC|[+-][0-9]{2}(?::?[0-9]{2})?)?
        (?:\+00:00)?  # tap-mysql appends it to timestamps that have an offset already.
    )?
    """,
    re.VERBOSE | re.IGNORECASE,
)
FRACTION_DIGITS = 6
"""Digits of a fraction of a second that a datetime holds."""


def parse_timestamp(text: str) -> date:
    """Parse a date, or a datetime if the text has a time.

    Raises:
        ValueError: it is neither.
    """
    match = TIMESTAMP.fullmatch(text.strip())
    if match is None:
        raise ValueError("no moment")
    if match["time"] is None:
        return date.fromisoformat(match["day"])
    fraction = (match["fraction"] or "").ljust(FRACTION_DIGITS, "0")[:FRACTION_DIGITS]
    time = match["time"] if match["time"].count(":") > 1 else f"{match['time']}:00"
    zone = match["zone"] or ""
    if zone.upper() in {"Z", "UTC"}:
        zone = "+00:00"
    elif zone:
        zone = f"{zone[:3]}:{zone[3:].lstrip(':') or '00'}"
    return datetime.fromisoformat(f"{match['day']}T{time}.{fraction}{zone}")
