"""How far the deletes of a stream were read; imports no database."""

from __future__ import annotations

from typing import NamedTuple


class LogPosition(NamedTuple):
    """A position in the deleted log of a division, as in the state of a stream."""

    timestamp: int
    """Rowversion of the last entry that was emitted."""
    read_at: str | None = None
    """Time of reading (UTC, ISO) by the server's clock."""
    moved_at: str | None = None
    """Time of the division's last move between databases; each database has its own log."""
    keys_since: int | None = None
    """Rowversion since which the store has the keys of all emitted rows."""
