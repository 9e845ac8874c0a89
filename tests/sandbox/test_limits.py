from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox import Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

MINUTE = {f"X-RateLimit-Minutely-{name}" for name in ("Limit", "Remaining", "Reset")}
DAY = {f"X-RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")}
ME = "/api/v1/current/Me"


def limits_in(answer: object) -> set[str]:
    return {name for name in answer.headers if name.lower().startswith("x-ratelimit")}  # type: ignore[attr-defined]


def names(headers: set[str]) -> set[str]:
    return {name.lower() for name in headers}


def test_six_headers_in_milliseconds_with_every_success(start: Callable[..., Api]) -> None:
    headers = start().get("system/Divisions").headers
    assert {name: headers[name] for name in MINUTE | DAY} == {
        "X-RateLimit-Limit": "5000",
        "X-RateLimit-Remaining": "4999",
        "X-RateLimit-Reset": "1772668800000",  # 2026-03-05 00:00 UTC
        "X-RateLimit-Minutely-Limit": "60",
        "X-RateLimit-Minutely-Remaining": "59",
        "X-RateLimit-Minutely-Reset": "1772625660000",  # 12:01 UTC
    }


def test_me_is_not_counted_and_errors_show_no_headers(start: Callable[..., Api]) -> None:
    api = start(minutely_limit=2)
    for _ in range(3):
        me = api.get(api.server.base_url + ME)
        assert me.status_code == 200
        assert not limits_in(me)
    assert not limits_in(api.get("crm/Nothing"))
    assert api.get("system/Divisions").headers["X-RateLimit-Minutely-Remaining"] == "0"


def test_minute_is_exhausted_until_the_next_whole_minute(start: Callable[..., Api]) -> None:
    api = start(minutely_limit=2)
    for _ in range(2):
        assert api.get("system/Divisions").status_code == 200
    refused = api.get("system/Divisions")
    assert (refused.status_code, refused.content) == (429, b"")
    assert names(limits_in(refused)) == names(MINUTE)
    api.server.control.clock(advance_seconds=54)
    assert api.get("system/Divisions").status_code == 429
    api.server.control.clock(advance_seconds=1)
    assert api.get("system/Divisions").status_code == 200


def test_day_is_exhausted_until_midnight_utc(start: Callable[..., Api]) -> None:
    api = start(daily_limit=1)
    assert api.get("system/Divisions").status_code == 200
    refused = api.get("system/Divisions")
    assert (refused.status_code, refused.content) == (429, b"")
    assert names(limits_in(refused)) == names(DAY)
    api.server.control.clock(set="2026-03-05T00:00:00Z")
    api.sign_in()
    assert api.get("system/Divisions").status_code == 200


def test_each_division_has_its_own_budget(start: Callable[..., Api]) -> None:
    api = start(divisions=2, minutely_limit=1)
    assert api.get("system/Divisions").status_code == 200
    assert api.get("system/Divisions").status_code == 429
    api.division = 1_700_002
    assert api.get("system/Divisions").status_code == 200


def test_a_day_can_be_used_up_from_outside(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.limits(leave_today=1, division=api.division)
    assert api.get("system/Divisions").headers["X-RateLimit-Remaining"] == "0"
    assert api.get("system/Divisions").status_code == 429


def test_more_than_ten_errors_on_an_endpoint_block_the_app(start: Callable[..., Api]) -> None:
    api = start(divisions=2)
    for _ in range(11):
        assert api.get("crm/Accounts?$filter=Nope eq 1").status_code == 400
    assert api.get("system/Divisions").status_code == 429
    api.division = 1_700_002
    assert api.get("system/Divisions").status_code == 429
    api.server.control.clock(advance_seconds=3600)
    api.sign_in()
    assert api.get("system/Divisions").status_code == 200


def test_tokens_that_have_run_out_count_as_errors(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.expire_access_tokens()
    for _ in range(11):
        assert api.get("crm/Accounts").status_code == 401
    api.sign_in()
    assert api.get("crm/Accounts").status_code == 429


def test_errors_on_different_endpoints_do_not_add_up(start: Callable[..., Api]) -> None:
    api = start()
    for number in range(11):
        path = ("crm/Accounts", "crm/Contacts")[number % 2]
        assert api.get(f"{path}?$filter=Nope eq 1").status_code == 400
    assert api.get("system/Divisions").status_code == 200


def test_the_block_can_be_switched_off(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(error_limit=False))
    for _ in range(12):
        assert api.get("crm/Accounts?$filter=Nope eq 1").status_code == 400
