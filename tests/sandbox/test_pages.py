"""Pages that show what is in the sandbox."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import markupsafe
import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api


def page(api: Api, path: str, status: int = 200) -> str:
    answer = requests.get(f"{api.server.base_url}{path}", timeout=20)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


def test_home_lists_companies_and_the_latest_calls(start: Callable[..., Api]) -> None:
    api = start(divisions=2)
    api.get("crm/Accounts?$top=1&$select=<b>")
    text = page(api, "/")
    for code in api.server.divisions:
        assert f'href="/companies/{code}"' in text
    assert "GET crm/Accounts?$top=1" in text
    assert "<b>" not in text
    assert "GET crm/Accounts?$top=1" in page(api, "/calls")


def test_an_invoice_is_shown_as_a_document(start: Callable[..., Api]) -> None:
    api = start()
    customer = api.rows("crm/Accounts?$filter=Status eq 'C'&$top=1&$select=ID,Name")[0]
    item = api.rows("logistics/Items?$top=1&$select=ID,Code")[0]
    lines = [{"Item": item["ID"], "Quantity": 2.5, "NetPrice": 1000, "VATCode": "2"}]
    body = {"OrderedBy": customer["ID"], "YourRef": "<i>R-1</i>", "Discount": 0.1}
    made = api.create("salesinvoice/SalesInvoices", {**body, "SalesInvoiceLines": lines})
    listed = page(api, f"/companies/{api.division}")
    path = f"/companies/{api.division}/invoices/{made['InvoiceID']}"
    assert f'href="{path}"' in listed
    text = page(api, path)
    for shown in (
        item["Code"],
        "2.5",
        "1,000.00",
        "21%",
        "2,500.00",
        "10%",
        "2,250.00",
        "2,722.50",
    ):
        assert f">{shown}<" in text or f"{shown}</" in text, shown
    assert "&lt;i&gt;R-1" in text


def test_an_entry_shows_debit_and_credit(shared: Api) -> None:
    listed = page(shared, f"/companies/{shared.division}")
    path = re.findall(r'href="(/companies/\d+/entries/[^"]+)"', listed)[0]
    text = page(shared, path)
    debit, credit = re.findall(r'class="number">([\d,.]+)</td>', text[text.index("<tfoot>") :])
    assert debit == credit


def test_an_invoice_says_who_sells_to_whom_and_the_vat_of_each_rate(
    start: Callable[..., Api],
) -> None:
    api = start()
    wanted = "$filter=Status eq 'C'&$top=1&$select=ID,Name,AddressLine1,City"
    customer = api.rows(f"crm/Accounts?{wanted}")[0]
    item = api.rows("logistics/Items?$top=1&$select=ID")[0]
    lines = [
        {"Item": item["ID"], "Quantity": quantity, "NetPrice": price, "VATCode": code}
        for quantity, price, code in ((1, 0.125, "2"), (3, 33.33, "2"), (7, 1.117, "4"))
    ]
    body = {"OrderedBy": customer["ID"], "YourRef": "R-2", "Discount": 0.0333}
    made = api.create("salesinvoice/SalesInvoices", {**body, "SalesInvoiceLines": lines})
    text = page(api, f"/companies/{api.division}/invoices/{made['InvoiceID']}")
    seller = api.rows("system/Divisions?$top=1&$select=Description,VATNumber")[0]
    names = [seller["Description"], seller["VATNumber"]]
    for shown in (*names, customer["Name"], customer["AddressLine1"], customer["City"]):
        assert str(markupsafe.escape(shown)) in text, shown
    rates = re.findall(r"<th>VAT (\d+)% on ([\d.]+)</th><td class=.number.>([\d.]+)<", text)
    assert [rate for rate, _, _ in rates] == ["9", "21"]
    net, total = re.findall(r"<th>(?:Without VAT|Total EUR)</th><td class=.number.>([\d.]+)<", text)
    assert sum(Decimal(part) for _, part, _ in rates) == Decimal(net)
    assert Decimal(net) + sum(Decimal(vat) for _, _, vat in rates) == Decimal(total)


def test_what_was_made_last_is_in_front(start: Callable[..., Api]) -> None:
    api = start(invoices=60)
    customer = api.rows("crm/Accounts?$filter=Status eq 'C'&$top=1&$select=ID")[0]
    item = api.rows("logistics/Items?$top=1&$select=ID")[0]
    lines = [{"Item": item["ID"], "Quantity": 1, "NetPrice": 1}]
    body = {"OrderedBy": customer["ID"], "YourRef": "LAST", "InvoiceDate": "2026-01-05"}
    api.create("salesinvoice/SalesInvoices", {**body, "SalesInvoiceLines": lines})
    listed = page(api, f"/companies/{api.division}")
    first = re.findall(r'data-label="Your reference">([^<]*)<', listed)[0]
    assert first == "LAST"
    assert "LAST" in page(api, "/")
    older = page(api, f"/companies/{api.division}?SalesInvoices=2")
    found = [set(re.findall(r"/invoices/([\w-]+)", text)) for text in (listed, older)]
    assert len(found[0]) == 50
    assert len(found[1]) >= 11
    assert not found[0] & found[1]


@pytest.mark.parametrize(
    ("entity", "key", "place"),
    [
        ("salesinvoice/SalesInvoices", "InvoiceID", "invoices"),
        ("salesentry/SalesEntries", "EntryID", "entries"),
        ("crm/Accounts", "ID", "rows"),
    ],
)
def test_a_browser_is_led_from_the_address_of_a_row_to_its_page(
    shared: Api, entity: str, key: str, place: str
) -> None:
    row = shared.rows(f"{entity}?$top=1&$select={key}")[0]
    address = f"{shared.server.base_url}/api/v1/{shared.division}/{entity}(guid'{row[key]}')"
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    shown = requests.get(address, headers=browser, timeout=20)
    assert shown.status_code == 200
    assert f"/companies/{shared.division}/{place}/" in shown.url
    assert shown.headers["Content-Type"].startswith("text/html")
    # A program gets what the API says, with a token or without.
    assert requests.get(address, timeout=20).status_code == 401
    assert shared.get(f"{entity}(guid'{row[key]}')").status_code == 200
    unknown = address.replace(row[key], "00000000-0000-0000-0000-000000000001")
    assert requests.get(unknown, headers=browser, timeout=20).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/companies/5",
        "/companies/{}/invoices/x",
        "/companies/{}/entries/x",
        "/companies/{}/rows/x",
        "/companies/{}/rows/crm/Accounts",
        "/companies/{}/rows/crm/Accounts(guid'00000000-0000-0000-0000-000000000001')",
    ],
)
def test_what_is_not_there_is_said_on_a_page(shared: Api, path: str) -> None:
    assert "Not found" in page(shared, path.format(shared.division), 404)
