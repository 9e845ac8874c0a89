"""The one door to Exact Online: every call goes through here.

It signs requests, keeps to the call budget, retries what may be retried, and turns every refusal
into an error that says what happened and what to do.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote_plus, urlsplit

import backoff
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
from exactonline_client.http.error_budget import COUNTED_STATUSES, endpoint_of
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
from exactonline_client.http.rate_limit import names_a_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exactonline_client.auth.oauth import TokenSource
    from exactonline_client.http.rate_limit import Budget

T = TypeVar("T")

logger = logging.getLogger(__name__)

TRIES = 5
"""How often a read is tried; the waits between are random, up to 1, 2, 4, 8 seconds."""
PAUSE = 1.0
"""Seconds before a read that was refused is asked once more."""
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
"""What a 401 says of a token that is over."""
RECHECK_AFTER = 1.0
"""Seconds to wait before a young token that was refused is used once more."""


@dataclass
class Usage:
    """What a session has used: calls by division, retries, seconds waited for limits."""

    calls: dict[int | None, int] = field(default_factory=dict)
    calls_by_endpoint: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    rows_by_endpoint: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    """Rows of lists that were read page by page."""
    retries: int = 0

    @property
    def total(self) -> int:
        """All calls together."""
        return sum(self.calls.values())


class Session:
    """Calls to one region on behalf of one app and user."""

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
        """`timeout` is in seconds: for an answer to begin, and again for it to come to its end.

        `max_bytes` is how many bytes it may have, unpacked.
        """
        self.base_url = base_url
        self.usage = Usage()
        self._usage_lock = Lock()
        self.before_call: Callable[[], None] = lambda: None
        """Called before each call; an error that it raises keeps the call from being made."""
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
        # One refusal may be a fault of the moment; two with the same words are believed.
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
        """Read an answer whatever its body may hold, see `read`."""
        return self.read(address, division, lambda answer: answer, headers)

    def read(
        self,
        address: str,
        division: int | None,
        parse: Callable[[requests.Response], T],
        headers: Mapping[str, str | None] | None = None,
        max_bytes: int | None = None,
    ) -> T:
        """Read, and give what `parse` makes of the answer.

        What is refused (400, 403) is asked once more before that is believed.

        Args:
            address: begins with `/api/` or with the base address itself.
            division: which one's limits it counts against; None for those that have none.
            parse: raises UnexpectedAnswer where it cannot understand an answer, which is then
                asked for again, like one that did not come.
            headers: one of None is not sent.
            max_bytes: bytes of a body from which on it need not be read any further.

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
        """What `parse` makes of one answer."""
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
        """A file of our own server's, or None where it has more than `max_bytes` bytes.

        What is too large is not read to its end, and never held in memory.

        Args:
            address: where it is.
            division: whose it is.
            max_bytes: bytes that it may have.
            may_be_html: whether the file may be an HTML page; else that is no answer.

        Raises:
            UnexpectedAnswer: the address is on another server, which must not get our token.
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
        """Create, change or delete, and never send it twice.

        `body` is JSON text (bytes), or what the `Content-Type` of `headers` says, or None.
        `confirm` is called just before it leaves; what it raises keeps it from leaving.

        Raises:
            ValidationFailed: Exact Online refused the document, in its own words.
            InDoubt: it was sent and no answer came.
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
    ) -> requests.Response:
        """One answer to one request; only answers that say "not carried out" lead to another."""
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
                    # One that names no limit may come from any server in between.
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
                    auth=self._tokens,
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
        """What it means that there was no answer."""
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
        """Let others know what an answer tells; whatever becomes of that, the answer has come."""
        try:
            self._budget.learn(division, answer.headers)
            if answer.status_code in COUNTED_STATUSES:
                self._budget.record_error(division, endpoint)
        except StoreError as error:
            logger.warning("What is left of the limits could not be noted. %s", error)


def _says_expired(answer: requests.Response) -> bool:
    """Whether a 401 is about the age of the token."""
    return EXPIRED in unquote_plus(answer.headers.get("WWW-Authenticate", "")).lower()


def check_host(base_url: str, address: str, what: str) -> None:
    """Refuse an address that is not on the server we are signed in to.

    Raises:
        UnexpectedAnswer: it is not; `what` says what should have been there.
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
