from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import requests

from exactonline_sandbox import FaultRule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api


def test_state_tells_what_there_is(start: Callable[..., Api]) -> None:
    api = start(divisions=3)
    api.get("system/Divisions")
    state = api.server.control.state()
    assert state["divisions"] == [1_700_001, 1_700_002, 1_700_003]
    assert state["rows"]["1700001"]["salesinvoice/SalesInvoices"] == 8
    assert state["clock"].startswith("2026-03-04T12:00:05")
    assert state["limits"] == {"minutely": 60, "daily": 5000}


def test_clock_moves_and_runs(start: Callable[..., Api]) -> None:
    control = start().server.control
    assert control.clock(advance_seconds=60)["clock"].startswith("2026-03-04T12:01:05")
    assert control.clock(set="2027-01-01T00:00:00+01:00")["clock"].startswith("2026-12-31T23")
    assert control.clock(speed=1000.0)["speed"] == 1000.0
    assert control.clock()["clock"] > "2026-12-31T23:00:00"


def test_calls_are_counted_by_what_they_are(start: Callable[..., Api]) -> None:
    api = start()
    api.get("crm/Accounts?$top=1")
    api.get("crm/Accounts?$top=2")
    api.get("crm/Nothing")
    requests.post(f"{api.server.base_url}/api/oauth2/token", data={"grant_type": "x"}, timeout=20)
    report = api.server.control.calls()
    assert (report["data_calls"], report["token_calls"]) == (3, 1)
    assert {
        "division": api.division,
        "endpoint": "crm/Accounts",
        "method": "GET",
        "status": 200,
        "count": 2,
    } in report["calls"]
    assert report["most_at_once"] == {str(api.division): 1}
    api.server.control.reset_calls()
    assert api.server.control.calls()["data_calls"] == 0


def test_calls_at_once_in_a_division_are_seen_and_queued(start: Callable[..., Api]) -> None:
    api = start(faults=(FaultRule("latency", seconds=0.1),))
    statuses: list[int] = []
    headers = dict(api.session.headers)

    def call() -> None:
        answer = requests.get(api.url("crm/Accounts?$top=1"), headers=headers, timeout=20)
        statuses.append(answer.status_code)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 3
    assert api.server.control.calls()["most_at_once"][str(api.division)] > 1


def test_a_day_of_business_reports_what_it_did(start: Callable[..., Api]) -> None:
    api = start()
    before = {
        name: {row["InvoiceID"] for row in api.server.control.truth(api.division, name)}
        for name in ("sales_invoices",)
    }["sales_invoices"]
    report = api.server.control.changes(api.division, seed=3, new=8, changed=5, deleted=6)
    after = {row["InvoiceID"] for row in api.server.control.truth(api.division, "sales_invoices")}
    created, deleted = report["created"], report["deleted"]
    assert created["sales_invoices"] - deleted["sales_invoices"] == len(after) - len(before)
    assert deleted["sales_invoice_lines"] >= 2
    assert report["updated"]["sales_invoice_lines"] >= 1
    assert {"accounts", "purchase_entries", "general_journal_entries"} <= set(created)


@pytest.mark.parametrize("only", [(), ("sales_invoices",)])
def test_more_may_happen_in_a_day_than_there_was(
    start: Callable[..., Api], only: tuple[str, ...]
) -> None:
    api = start(invoices=2, only=only)
    report = api.server.control.changes(api.division, new=0, changed=40, deleted=200)
    assert report["deleted"]["contacts"] > 20
    assert sum(report["updated"].values()) >= 40


def test_equal_seeds_give_equal_companies_and_days(start: Callable[..., Api]) -> None:
    truths = []
    for _ in range(2):
        api = start(seed=5)
        api.server.control.changes(api.division, seed=1)
        truths.append(
            [
                api.server.control.truth(api.division, stream)
                for stream in ("accounts", "sales_invoices", "sales_invoice_lines")
            ]
        )
    assert truths[0] == truths[1]
    other = start(seed=6)
    assert other.server.control.truth(other.division, "accounts") != truths[0][0]


def test_truth_is_in_plain_types(start: Callable[..., Api]) -> None:
    api = start()
    rows = api.server.control.truth(api.division, "sales_invoices")
    row = next(row for row in rows if row["Status"] == 50)
    wire = api.one("salesinvoice/SalesInvoices", row["InvoiceID"])
    assert row["Created"].endswith("Z")
    assert len(row["InvoiceDate"]) == 10
    assert row["AmountDC"] == wire["AmountDC"]
    assert row["OrderedByName"] == wire["OrderedByName"]
    assert row["Division"] == api.division
    account = api.server.control.truth(api.division, "accounts")[0]
    assert account["Code"] == account["Code"].strip()
    assert api.server.control.truth(api.division, "system_divisions")[0]["Code"] == api.division
    assert api.server.control.truth(api.division, "shop_orders") == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("switches", {"nonsense": True}),
        ("switches", {"mandatory_filtering": "yes"}),
        ("clock", {"set": "soon"}),
        ("clock", {"speed": "fast"}),
        ("changes", {"division": 5}),
        ("sign-in", {"user_id": "nobody"}),
        ("sign-in", {"client_id": "nobody"}),
        ("clock", [1]),
    ],
)
def test_commands_that_make_no_sense_get_400(shared: Api, path: str, body: object) -> None:
    answer = requests.post(f"{shared.server.base_url}/sandbox/{path}", json=body, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_truths_get_404(shared: Api) -> None:
    base = f"{shared.server.base_url}/sandbox/truth"
    assert requests.get(f"{base}/{shared.division}/nonsense", timeout=20).status_code == 404
    assert requests.get(f"{base}/5/accounts", timeout=20).status_code == 404


def test_redirect_addresses_can_be_registered(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.add_redirect_uri("http://127.0.0.1:5/cb")
    page = requests.get(
        f"{api.server.base_url}/api/oauth2/auth",
        params={
            "client_id": api.server.credentials.client_id,
            "redirect_uri": "http://127.0.0.1:5/cb",
            "response_type": "code",
        },
        timeout=20,
    )
    assert page.status_code == 200


def test_tokens_can_be_expired_and_revoked(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.expire_access_tokens()
    assert api.get("crm/Accounts").status_code == 401
    api.sign_in()
    api.server.control.revoke()
    assert api.get("crm/Accounts").status_code == 401
