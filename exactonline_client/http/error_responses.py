"""Map error responses to exceptions, by status and message.

The first matching row of `ERRORS` decides. A `Transient` is retried for reads; for writes it leaves
unknown whether the write was carried out.
"""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from exactonline_client.errors import (
    AccessDenied,
    EndpointUnavailable,
    RequestRefused,
    Unavailable,
    UnexpectedAnswer,
    Unreadable,
    ValidationFailed,
)
from exactonline_client.http import server_faults
from exactonline_client.odata.decoding import sanitize

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    import requests

WRITES = {"POST", "PUT", "DELETE"}
BAD_REQUEST, UNAUTHORISED, FORBIDDEN, MISSING, TIMED_OUT, TOO_MANY = 400, 401, 403, 404, 408, 429
SERVER_ERROR = 500
REDIRECTS, REFUSALS, FAULTS = range(300, 400), range(400, 500), range(500, 1000)
MAX_REASON = 400


class Transient(Exception):  # noqa: N818
    """A failure after which a read is retried."""

    lasting: type[Unavailable] = Unavailable
    """The error to raise after the last retry."""
    advice = "What was done so far is kept; start again later."


class Fault(Transient):
    """The server responded with an error."""

    lasting = EndpointUnavailable


class Garbled(Fault):
    """A response cannot be parsed."""

    lasting = Unreadable
    advice = (
        "What was done so far is kept; start again later. If it stays, check region and base_url: "
        "a proxy in between may answer in its place."
    )


class Failure(msgspec.Struct, frozen=True):
    """An error response."""

    where: str
    is_write: bool
    status: int
    header: str
    """The header `Reason`."""
    message: str
    """The error message in the body."""

    @property
    def reason(self) -> str:
        """The message, else the header."""
        return self.message or self.header


def _always(_: Failure) -> bool:
    return True


def _is_server_fault(failure: Failure) -> bool:
    """Return whether a write failed by a server fault: it may still be carried out."""
    return failure.is_write and server_faults.is_server_fault(failure.message)


def _is_validation_error(failure: Failure) -> bool:
    """Return whether a write failed because of its content."""
    return failure.is_write and bool(failure.message)


def _redirect(failure: Failure) -> Exception:
    return UnexpectedAnswer(
        f"{failure.where}: answered with a redirect (HTTP {failure.status}), which is not "
        "followed. Check region and base_url."
    )


def _unauthorised(failure: Failure) -> Exception:
    error = Unavailable(
        f"{failure.where}: Exact Online refused a fresh access token (HTTP 401). Try again in ten "
        "minutes; if it stays, sign in again."
    )
    error.not_carried_out = True
    return error


def _denied(failure: Failure) -> Exception:
    words = dict.fromkeys(filter(None, ("HTTP 403", failure.header, failure.message)))
    return AccessDenied(f"{failure.where}: no access ({', '.join(words)}).", reason=failure.header)


def _fault(failure: Failure) -> Exception:
    return Fault(f"HTTP {failure.status}{f' ({failure.reason})' if failure.reason else ''}")


def _invalid(failure: Failure) -> Exception:
    return ValidationFailed(
        f"{failure.where}: {failure.message}", status=failure.status, reason=failure.message
    )


def _refused(failure: Failure) -> Exception:
    return RequestRefused(
        f"{failure.where}: refused (HTTP {failure.status}): {failure.reason or 'no reason given'}",
        status=failure.status,
        reason=failure.reason,
    )


ERRORS: tuple[
    tuple[Container[int], Callable[[Failure], bool], Callable[[Failure], Exception]], ...
] = (
    (REDIRECTS, _always, _redirect),
    ({UNAUTHORISED}, _always, _unauthorised),
    ({FORBIDDEN}, _always, _denied),
    ({BAD_REQUEST, SERVER_ERROR}, _is_server_fault, _fault),
    ({SERVER_ERROR}, _is_validation_error, _invalid),
    ({TIMED_OUT, *FAULTS}, _always, _fault),
    (REFUSALS, _always, _refused),
)
"""Rows of statuses, condition and the factory of the exception."""


def check(method: str, address: str, answer: requests.Response) -> None:
    """Raise the exception of an error response."""
    status = answer.status_code
    if status < REDIRECTS.start:
        return
    failure = Failure(
        where(method, address),
        method in WRITES,
        status,
        shortened(answer.headers.get("Reason")),
        exact_message(answer),
    )
    raise next(
        make(failure)
        for statuses, applies, make in ERRORS
        if status in statuses and applies(failure)
    )


def is_missing(refusal: Exception) -> bool:
    """Return whether an error is a 404, which a retry does not change."""
    return isinstance(refusal, RequestRefused) and refusal.status == MISSING


def exact_message(answer: requests.Response) -> str:
    """Return the error message of a body on one line; empty if there is none."""
    try:
        return shortened(answer.json()["error"]["message"]["value"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def shortened(text: object) -> str:
    """Join lines and truncate; a message may list all fields of an entity."""
    lines = sanitize(str(text or "")).strip().splitlines()
    return shorten("; ".join(lines), MAX_REASON)


def where(method: str, address: str) -> str:
    """Return method and path of a call, without the query."""
    return f"{method} {urlsplit(address).path}"
