"""Connection to Exact Online: session, tokens, call budget and store, built from settings."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import requests
from requests.adapters import HTTPAdapter

from exactonline_client import connections, divisions
from exactonline_client.auth.oauth import TokenSource
from exactonline_client.errors import ConfigurationError, ExactOnlineError
from exactonline_client.http import error_budget, pagination
from exactonline_client.http.rate_limit import Budget
from exactonline_client.http.session import Session
from exactonline_client.plugin.settings import DISTRIBUTION
from exactonline_client.store import runs
from exactonline_client.store.clock import ServerClock, server_clock
from exactonline_client.store.delete_watermarks import DeleteWatermarks
from exactonline_client.store.key_snapshots import SeenKeys
from exactonline_client.store.store import Store
from exactonline_client.store.unsupported import RefusedOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from exactonline_client.auth.app import App
    from exactonline_client.errors import AccessDenied
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.records import PageDecoder

POOL_SIZE = 64
"""TCP connections to keep open for reuse; one for each thread is enough."""
RIGHTS = "rights"
"""Option under which a denied list is stored in `RefusedOptions`."""


@dataclass
class Connection:
    """One app and user in one region, under the name that the store has for them."""

    name: str
    app: App
    store: Store
    session: Session
    tokens: TokenSource
    budget: Budget
    clock: ServerClock = field(default_factory=ServerClock)
    sleep: Callable[[float], None] = time.sleep
    warned: set[str] = field(default_factory=set, repr=False)
    """Warnings already logged in this run, each once."""

    @cached_property
    def me(self) -> dict[str, Any]:
        """The signed-in user; requested once."""
        me = divisions.me(self.session)
        connections.remember_user(self.store, self.name, me)
        return me

    @cached_property
    def divisions(self) -> list[dict[str, Any]]:
        """The divisions that the user may open; requested once."""
        return divisions.divisions(self.session, self.me["CurrentDivision"])

    def division_name(self, division: int) -> str:
        """Return the name of a division.

        Raises:
            ConfigurationError: the user may not open it.
            SignInNeeded and the errors of `Session.get`.
        """
        names = {row["Code"]: row["Description"] for row in self.divisions}
        if division not in names:
            choices = ", ".join(f"{code} ({name})" for code, name in names.items())
            raise ConfigurationError(
                f"Setting division: {division} is not one that {self.me['FullName']} may open. "
                f"Choose one of {choices}."
            )
        return str(names[division])

    def explain_denial(self, division: int, denial: AccessDenied) -> ExactOnlineError:
        """Return the cause of a denial: a division that the user may not open, or the denial."""
        try:
            self.division_name(division)
        except ConfigurationError as error:
            return error
        except ExactOnlineError:
            return denial
        return denial

    @cached_property
    def zone(self) -> ZoneInfo:
        """Time zone of the server's wall clock.

        Known for the regions on Amsterdam time. For the others, the server's UTC offset decides
        between the zone of the region and that of Amsterdam.
        """
        candidates = [ZoneInfo(self.app.region.zone), ZoneInfo("Europe/Amsterdam")]
        if candidates[0] == candidates[1]:
            return candidates[0]
        offset = timedelta(seconds=float(self.me.get("ServerUtcOffset") or 0))
        now = datetime.now(timezone.utc)
        fitting = [zone for zone in candidates if now.astimezone(zone).utcoffset() == offset]
        return (fitting or candidates)[0]

    def pages(
        self, address: str, division: int | None, decoder: PageDecoder | None = None
    ) -> Iterator[Page]:
        """Iterate over the pages of a list, see `pagination.read`."""
        return pagination.read(self.session, address, division, decoder=decoder)

    def is_denied(self, endpoint: str, division: int) -> bool:
        """Whether a list of a division was denied within the last hour, for lack of rights."""
        return self.refused_in(division).holds(endpoint, RIGHTS, error_budget.HOUR)

    def remember_denial(self, endpoint: str, division: int) -> None:
        """Store that a list of a division was denied for lack of rights."""
        self.refused_in(division).remember(endpoint, RIGHTS)

    def refused_in(self, division: int) -> RefusedOptions:
        """Return the query options that endpoints of a division have refused, across runs."""
        return RefusedOptions(self.store, self.app.key, division, self.clock)

    def seen_keys(self, division: int, stream: str) -> SeenKeys:
        """Return the keys of a list that earlier runs have emitted."""
        return SeenKeys(self.store, self.app.key, division, stream)

    def delete_watermarks(self) -> DeleteWatermarks:
        """Return the positions in the deleted logs up to which deletes were emitted."""
        return DeleteWatermarks(self.store, self.app.key)

    def noted_run(self, program: str) -> AbstractContextManager[None]:
        """Record the block as a run, for `exactonline status`."""
        return runs.recorded(
            self.store, self.name, program, lambda: self.session.usage.total, self.clock
        )

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def connect(
    settings: Mapping[str, Any],
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Connection:
    """Open a connection from the shared settings; make no call yet.

    Raises:
        ConfigurationError: a setting is missing or wrong.
        StoreError: the store cannot be opened.
    """
    store = Store(settings.get("store_url"), settings.get("store_key"))
    try:
        name, app = connections.identify(settings, store)
        server_time = server_clock(store, clock)
    except Exception:
        store.close()
        raise
    http = http_session(settings.get("user_agent"))
    tokens = TokenSource(
        app,
        store,
        http,
        name=name,
        seed=settings.get("refresh_token"),
        clock=server_time,
        sleep=sleep,
    )
    budget = Budget(
        store,
        app.key,
        daily_reserve=settings.get("daily_call_reserve") or 0,
        wait_for_day=settings.get("on_daily_limit") == "wait",
        clock=server_time,
        sleep=sleep,
    )
    session = Session(
        app.region.base_url,
        tokens,
        budget,
        http,
        timeout=settings.get("request_timeout") or 300,
        sleep=sleep,
    )
    return Connection(name, app, store, session, tokens, budget, server_time, sleep)


def http_session(user_agent: str | None = None) -> requests.Session:
    """Create the HTTP session for all calls, with its user agent."""
    http = requests.Session()
    # Several threads share the session. The API needs no cookies, so none are kept.
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    for scheme in ("https://", "http://"):
        http.mount(scheme, HTTPAdapter(pool_maxsize=POOL_SIZE))
    http.headers["User-Agent"] = user_agent or f"{DISTRIBUTION}/{version(DISTRIBUTION)}"
    return http
