"""OAuth at Exact Online: access tokens of ten minutes, refresh tokens that work once.

The store owns the chain of tokens of each connection: one app and one user. A refresh happens under
a lock that all processes share, and the new pair is durable before it is used for the first time.
"""

from __future__ import annotations

import hashlib
import logging
import re
import time
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import requests
import sqlalchemy as sa
from requests.auth import AuthBase
from typing_extensions import override

from exactonline_client import refusals
from exactonline_client.errors import (
    SignInNeeded,
    Unavailable,
    UnexpectedAnswer,
)
from exactonline_client.redaction import remember
from exactonline_client.regions import REGIONS
from exactonline_client.store import Store, connections

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from exactonline_client.regions import Region

logger = logging.getLogger(__name__)

REFRESH_AGE = 570.0
"""Seconds after which a new access token may be asked for; it lives for 600."""
RESPITE = 30.0
"""Seconds that an access token lives on after that."""
CHAIN_DAYS = 30
"""Days after which Exact forgets a sign-in whose refresh token was not used."""
IDLE_DAYS = 23
"""Days without use after which a run says that the sign-in was about to end."""
DAY = 86_400.0


@dataclass(frozen=True)
class Token:
    """An access token, when it was received (seconds since the epoch), whether it has worked."""

    value: str = field(repr=False)
    received_at: float
    proven: bool = False


@dataclass(frozen=True)
class App:
    """An app registration in one region: who asks for tokens."""

    region: Region
    client_id: str
    client_secret: str = field(repr=False)

    @property
    def key(self) -> str:
        """Name of this app in the store."""
        return hashlib.sha256(f"{self.region.base_url}|{self.client_id}".encode()).hexdigest()[:32]

    @property
    def connection_name(self) -> str:
        """Name of a connection with this app that was given none, such as `nl-5a0d8f0e`."""
        known = REGIONS[self.region.code].base_url == self.region.base_url
        place = self.region.code if known else urlsplit(self.region.base_url).netloc
        words = re.sub(r"[^a-z0-9.]+", "-", f"{place} {self.client_id[:8]}".lower())
        return words.strip("-.")[:64]

    def authorise_url(self, redirect_uri: str, state: str) -> str:
        """Where a person signs in and allows this app."""
        options = {
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "force_login": "0",
            "state": state,
        }
        return f"{self.region.base_url}/api/oauth2/auth?{urlencode(options)}"


@dataclass(frozen=True)
class _Chain:
    """What the store holds of a sign-in."""

    refresh_token: str = field(repr=False)
    previous: str | None = field(repr=False, default=None)
    token: Token | None = None
    reserve: str | None = field(repr=False, default=None)
    """A refresh token of the settings that nobody has used, for when the chain is broken."""


class TokenSource(AuthBase):
    """Gives every request a valid access token, and keeps the chain of tokens whole."""

    def __init__(  # noqa: PLR0913
        self,
        app: App,
        store: Store,
        http: requests.Session,
        *,
        name: str | None = None,
        seed: str | None = None,
        timeout: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is asked or stored yet.

        Args:
            app: who asks for tokens.
            store: where the chain is kept.
            http: what calls are made with.
            name: of the connection; made from the app where None.
            seed: a refresh token to begin with; it is used once, see `_stored`.
            timeout: seconds to wait for the token endpoint.
            clock: seconds since the epoch.
        """
        remember(app.client_secret, seed)
        self.app = app
        self.name = name or app.connection_name
        self._store = store
        self._http = http
        self._seed = seed
        self._seed_mark = hashlib.sha256(seed.encode()).hexdigest() if seed else None
        self._timeout = timeout
        self._clock = clock
        self._token: Token | None = None
        self._one_thread = Lock()

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign one request."""
        request.headers["Authorization"] = f"Bearer {self.access_token()}"
        request.hooks.setdefault("response", []).append(self._worked)
        return request

    def access_token(self) -> str:
        """A token that is valid now, refreshed where its age demands it.

        Raises:
            SignInNeeded: the chain is broken.
            Unavailable: the token endpoint did not answer.
            UnexpectedAnswer: it answered with something that is no token.
        """
        with self._one_thread:
            if self._token is None or not self._young(self._token):
                self._token = self._renew(refused=None)
            return self._token.value

    def refused(self, header: str) -> None:
        """Exact answered 401 to a request with this `Authorization` header: get another token."""
        with self._one_thread:
            self._token = self._renew(refused=header.removeprefix("Bearer "))

    def _young(self, token: Token) -> bool:
        return self._clock() - token.received_at < REFRESH_AGE

    def _worked(self, answer: requests.Response, *_: Any, **__: Any) -> None:  # noqa: ANN401
        """Let go of the refresh token before the present one, once the present pair has worked."""
        token = self._token
        if token is None or token.proven or not answer.ok or answer.is_redirect:
            return
        if answer.request.headers.get("Authorization") != f"Bearer {token.value}":
            return
        with self._one_thread:
            if self._token is not token:
                return
            self._token = replace(token, proven=True)
        proof = {"previous_refresh_token": None, "proven_at": self._clock()}
        with self._store.transaction() as connection:
            query = sa.select(connections.c.access_token).where(self._mine).with_for_update()
            if self._store.decrypt(connection.execute(query).scalar()) == token.value:
                connection.execute(connections.update().where(self._mine).values(**proof))

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return connections.c.name == self.name

    def _lock(self) -> AbstractContextManager[None]:
        return self._store.lock(f"token-{self.name}")

    def _renew(self, refused: str | None) -> Token:
        with self._lock():
            chain = self._stored()
            # Another process may have renewed it while this one waited for the lock.
            if chain.token and chain.token.value != refused and self._young(chain.token):
                return chain.token
            self._warn_of_idleness(chain)
            try:
                return self._refresh(chain, refused)
            except SignInNeeded:
                if not chain.reserve:
                    raise
                with self._store.transaction() as connection:
                    seeded = self._begin(connection, chain.reserve)
                return self._refresh(seeded, refused)

    def _stored(self) -> _Chain:
        """The chain as it stands; a seed starts it, and a changed seed replaces it.

        Where a person signed in, a seed may be older than that, and is kept in reserve.
        """
        with self._store.transaction() as connection:
            query = sa.select(connections).where(self._mine)
            row = connection.execute(query).one_or_none()
            changed = row is None or row.seed not in (None, self._seed_mark)
            if self._seed and changed:
                return self._begin(connection, self._seed)
        if row is None:
            raise SignInNeeded(
                f"No sign-in at {self.app.region.base_url} is stored for this app "
                f"(connection {self.name}). {refusals.SIGN_IN}"
            )
        access_token = self._store.decrypt(row.access_token)
        return _Chain(
            self._store.decrypt(row.refresh_token) or "",
            self._store.decrypt(row.previous_refresh_token),
            Token(access_token, row.received_at, row.proven_at is not None)
            if access_token
            else None,
            self._seed if row.seed is None else None,
        )

    def _begin(self, connection: sa.Connection, seed: str) -> _Chain:
        """Put a seed in the place of the chain."""
        values = {
            "access_token": None,
            "refresh_token": self._store.encrypt(seed),
            "previous_refresh_token": None,
            "received_at": 0.0,
            "proven_at": None,
            "seed": self._seed_mark,
        }
        self._write(connection, values)
        return _Chain(seed)

    def _warn_of_idleness(self, chain: _Chain) -> None:
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

        A pair that was received but has never worked may be unknown to Exact; the refresh token
        before it is good until that pair is used, and is tried then, once.
        """
        answer = self._exchange(chain.refresh_token)
        if answer.status_code == requests.codes.ok:
            return self._keep(answer, previous=chain.refresh_token)
        error, description = refusals.words(answer)
        if chain.previous and refusals.is_dead(error, description):
            second = self._exchange(chain.previous)
            if second.status_code == requests.codes.ok:
                return self._keep(second, previous=chain.previous)
            if refusals.NOT_EXPIRED not in refusals.words(second)[1]:
                self._forget_previous()
        if refusals.NOT_EXPIRED in description:
            if chain.token and chain.token.value != refused:
                # Asking again at every call would count as so many errors.
                return replace(chain.token, received_at=self._clock() - REFRESH_AGE + RESPITE)
            raise refusals.too_early()
        raise refusals.of_refresh_token(
            answer.status_code, error, description, self.app.region.base_url
        )

    def _exchange(self, refresh_token: str) -> requests.Response:
        return self._post({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def _forget_previous(self) -> None:
        """Every refusal counts as an error at Exact, so a dead token is asked with only once."""
        with self._store.transaction() as connection:
            self._write(connection, {"previous_refresh_token": None})

    def _keep(
        self, answer: requests.Response, previous: str | None, **columns: str | None
    ) -> Token:
        """Make a new pair durable, together with the secret it was given for."""
        access_token, refresh_token = _pair(answer)
        remember(access_token, refresh_token)
        token = Token(access_token, self._clock())
        values = {
            "access_token": self._store.encrypt(token.value),
            "refresh_token": self._store.encrypt(refresh_token),
            "previous_refresh_token": self._store.encrypt(previous),
            "received_at": token.received_at,
            "proven_at": None,
            **{name: value for name, value in columns.items() if value},
        }
        with self._store.transaction() as connection:
            self._write(connection, values)
        return token

    def _write(self, connection: sa.Connection, values: dict[str, Any]) -> None:
        values = {
            **values,
            "app": self.app.key,
            "region": self.app.region.code,
            "base_url": self.app.region.base_url,
            "client_id": self.app.client_id,
            "client_secret": self._store.encrypt(self.app.client_secret),
        }
        found = connection.execute(connections.update().where(self._mine).values(**values))
        if not found.rowcount:
            connection.execute(connections.insert().values(name=self.name, **values))

    def _post(self, fields: dict[str, str]) -> requests.Response:
        """Ask the token endpoint, once: a request for tokens must never be sent again blindly."""
        form = {
            **fields,
            "client_id": self.app.client_id,
            "client_secret": self.app.client_secret,
        }
        try:
            return self._http.post(
                f"{self.app.region.base_url}/api/oauth2/token",
                data=form,
                headers={"Accept": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
                auth=_unsigned,
            )
        except requests.RequestException as error:
            raise refusals.untrusted(error, self.app.region.base_url) or Unavailable(
                f"The token endpoint of {self.app.region.base_url} did not answer "
                f"({type(error).__name__}). Is the address right, and the network up? "
                "The stored sign-in was left as it is; start again to try it again."
            ) from None

    def sign_in(self, code: str, redirect_uri: str) -> None:
        """Start a new chain with the (decoded) code that a sign-in ended with.

        Raises:
            SignInNeeded: the code is spent or older than three minutes.
            ConfigurationError: Exact does not know the app, or not with this secret.
            Unavailable: the token endpoint did not answer, or wants to be asked later.
        """
        remember(code)
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        with self._lock():
            answer = self._post(fields)
            if answer.status_code != requests.codes.ok:
                raise refusals.of_code(answer, self.app.region.base_url)
            self._token = self._keep(
                answer, previous=None, seed=self._seed_mark, redirect_uri=redirect_uri
            )


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _pair(answer: requests.Response) -> tuple[str, str]:
    try:
        body = answer.json()
        pair = body["access_token"], body["refresh_token"]
    except (ValueError, KeyError, TypeError, RecursionError):
        pair = None, None
    if not (isinstance(pair[0], str) and isinstance(pair[1], str)):
        raise UnexpectedAnswer(
            "The token endpoint answered with something that is no pair of tokens. Check region "
            "and base_url; a proxy in between may answer in its place."
        )
    return pair
