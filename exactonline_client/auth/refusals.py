"""Map errors of the token endpoint, and of TLS certificates, to exceptions."""

from __future__ import annotations

import re

import requests
from urllib3.exceptions import (
    LocationParseError,
    MaxRetryError,
    NameResolutionError,
    NewConnectionError,
)

from exactonline_client.errors import (
    ConfigurationError,
    ExactOnlineError,
    SignInNeeded,
    Unavailable,
)

NOT_EXPIRED = "access_token not expired"
SIGN_IN = "Sign in again: exactonline connect, or a new refresh token in the setting refresh_token."

CLIENT_REFUSED = ("invalid_client", "unauthorized_client")
"""OAuth errors about the app itself."""

_UNTRUSTED = re.compile(r"certificate verify failed: (?P<why>[^(\]]+)")


class NoAnswer(Unavailable):
    """A token request got no response: its refresh token may be spent."""


def never_sent(error: Exception) -> bool:
    """Return whether a request certainly did not leave this machine."""
    if isinstance(
        error, (requests.ConnectTimeout, requests.exceptions.InvalidURL, LocationParseError)
    ):
        return True
    cause = error.args[0] if error.args else None
    if isinstance(cause, MaxRetryError):
        cause = cause.reason
    return isinstance(cause, (NewConnectionError, NameResolutionError))


def no_answer(error: Exception, base_url: str) -> Unavailable:
    """Return the exception for a token request without a response."""
    kind = Unavailable if never_sent(error) else NoAnswer
    return untrusted(error, base_url) or kind(
        f"The token endpoint of {base_url} did not answer ({type(error).__name__}). Is the address "
        "right, and the network up? The stored sign-in is unchanged; start again to try it "
        "again."
    )


def untrusted(error: Exception, base_url: str) -> Unavailable | None:
    """Return the exception for an untrusted certificate; None for other failures."""
    match = _UNTRUSTED.search(str(error))
    if not match:
        return None
    unsent = Unavailable(
        f"The certificate of {base_url} is not trusted ({match['why'].strip()}), so nothing was "
        "sent. Is the address right? If a proxy of your own is in between, give the file "
        "with its certificate in the environment variable REQUESTS_CA_BUNDLE."
    )
    unsent.not_carried_out = True
    return unsent


def error_of(answer: requests.Response) -> tuple[str, str]:
    """Return `error` and `error_description` of a response."""
    try:
        body = answer.json()
        return str(body["error"]), str(body.get("error_description") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return f"HTTP {answer.status_code}", str(answer.headers.get("Reason") or "")


def is_spent(error: str, description: str) -> bool:
    """Return whether the error says that a refresh token is spent or unknown."""
    return "Old refresh token" in description or error == "invalid_grant"


def too_early(*, refused: bool = False) -> Unavailable:
    """Return the exception for a refresh within ten minutes, without a usable token at hand."""
    why = "it was refused" if refused else "it is not in the store"
    return Unavailable(
        "Exact Online says that an access token handed out less than ten minutes ago is "
        f"still valid, but {why}. Try again in ten minutes."
    )


def code_refused(answer: requests.Response, base_url: str) -> ExactOnlineError:
    """Return the exception for a refused authorisation code."""
    error, description = error_of(answer)
    if NOT_EXPIRED in description:
        return too_early()
    if error in ("invalid_grant", "invalid_request"):
        reason = f"{error} {description}".rstrip()
        return SignInNeeded(
            f"Exact Online does not take the code of this sign-in ({reason}). A code works once, "
            "and for three minutes only. Sign in again and use the new address at once."
        )
    return refresh_token_refused(answer.status_code, error, description, base_url)


def refresh_token_refused(
    status: int, error: str, description: str, base_url: str
) -> ExactOnlineError:
    """Return the exception for a refused refresh token."""
    if "Old refresh token" in description:
        return SignInNeeded(
            "The stored refresh token has been used before, by another program or by a run that "
            f"was cut off. {SIGN_IN}"
        )
    if "refresh token expired" in description:
        return SignInNeeded(
            f"The stored refresh token was not used for 30 days and has expired. {SIGN_IN}"
        )
    if error == "invalid_grant":
        return SignInNeeded(f"Exact Online no longer knows this sign-in (revoked). {SIGN_IN}")
    reason = f"{error} {description}".rstrip()
    if error in CLIENT_REFUSED:
        return ConfigurationError(
            f"Exact Online at {base_url} does not accept this client ID with this client secret "
            f"({reason}). Check region, client_id and client_secret against the app's "
            "registration in the Exact App Centre; an app works only in the region it was "
            "registered in."
        )
    what = f"HTTP {status}" if reason == f"HTTP {status}" else f"HTTP {status}: {reason}"
    return Unavailable(
        f"The token endpoint of {base_url} gave no tokens ({what}). Try again in a few minutes; "
        "the stored sign-in is unchanged. If it stays, check region and base_url: a proxy in "
        "between may answer in its place."
    )
