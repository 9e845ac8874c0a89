"""The OAuth server: authorization codes, token pairs and their lifetimes."""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_sandbox.clock import Clock
    from exactonline_sandbox.config import App, SandboxConfig, Switches, User

ACCESS_TOKEN_SECONDS = 600
NOT_BEFORE_SECONDS = 570
CODE_SECONDS = 180
REFRESH_TOKEN_DAYS = 30


class OAuthError(Exception):
    """A refused token request."""

    def __init__(
        self, status: int, error: str, description: str | None = None, reason: str | None = None
    ) -> None:
        """Refuse with an OAuth error.

        Args:
            status: HTTP status.
            error: The OAuth error code.
            description: The `error_description`, where there is one.
            reason: The `Reason` header, where there is one.
        """
        super().__init__(description or error)
        self.status = status
        self.error = error
        self.description = description
        self.reason = reason


@dataclass
class Chain:
    """The tokens of one sign-in: each refresh token is exchanged for the next."""

    app: App
    user: User
    refresh_token: str = ""
    refresh_issued: datetime = datetime.min  # noqa: DTZ901 - replaced before it is read
    access_issued: datetime = datetime.min  # noqa: DTZ901 - replaced before it is read
    spent: set[str] = field(default_factory=set)
    previous: str | None = None
    """The refresh token exchanged for the current pair, until that pair is used."""
    revoked: bool = False


@dataclass
class _Access:
    chain: Chain
    expires: datetime


@dataclass(frozen=True)
class _Code:
    app: App
    user: User
    redirect_uri: str
    expires: datetime


class TokenServer:
    """Issues and validates authorization codes and tokens."""

    def __init__(self, config: SandboxConfig, clock: Clock, switches: Switches) -> None:
        """Start without codes and tokens."""
        self._apps = {app.client_id: app for app in config.apps}
        self._clock = clock
        self._switches = switches
        self._codes: dict[str, _Code] = {}
        self._access: dict[str, _Access] = {}
        self._chains: dict[tuple[str, str], Chain] = {}
        self._by_refresh_token: dict[str, Chain] = {}

    def app(self, client_id: str) -> App | None:
        """The app registration with this id."""
        return self._apps.get(client_id)

    def apps(self) -> list[App]:
        """All app registrations."""
        return list(self._apps.values())

    def register(self, app: App) -> None:
        """Add an app registration, or replace the one with its id."""
        self._apps[app.client_id] = app

    def authorise(self, app: App, user: User, redirect_uri: str) -> str:
        """An authorization code for a user who consented; contains a `!`, as real ones do."""
        code = f"stampNL001.{secrets.token_urlsafe(24)}!{secrets.token_urlsafe(24)}"
        expires = self._clock.now() + timedelta(seconds=CODE_SECONDS)
        self._codes[code] = _Code(app, user, redirect_uri, expires)
        return code

    def sign_in(self, app: App, user: User, *, renewable: bool = False) -> dict[str, str]:
        """Issue a new chain and revoke the previous one of the same user and app.

        Args:
            app: The app.
            user: The user.
            renewable: Whether its refresh token may be used at once, not only after 570 seconds.
        """
        former = self._chains.get((app.client_id, user.user_id))
        if former:
            former.revoked = True
        chain = Chain(app, user)
        self._chains[app.client_id, user.user_id] = chain
        tokens = self._issue(chain)
        if renewable:
            chain.access_issued -= timedelta(seconds=NOT_BEFORE_SECONDS)
        return tokens

    def implicit(self, app: App, user: User) -> dict[str, str]:
        """An access token without a refresh token: the implicit grant."""
        tokens = self.sign_in(app, user)
        return {name: tokens[name] for name in ("access_token", "token_type", "expires_in")}

    def exchange(self, form: Mapping[str, str], authorization: str = "") -> dict[str, str]:
        """Answer a token request.

        Args:
            form: The form fields of the request.
            authorization: Its `Authorization` header, which may name the app instead.

        Raises:
            OAuthError: The request is refused.
        """
        app = self._authenticate(form, authorization)
        if form.get("grant_type") == "authorization_code":
            return self._exchange_code(app, form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(app, form.get("refresh_token", ""))
        raise OAuthError(400, "unsupported_grant_type")

    def _authenticate(self, form: Mapping[str, str], authorization: str) -> App:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        basic = _basic_credentials(authorization)
        if not client_id and basic and self._switches.basic_auth:
            client_id, secret = basic
        app = self._apps.get(client_id)
        if app is None or not secrets.compare_digest(app.client_secret.encode(), secret.encode()):
            raise OAuthError(400, "invalid_client", "The client id or client secret is wrong.")
        return app

    def valid_chain(self, access_token: str) -> Chain | None:
        """The chain of an access token that is valid now, or None."""
        access = self._access.get(access_token)
        if access is None or access.chain.revoked or access.expires <= self._clock.now():
            return None
        access.chain.previous = None
        return access.chain

    def is_expired(self, access_token: str) -> bool:
        """Whether this is an access token that has expired."""
        access = self._access.get(access_token)
        return access is not None and access.expires <= self._clock.now()

    def chain_of(self, access_token: str) -> Chain | None:
        """The chain of an access token, expired or not."""
        access = self._access.get(access_token)
        return None if access is None else access.chain

    def revoke_all(self) -> None:
        """Revoke every chain, as when users withdraw consent."""
        for chain in self._chains.values():
            chain.revoked = True

    def expire_access_tokens(self) -> None:
        """Expire every access token now; refresh tokens stay valid."""
        for access in self._access.values():
            access.expires = self._clock.now()

    def _exchange_code(self, app: App, form: Mapping[str, str]) -> dict[str, str]:
        code = self._codes.pop(form.get("code", ""), None)
        if code is None or code.app.client_id != app.client_id:
            raise OAuthError(400, "invalid_grant", "The code is unknown or was used before.")
        if code.expires <= self._clock.now():
            raise OAuthError(400, "invalid_grant", "The code has expired.")
        if form.get("redirect_uri") != code.redirect_uri:
            raise OAuthError(400, "invalid_grant", "The redirect_uri is not the one of the code.")
        return self.sign_in(app, code.user)

    def _refresh(self, app: App, token: str) -> dict[str, str]:
        if not token:
            raise OAuthError(400, "invalid_request")
        chain = self._by_refresh_token.get(token)
        if chain is None or chain.revoked or chain.app.client_id != app.client_id:
            raise OAuthError(
                400, "invalid_grant", "Token is not allowed, because of invalid or empty chainId"
            )
        now = self._clock.now()
        if token in chain.spent and not (self._switches.refresh_grace and token == chain.previous):
            raise OAuthError(401, "unauthorized_client", "Old refresh token used.")
        self._check_age(chain, now)
        return self._issue(chain, replaces=token)

    def _check_age(self, chain: Chain, now: datetime) -> None:
        expired = chain.refresh_issued + timedelta(days=REFRESH_TOKEN_DAYS)
        if expired <= now:
            raise OAuthError(
                400,
                "invalid_request",
                f"The refresh token expired at {_us_time(expired)} and it is now {_us_time(now)}.",
            )
        if now < chain.access_issued + timedelta(seconds=NOT_BEFORE_SECONDS):
            message = "Rate limit exceeded: access_token not expired"
            raise OAuthError(
                400, "access_denied", message, reason=f"TooEarlyToRefreshTokens: {message}"
            )

    def _issue(self, chain: Chain, replaces: str | None = None) -> dict[str, str]:
        now = self._clock.now()
        if chain.refresh_token:
            chain.spent.add(chain.refresh_token)
        chain.previous = replaces
        chain.refresh_token = f"stampNL001.{secrets.token_urlsafe(16)}!{secrets.token_urlsafe(48)}"
        chain.refresh_issued = chain.access_issued = now
        self._by_refresh_token[chain.refresh_token] = chain
        access_token = f"gAAAA{secrets.token_urlsafe(96)}"
        expires = now + timedelta(seconds=ACCESS_TOKEN_SECONDS)
        self._access[access_token] = _Access(chain, expires)
        return {
            "access_token": access_token,
            "token_type": "bearer",
            "expires_in": str(ACCESS_TOKEN_SECONDS),
            "refresh_token": chain.refresh_token,
        }


def _basic_credentials(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return client_id, secret


def _us_time(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"  # noqa: PLR2004 - noon
    day = f"{moment.month}/{moment.day}/{moment.year}"
    return f"{day} {hour}:{moment.minute:02d}:{moment.second:02d} {half}"
