"""Isolate errors per stream and division, so that the rest of the run continues."""

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
    RequestRefused,
    UnexpectedAnswer,
)
from exactonline_client.printable import counted
from tap_exactonline.divisions.selection import NOT_LISTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_exactonline.context import RunContext
    from tap_exactonline.definitions.definition import StreamDefinition
    from tap_exactonline.divisions.failures import Failures
    from tap_exactonline.divisions.selection import DivisionSelection

FEW = 3
"""Consecutive failing lists after which a whole division is skipped."""


class Isolation:
    """Decide what an error ends: a list, a division or the run."""

    def __init__(
        self, context: RunContext, selection: DivisionSelection, failures: Failures
    ) -> None:
        """Isolate errors of the divisions of `selection`, and record them in `failures`."""
        self._context = context
        self._selection = selection
        self._failures = failures
        self._faults: Counter[int] = Counter()
        """Lists that failed since the last complete one, by division."""
        self._denials: Counter[int] = Counter()

    def may_read(self, definition: StreamDefinition, division: int) -> bool:
        """Whether to read a list: its division is open, and access was not denied lately."""
        return self._failures.is_open(division) and not self._is_denied(definition, division)

    def _is_denied(self, definition: StreamDefinition, division: int) -> bool:
        """Whether access to a list was denied within the last hour.

        Ten errors in an hour block the app, so frequent runs must not try each time.
        """
        denied = self._context.connection.is_denied(definition.endpoint.id, division)
        if denied:
            why = "Exact Online refused access within the last hour."
            self._context.logger.warning(
                "Skipping %s of division %s: %s", definition.name, division, why
            )
            self._failures.denied(division, AccessDenied(f"{definition.name}: {why}"))
        return denied

    @contextmanager
    def isolated(
        self, stream: str, endpoint: str, division: int, rows: Mapping[int, int]
    ) -> Iterator[None]:
        """Catch the errors of one stream in one division, and record them.

        `endpoint` is that of the stream's list; `rows` counts the rows read so far, by division.
        """
        try:
            yield
            self._failures.served(division)
            del self._faults[division], self._denials[division]
        except DailyLimitReached as error:
            self._day_is_over(stream, division, rows[division], error)
        except AccessDenied as error:
            self._no_access(stream, endpoint, division, error)
        except (
            EndpointUnavailable,
            ErrorLimitReached,
            RequestRefused,
            UnexpectedAnswer,
        ) as error:
            self._failures.failed(f"{stream} of division {division}", error)
            self._faults[division] += isinstance(error, EndpointUnavailable)
            if self._faults[division] == FEW:
                self._failures.close(division, error)
                self._context.logger.warning(
                    "Division %s is not read any further: %d of its lists failed one after the "
                    "other.",
                    division,
                    FEW,
                )

    def _day_is_over(self, stream: str, division: int, rows: int, error: DailyLimitReached) -> None:
        self._failures.close(division, error)
        self._context.logger.warning(
            "%s So far: %s of %s, and %s in this run.",
            error,
            counted(rows, "row"),
            stream,
            counted(self._context.connection.session.usage.calls.get(division, 0), "call"),
        )

    def _no_access(self, stream: str, endpoint: str, division: int, error: AccessDenied) -> None:
        """Skip the list, or the division if nothing in it can be read."""
        logger = self._context.logger
        shut = self._why_unlisted(division)
        if error.is_of_division and shut is None:
            self._failures.close(division, error)
            logger.warning("Division %s is not read any further: %s", division, error)
            return
        shut = shut or self._why_shut(division)
        if shut:
            self._failures.close(division, AccessDenied(shut))
            logger.warning("%s", shut)
            return
        logger.warning("Skipping %s of division %s: %s", stream, division, error)
        self._context.connection.remember_denial(endpoint, division)
        self._denials[division] += 1
        self._failures.denied(division, error)

    def _why_unlisted(self, division: int) -> str | None:
        """Advice if a division is not among those of the user; None if it is, or may be."""
        listed = self._selection.listed
        if not listed or division in listed:
            return None
        return (
            f"The signed-in user may not open division {division}. "
            f"Set divisions to some of: {', '.join(map(str, sorted(listed)))}."
        )

    def _why_shut(self, division: int) -> str | None:
        """Reason why nothing in a listed division can be read; None if there is none."""
        listed = self._selection.listed
        if not listed:
            return None
        shut = divisions.block_reason(listed[division])
        is_current = division == self._selection.current
        if not is_current and shut is None and self._denials[division] == FEW - 1:
            shut = self._refuses_all(division)
        return shut and f"Division {division} cannot be read: {shut}. Leave it out of divisions."

    def _refuses_all(self, division: int) -> str | None:
        """Reason if a division refuses even the list of divisions; None if it does not."""
        try:
            divisions.divisions(self._context.connection.session, division)
        except AccessDenied:
            return "Exact Online refuses access to everything in it (HTTP 403)"
        except NOT_LISTED:
            pass
        return None
