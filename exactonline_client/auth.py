"""OAuth at Exact Online: access tokens of ten minutes, refresh tokens that work once.

The store owns the chain of tokens of one app and user. A refresh happens under a lock that all
processes share, and the new pair is durable before it is used for the first time.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import requests
import sqlalchemy as sa
from requests.auth import AuthBase
from typing_extensions import override

from exactonline_client.errors import (
    ConfigurationError,
    ExactOnlineError,
    SignInNeeded,
    Unavailable,
    UnexpectedAnswer,
)
from exactonline_client.store import Store, tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.regions import Region

REFRESH_AGE = 570.0
"""Seconds after which a new access token may be asked for; it lives for 600."""
RESPITE = 30.0
"""Seconds that an access token lives on after that."""
NOT_EXPIRED = "access_token not expired"
SIGN_IN = "Sign in again and give the new refresh token in the setting refresh_token."


@dataclass(frozen=True)
class Token:
    """An access token and when it was received (seconds since the epoch)."""

    value: str = field(repr=False)
    received_at: float


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


class TokenSource(AuthBase):
    """Gives every request a valid access token, and keeps the chain of tokens whole."""

    def __init__(  # noqa: PLR0913
        self,
        app: App,
        store: Store,
        http: requests.Session,
        *,
        seed: str | None = None,
        timeout: float = 60.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`seed` is a refresh token to begin with; it is used once, see `_stored`."""
        self.app = app
        self._store = store
        self._http = http
        self._seed = seed
        self._seed_mark = hashlib.sha256(seed.encode()).hexdigest() if seed else None
        self._timeout = timeout
        self._clock = clock
        self._token: Token | None = None

    @override
    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Sign one request."""
        request.headers["Authorization"] = f"Bearer {self.access_token()}"
        return request

    def access_token(self) -> str:
        """A token that is valid now, refreshed where its age demands it.

        Raises:
            SignInNeeded: the chain is broken.
            Unavailable: the token endpoint did not answer.
            UnexpectedAnswer: it answered with something that is no token.
        """
        if self._token is None or not self._young(self._token):
            self._token = self._renew(refused=None)
        return self._token.value

    def refused(self, header: str) -> None:
        """Exact answered 401 to a request with this `Authorization` header: get another token."""
        self._token = self._renew(refused=header.removeprefix("Bearer "))

    def _young(self, token: Token) -> bool:
        return self._clock() - token.received_at < REFRESH_AGE

    def _renew(self, refused: str | None) -> Token:
        with self._store.lock(f"token-{self.app.key}"):
            refresh_token, stored = self._stored()
            # Another process may have renewed it while this one waited for the lock.
            if stored and stored.value != refused and self._young(stored):
                return stored
            return self._refresh(refresh_token, stored, refused)

    def _stored(self) -> tuple[str, Token | None]:
        """The chain as it stands; a seed starts it, and a seed not seen before replaces it."""
        mine = tokens.c.app == self.app.key
        with self._store.transaction() as connection:
            row = connection.execute(sa.select(tokens).where(mine)).one_or_none()
            if self._seed and (row is None or row.seed != self._seed_mark):
                connection.execute(tokens.delete().where(mine))
                connection.execute(
                    tokens.insert().values(
                        app=self.app.key,
                        refresh_token=self._store.encrypt(self._seed),
                        received_at=0.0,
                        seed=self._seed_mark,
                    )
                )
                return self._seed, None
        if row is None:
            raise SignInNeeded(
                f"No sign-in at {self.app.region.base_url} is stored for this app. {SIGN_IN}"
            )
        access_token = self._store.decrypt(row.access_token)
        token = Token(access_token, row.received_at) if access_token else None
        return self._store.decrypt(row.refresh_token) or "", token

    def _refresh(self, refresh_token: str, stored: Token | None, refused: str | None) -> Token:
        answer = self._post({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if answer.status_code == requests.codes.ok:
            return self._keep(answer, previous=refresh_token)
        error, description = _error(answer)
        if NOT_EXPIRED in description:
            if stored and stored.value != refused:
                # Asking again at every call would count as so many errors.
                return replace(stored, received_at=self._clock() - REFRESH_AGE + RESPITE)
            raise Unavailable(
                "Exact Online says that an access token handed out less than ten minutes ago is "
                "still valid, but it is not in the store. Try again in ten minutes."
            )
        raise _refusal(answer.status_code, error, description, self.app.region.base_url)

    def _keep(
        self, answer: requests.Response, previous: str | None, **columns: str | None
    ) -> Token:
        """Make a new pair durable."""
        access_token, refresh_token = _pair(answer)
        token = Token(access_token, self._clock())
        values = {
            "access_token": self._store.encrypt(token.value),
            "refresh_token": self._store.encrypt(refresh_token),
            "previous_refresh_token": self._store.encrypt(previous),
            "received_at": token.received_at,
            **{name: value for name, value in columns.items() if value},
        }
        mine = tokens.c.app == self.app.key
        with self._store.transaction() as connection:
            found = connection.execute(tokens.update().where(mine).values(**values))
            if not found.rowcount:
                connection.execute(tokens.insert().values(app=self.app.key, **values))
        return token

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
            raise Unavailable(
                f"The token endpoint of {self.app.region.base_url} did not answer "
                f"({type(error).__name__}). Is the address right, and the network up? "
                "The stored sign-in was left as it is; start again to try it again."
            ) from None

    def authorise_url(self, redirect_uri: str, state: str) -> str:
        """Where a person signs in and allows this app."""
        options = {
            "client_id": self.app.client_id,
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "force_login": "0",
            "state": state,
        }
        return f"{self.app.region.base_url}/api/oauth2/auth?{urlencode(options)}"

    def sign_in(self, code: str, redirect_uri: str) -> None:
        """Start a new chain with the (decoded) code that a sign-in ended with.

        Raises:
            SignInNeeded: the code is spent or older than three minutes.
        """
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        with self._store.lock(f"token-{self.app.key}"):
            answer = self._post(fields)
            if answer.status_code != requests.codes.ok:
                raise _refusal(answer.status_code, *_error(answer), self.app.region.base_url)
            self._token = self._keep(answer, previous=None, seed=self._seed_mark)


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _pair(answer: requests.Response) -> tuple[str, str]:
    try:
        body = answer.json()
        pair = body["access_token"], body["refresh_token"]
    except (ValueError, KeyError, TypeError):
        pair = None, None
    if not (isinstance(pair[0], str) and isinstance(pair[1], str)):
        raise UnexpectedAnswer(
            "The token endpoint answered with something that is no pair of tokens. Check region "
            "and base_url; a proxy in between may answer in its place."
        )
    return pair


def _error(answer: requests.Response) -> tuple[str, str]:
    try:
        body = answer.json()
        return str(body["error"]), str(body.get("error_description") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"HTTP {answer.status_code}", str(answer.headers.get("Reason") or "")


def _refusal(status: int, error: str, description: str, base_url: str) -> ExactOnlineError:
    """What a refusal of the token endpoint means, and what to do."""
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
    if status >= requests.codes.server_error or status in (
        requests.codes.request_timeout,
        requests.codes.too_many_requests,
    ):
        return Unavailable(
            f"The token endpoint of {base_url} answered HTTP {status}. Try again in a few minutes; "
            "the stored sign-in was left as it is."
        )
    reason = f"{error} {description}".rstrip()
    return ConfigurationError(
        f"Exact Online at {base_url} refused the sign-in of this app: {reason}. "
        "Check region, client_id and client_secret against the app's registration in the "
        "Exact App Centre, and refresh_token if it was set by hand."
    )
