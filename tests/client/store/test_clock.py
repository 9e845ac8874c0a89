"""The server's clock: learnt from its answers, remembered for a machine, shared by all parts."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timezone
from email.utils import format_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.auth.oauth import REFRESH_AGE
from exactonline_client.connection import connect
from exactonline_client.store.clock import CLOCK_TOLERANCE, ServerClock, server_clock
from exactonline_client.store.tables import clocks
from tests.client.conftest import BASE, failing

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.connection import Connection
    from exactonline_client.store.store import Store
    from tests.client.conftest import Clock, TokenEndpoint

NOON = datetime(2026, 6, 25, 12, tzinfo=timezone.utc).timestamp()
ME = f"{BASE}/api/v1/current/Me"
DAY = 86_400.0


def dated(moment: float) -> dict[str, str]:
    at = datetime.fromtimestamp(int(moment), timezone.utc)
    return {"Date": format_datetime(at, usegmt=True)}


@pytest.fixture
def open_connection(tmp_path: Any, key: str, clock: Clock) -> Callable[[float], Connection]:
    """Opens a connection on a machine whose clock is so many seconds ahead."""
    settings = {
        "base_url": BASE,
        "client_id": "my-client",
        "client_secret": "my-secret",
        "refresh_token": "seed-0",
        "store_url": f"sqlite:///{tmp_path / 'store.db'}",
        "store_key": key,
    }

    def opened(ahead: float) -> Connection:
        return connect(settings, clock=lambda: clock.now + ahead, sleep=clock.sleep)

    return opened


def grant(endpoint: TokenEndpoint, clock: Clock, number: int) -> None:
    pair = {"access_token": f"access-{number}", "refresh_token": f"refresh-{number}"}
    endpoint.answer(pair, headers=dated(clock.now))


@pytest.mark.parametrize("ahead", [-DAY, -700.0, 700.0, DAY])
def test_a_clock_that_is_wrong_costs_no_refused_call(
    ahead: float,
    open_connection: Callable[[float], Connection],
    endpoint: TokenEndpoint,
    clock: Clock,
) -> None:
    grant(endpoint, clock, 1)
    for _ in range(3):
        with closing(open_connection(ahead)) as opened:
            assert opened.tokens.access_token() == "access-1"
        clock.now += 100
    clock.now += REFRESH_AGE - 300 + CLOCK_TOLERANCE
    grant(endpoint, clock, 2)
    with closing(open_connection(ahead)) as opened:
        assert opened.tokens.access_token() == "access-2"


def test_machines_with_other_clocks_share_a_sign_in(
    open_connection: Callable[[float], Connection], endpoint: TokenEndpoint, clock: Clock
) -> None:
    grant(endpoint, clock, 1)
    with closing(open_connection(DAY)) as wrong:
        assert wrong.tokens.access_token() == "access-1"
    with closing(open_connection(DAY)) as wrong, closing(open_connection(0)) as right:
        right.clock.ahead = 0.0
        assert wrong.clock() == pytest.approx(right.clock(), abs=CLOCK_TOLERANCE)
        assert right.tokens.access_token() == "access-1"


def test_the_journal_tells_the_servers_time(
    open_connection: Callable[[float], Connection], endpoint: TokenEndpoint, clock: Clock
) -> None:
    grant(endpoint, clock, 1)
    row = {"UserID": "u", "FullName": "N", "CurrentDivision": 7}
    endpoint.mock.get(ME, json={"d": {"results": [row]}}, headers=dated(clock.now))
    with closing(open_connection(DAY)) as opened:
        assert opened.me["CurrentDivision"] == 7
        assert opened.clock() == pytest.approx(clock.now, abs=CLOCK_TOLERANCE)


def test_a_token_refused_as_too_early_tells_the_time_as_well(
    open_connection: Callable[[float], Connection], endpoint: TokenEndpoint, clock: Clock
) -> None:
    grant(endpoint, clock, 1)
    with closing(open_connection(0)) as right:
        right.tokens.access_token()
    error = {"error": "access_denied", "error_description": "access_token not expired"}
    endpoint.answer(error, 400, headers=dated(clock.now))
    with closing(open_connection(700)) as wrong:
        assert wrong.tokens.access_token() == "access-1"
        clock.now += 100
        assert wrong.tokens.access_token() == "access-1"
        assert wrong.clock.ahead == pytest.approx(-700, abs=CLOCK_TOLERANCE)


def test_what_cannot_be_noted_holds_nothing_up(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    there = server_clock(store, lambda: NOON)
    with failing(store, "clocks", "INSERT"):
        there.learn(dated(NOON + 300))
    assert there() == NOON + 300
    assert "could not be noted. The store" in caplog.text
    assert "disk is full" in caplog.text


def test_it_is_noted_once_for_each_difference(store: Store) -> None:
    noted: list[float] = []
    there = ServerClock(lambda: NOON, note=noted.append)
    for ahead in (1, 0, 300, 301, 299, -40):
        there.learn(dated(NOON + ahead))
    assert noted == [300.0, -40.0]
    server_clock(store, lambda: NOON).learn(dated(NOON + 300))
    assert server_clock(store, lambda: NOON).ahead == 300.0


def test_machines_that_are_no_more_are_not_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for machine, moment in (("pod-0", NOON), ("pod-1", NOON + 61 * DAY)):
        with monkeypatch.context() as patch:
            patch.setattr("platform.node", partial(str, machine))
            server_clock(store, partial(float, moment)).learn(dated(moment + 600))
    assert [row.machine for row in store.read(clocks.select())] == ["pod-1"]
