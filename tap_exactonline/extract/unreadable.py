"""Values that are not what their columns hold: sent as null, named, and told by the exit code.

One such value must not keep the rows behind it from ever being read. A row whose key cannot be
read is left out: nobody could tell which row it is.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from exactonline_client.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


@dataclass
class _Finding:
    """What is wrong with a column of a stream in one division."""

    stream: str
    division: int
    what: str
    """In words, naming the column."""
    outcome: str
    """What became of it."""
    first: Mapping[str, Any]
    """The key of the first row that it was seen in."""
    count: int = 0
    told: int = 0
    """How many of them a warning has counted."""

    @override
    def __str__(self) -> str:
        """For a log or an error."""
        first = f", first in row {dict(self.first)}" if self.first else ""
        return (
            f"{self.stream} of division {self.division}: {self.what} "
            f"({self.outcome}: {self.count}{first})"
        )


class Unreadable:
    """Those of one run; several threads may find some at a time."""

    def __init__(self) -> None:
        """None was found yet."""
        self._found: dict[tuple[str, int, str], _Finding] = {}
        self._one_notes = Lock()

    def note(
        self, stream: str, division: int, what: str, outcome: str, row: Mapping[str, Any]
    ) -> None:
        """Something of a row, named by its key, could not be read."""
        with self._one_notes:
            key = (stream, division, what)
            finding = self._found.setdefault(key, _Finding(stream, division, what, outcome, row))
            finding.count += 1

    def tell(self) -> None:
        """Warn of what was found since the last time."""
        with self._one_notes:
            news = [finding for finding in self._found.values() if finding.count > finding.told]
            for finding in news:
                finding.told = finding.count
                logger.warning("%s. Please report this.", finding)

    def check(self) -> None:
        """End in an error if something was found.

        Raises:
            UnexpectedAnswer: it names all columns.
        """
        self.tell()
        if self._found:
            found = "; ".join(map(str, self._found.values()))
            raise UnexpectedAnswer(f"Everything was read, but not all values: {found}.")
