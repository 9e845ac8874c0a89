"""The parts put together from the settings, and the first questions asked through them."""

from __future__ import annotations

from contextlib import closing
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client.connection import connect
from exactonline_client.divisions import DIVISION_FIELDS, block_reason, probe
from exactonline_client.errors import ConfigurationError, DailyLimitReached, EndpointUnavailable
from exactonline_client.http.session import TRIES
from exactonline_client.plugin.settings import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exactonline_client.connection import Connection
    from tests.client.conftest import Clock, TokenEndpoint

BASE = "http://127.0.0.1:9"
ME = f"{BASE}/api/v1/current/Me"
Settings = dict[str, Any]


@pytest.fixture
def settings(tmp_path: Path, key: str) -> Settings:
    return {
        "base_url": BASE,
        "client_id": "my-client",
        "client_secret": "my-secret",
        "refresh_token": "seed-0",
        "store_url": f"sqlite:///{tmp_path / 'store.db'}",
        "store_key": key,
    }


@pytest.fixture
def connection(settings: Settings, clock: Clock) -> Iterator[Connection]:
    with closing(connect(settings, clock=clock, sleep=clock.sleep)) as opened:
        yield opened


def answer_me(endpoint: TokenEndpoint, **fields: Any) -> None:
    row = {"UserID": "u", "FullName": "N", "CurrentDivision": 7, "ServerUtcOffset": 7200, **fields}
    endpoint.mock.get(ME, json={"d": {"results": [row]}})


class TestSettings:
    def test_nothing_is_asked_before_it_is_needed(self, connection: Connection, mock: Any) -> None:
        assert connection.app.region.code == "nl"
        assert not mock.calls

    @pytest.mark.parametrize("name", ["client_id", "client_secret"])
    @pytest.mark.parametrize("value", [None, ""])
    def test_a_missing_one_is_named(self, name: str, value: object, settings: Settings) -> None:
        with pytest.raises(ConfigurationError, match=f"Setting {name} is missing"):
            connect({**settings, name: value})

    def test_the_region_is_the_servers(self, settings: Settings) -> None:
        with closing(connect({**settings, "region": "be", "base_url": None})) as connection:
            assert connection.session.base_url == "https://start.exactonline.be"

    @pytest.mark.parametrize(
        ("value", "header"),
        [(None, f"singer-exactonline/{version('singer-exactonline')}"), ("me", "me")],
    )
    def test_calls_say_who_makes_them(
        self, value: str | None, header: str, settings: Settings, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint)
        with closing(connect({**settings, "user_agent": value})) as connection:
            assert connection.me["CurrentDivision"] == 7
        agents = [call.request.headers["User-Agent"] for call in endpoint.mock.calls]
        assert agents == [header, header]

    @pytest.mark.parametrize(("value", "seconds"), [(None, 300), (12.5, 12.5)])
    def test_the_timeout_is_that_of_every_call(
        self, value: float | None, seconds: float, settings: Settings, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint)
        with closing(connect({**settings, "request_timeout": value})) as connection:
            assert connection.me
        sent: list[Any] = [call.request for call in endpoint.mock.calls]
        for_token, for_me = (request.req_kwargs["timeout"] for request in sent)
        assert for_me == (min(seconds, 20), seconds)
        assert for_token == (20, 60)

    @pytest.mark.parametrize("what", ["stop", "fail", "wait"])
    def test_the_reserve_and_the_end_of_the_day_are_as_set(
        self, what: str, settings: Settings, clock: Clock
    ) -> None:
        settings |= {"daily_call_reserve": 10, "on_daily_limit": what}
        with closing(connect(settings, clock=clock, sleep=clock.sleep)) as connection:
            reset = (clock.now // 86_400 + 1) * 86_400
            headers = {
                "X-RateLimit-Limit": "5000",
                "X-RateLimit-Remaining": "10",
                "X-RateLimit-Reset": str(int(reset * 1000)),
            }
            connection.budget.learn(1, headers)
            if what == "wait":
                with connection.budget.turn(1, "crm/Accounts"):
                    pass
                assert clock.now >= reset
            else:
                turn = connection.budget.turn(1, "crm/Accounts")
                with pytest.raises(DailyLimitReached), turn:
                    pass

    def test_the_seed_starts_the_chain(
        self, connection: Connection, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        assert connection.tokens.access_token() == "access-1"
        assert "refresh_token=seed-0&" in endpoint.forms[0]

    def test_names_that_the_hub_would_hide_are_those_of_secrets(self) -> None:
        hidden = ("id", "key", "token", "secret", "password")
        named = {
            name
            for name, facts in SHARED.items()
            if any(part in name for part in hidden) and "string" in facts["type"]
        }
        secret = {name for name, facts in SHARED.items() if facts.get("secret")}
        assert named - {"client_id"} <= secret
        assert secret == {"client_secret", "refresh_token", "store_url", "store_key"}


class TestMe:
    def test_the_user_is_asked_for_once(
        self, connection: Connection, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint)
        assert connection.me == connection.me
        assert connection.me["CurrentDivision"] == 7
        assert connection.session.usage.calls == {None: 1}

    @pytest.mark.parametrize(
        ("rows", "told"),
        [
            ([], "who is signed in"),
            ([{}], "in which division"),
            ([{"CurrentDivision": None}], "in which division"),
            ([{"CurrentDivision": "seven"}], "in which division"),
            ([{"CurrentDivision": True}], "in which division"),
            ([{"CurrentDivision": 1e999}], "in which division"),
            ([{"CurrentDivision": {}}], "in which division"),
            ([7], "not a list of rows"),
            ([None], "not a list of rows"),
        ],
    )
    def test_no_user_is_asked_for_again_and_then_told(
        self,
        rows: list[Any],
        told: str,
        connection: Connection,
        endpoint: TokenEndpoint,
        naps: list[float],
    ) -> None:
        endpoint.grant(1)
        for _ in range(TRIES):
            endpoint.mock.get(ME, json={"d": {"results": rows}})
        with pytest.raises(EndpointUnavailable, match=told) as caught:
            assert connection.me
        assert caught.value.exit_code == 7
        assert len(naps) == TRIES - 1
        answer_me(endpoint)
        assert connection.me["CurrentDivision"] == 7

    def test_values_of_other_types_are_taken_or_left(
        self, connection: Connection, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        odd = {"CurrentDivision": "7", "UserID": {"a": 1}, "FullName": 5, "ServerUtcOffset": "x"}
        answer_me(endpoint, **odd)
        found = connection.me
        assert (found["CurrentDivision"], found["UserID"], found["FullName"]) == (7, None, None)
        assert connection.zone.key == "Europe/Amsterdam"


class TestDivisions:
    def test_all_pages_are_read_once_and_trimmed(
        self, connection: Connection, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint)
        address = f"{BASE}/api/v1/7/system/Divisions"
        first = {"Code": 7, "Description": "Mine", "Country": "NL ", "DivisionMoveDate": None}
        second = {"Code": 8, "Description": "Theirs", "Country": "BE "}
        endpoint.mock.get(address, json={"d": {"results": [first], "__next": f"{address}?$x=1"}})
        endpoint.mock.get(f"{address}?$x=1", json={"d": {"results": [second]}})
        assert connection.divisions == connection.divisions
        found = [(row["Code"], row["Description"], row["Country"]) for row in connection.divisions]
        assert found == [(7, "Mine", "NL"), (8, "Theirs", "BE")]
        assert connection.session.usage.calls == {None: 1, 7: 2}

    @pytest.mark.parametrize("row", [{}, {"Code": None}, {"Code": "x"}, {"Code": []}, 8, None])
    def test_a_row_without_a_number_is_asked_for_again_and_then_told(
        self, row: object, connection: Connection, endpoint: TokenEndpoint, naps: list[float]
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint)
        for _ in range(TRIES):
            endpoint.mock.get(f"{BASE}/api/v1/7/system/Divisions", json={"d": [{"Code": 7}, row]})
        with pytest.raises(EndpointUnavailable, match=r"list of (rows|divisions)") as caught:
            assert connection.divisions
        assert caught.value.exit_code == 7
        assert len(naps) == TRIES - 1

    def test_rows_have_every_column_and_plain_values(
        self, connection: Connection, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint)
        row = {"Code": "7", "Description": 5, "Country": None, "BlockingStatus": "0", "Status": {}}
        endpoint.mock.get(f"{BASE}/api/v1/7/system/Divisions", json={"d": [row]})
        (found,) = connection.divisions
        assert {*found} == {*DIVISION_FIELDS.split(",")}
        assert found["Code"] == 7
        assert found["BlockingStatus"] == 0
        assert block_reason(found) is None
        assert [found[name] for name in ("Description", "Country", "Status")] == [None] * 3

    @pytest.mark.parametrize(
        ("status", "told"), [(200, None), (403, "no access"), (404, "refused"), (400, "refused")]
    )
    def test_one_call_tells_whether_a_division_can_be_reached(
        self, status: int, told: str | None, connection: Connection, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        address = f"{BASE}/api/v1/8/system/Divisions"
        calls = 2 if status in {400, 403} else 1
        for _ in range(calls):
            endpoint.mock.get(address, json={"d": []}, status=status)
        reason = probe(connection.session, 8)
        assert reason is None if told is None else told in (reason or "")
        assert connection.session.usage.calls == {8: calls}


class TestZone:
    def test_where_the_clock_is_known_nothing_is_asked(
        self, connection: Connection, mock: Any
    ) -> None:
        assert connection.zone.key == "Europe/Amsterdam"
        assert not mock.calls

    @pytest.mark.parametrize(
        ("now", "offset", "zone"),
        [
            ("2026-06-25T12:00:00+00:00", 3600, "Europe/London"),
            ("2026-06-25T12:00:00+00:00", 7200, "Europe/Amsterdam"),
            ("2026-01-25T12:00:00+00:00", 0, "Europe/London"),
            ("2026-01-25T12:00:00+00:00", 3600, "Europe/Amsterdam"),
            ("2026-01-25T12:00:00+00:00", None, "Europe/London"),
            ("2026-01-25T12:00:00+00:00", -18_000, "Europe/London"),
        ],
    )
    def test_elsewhere_the_servers_offset_decides(
        self, now: str, offset: int | None, zone: str, settings: Settings, endpoint: TokenEndpoint
    ) -> None:
        endpoint.grant(1)
        answer_me(endpoint, ServerUtcOffset=offset)
        with (
            closing(connect({**settings, "region": "uk"})) as connection,
            time_machine.travel(now, tick=False),
        ):
            assert connection.zone.key == zone


def test_lists_are_read_through_it(connection: Connection, endpoint: TokenEndpoint) -> None:
    endpoint.grant(1)
    endpoint.mock.get(f"{BASE}/api/v1/7/crm/Accounts", json={"d": [{"ID": "a"}]})
    (page,) = connection.pages("/api/v1/7/crm/Accounts", 7)
    assert page.rows == [{"ID": "a"}]
