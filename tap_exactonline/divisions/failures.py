"""Collect the errors of a run, and raise `Incomplete` at its end."""

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

    from tap_exactonline.extract.unreadable import UnreadableValues


class Failures:
    """The errors of one run."""

    def __init__(
        self, unreadable: UnreadableValues, logger: logging.Logger, *, fails_on_daily_limit: bool
    ) -> None:
        """Start without errors; `unreadable` holds the unreadable values of the run."""
        self._unreadable = unreadable
        self._logger = logger
        self._fails_on_daily_limit = fails_on_daily_limit
        self._closed: set[int] = set()
        """Divisions to skip for the rest of the run."""
        self._failures: dict[str, ExactOnlineError] = {}
        """Errors by list, such as `accounts of division 1`."""
        self._limits: list[DailyLimitReached] = []
        self._denied: dict[int, AccessDenied] = {}
        """First denial of a list, by division."""
        self._served: set[int] = set()
        """Divisions with a completely read list."""

    def is_open(self, division: int) -> bool:
        """Whether the division may still be read."""
        return division not in self._closed

    def is_whole(self, *lists: str) -> bool:
        """Whether lists (`accounts of division 1`) were read completely."""
        return self._failures.keys().isdisjoint(lists)

    def failed(self, what: str, error: ExactOnlineError) -> None:
        """Record that a list was not read completely."""
        if isinstance(error, DailyLimitReached):
            self._limits.append(error)
        else:
            self._failures[what] = error
        self._logger.warning("%s was not read to its end: %s", what, error)

    def served(self, division: int) -> None:
        """Record that a list of a division was read completely."""
        self._served.add(division)

    def denied(self, division: int, error: AccessDenied) -> None:
        """Record that the user has no rights to a list of a division."""
        self._denied.setdefault(division, error)

    def close(self, division: int, error: ExactOnlineError) -> None:
        """Skip a division for the rest of the run."""
        self._closed.add(division)
        if isinstance(error, DailyLimitReached):
            self._limits.append(error)
        else:
            self._failures[f"division {division}"] = error

    def check(self) -> None:
        """Raise if something was not read.

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
