"""A server that nobody vouches for is sent nothing, neither a secret nor a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exactonline_client.errors import ConfigurationError, Unavailable
from exactonline_sandbox import Sandbox, SandboxConfig
from tests.client.conftest import Clock, Exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_client.store.store import Store
    from exactonline_sandbox import Server

ITEMS = "/api/v1/1700001/logistics/Items"
CURE = (
    r"certificate of https://127\.0\.0\.1:\d+ is not trusted .*nothing was sent.*REQUESTS_CA_BUNDLE"
)


@pytest.fixture
def server() -> Iterator[Server]:
    with Sandbox(SandboxConfig(invoices=1, tls=True)).running() as running:
        yield running


@pytest.fixture
def untrusted(server: Server, store: Store, clock: Clock) -> Exact:
    return Exact(server.base_url, store, clock)


def test_no_sign_in_is_sent(untrusted: Exact) -> None:
    with pytest.raises(Unavailable, match=CURE):
        untrusted.tokens().access_token()


def test_nothing_is_read_or_asked_again(untrusted: Exact) -> None:
    untrusted.sign_in()
    session = untrusted.session()
    with pytest.raises(Unavailable, match=CURE):
        session.get(ITEMS, 1700001)
    assert session.usage.retries == 0


def test_nothing_is_written_and_nothing_is_in_doubt(untrusted: Exact) -> None:
    untrusted.sign_in()
    with pytest.raises(Unavailable, match=CURE):
        untrusted.session().write("POST", ITEMS, 1700001, b"{}")


def test_the_cure_helps(untrusted: Exact, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.ca_file))
    with pytest.raises(ConfigurationError, match="client id or client secret is wrong"):
        untrusted.tokens().access_token()
