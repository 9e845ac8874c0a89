"""Progress of one division."""

from __future__ import annotations

import msgspec


class DivisionStatus(msgspec.Struct, frozen=True):
    """Progress of a division that is being read."""

    division: int
    stream: str
    rows: int
    """Rows of the stream, including those of its line stream."""
    calls: int
    """API calls of the run."""
    left: int | None
    """Calls left today; None if not known yet."""
    waited: float
    """Seconds that the run has waited for the rate limits of the division."""
    to_go: float | None
    """Estimated seconds until the stream is read; None if its size is not known."""
