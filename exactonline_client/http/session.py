"""HTTP session for all calls to Exact Online.

It signs requests, respects the limits, retries reads, and maps error responses to exceptions.
Writes are sent once.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import ExitStack
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_plus, urlsplit

import backoff
import msgspec
import requests
from urllib3.exceptions import DecodeError, ReadTimeoutError

from exactonline_client import transfer
from exactonline_client.auth import refusals
from exactonline_client.errors import (
    AccessDenied,
    EndpointUnavailable,
    InDoubt,
    RequestRefused,
    StoreError,
    Unavailable,
    UnexpectedAnswer,
    not_carried_out,
)
from exactonline_client.http.endpoints import COUNTED_STATUSES, endpoint_of
from exactonline_client.http.error_responses import (
    TOO_MANY,
    UNAUTHORISED,
    WRITES,
    Fault,
    Garbled,
    Transient,
    check,
    is_missing,
    where,
)
from exactonline_client.http.limit_headers import names_a_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_client.auth.oauth import TokenSource
    from exactonline_client.http.rate_limit import Budget

T = TypeVar("T")

logger = logging.getLogger(__name__)

TRIES = 5
"""Attempts of a read; waits between them are random, up to 1, 2, 4 and 8 seconds."""
PAUSE = 1.0
"""Seconds before a refused read is sent once more."""
BLOCKED = (
    "Exact Online refuses further calls (HTTP 429) without saying until when. It blocks an app for "
    "an hour after ten errors in an hour; try again after that."
)
LIMIT_TAKEN = (
    f"Exact Online has refused the call {TRIES} times (HTTP 429), although each time the next "
    "minute was waited for. Another program uses up the same calls: run at another time, or have "
    "it leave some."
)
EXPIRED = "access token expired"
"""Phrase of a 401 for an expired token."""
RECHECK_AFTER = 1.0
"""Seconds before a fresh token that was refused is used once more."""


class Usage(msgspec.Struct):
    """Calls, rows and retries of a session."""

    calls: dict[int | None, int] = msgspec.field(default_factory=dict)
    calls_by_endpoint: Counter[tuple[int | None, str]] = msgspec.field(default_factory=Counter)
    rows_by_endpoint: Counter[tuple[int | None, str]] = msgspec.field(default_factory=Counter)
    """Rows read by pagination."""
    retries: int = 0

    @property
    def total(self) -> int:
        """All calls."""
        return sum(self.calls.values())


class Session:
    """Makes calls to one region for one app and user."""

    def __init__(  # noqa: PLR0913
        self,
        base_url: str,
        tokens: TokenSource,
        budget: Budget,
        http: requests.Session,
        *,
        timeout: float = 300.0,
        max_bytes: int = transfer.MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no call yet.

        Args:
            base_url: address of the region.
            tokens: signs the requests.
            budget: rate limits and error counts.
            http: session of requests.
            timeout: seconds until a response begins, and again until it is complete.
            max_bytes: maximum size of a decompressed response.
            clock: monotonic, in seconds.
            sleep: waits for a number of seconds.
        """
        self.base_url = base_url
        self.usage = Usage()
        self._usage_lock = Lock()
        self.before_call: Callable[[], None] = lambda: None
        """Hook called before each call; an exception prevents the call."""
        self._tokens = tokens
        self._budget = budget
        self._http = http
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._clock = clock
        self._sleep = sleep
        self._read_with_retries: Callable[..., Any] = backoff.on_exception(
            backoff.expo, Transient, max_tries=TRIES, logger=None, on_backoff=self._on_backoff
        )(self._read_once)
        # A single refusal may be transient; the second one is final.
        self._read_confirmed: Callable[..., Any] = backoff.on_exception(
            backoff.constant,
            (AccessDenied, RequestRefused),
            max_tries=2,
            giveup=is_missing,
            interval=PAUSE,
            jitter=None,
            logger=None,
            on_backoff=self._on_refusal,
        )(self._read_with_retries)

    def get(
        self,
        address: str,
        division: int | None,
        headers: Mapping[str, str | None] | None = None,
    ) -> requests.Response:
        """Read a response without parsing it, see `read`."""
        return self.read(address, division, lambda answer: answer, headers)

    def read(
        self,
        address: str,
        division: int | None,
        parse: Callable[[requests.Response], T],
        headers: Mapping[str, str | None] | None = None,
        max_bytes: int | None = None,
    ) -> T:
        """Read and parse a response.

        Transient failures are retried; a refusal (400, 403) is confirmed by a second call.

        Args:
            address: path from `/`, or an absolute address.
            division: whose limits the call counts against; None for calls without limits.
            parse: raises UnexpectedAnswer for a response that cannot be parsed, which is retried.
            headers: None as a value removes a default header.
            max_bytes: size from which a body may be cut off; None for the session's maximum.

        Returns:
            The result of `parse`.

        Raises:
            AccessDenied, RequestRefused, Unavailable, DailyLimitReached, ErrorLimitReached,
            SignInNeeded
        """
        try:
            parsed: T = self._read_confirmed(
                "GET", address, division, parse=parse, headers=headers, max_bytes=max_bytes
            )
        except Transient as error:
            raise error.lasting(
                f"{where('GET', address)}: {error}, {TRIES} times in a row. {error.advice}"
            ) from None
        return parsed

    def ask(
        self, address: str, division: int | None, token: str | None = None
    ) -> requests.Response:
        """Send a read once and return its response, also an error, to learn how it is made.

        Args:
            address: path from `/`.
            division: whose limits the call counts against; None for calls without limits.
            token: sent in place of a valid access token.

        Raises:
            EndpointUnavailable, Unavailable, DailyLimitReached, ErrorLimitReached, SignInNeeded
        """
        try:
            if token is None:
                return self._exchange("GET", address, division, checked=False)
            headers = {"Authorization": f"Bearer {token}"}
            return self._send("GET", address, division, None, headers, None, None, auth=_signed)
        except Transient as error:
            raise EndpointUnavailable(f"{where('GET', address)}: {error}.") from None

    def _read_once(  # noqa: PLR0913 - what a request consists of
        self,
        method: str,
        address: str,
        division: int | None,
        *,
        parse: Callable[[requests.Response], T],
        headers: Mapping[str, str | None] | None,
        max_bytes: int | None,
    ) -> T:
        """Send a request and parse its response, without retries."""
        answer = self._exchange(method, address, division, headers=headers, max_bytes=max_bytes)
        try:
            return parse(answer)
        except UnexpectedAnswer as error:
            raise Garbled(
                f"{str(error).rstrip('.')} (HTTP {answer.status_code} with "
                f"{transfer.describe(answer, self._max_bytes)})"
            ) from None

    def download(
        self, address: str, division: int, max_bytes: int, *, may_be_html: bool = False
    ) -> bytes | None:
        """Download a file; None if it has more than `max_bytes` bytes.

        A file that is too large is not read to its end.

        Args:
            address: of the file.
            division: whose limits the call counts against.
            max_bytes: maximum size.
            may_be_html: whether an HTML page can be the file; else it is an error page.

        Raises:
            UnexpectedAnswer: the address is on another server, which must not get the token.
            The errors of `read`.
        """
        check_host(self.base_url, address, "a file")

        def parse(answer: requests.Response) -> bytes | None:
            if not may_be_html and transfer.is_html(answer.content):
                raise UnexpectedAnswer("A page came in place of a file.")
            return answer.content if len(answer.content) <= max_bytes else None

        return self.read(address, division, parse, {"Accept": "*/*"}, max_bytes)

    def write(  # noqa: PLR0913 - what a request consists of
        self,
        method: str,
        address: str,
        division: int,
        body: Any = None,  # noqa: ANN401
        headers: Mapping[str, str | None] | None = None,
        *,
        confirm: Callable[[], None] | None = None,
    ) -> requests.Response:
        """Send a write once; it is never retried unless the server rejected it unprocessed.

        Args:
            method: POST, PUT or DELETE.
            address: path from `/`, or an absolute address.
            division: whose limits the call counts against.
            body: JSON as bytes, content for the `Content-Type` of `headers`, or None.
            headers: None as a value removes a default header.
            confirm: called right before sending; an exception prevents it.

        Raises:
            ValidationFailed: Exact Online rejected the document.
            InDoubt: it was sent and got no response.
            AccessDenied, RequestRefused, Unavailable, DailyLimitReached, ErrorLimitReached,
            SignInNeeded, StoreError, UnexpectedAnswer: see `ExactOnlineError.not_carried_out`.
        """
        try:
            return self._exchange(
                method, address, division, body=body, headers=headers, confirm=confirm
            )
        except Transient as error:
            raise InDoubt(
                f"{where(method, address)}: {error}. Whether it was carried out is not known."
            ) from None

    def _on_backoff(self, details: Mapping[str, Any]) -> None:
        with self._usage_lock:
            self.usage.retries += 1
        logger.warning(
            "%s: %s; trying again in %.1f s",
            where(*details["args"][:2]),
            details["exception"],
            details["wait"],
        )

    def _on_refusal(self, details: Mapping[str, Any]) -> None:
        with self._usage_lock:
            self.usage.retries += 1
        logger.info("%s Asking once more.", details["exception"])

    def _exchange(  # noqa: PLR0913 - what a request consists of
        self,
        method: str,
        address: str,
        division: int | None,
        *,
        body: Any = None,  # noqa: ANN401
        headers: Mapping[str, str | None] | None = None,
        max_bytes: int | None = None,
        confirm: Callable[[], None] | None = None,
        checked: bool = True,
    ) -> requests.Response:
        """Send a request, again only after a 429 or a 401; return the response.

        It is successful, unless it is not `checked`.
        """
        rechecked, renewed, limited = False, False, 0
        while True:
            answer = self._send(method, address, division, body, headers, max_bytes, confirm)
            if answer.status_code == TOO_MANY:
                limited += 1
                names_limit = division is not None and names_a_limit(answer.headers)
                if not names_limit or limited == TRIES:
                    kind, reason = (
                        (EndpointUnavailable, LIMIT_TAKEN)
                        if names_limit
                        else (Unavailable, BLOCKED)
                    )
                    error = kind(f"{where(method, address)}: {reason}")
                    # A 429 that names no limit may come from a proxy.
                    error.not_carried_out = names_limit
                    raise error
                logger.info(
                    "Division %s: Exact Online has no call left just now (HTTP 429)", division
                )
                continue
            if answer.status_code == UNAUTHORISED:
                authorization = str(answer.request.headers.get("Authorization", ""))
                if (
                    not rechecked
                    and not _says_expired(answer)
                    and self._tokens.is_current(authorization)
                ):
                    rechecked = True
                    self._sleep(RECHECK_AFTER)
                    continue
                if not renewed:
                    renewed = True
                    with not_carried_out():
                        self._tokens.renew_refused(authorization)
                    continue
            if checked:
                check(method, address, answer)
            return answer

    def _send(  # noqa: PLR0913, PLR0917 - what a request consists of
        self,
        method: str,
        address: str,
        division: int | None,
        body: Any,  # noqa: ANN401
        headers: Mapping[str, str | None] | None,
        max_bytes: int | None,
        confirm: Callable[[], None] | None,
        auth: Callable[[requests.PreparedRequest], requests.PreparedRequest] | None = None,
    ) -> requests.Response:
        url = self.base_url + address if address.startswith("/") else address
        sent_headers: dict[str, str | None] = {"Accept": "application/json"}
        if body is not None:
            sent_headers["Content-Type"] = "application/json"
        sent_headers |= headers or {}
        endpoint = endpoint_of(url)
        with ExitStack() as stack:
            with not_carried_out():
                self.before_call()
                stack.enter_context(self._budget.turn(division, endpoint))
                self._tokens.access_token()
                if confirm is not None:
                    confirm()
            self.usage.calls[division] = self.usage.calls.get(division, 0) + 1
            self.usage.calls_by_endpoint[division, endpoint] += 1
            try:
                answer = self._http.request(
                    method,
                    url,
                    data=body,
                    headers=sent_headers,
                    auth=auth or self._tokens,
                    timeout=transfer.timeouts(self._timeout),
                    allow_redirects=False,
                    stream=True,
                    hooks={"response": transfer.drop_location},
                )
                transfer.receive(answer, max_bytes or self._max_bytes, self._timeout, self._clock)
            except transfer.NETWORK_ERRORS as error:
                raise self._failure(method, address, error) from None
            self._learn(division, endpoint, answer)
        return answer

    def _failure(self, method: str, address: str, error: Exception) -> Unavailable | Transient:
        """Return the exception for a request without a response."""
        if method in WRITES and refusals.never_sent(error):
            unsent = Unavailable(
                f"{where(method, address)}: no connection to {self.base_url}. "
                "Nothing was sent. Is the address right, and the network up?"
            )
            unsent.not_carried_out = True
            return unsent
        kind = Transient if refusals.never_sent(error) else Fault
        return refusals.untrusted(error, self.base_url) or kind(_describe(error))

    def _learn(self, division: int | None, endpoint: str, answer: requests.Response) -> None:
        """Update limits and error counts from a response; a failure of the store is only logged."""
        try:
            self._budget.learn(division, answer.headers)
            if answer.status_code in COUNTED_STATUSES:
                self._budget.record_error(division, endpoint)
        except StoreError as error:
            logger.warning("What is left of the limits could not be noted. %s", error)


def _signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _says_expired(answer: requests.Response) -> bool:
    """Return whether a 401 says that the token has expired."""
    return EXPIRED in unquote_plus(answer.headers.get("WWW-Authenticate", "")).lower()


def check_host(base_url: str, address: str, what: str) -> None:
    """Refuse an address on another host, which must not get the access token.

    Raises:
        UnexpectedAnswer: it is on another host; the message calls its target `what`.
    """
    if address.startswith("/") and not address.startswith("//"):
        return
    try:
        ours, theirs = urlsplit(base_url), urlsplit(address)
    except ValueError:
        raise UnexpectedAnswer(f"The address of {what} cannot be understood.") from None
    if (ours.scheme, ours.netloc) != (theirs.scheme, theirs.netloc):
        raise UnexpectedAnswer(
            f"The address of {what} is said to be on {theirs.scheme}://{theirs.hostname}, which is "
            f"not {base_url}. It was not asked for, since the access token would go with it."
        )


def _describe(error: Exception) -> str:
    if refusals.never_sent(error):
        return "no connection"
    if isinstance(error, (requests.Timeout, ReadTimeoutError)):
        return "no answer in time"
    if isinstance(error, (DecodeError, requests.exceptions.ContentDecodingError)):
        return "an answer that cannot be unpacked"
    return f"the connection was cut ({type(error).__name__})"
