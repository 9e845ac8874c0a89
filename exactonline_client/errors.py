"""Everything that can go wrong, each with a sentence that says what to do, and an exit code."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from exactonline_client import redaction
from exactonline_client.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

DIVISION_REASONS = re.compile(
    "BlockedUser|InactiveUser|BlockedCustomer|LicenseExpired|DivisionBlocked|NoDivisionAccess",
    re.IGNORECASE,
)
"""Reasons of a 403 that concern the user, the customer or the division, not the endpoint."""

EXIT_CODES: dict[int, tuple[str, str]] = {
    0: (
        (
            "all well; also when the calls of the day are used up and `on_daily_limit` is "
            "`stop`, and when a run was asked to end (Ctrl-C, SIGTERM) and had rejected nothing"
        ),
        "",
    ),
    1: (
        (
            "a request was refused, or an answer or the input was not understood; the tap "
            "reads its other streams. Or standard output cannot be written"
        ),
        "read the line",
    ),
    2: (
        (
            "a setting is missing or wrong, a file with settings, state or catalog cannot "
            "be read, or Exact refuses the client id or secret"
        ),
        "correct what it names",
    ),
    3: (
        (
            "there is no sign-in, or it is broken: the refresh token was spent elsewhere, "
            "expired or revoked"
        ),
        "`exactonline connect`, or set a new `refresh_token`",
    ),
    4: (
        "the calls of the day are used up, and `on_daily_limit` is `fail`",
        "run again after 00:00 UTC",
    ),
    5: (
        (
            "some records were rejected by the target, are in doubt, or could not be finished; the "
            "others were written"
        ),
        "read what the log says of them, correct, run again",
    ),
    6: (
        "a division or an endpoint may not be opened",
        "choose one of the divisions it lists, or ask for the rights",
    ),
    7: (
        "Exact Online did not answer, also when asked again, or wants to be asked later",
        "run again later",
    ),
    8: (
        "the store cannot be opened, read or written",
        "see the line: place, rights, key or version",
    ),
    9: (
        "`exactonline status` alone: a sign-in has ended, or ends soon",
        "`exactonline keepalive`, or sign in again",
    ),
    10: (
        "an endpoint refused nine calls within an hour; one more might have the app blocked",
        "solve what the refusals say, and run again after the moment that the line names",
    ),
}
"""What each exit code of a program means, and what to do about it."""


class ExactOnlineError(Exception):
    """Root of all errors of this project; its text is meant for the user as it is."""

    exit_code: int = 1
    not_carried_out: bool = False
    """Of an error of a write: whether it is certain that nothing of it was carried out."""

    def __init__(self, message: str = "") -> None:
        """`message` may quote a server, which may quote a secret: that is hidden.

        It goes to more places than a log: a page, a result, JSON on standard output. What a
        terminal would obey is written out, and it stays on one line.
        """
        super().__init__(one_line(redaction.clean(message)))


class ConfigurationError(ExactOnlineError):
    """A setting is missing or wrong."""

    exit_code = 2


class SignInNeeded(ExactOnlineError):  # noqa: N818 - named for what the user has to do
    """The chain of refresh tokens is broken; only a person who signs in can start a new one."""

    exit_code = 3


class DailyLimitReached(ExactOnlineError):  # noqa: N818
    """The calls of this app in this division are used up until the day turns (00:00 UTC)."""

    exit_code = 4

    def __init__(self, message: str, *, division: int, reset: float) -> None:
        """`reset` is the moment the day turns, in seconds since the epoch."""
        super().__init__(message)
        self.division = division
        self.reset = reset


class RecordsRejected(ExactOnlineError):  # noqa: N818
    """Some records could not be written; the others were."""

    exit_code = 5


class AccessDenied(ExactOnlineError):  # noqa: N818
    """The user or the app may not open this division or this endpoint (HTTP 403)."""

    exit_code = 6
    not_carried_out = True

    def __init__(self, message: str, *, reason: str = "") -> None:
        """`reason` is what the header of that name said, empty where there was none."""
        super().__init__(message)
        self.reason = reason

    @property
    def is_of_division(self) -> bool:
        """Whether nothing of the division may be opened, whichever endpoint is asked."""
        return bool(DIVISION_REASONS.match(self.reason))


class Unavailable(ExactOnlineError):  # noqa: N818
    """Exact Online did not answer, or answered with a fault, also when asked again."""

    exit_code = 7


class EndpointUnavailable(Unavailable):
    """Exact Online is there, but an endpoint gives no answer, a fault, or "too many" each time."""


class Unreadable(EndpointUnavailable):
    """An endpoint answers, also when asked again, with something that is not what it should be."""


class StoreError(ExactOnlineError):
    """The store cannot be opened, read or written."""

    exit_code = 8


class StoreLost(StoreError):  # noqa: N818
    """The connection to the store broke in the middle of something, which may be done again."""


class ErrorLimitReached(ExactOnlineError):  # noqa: N818
    """An endpoint refused so many calls within an hour that one more might block the app."""

    exit_code = 10

    def __init__(self, message: str, *, division: int | None, endpoint: str, until: float) -> None:
        """`until` is the moment from which it may be called, in seconds since the epoch."""
        super().__init__(message)
        self.division = division
        self.endpoint = endpoint
        self.until = until


class RequestRefused(ExactOnlineError):  # noqa: N818
    """Exact Online refused the request itself (HTTP 400, 404): a query or a body it rejects."""

    not_carried_out = True

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        """`reason` is the message in Exact's own words, empty where it gave none."""
        super().__init__(message)
        self.status = status
        self.reason = one_line(redaction.clean(reason))


class ValidationFailed(RequestRefused):
    """Exact Online refused a document for a reason of business (HTTP 500 with a message)."""


class OutputError(ExactOnlineError):
    """Standard output cannot be written."""


class InDoubt(ExactOnlineError):  # noqa: N818
    """A write was sent and no answer came: it may or may not have been carried out."""


class UnexpectedAnswer(ExactOnlineError):  # noqa: N818
    """An answer that is not what the API is known to give."""


@contextmanager
def not_carried_out() -> Iterator[None]:
    """Mark errors that arise before a write leaves, or once Exact Online has refused it."""
    try:
        yield
    except ExactOnlineError as error:
        error.not_carried_out = True
        raise


NOT_READABLE = (AccessDenied, EndpointUnavailable, ErrorLimitReached, RequestRefused)
"""Why an endpoint gives no rows, although others of the same division may."""


class Incomplete(ExactOnlineError):  # noqa: N818
    """Some of what was asked for could not be read; the rest was."""

    def __init__(self, what: list[str], reason: ExactOnlineError) -> None:
        """`what` was not read, the first of it for this reason; the exit code is the reason's."""
        super().__init__(f"Not read to the end: {', '.join(what)}. {reason}")
        self.reason = reason
        self.exit_code = reason.exit_code
