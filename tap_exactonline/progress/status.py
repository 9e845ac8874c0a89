"""How far the reading of one division is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One division that is being read."""

    division: int
    stream: str
    rows: int
    """Of the stream, those of its lines included."""
    calls: int
    """Of the run."""
    left: int | None
    """Calls that are left today; None where Exact has not told yet."""
    waited: float
    """Seconds that the run has waited for the limits of this division."""
    to_go: float | None
    """Seconds until the stream is read; None where its size is not known."""
