"""What a check-up has read of an account; the assumptions are judged by it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exactonline_cli.doctor.calls import Answer, Calls


@dataclass
class Account:
    """What was read so far, and the calls that read more."""

    calls: Calls
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    me: Answer | None = None
    expired: Answer | None = None
    """Answer to an expired access token."""
    refusal_reason: str | None = None
    """The `Reason` for which every call on the division is refused."""
    country: str | None = None
    rights: dict[str, Answer] = field(default_factory=dict)
    """Answers to the core streams."""
    denied: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    """Streams that are empty because the user has no rights."""
