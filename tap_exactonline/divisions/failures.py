"""What a run could not read, and the error that it ends in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client.errors import (
    AccessDenied,
    DailyLimitReached,
    ExactOnlineError,
    Incomplete,
)

if TYPE_CHECKING:
    import logging

    from tap_exactonline.extract.unreadable import Unreadable


class Failures:
    """The errors of one run."""

    def __init__(
        self, unreadable: Unreadable, logger: logging.Logger, *, fails_on_daily_limit: bool
    ) -> None:
        """Record nothing yet; `unreadable` are the values that the run could not read."""
        self._unreadable = unreadable
        self._logger = logger
        self._fails_on_daily_limit = fails_on_daily_limit
        self._closed: set[int] = set()
        """Divisions that are not read any further in this run."""
        self._failures: dict[str, ExactOnlineError] = {}
        """What was not read to its end, in words."""
        self._limits: list[DailyLimitReached] = []
        self._denied: dict[int, AccessDenied] = {}
        """By division, why the first of its lists could not be read."""
        self._served: set[int] = set()
        """Divisions of which a list was read to its end."""

    def is_open(self, division: int) -> bool:
        """Whether the division is still being read."""
        return division not in self._closed

    def is_whole(self, *lists: str) -> bool:
        """Whether lists (`stream of division 1`) were read to their ends."""
        return self._failures.keys().isdisjoint(lists)

    def failed(self, what: str, error: ExactOnlineError) -> None:
        """Record that something was not read to its end."""
        if isinstance(error, DailyLimitReached):
            self._limits.append(error)
        else:
            self._failures[what] = error
        self._logger.warning("%s was not read to its end: %s", what, error)

    def served(self, division: int) -> None:
        """Record that a list of a division was read to its end."""
        self._served.add(division)

    def denied(self, division: int, error: AccessDenied) -> None:
        """Record that a list of a division could not be read for want of rights."""
        self._denied.setdefault(division, error)

    def close(self, division: int, error: ExactOnlineError) -> None:
        """Read nothing more of a division."""
        self._closed.add(division)
        if isinstance(error, DailyLimitReached):
            self._limits.append(error)
        else:
            self._failures[f"division {division}"] = error

    def check(self) -> None:
        """End in an error if something was not read.

        Raises:
            Incomplete: with the first reason and its exit code.
            UnexpectedAnswer: some values could not be read.
            DailyLimitReached: where `on_daily_limit` is `fail`.
        """
        for division, error in self._denied.items():
            if division not in self._served:
                # A user may lack the rights to one list or another, but not to all of them.
                self._failures.setdefault(f"division {division}", error)
        if self._failures:
            raise Incomplete(list(self._failures), next(iter(self._failures.values())))
        self._unreadable.check()
        if self._limits and self._fails_on_daily_limit:
            raise self._limits[0]
