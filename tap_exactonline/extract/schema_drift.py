"""Fields that Exact sends and the catalogue does not know: told once, and kept where wanted."""

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
class Watch:
    """What one stream has seen that is not known."""

    stream: str
    known: Collection[str]
    _told: set[str] = field(default_factory=set, init=False)
    _one_tells: Lock = field(default_factory=Lock, init=False)

    def __post_init__(self) -> None:
        """Links between rows carry no value, and are no news either."""
        self._expected = {*self.known, METADATA}

    def unknown(self, row: Row) -> dict[str, Any] | None:
        """The fields of a row that are not known, as Exact sends them; None where all are."""
        if row.keys() <= self._expected:
            return None
        names = row.keys() - self._expected
        found = {name: row[name] for name in sorted(names) if not _is_link(row[name])}
        for name in self._news(found):
            logger.warning(
                "%s: Exact sends a field that is not known here: %s (%s).",
                self.stream,
                name,
                JSON_TYPES[type(found[name])],
            )
        return found or None

    def _news(self, names: Iterable[str]) -> list[str]:
        """Those that nobody was told of; several threads may see them at a time."""
        with self._one_tells:
            news = [name for name in names if name not in self._told]
            self._told.update(news)
        return news


def _is_link(value: object) -> bool:
    return isinstance(value, dict) and LINK in value
