from __future__ import annotations

import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

from exactonline_sandbox import FaultRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_sandbox.odata.answer import Answer
    from tests.sandbox.conftest import Api


def accounts(api: Api) -> int:
    return len(api.server.control.truth(api.division, "accounts"))


def test_status_with_and_without_a_body(start: Callable[..., Api]) -> None:
    api = start(faults=(FaultRule("status", status=503, times=1),))
    broken = api.get("crm/Accounts")
    assert (broken.status_code, broken.content) == (503, b"")
    assert api.get("crm/Accounts").status_code == 200
    api.server.control.faults({"kind": "status", "status": 500, "body": True, "path": "crm/"})
    assert api.message(api.get("crm/Accounts"))
    assert api.get("logistics/Items").status_code == 200


def test_a_cut_connection_has_done_nothing(start: Callable[..., Api]) -> None:
    api = start()
    before = accounts(api)
    api.server.control.faults({"kind": "cut", "method": "POST", "times": 1})
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "crm/Accounts", {"Name": "Weg"})
    assert accounts(api) == before
    assert api.call("POST", "crm/Accounts", {"Name": "Er"}).status_code == 201


def test_a_lost_answer_has_done_its_work(start: Callable[..., Api]) -> None:
    api = start()
    before = accounts(api)
    api.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "crm/Accounts", {"Name": "Toch gemaakt"})
    assert accounts(api) == before + 1


def test_tokens_can_be_refused_and_pages_malformed(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.faults(
        {"kind": "unauthorized", "times": 1}, {"kind": "malformed", "path": "Items"}
    )
    assert api.get("crm/Accounts").status_code == 401
    assert api.get("crm/Accounts").status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        api.get("logistics/Items").json()


def test_latency_delays(start: Callable[..., Api]) -> None:
    api = start(faults=(FaultRule("latency", seconds=0.2),))
    assert api.get("crm/Accounts").elapsed.total_seconds() >= 0.2


def test_a_late_call_is_carried_out_after_the_client_has_gone(start: Callable[..., Api]) -> None:
    api = start()
    before = accounts(api)
    api.server.control.faults({"kind": "late", "method": "POST", "times": 1, "seconds": 30})
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "crm/Accounts", {"Name": "Komt nog"})
    api.server.control.clock(advance_seconds=29)
    assert accounts(api) == before
    api.server.control.clock(advance_seconds=1)
    assert accounts(api) == before + 1


def test_the_clock_need_not_be_moved_for_a_late_call(start: Callable[..., Api]) -> None:
    api = start(speed=60)
    before = accounts(api)
    api.server.control.faults({"kind": "late", "method": "POST", "times": 1, "seconds": 6})
    with pytest.raises(requests.ConnectionError):
        api.call("POST", "crm/Accounts", {"Name": "Komt nog"})
    deadline = time.monotonic() + 20
    while accounts(api) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert accounts(api) == before + 1


def test_a_gateway_may_give_up_on_what_is_carried_out(start: Callable[..., Api]) -> None:
    api = start()
    before = accounts(api)
    api.server.control.faults({"kind": "status", "status": 503, "handled": True, "times": 1})
    assert api.call("POST", "crm/Accounts", {"Name": "Toch"}).status_code == 503
    assert accounts(api) == before + 1


@pytest.mark.parametrize("handled", [False, True])
def test_a_late_call_is_carried_out_once_whatever_else_strikes_it(
    start: Callable[..., Api], *, handled: bool
) -> None:
    api = start()
    before = accounts(api)
    late = {"kind": "late", "method": "POST", "times": 1, "seconds": 30}
    gateway = {"kind": "status", "method": "POST", "status": 503, "handled": handled, "times": 1}
    api.server.control.faults(late, gateway)
    assert api.call("POST", "crm/Accounts", {"Name": "Eenmaal"}).status_code == 503
    assert accounts(api) == before
    api.server.control.clock(advance_seconds=30)
    assert accounts(api) == before + 1


def test_rules_strike_together_and_reads_do_not_move_their_chance(
    start: Callable[..., Api],
) -> None:
    rules = (
        FaultRule("lost", method="POST", probability=0.2),
        FaultRule("cut", method="POST", probability=0.2),
        FaultRule("status", method="POST", probability=0.2, status=500),
        FaultRule("status", method="POST", probability=0.2, status=503),
        FaultRule("status", method="GET", probability=0.5),
    )

    def posts(*, reads: int) -> list[int]:
        api = start(faults=rules, minutely_limit=1000)
        fates = []
        for number in range(40):
            for _ in range(reads):
                api.get("crm/Accounts?$top=1")
            try:
                fates.append(api.call("POST", "crm/Accounts", {"Name": f"{number}"}).status_code)
            except requests.ConnectionError:
                fates.append(0)
        return fates

    alone = posts(reads=0)
    assert {0, 201, 500, 503} == set(alone)
    assert posts(reads=2) == alone


def test_a_client_that_goes_away_is_no_error(
    start: Callable[..., Api], capfd: pytest.CaptureFixture[str]
) -> None:
    api = start()
    address = urlsplit(api.server.base_url)
    for path in ("/api/v1/1/crm/Accounts", "/api/oauth2/token"):
        with socket.create_connection(("127.0.0.1", address.port or 0), timeout=10) as client:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 100\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\nhalf"
            )
            client.sendall(head.encode())
            time.sleep(0.2)
    time.sleep(0.2)
    assert api.get("crm/Accounts").status_code == 200
    assert "Traceback" not in capfd.readouterr().err


def test_chance_is_repeatable(start: Callable[..., Api]) -> None:
    rule = FaultRule("status", probability=0.5)
    runs = []
    for _ in range(2):
        api = start(faults=(rule,), minutely_limit=100)
        runs.append([api.get("crm/Accounts?$top=1").status_code for _ in range(12)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 503}


def test_unknown_faults_are_refused(start: Callable[..., Api]) -> None:
    url = f"{start().server.base_url}/sandbox/faults"
    for rule in ({"kind": "fire"}, {"kind": "cut", "colour": "red"}, {}):
        assert requests.post(url, json={"rules": [rule]}, timeout=20).status_code == 400


def test_any_text_may_take_the_place_of_an_answer(start: Callable[..., Api]) -> None:
    api = start()
    before = accounts(api)
    page = {"kind": "status", "status": 200, "text": "<html>Please wait</html>", "times": 1}
    api.server.control.faults({**page, "handled": True})
    answer = api.call("POST", "crm/Accounts", {"Name": "Gemaakt"})
    assert (answer.status_code, answer.text) == (200, "<html>Please wait</html>")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert accounts(api) == before + 1
    api.server.control.faults(page)
    assert api.get("crm/Accounts").text == "<html>Please wait</html>"


TOKEN = "/api/oauth2/token"


def refresh(api: Api, token: str) -> requests.Response:
    """Ask for new tokens, as late as the rules want it."""
    api.server.control.clock(advance_seconds=600)
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": api.server.credentials.client_id,
        "client_secret": api.server.credentials.client_secret,
    }
    return requests.post(f"{api.server.base_url}{TOKEN}", data=form, timeout=20)


@pytest.fixture
def signed_in(start: Callable[..., Api]) -> tuple[Api, str]:
    """A sandbox, and a refresh token."""
    api = start()
    return api, api.server.control.sign_in()["refresh_token"]


@pytest.mark.parametrize("path", [TOKEN, "oauth2", "token"])
@pytest.mark.parametrize("handled", [True, False])
def test_a_call_for_tokens_may_fail_handled_or_not(
    signed_in: tuple[Api, str], path: str, *, handled: bool
) -> None:
    api, token = signed_in
    rule = {"kind": "status", "status": 502, "path": path, "handled": handled, "times": 1}
    api.server.control.faults(rule)
    failed = refresh(api, token)
    assert failed.status_code == 502
    assert failed.headers["Content-Type"].startswith("text/html")
    assert refresh(api, token).ok is not handled


def test_a_call_for_tokens_may_get_any_words(signed_in: tuple[Api, str]) -> None:
    api, token = signed_in
    rule = {"kind": "status", "path": TOKEN, "times": 1}
    api.server.control.faults({**rule, "status": 400, "message": "Not now", "reason": "Busy"})
    told = refresh(api, token)
    assert told.json() == {"error": "server_error", "error_description": "Not now"}
    assert told.headers["Reason"] == "Busy"
    api.server.control.faults({**rule, "status": 400, "text": '{"error": "invalid_grant"}'})
    assert refresh(api, token).json() == {"error": "invalid_grant"}
    api.server.control.faults({**rule, "status": 200, "text": "<html>Please wait</html>"})
    page = refresh(api, token)
    assert (page.status_code, page.text) == (200, "<html>Please wait</html>")
    api.server.control.faults({"kind": "unauthorized", "path": TOKEN, "times": 1})
    assert (refresh(api, token).status_code, page.ok) == (401, True)
    assert refresh(api, token).ok


def test_a_call_for_tokens_may_be_carried_out_later(signed_in: tuple[Api, str]) -> None:
    api, token = signed_in
    late = {"kind": "late", "path": TOKEN, "seconds": 900, "times": 1}
    api.server.control.faults(late)
    with pytest.raises(requests.ConnectionError):
        refresh(api, token)
    second = refresh(api, token)
    assert second.ok, "the first is not carried out yet"
    api.server.control.faults(
        {**late, "seconds": 60}, {"kind": "status", "path": TOKEN, "times": 1}
    )
    present = second.json()["refresh_token"]
    assert refresh(api, present).status_code == 503
    assert refresh(api, present).json()["error_description"] == "Old refresh token used."


def test_a_rule_can_be_for_calls_with_a_part_in_their_query(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.faults({"kind": "status", "status": 400, "query": "$orderby=Name desc"})
    assert api.get("crm/Accounts?$select=Name&%24orderby=Name%20desc").status_code == 400
    assert api.get("crm/Accounts?$select=Name&$orderby=Name").status_code == 200
    assert api.get("crm/Accounts?$select=Name").status_code == 200


def test_an_answer_can_be_edited_before_it_is_sent(start: Callable[..., Api]) -> None:
    api = start()

    def edited(path: str, answer: Answer) -> Answer:
        body = answer.body.replace(b'"Name"', b'"Former"')
        return replace(answer, body=body) if path == "crm/Accounts" else answer

    api.server.world.edit_answer = edited
    row = api.get("crm/Accounts?$select=Name").json()["d"]["results"][0]
    assert "Former" in row
    assert "Name" not in row
