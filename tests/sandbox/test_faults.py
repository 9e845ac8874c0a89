from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from exactonline_sandbox import FaultRule

if TYPE_CHECKING:
    from collections.abc import Callable

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
