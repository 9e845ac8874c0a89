"""What a run could not read, and why: an error ends no more than it has to."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exactonline_client import divisions
from exactonline_client.errors import (
    AccessDenied,
    DailyLimitReached,
    EndpointUnavailable,
    ErrorLimitReached,
    ExactOnlineError,
    Incomplete,
    RequestRefused,
    UnexpectedAnswer,
)
from tap_exactonline.divisions.selection import NOT_LISTED
from tap_exactonline.streams.base import ExactStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_exactonline.tap import TapExactOnline

FEW = 3
"""So many lists of a division that fail one after the other are no matter of one endpoint."""


class Trouble:
    """The errors of one run."""

    def __init__(self, tap: TapExactOnline) -> None:
        """Nothing has gone wrong yet."""
        self._tap = tap
        self._closed: set[int] = set()
        """Divisions that are not read any further in this run."""
        self._failures: dict[str, ExactOnlineError] = {}
        """What was not read to its end, in words."""
        self._limits: list[DailyLimitReached] = []
        self._faults: Counter[int] = Counter()
        """By division, the lists that failed since one was read."""
        self._denials: Counter[int] = Counter()
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
        """Something was not read to its end."""
        if isinstance(error, DailyLimitReached):
            self._limits.append(error)
        else:
            self._failures[what] = error
        self._tap.logger.warning("%s was not read to its end: %s", what, error)

    @contextmanager
    def isolated(self, stream: str, division: int) -> Iterator[None]:
        """Let an error end the reading of one stream in one division, not that of the others."""
        try:
            yield
            self._served.add(division)
            del self._faults[division], self._denials[division]
        except DailyLimitReached as error:
            self._day_is_over(stream, division, error)
        except AccessDenied as error:
            self._no_access(stream, division, error)
        except (
            EndpointUnavailable,
            ErrorLimitReached,
            RequestRefused,
            UnexpectedAnswer,
        ) as error:
            self.failed(f"{stream} of division {division}", error)
            self._faults[division] += isinstance(error, EndpointUnavailable)
            if self._faults[division] == FEW:
                self._close(division, error)
                self._tap.logger.warning(
                    "Division %s is not read any further: %d of its lists failed one after the "
                    "other.",
                    division,
                    FEW,
                )

    def _day_is_over(self, stream: str, division: int, error: DailyLimitReached) -> None:
        self._closed.add(division)
        self._limits.append(error)
        self._tap.logger.warning(
            "%s So far: %d rows of %s, and %d calls in this run.",
            error,
            self._tap.readers.progress.rows[division],
            stream,
            self._tap.connection.session.usage.calls.get(division, 0),
        )

    def _no_access(self, stream: str, division: int, error: AccessDenied) -> None:
        """A stream may be out of reach for want of rights; a division altogether."""
        if error.is_of_division:
            self._close(division, error)
            self._tap.logger.warning("Division %s is not read any further: %s", division, error)
            return
        shut = self._why_shut(division)
        if shut:
            self._close(division, AccessDenied(shut))
            self._tap.logger.warning("%s", shut)
            return
        self._tap.logger.warning("Skipping %s of division %s: %s", stream, division, error)
        read = self._tap.streams.get(stream)
        if isinstance(read, ExactStream):
            self._tap.connection.remember_denial(read.list_endpoint, division)
        self._denials[division] += 1
        self.denied(division, error)

    def denied(self, division: int, error: AccessDenied) -> None:
        """A list of a division could not be read for want of rights."""
        self._denied.setdefault(division, error)

    def _why_shut(self, division: int) -> str | None:
        """Why nothing of a division can be read; None where that is not known."""
        reach = self._tap.reach
        listed = reach.listed
        if not listed:
            return None
        if division not in listed:
            return (
                f"The signed-in user may not open division {division}. "
                f"Set divisions to some of: {', '.join(map(str, sorted(listed)))}."
            )
        shut = divisions.why_shut(listed[division])
        if division != reach.current and shut is None and self._denials[division] == FEW - 1:
            shut = self._refuses_all(division)
        return shut and f"Division {division} cannot be read: {shut}. Leave it out of divisions."

    def _refuses_all(self, division: int) -> str | None:
        """Whether a division refuses even what the user may read elsewhere."""
        try:
            divisions.divisions(self._tap.connection.session, division)
        except AccessDenied:
            return "Exact Online refuses access to everything in it (HTTP 403)"
        except NOT_LISTED:
            pass
        return None

    def _close(self, division: int, error: ExactOnlineError) -> None:
        self._closed.add(division)
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
        self._tap.unreadable.check()
        if self._limits and self._tap.config.get("on_daily_limit") == "fail":
            raise self._limits[0]
