"""What a run could not read, and why: an error ends no more than it has to."""

from __future__ import annotations

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
from tap_exactonline.streams import ExactStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_exactonline.tap import TapExactOnline

OUTAGE = 3
"""So many lists that fail one after the other are no matter of one endpoint."""


class Trouble:
    """The errors of one run."""

    def __init__(self, tap: TapExactOnline) -> None:
        """Nothing has gone wrong yet."""
        self._tap = tap
        self._closed: dict[int, ExactOnlineError] = {}
        """Divisions that are not read any further in this run."""
        self._failures: dict[str, ExactOnlineError] = {}
        """What was not read to its end, in words."""
        self._in_a_row = 0

    def is_open(self, division: int) -> bool:
        """Whether the division is still being read."""
        return division not in self._closed

    def is_whole(self, *lists: str) -> bool:
        """Whether lists (`stream of division 1`) were read to their ends."""
        return self._failures.keys().isdisjoint(lists)

    @contextmanager
    def isolated(self, stream: str, division: int) -> Iterator[None]:
        """Let an error end the reading of one stream in one division, not that of the others."""
        try:
            yield
            self._in_a_row = 0
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
            what = f"{stream} of division {division}"
            self._failures[what] = error
            self._tap.logger.warning("%s was not read to its end: %s", what, error)
            self._in_a_row += isinstance(error, EndpointUnavailable)
            if self._in_a_row == OUTAGE:
                raise

    def _day_is_over(self, stream: str, division: int, error: DailyLimitReached) -> None:
        self._closed[division] = error
        self._tap.logger.warning(
            "%s So far: %d rows of %s, and %d calls in this run.",
            error,
            self._tap.readers.progress.rows[division],
            stream,
            self._tap.connection.session.usage.calls.get(division, 0),
        )

    def _no_access(self, stream: str, division: int, error: AccessDenied) -> None:
        """A stream may be out of reach for want of rights; a division altogether."""
        listed = self._tap.listed_divisions
        shut = divisions.why_shut(listed[division]) if division in listed else None
        if not listed or (division in listed and not shut):
            self._tap.logger.warning("Skipping %s of division %s: %s", stream, division, error)
            read = self._tap.streams.get(stream)
            if isinstance(read, ExactStream):
                self._tap.connection.remember_denial(read.plan.endpoint.id, division)
            return
        self._closed[division] = AccessDenied(
            f"Division {division} cannot be read: {shut}. Leave it out of divisions."
            if shut
            else f"The signed-in user may not open division {division}. "
            f"Set divisions to some of: {', '.join(map(str, sorted(listed)))}."
        )
        self._failures[f"division {division}"] = self._closed[division]
        self._tap.logger.warning("%s", self._closed[division])

    def check(self) -> None:
        """End in an error if something was not read.

        Raises:
            Incomplete: with the first reason and its exit code.
            DailyLimitReached: where `on_daily_limit` is `fail`.
        """
        if self._failures:
            raise Incomplete(list(self._failures), next(iter(self._failures.values())))
        limits = [error for error in self._closed.values() if isinstance(error, DailyLimitReached)]
        if limits and self._tap.config.get("on_daily_limit") == "fail":
            raise limits[0]
