"""A call as it came in over HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Call:
    """A call under `/api/v1/`, as it came in."""

    method: str
    division: int | None
    """None for `current`."""
    path: str
    """Below the division."""
    query: str
    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""
    body: bytes = b""
    beta: bool = False
    xml: bool = False
    """For what lies below `/docs/`: the XML API, which speaks its own language, and files."""

    @property
    def root(self) -> str:
        """Address of the service up to and with the division."""
        division = "current" if self.division is None else str(self.division)
        return f"{self.base_url}/api/v1/{'beta/' if self.beta else ''}{division}"
