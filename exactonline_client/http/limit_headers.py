"""Headers of a response that say how many calls are left of a limit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTELY, DAILY = "X-RateLimit-Minutely-", "X-RateLimit-"
"""Prefixes of the headers."""


def names_a_limit(headers: Mapping[str, str]) -> bool:
    """Return whether a 429 names the limit that is used up."""
    return any(number(headers.get(f"{prefix}Remaining")) == 0 for prefix in (MINUTELY, DAILY))


def number(text: str | None) -> float | None:
    """Parse the value of a header; None for a missing, negative or unreadable one."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None
