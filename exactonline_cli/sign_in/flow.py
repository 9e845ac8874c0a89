"""The steps of a sign-in, shared by the page and the terminal."""

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from exactonline_cli.variables import from_environment
from exactonline_client import connection, connections, regions
from exactonline_client.errors import ConfigurationError, ExactOnlineError
from exactonline_client.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.connections import SavedConnection

REDIRECT_RULE = (
    "Exact takes public https addresses only, not localhost. Type it exactly as it is registered."
)


class Problem(Exception):  # noqa: N818 - what a person has to correct
    """Something to correct, and the field it is in."""

    def __init__(self, field_name: str, message: str, more: Sequence[Problem] = ()) -> None:
        """Say what to correct.

        Args:
            field_name: the field of the form that the message is about.
            message: what to correct.
            more: problems of other fields of the same form.
        """
        super().__init__(" ".join([message, *map(str, more)]))
        self.field = field_name
        self.message = message
        self.all: tuple[Problem, ...] = (self, *more)

    def as_error(self, option: str = "") -> ExactOnlineError:
        """Return the error for a program with nobody to ask: its cause, or a wrong setting."""
        if isinstance(self.__cause__, ExactOnlineError):
            return self.__cause__
        return ConfigurationError(f"{option}: {self}" if option else str(self))


@dataclass
class SignIn:
    """A sign-in in four steps, from region to divisions; each step can be repeated."""

    store_settings: Mapping[str, str]
    """Settings of the store: store_url, store_key."""
    base_url: str | None = None
    region: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    redirect_uri: str = ""
    name: str = ""
    clock: Callable[[], float] = time.time
    connection: Connection | None = None
    state: str = field(default="", repr=False)
    signed_in: bool = False
    chosen: tuple[int, ...] | None = None
    all_divisions: bool = False

    def choose_region(self, code: str) -> None:
        """Step 1: choose the region.

        Raises:
            Problem: there is no such region.
        """
        if code not in regions.REGIONS:
            raise Problem("region", "Choose the region you sign in to.")
        self.region = code
        self._start_again()

    def choose_app(self, fields: Mapping[str, str]) -> None:
        """Step 2: choose the app; an empty secret keeps the one from before.

        Raises:
            Problem: something is missing or wrong.
        """
        self.client_id = fields.get("client_id", "").strip()
        self.client_secret = fields.get("client_secret", "").strip() or self.client_secret
        self.redirect_uri = fields.get("redirect_uri", "").strip()
        self.name = fields.get("name", "").strip()
        self._start_again()
        problems = list(self._app_problems())
        if problems:
            raise Problem(problems[0].field, problems[0].message, problems[1:])
        try:
            self.connection = connection.connect(self._settings(), clock=self.clock)
        except ConfigurationError as error:
            raise Problem("name", str(error)) from None
        self.state = secrets.token_urlsafe(24)

    def _app_problems(self) -> Iterator[Problem]:
        """All that is missing or wrong in step 2, in the order of the form."""
        if not self.client_id:
            yield Problem("client_id", "Enter the client ID of your app.")
        if not self.client_secret:
            yield Problem("client_secret", "Enter the client secret of your app.")
        try:
            check_redirect_uri(self.redirect_uri, self.base_url)
        except Problem as problem:
            yield problem
        if self.name and not connections.NAME.fullmatch(self.name):
            yield Problem(
                "name",
                "This is not a valid name for a connection. Use up to 64 letters, digits, dots, "
                "dashes and underscores.",
            )

    def _settings(self) -> dict[str, Any]:
        return {
            **self.store_settings,
            "region": self.region,
            "base_url": self.base_url,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "connection": self.name or None,
        }

    def _start_again(self) -> None:
        self.close()
        self.connection, self.signed_in, self.state = None, False, ""
        self.chosen, self.all_divisions = None, False

    @property
    def opened(self) -> Connection:
        """The connection that step 2 made."""
        if self.connection is None:
            raise ExactOnlineError("The app has not been chosen yet.")
        return self.connection

    @property
    def authorise_url(self) -> str:
        """Address at Exact where the user signs in, for step 3."""
        return self.opened.app.authorise_url(self.redirect_uri, self.state)

    @property
    def account(self) -> SavedConnection | None:
        """The connection that the store has under this name already."""
        return next((one for one in self._accounts() if one.name == self.opened.name), None)

    def replaced_connections(self) -> list[str]:
        """Connections of the same user and app, which this sign-in has ended."""
        mine = self.account
        return [
            other.name
            for other in self._accounts()
            if mine
            and other.name != mine.name
            and (other.app_key, other.user_id) == (mine.app_key, mine.user_id)
        ]

    def _accounts(self) -> list[SavedConnection]:
        return connections.load(self.opened.store)

    def take_address(self, text: str) -> None:
        """Step 3: take the code from the address that the browser ended at.

        Raises:
            Problem: no usable code is in it, or Exact does not take the code.
        """
        self.take_answer({name: values[0] for name, values in _query(text).items()})

    def matches(self, state: str) -> bool:
        """Whether an answer belongs to the sign-in under way."""
        return bool(self.state) and hmac.compare_digest(state.encode(), self.state.encode())

    def take_answer(self, fields: Mapping[str, str]) -> None:
        """Step 3: take the code from the query that Exact sent to the redirect address.

        Raises:
            Problem: as for `take_address`.
        """
        if fields.get("error"):
            raise Problem("address", _refused(fields["error"]))
        if not fields.get("code"):
            raise Problem(
                "address",
                "This address contains no code. After the sign-in it has ?code=... in it: copy "
                "all of it from the address bar.",
            )
        if not self.matches(fields.get("state", "")):
            raise Problem(
                "address",
                "This address belongs to another sign-in. Follow the link on this page again, and "
                "use the address your browser ends at.",
            )
        self._exchange(fields["code"])

    def _exchange(self, code: str) -> None:
        try:
            self.opened.tokens.sign_in(code, self.redirect_uri)
        except ConfigurationError as error:
            raise Problem("client_secret", str(error)) from None
        except ExactOnlineError as error:
            raise Problem("address", str(error)) from error
        self.state = ""
        self.signed_in = True

    def divisions(self) -> list[dict[str, Any]]:
        """List the divisions to choose from, by name.

        Raises:
            ExactOnlineError: they cannot be read.
        """
        return sorted(self.opened.divisions, key=lambda row: str(row["Description"]).casefold())

    def choose_divisions(self, codes: Sequence[int], *, everything: bool) -> None:
        """Step 4: choose the divisions to read from.

        Raises:
            Problem: none is chosen, or one that is not there.
        """
        known = {int(row["Code"]) for row in self.divisions()}
        if not everything and not codes:
            raise Problem("divisions", "Choose at least one division, or all of them.")
        unknown = [code for code in codes if code not in known]
        if unknown and not everything:
            raise Problem("divisions", f"There is no division {unknown[0]} that you may open.")
        self.all_divisions = everything
        self.chosen = () if everything else tuple(sorted(set(codes)))
        connections.choose_divisions(self.opened.store, self.opened.name, self.chosen or None)

    def close(self) -> None:
        """Close the store."""
        if self.connection is not None:
            self.connection.close()


def begin(store_url: str | None, base_url: str | None, name: str | None) -> SignIn:
    """Start a sign-in, prefilled from options and environment.

    Raises:
        ConfigurationError: the settings of the store or the base URL are wrong.
        StoreError: the store cannot be opened.
    """
    store_key = from_environment("store_key")
    # No form could correct what is wrong here.
    regions.resolve("nl", base_url)
    Store(store_url, store_key).close()
    store_settings = {"store_url": store_url, "store_key": store_key}
    return SignIn(
        {key: value for key, value in store_settings.items() if value},
        base_url=base_url,
        region=from_environment("region") or "",
        client_id=from_environment("client_id") or "",
        client_secret=from_environment("client_secret") or "",
        redirect_uri=from_environment("redirect_uri") or "",
        name=name or "",
    )


def check_redirect_uri(address: str, base_url: str | None = None) -> None:
    """Check that an address can be registered as a redirect address.

    Exact takes public https addresses only; a sandbox on this machine, at `base_url`, takes
    addresses of this machine too.

    Raises:
        Problem: it cannot.
    """
    if not address:
        raise Problem("redirect_uri", "Enter the redirect address of your app.")
    scheme, host = _split(address)
    if is_loopback(host) and is_loopback(_split(base_url or "")[1]):
        if scheme in {"http", "https"}:
            return
    elif scheme == "https" and "." in host and not _is_local(host):
        return
    raise Problem("redirect_uri", f"This is not an https address on the web. {REDIRECT_RULE}")


def _split(address: str) -> tuple[str, str]:
    """Scheme and host of an address; empty for what is none."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return "", ""
    return parts.scheme, host


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _is_local(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.endswith(".localhost")
    return True


def _query(text: str) -> dict[str, list[str]]:
    """Parse the query of a pasted address, which also decodes the `!` in the code."""
    # A terminal may pass on bytes that are no text.
    address = "".join(text.encode(errors="replace").decode().split()).strip("'\"<>")
    if "=" not in address:
        raise Problem(
            "address",
            "Paste the whole address that the browser shows after the sign-in, from https:// to "
            "its end.",
        )
    try:
        query = urlsplit(address).query if "?" in address else address
        return parse_qs(query)
    except ValueError:
        raise Problem("address", "This is not an address.") from None


def _refused(error: str) -> str:
    if error == "access_denied":
        return (
            "Access was refused on Exact's page, so there is no sign-in. Follow the link again "
            "and allow the app; if you may not, ask someone who manages your Exact Online."
        )
    return f"Exact Online ended the sign-in with an error: {error}. Follow the link again."
