"""OAuth at Exact Online: access tokens valid for ten minutes, single-use refresh tokens.

The store holds the chain of tokens of each connection (one app and one user). A refresh runs under
a lock shared by all processes, and the new pair is durable before its first use.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests
import sqlalchemy as sa
from requests.auth import AuthBase
from typing_extensions import override

from exactonline_client import transfer
from exactonline_client.auth import refusals
from exactonline_client.auth.app import CHAIN_DAYS, DAY
from exactonline_client.errors import SignInNeeded, StoreError, Unavailable
from exactonline_client.redaction import remember
from exactonline_client.stopping import uninterrupted
from exactonline_client.store.clock import ServerClock
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import connections

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from exactonline_client.auth.app import App
    from exactonline_client.errors import ExactOnlineError
    from exactonline_client.store.store import Store

logger = logging.getLogger(__name__)

REFRESH_AGE = 570.0
"""Age in seconds from which an access token can be renewed; it is valid for 600."""
VALID = 600.0
"""Seconds that an access token is valid."""
GRACE = 30.0
"""Remaining validity in seconds at that age."""
LAST_USE = 595.0
"""Age in seconds from which an access token is not used any more; a call takes time."""
RETRY_AFTER = 10.0
"""Seconds between two refresh attempts while the present token is valid."""
RECHECK_AFTER = 2.0
"""Seconds that another process may need to store a pair that it has received."""
IDLE_DAYS = 23
"""Days without use from which a run warns that the sign-in was about to expire."""

_TOKEN = re.compile(r"[!-~]+")


@dataclass(frozen=True)
class Token:
    """An access token, the time of its receipt (seconds since the epoch), whether it has worked."""

    value: str = field(repr=False)
    received_at: float
    proven: bool = False


@dataclass(frozen=True)
class _Chain:
    """The stored tokens of a sign-in."""

    refresh_token: str = field(repr=False)
    previous: str | None = field(repr=False, default=None)
    token: Token | None = None
    reserve: str | None = field(repr=False, default=None)
    """An unused refresh token of the settings, for a chain that is broken."""


class TokenSource(AuthBase):
    """Adds a valid access token to each request, and maintains the chain of tokens."""

    def __init__(  # noqa: PLR0913
        self,
        app: App,
        store: Store,
        http: requests.Session,
        *,
        name: str | None = None,
        seed: str | None = None,
        timeout: float = 60.0,
        clock: ServerClock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make no call and store nothing yet.

        Args:
            app: the app registration.
            store: holds the chain.
            http: session for the calls.
            name: of the connection; None for the default name of the app.
            seed: a refresh token to start with; used once, see `_stored`.
            timeout: seconds to wait for the token endpoint.
            clock: server clock; updated from responses of the token endpoint.
            sleep: waits for a number of seconds.
        """
        remember(app.client_secret, seed)
        self.app = app
        self.name = name or app.connection_name
        self._store = store
        self._http = http
        self._seed = seed
        self._seed_hash = hashlib.sha256(seed.encode()).hexdigest() if seed else None
        self._timeout = timeout
        self._clock = clock or ServerClock()
        self._sleep = sleep
        self._token: Token | None = None
        self._renew_at = 0.0
        """Time of the next refresh."""
        self._mutex = Lock()

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the access token to a request."""
        request.headers["Authorization"] = f"Bearer {self.access_token()}"
        request.hooks.setdefault("response", []).append(self._confirm)
        return request

    def access_token(self) -> str:
        """Return a valid access token, refreshed if it is due.

        Raises:
            SignInNeeded: the chain is broken.
            Unavailable: the token endpoint issued none, and the present one has expired.
        """
        with self._mutex:
            if self._token is None or self._clock() >= self._renew_at:
                self._token = self._renew(refused=None)
            return self._token.value

    def expired_token(self) -> str | None:
        """Return the stored access token if it has expired; refresh nothing."""
        token = self._stored().token
        has_expired = token is not None and self._clock() >= token.received_at + VALID + GRACE
        return token.value if token is not None and has_expired else None

    def is_current(self, header: str) -> bool:
        """Return whether an `Authorization` header holds the present token, not yet expired."""
        token = self._token
        if token is None or header != f"Bearer {token.value}":
            return False
        return self._clock() < token.received_at + LAST_USE

    def renew_refused(self, header: str) -> None:
        """Replace the token in this `Authorization` header after a 401."""
        with self._mutex:
            self._token = self._renew(refused=header.removeprefix("Bearer "))

    def _is_fresh(self, token: Token) -> bool:
        return self._clock() < token.received_at + REFRESH_AGE

    def _confirm(self, answer: requests.Response, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Discard the previous refresh token once a call with the present pair has succeeded."""
        token = self._token
        if token is None or token.proven or not answer.ok or answer.is_redirect:
            return
        if answer.request.headers.get("Authorization") != f"Bearer {token.value}":
            return
        with self._mutex:
            if self._token is not token:
                return
            self._token = replace(token, proven=True)
        try:
            self._store_proof(token)
        except StoreError as error:
            # The call has succeeded, and keeping the previous refresh token is harmless.
            logger.warning("That the new tokens work could not be noted. %s", error)

    @retry_on_lost_connection
    def _store_proof(self, token: Token) -> None:
        proof = {"previous_refresh_token": None, "proven_at": self._clock()}
        unproven = self._mine & connections.c.proven_at.is_(None)
        with self._store.transaction() as transaction:
            query = sa.select(connections.c.access_token).where(unproven).with_for_update()
            if self._store.decrypt(transaction.execute(query).scalar()) == token.value:
                transaction.execute(connections.update().where(unproven).values(**proof))

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return connections.c.name == self.name

    def _lock(self) -> AbstractContextManager[None]:
        return self._store.lock(f"token-{self.name}")

    def _renew(self, refused: str | None) -> Token:
        with self._lock():
            chain = self._stored()
            while True:
                token = chain.token
                # Another process may have refreshed it while this one waited for the lock.
                if token and token.value != refused and self._is_fresh(token):
                    return self._renew_later(token, token.received_at + REFRESH_AGE)
                self._warn_if_idle(chain)
                try:
                    # The response is the only copy of the next refresh token.
                    with uninterrupted():
                        return self._refresh(chain, refused)
                except SignInNeeded as error:
                    other = self._replacement(chain)
                    if other is None:
                        self._store_end(chain, refused, error)
                        raise
                    chain = other
                except Unavailable as error:
                    return self._keep_present(chain, refused, error)

    def _store_end(self, chain: _Chain, refused: str | None, error: SignInNeeded) -> None:
        """Store that a chain has ended, for commands that do not call Exact Online.

        A refused access token is deleted: each further call with it would count as an error, and
        soon nobody could sign in again.
        """
        values: dict[str, Any] = {"ended": str(error)}
        if chain.token and chain.token.value == refused:
            values["access_token"] = None
        try:
            self._replace(chain, values)
        except StoreError as failure:
            # The error of the chain matters more than this one.
            logger.warning("That the sign-in has ended could not be noted. %s", failure)

    def _renew_later(self, token: Token, renew_at: float) -> Token:
        """Set the time of the next refresh; return the token."""
        self._renew_at = renew_at
        return token

    def _keep_present(self, chain: _Chain, refused: str | None, failure: Unavailable) -> Token:
        """Return the present token if it is still valid after a failed refresh; else raise.

        A refresh without a response may have spent the refresh token, so it is not repeated before
        the access token expires.
        """
        token, now = chain.token, self._clock()
        if token is None or token.value == refused or now >= token.received_at + LAST_USE:
            raise failure
        end = token.received_at + LAST_USE
        unanswered = isinstance(failure, refusals.NoAnswer)
        again = end if unanswered else min(now + RETRY_AFTER, end)
        logger.warning(
            "%s Connection %s keeps using its present access token, and asks again in %.0f s.",
            failure,
            self.name,
            again - now,
        )
        return self._renew_later(token, again)

    def _replacement(self, dead: _Chain) -> _Chain | None:
        """Return the chain that replaces one that Exact Online rejects, if there is one.

        Another process may have spent the refresh token in spite of the lock.
        """
        for pause in (0.0, RECHECK_AFTER):
            self._sleep(pause)
            chain = self._read()
            if chain.refresh_token != dead.refresh_token:
                return chain
        if not dead.reserve:
            return None
        self._replace(dead, self._seed_columns(dead.reserve))
        return self._read()

    @retry_on_lost_connection
    def _stored(self) -> _Chain:
        """Read the stored chain; a seed starts it, and a changed seed replaces it.

        After an interactive sign-in the seed may be older, so it is only kept in reserve.
        """
        if self._seed:
            with self._store.transaction() as transaction:
                query = sa.select(connections.c.seed).where(self._mine).with_for_update()
                row = transaction.execute(query).one_or_none()
                if row is None or row.seed not in (None, self._seed_hash):
                    self._upsert(transaction, self._seed_columns(self._seed))
        return self._read()

    def _read(self) -> _Chain:
        rows = self._store.read(sa.select(connections).where(self._mine))
        if not rows:
            raise SignInNeeded(
                f"No sign-in at {self.app.region.base_url} is stored for this app "
                f"(connection {self.name}). {refusals.SIGN_IN}"
            )
        (row,) = rows
        access_token = self._store.decrypt(row.access_token)
        return _Chain(
            self._store.decrypt(row.refresh_token) or "",
            self._store.decrypt(row.previous_refresh_token),
            Token(access_token, row.received_at, row.proven_at is not None)
            if access_token
            else None,
            self._seed if row.seed is None else None,
        )

    def _seed_columns(self, seed: str) -> dict[str, Any]:
        """Return the columns of a chain that starts with a seed."""
        return {
            "access_token": None,
            "refresh_token": self._store.encrypt(seed),
            "previous_refresh_token": None,
            "received_at": 0.0,
            "proven_at": None,
            "ended": None,
            "seed": self._seed_hash,
        }

    def _warn_if_idle(self, chain: _Chain) -> None:
        days = (self._clock() - chain.token.received_at) / DAY if chain.token else 0.0
        if IDLE_DAYS <= days < CHAIN_DAYS:
            logger.warning(
                "Connection %s was not used for %d days; after %d Exact ends a sign-in. It is "
                "renewed now. Run exactonline keepalive once a week to be safe.",
                self.name,
                days,
                CHAIN_DAYS,
            )

    def _refresh(self, chain: _Chain, refused: str | None) -> Token:
        """Exchange the refresh token for a new pair.

        If the stored pair was never used, Exact Online may not know it. The previous refresh token
        stays valid until that pair is used, so it is tried as well, once.
        """
        answer = self._exchange(chain.refresh_token)
        if answer.status_code == requests.codes.ok:
            return self._keep(answer, chain, previous=chain.refresh_token)
        error, description = refusals.error_of(answer)
        if chain.previous and refusals.is_spent(error, description):
            second = self._exchange(chain.previous)
            if second.status_code == requests.codes.ok:
                return self._keep(second, chain, previous=chain.previous)
            if not refusals.is_spent(*refusals.error_of(second)):
                raise self._refusal(second)
            # Exact Online counts each refusal as an error, so a spent token is sent only once.
            self._replace(chain, {"previous_refresh_token": None})
        present = chain.token
        if refusals.NOT_EXPIRED in description and present and present.value != refused:
            # Exact Online would count a refresh attempt with each call as an error.
            return self._renew_later(present, self._clock() + GRACE)
        raise self._refusal(answer, refused=present is not None)

    def _exchange(self, refresh_token: str) -> requests.Response:
        return self._post({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _refusal(self, answer: requests.Response, *, refused: bool = False) -> ExactOnlineError:
        error, description = refusals.error_of(answer)
        if refusals.NOT_EXPIRED in description:
            return refusals.too_early(refused=refused)
        return refusals.refresh_token_refused(
            answer.status_code, error, description, self.app.region.base_url
        )

    def _keep(self, answer: requests.Response, chain: _Chain, previous: str) -> Token:
        """Store a new pair in place of the chain that was refreshed; return the token to use.

        If another process has stored a pair meanwhile, that one is used. It is unknown which of
        the two Exact Online continues, so our refresh token is kept as the previous one.
        """
        token, values = self._new_pair(answer, chain, previous)
        if self._replace(chain, values):
            return self._renew_later(token, token.received_at + REFRESH_AGE)
        theirs = self._read()
        if theirs.token and theirs.token.value == token.value:
            # Our own pair: the connection to the store broke right after the commit.
            return self._renew_later(token, token.received_at + REFRESH_AGE)
        kept = {"previous_refresh_token": values["refresh_token"], "proven_at": self._clock()}
        self._replace(theirs, kept)
        token = theirs.token or token
        return self._renew_later(token, token.received_at + REFRESH_AGE)

    def _new_pair(
        self, answer: requests.Response, chain: _Chain | None, previous: str | None
    ) -> tuple[Token, dict[str, Any]]:
        """Parse a token response; return the token and the columns of its pair."""
        known = chain.token.value if chain and chain.token else None
        access_token, refresh_token = _pair(answer, known, self.app.region.base_url)
        remember(access_token, refresh_token)
        token = Token(access_token, self._clock())
        return token, {
            "access_token": self._store.encrypt(token.value),
            "refresh_token": self._store.encrypt(refresh_token),
            "previous_refresh_token": self._store.encrypt(previous),
            "received_at": token.received_at,
            "proven_at": None,
            "ended": None,
        }

    @retry_on_lost_connection
    def _replace(self, chain: _Chain, values: dict[str, Any]) -> bool:
        """Update a chain if the store still holds it; return whether it did."""
        with self._store.transaction() as transaction:
            query = sa.select(connections.c.refresh_token).where(self._mine).with_for_update()
            present = self._store.decrypt(transaction.execute(query).scalar())
            if present != chain.refresh_token:
                return False
            renewed = {**values, **self._app_columns()}
            transaction.execute(connections.update().where(self._mine).values(**renewed))
        return True

    @retry_on_lost_connection
    def _start(self, values: dict[str, Any]) -> None:
        with self._store.transaction() as transaction:
            self._upsert(transaction, values)

    def _upsert(self, transaction: sa.Connection, values: dict[str, Any]) -> None:
        """Insert a chain, or overwrite the present one."""
        values = {**values, **self._app_columns()}
        row = self._store.insert(connections).values(name=self.name, **values)
        transaction.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))

    def _app_columns(self) -> dict[str, Any]:
        """Return the columns of the app, whose secret may have changed."""
        return {
            "app": self.app.key,
            "region": self.app.region.code,
            "base_url": self.app.region.base_url,
            "client_id": self.app.client_id,
            "client_secret": self._store.encrypt(self.app.client_secret),
        }

    def _post(self, fields: dict[str, str]) -> requests.Response:
        """Send a token request; never retried, since it may have spent the refresh token."""
        form = {
            **fields,
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret,
        }
        asked_at = self._clock.local()
        try:
            answer = self._http.post(
                f"{self.app.region.base_url}/api/oauth2/token",
                data=form,
                headers={"Accept": "application/json"},
                timeout=transfer.timeouts(self._timeout),
                allow_redirects=False,
                auth=_unsigned,
                stream=True,
                hooks={"response": transfer.drop_location},
            )
            transfer.receive(answer, transfer.MAX_BYTES, self._timeout, time.monotonic)
        except transfer.NETWORK_ERRORS as error:
            raise refusals.no_answer(error, self.app.region.base_url) from None
        self._clock.learn(answer.headers, asked_at)
        return answer

    def sign_in(self, code: str, redirect_uri: str) -> None:
        """Start a new chain with the authorisation code of a sign-in (URL-decoded).

        Raises:
            SignInNeeded: the code is spent or older than three minutes.
            ConfigurationError: the client ID or the client secret is wrong.
            Unavailable: the token endpoint gave no response, or refuses for now.
        """
        remember(code)
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        with self._lock(), uninterrupted():
            answer = self._post(fields)
            if answer.status_code != requests.codes.ok:
                raise refusals.code_refused(answer, self.app.region.base_url)
            token, values = self._new_pair(answer, None, None)
            values |= {"redirect_uri": redirect_uri}
            values |= {"seed": self._seed_hash} if self._seed_hash else {}
            self._start(values)
            self._token = self._renew_later(token, token.received_at + REFRESH_AGE)


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _pair(answer: requests.Response, known: str | None, base_url: str) -> tuple[str, str]:
    """Parse the access and refresh token of a response.

    Args:
        answer: from the token endpoint.
        known: the present access token, which a new pair cannot repeat.
        base_url: for the error.

    Raises:
        Unavailable: the response holds no new pair.
    """
    try:
        body = answer.json()
        pair = body["access_token"], body["refresh_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pair = None, None
    if not all(isinstance(token, str) and _TOKEN.fullmatch(token) for token in pair):
        what = "something that is not a pair of tokens"
    elif pair[0] in (pair[1], known):
        what = "a pair of tokens that cannot be a new one"
    else:
        return pair
    raise Unavailable(
        f"The token endpoint of {base_url} answered with {what}. Try again in a few minutes; the "
        "stored sign-in is unchanged. If it stays, check region and base_url: a proxy in "
        "between may answer in its place."
    )
