"""Exceptions of this project, each with an exit code; their texts are written for the user."""

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
"""`Reason` headers of a 403 that are about the user, customer or division, not the endpoint."""

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
            "there is no sign-in, or it is broken: the refresh token was used elsewhere, "
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
        "Exact Online did not answer, even when asked again, or says to ask later",
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
        "solve what the refusals say, and run again after the time that the line gives",
    ),
}
"""By exit code: its meaning, and what to do about it."""


class ExactOnlineError(Exception):
    """Base of all errors of this project; its text is shown to the user as it is."""

    exit_code: int = 1
    not_carried_out: bool = False
    """For a write: whether it is certain that Exact Online did not carry it out."""

    def __init__(self, message: str = "") -> None:
        """Redact secrets and escape control characters in `message`, and keep it on one line.

        It may quote a server, and is shown in logs, pages, results and JSON on standard output.
        """
        super().__init__(one_line(redaction.clean(message)))


class ConfigurationError(ExactOnlineError):
    """A setting is missing or wrong."""

    exit_code = 2


class SignInNeeded(ExactOnlineError):  # noqa: N818 - named for what the user has to do
    """The chain of refresh tokens is broken; a user has to sign in again."""

    exit_code = 3


class DailyLimitReached(ExactOnlineError):  # noqa: N818
    """The daily limit of this app in this division is used up until 00:00 UTC."""

    exit_code = 4

    def __init__(self, message: str, *, division: int, reset: float) -> None:
        """`reset` is the end of the day, in seconds since the epoch."""
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
        """`reason` is the header of that name; empty if there is none."""
        super().__init__(message)
        self.reason = reason

    @property
    def is_of_division(self) -> bool:
        """Whether the denial holds for every endpoint of the division."""
        return bool(DIVISION_REASONS.match(self.reason))


class Unavailable(ExactOnlineError):  # noqa: N818
    """Exact Online gave no response or a server error, also after retries."""

    exit_code = 7


class EndpointUnavailable(Unavailable):
    """One endpoint fails after all retries (no response, 5xx or 429), while the server is up."""


class Unreadable(EndpointUnavailable):
    """The responses of an endpoint cannot be parsed, also after retries."""


class StoreError(ExactOnlineError):
    """The store cannot be opened, read or written."""

    exit_code = 8


class StoreLost(StoreError):  # noqa: N818
    """The connection to the store broke during a transaction, which may be retried."""


class ErrorLimitReached(ExactOnlineError):  # noqa: N818
    """An endpoint refused so many calls within an hour that another might block the app."""

    exit_code = 10

    def __init__(self, message: str, *, division: int | None, endpoint: str, until: float) -> None:
        """`until` is the time from which it may be called, in seconds since the epoch."""
        super().__init__(message)
        self.division = division
        self.endpoint = endpoint
        self.until = until


class RequestRefused(ExactOnlineError):  # noqa: N818
    """Exact Online rejected a request, its query or its body (HTTP 4xx other than 401, 403)."""

    not_carried_out = True

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        """`reason` is the message of Exact Online; empty if there is none."""
        super().__init__(message)
        self.status = status
        self.reason = one_line(redaction.clean(reason))


class ValidationFailed(RequestRefused):
    """Exact Online rejected a document by a business rule (HTTP 500 with a message)."""


class OutputError(ExactOnlineError):
    """Standard output cannot be written."""


class InDoubt(ExactOnlineError):  # noqa: N818
    """A write got no response: it may or may not have been carried out."""


class UnexpectedAnswer(ExactOnlineError):  # noqa: N818
    """A response that does not match the API."""


@contextmanager
def not_carried_out() -> Iterator[None]:
    """Set `not_carried_out` on errors raised before a write is sent or after it is rejected."""
    try:
        yield
    except ExactOnlineError as error:
        error.not_carried_out = True
        raise


NOT_READABLE = (AccessDenied, EndpointUnavailable, ErrorLimitReached, RequestRefused)
"""Errors of one endpoint, after which others of the division can still be read."""


class Incomplete(ExactOnlineError):  # noqa: N818
    """Some streams or divisions could not be read; the others were."""

    def __init__(self, what: list[str], reason: ExactOnlineError) -> None:
        """`what` names what was not read; `reason` is the first error and gives the exit code."""
        super().__init__(f"Not read to the end: {', '.join(what)}. {reason}")
        self.reason = reason
        self.exit_code = reason.exit_code
