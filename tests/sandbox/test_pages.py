"""Pages that show what is in the sandbox."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

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
    debit, credit = re.findall(r'<td class="number">([\d,.]+)</td>', text[text.index("<tfoot>") :])
    assert debit == credit


@pytest.mark.parametrize(
    "path", ["/companies/5", "/companies/{}/invoices/x", "/companies/{}/entries/x"]
)
def test_what_is_not_there_is_said_on_a_page(shared: Api, path: str) -> None:
    assert "Not found" in page(shared, path.format(shared.division), 404)
