"""Record values that do not fit the type of their column, and fail the run at its end.

Such a value is sent as null, so that it does not block the rows after it. A row with an unreadable
key is left out.
"""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec
from typing_extensions import override

from exactonline_client.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)


class _Finding(msgspec.Struct):
    """One problem of a stream in one division."""

    stream: str
    division: int
    problem: str
    """Sentence that names the column."""
    outcome: str
    """What was done about it, such as `sent as null`."""
    first: Mapping[str, Any]
    """Key of the first row with the problem."""
    count: int = 0
    logged: int = 0
    """Part of `count` that was already logged."""

    @override
    def __str__(self) -> str:
        """Text for a log line or an error."""
        first = f", first in row {dict(self.first)}" if self.first else ""
        return (
            f"{self.stream} of division {self.division}: {self.problem} "
            f"({self.outcome}: {self.count}{first})"
        )


class UnreadableValues:
    """Unreadable values of one run; safe to use from several threads."""

    def __init__(self) -> None:
        """Start without findings."""
        self._findings: dict[tuple[str, int, str], _Finding] = {}
        self._lock = Lock()

    def note(
        self, stream: str, division: int, problem: str, outcome: str, row: Mapping[str, Any]
    ) -> None:
        """Record a problem; `row` is the key of the row."""
        with self._lock:
            key = (stream, division, problem)
            finding = self._findings.setdefault(
                key, _Finding(stream, division, problem, outcome, row)
            )
            finding.count += 1

    def log_new(self) -> None:
        """Log the problems found since the last call."""
        with self._lock:
            unlogged = [
                finding for finding in self._findings.values() if finding.count > finding.logged
            ]
            for finding in unlogged:
                finding.logged = finding.count
                logger.warning("%s. Please report this.", finding)

    def check(self) -> None:
        """Log new problems, and raise if the run had any.

        Raises:
            UnexpectedAnswer: lists all problems.
        """
        self.log_new()
        if self._findings:
            problems = "; ".join(map(str, self._findings.values()))
            raise UnexpectedAnswer(f"Everything was read, but not all values: {problems}.")
