"""Detect fields that the catalogue does not know, and warn once about each."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from exactonline_client.odata.decoding import Row

logger = logging.getLogger(__name__)

METADATA = "__metadata"
LINK = "__deferred"
JSON_TYPES = {
    bool: "boolean",
    dict: "object",
    float: "number",
    int: "integer",
    list: "array",
    str: "string",
    type(None): "null",
}


@dataclass
class DriftDetector:
    """Unknown fields of one stream; safe to use from several threads."""

    stream: str
    known: Collection[str]
    _reported: set[str] = field(default_factory=set, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        """Expect the metadata of a row besides its known fields."""
        self._expected = {*self.known, METADATA}

    def unknown(self, row: Row) -> dict[str, Any] | None:
        """Unknown fields of a row as Exact sends them, without deferred links; None if none."""
        if row.keys() <= self._expected:
            return None
        names = row.keys() - self._expected
        unknown_fields = {name: row[name] for name in sorted(names) if not _is_link(row[name])}
        for name in self._unreported(unknown_fields):
            logger.warning(
                "%s: Exact sends a field that is not known here: %s (%s).",
                self.stream,
                name,
                JSON_TYPES[type(unknown_fields[name])],
            )
        return unknown_fields or None

    def _unreported(self, names: Iterable[str]) -> list[str]:
        """Names that were not reported yet; marks them as reported."""
        with self._lock:
            unreported = [name for name in names if name not in self._reported]
            self._reported.update(unreported)
        return unreported


def _is_link(value: object) -> bool:
    return isinstance(value, dict) and LINK in value
