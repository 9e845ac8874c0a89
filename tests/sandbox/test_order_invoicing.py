"""Sales orders are invoiced in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exactonline_sandbox import Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

INVOICES = "salesinvoice/SalesInvoices"
NOBODY = "00000000-0000-4000-8000-000000000000"


def order(api: Api, quantity: int = 3) -> dict[str, object]:
    customer = api.rows("crm/Accounts?$filter=Status eq 'C'&$top=1&$select=ID")[0]["ID"]
    item = api.rows("logistics/Items?$top=1&$select=ID")[0]["ID"]
    lines = [{"Item": item, "Quantity": quantity, "NetPrice": 10}]
    return api.create("salesorder/SalesOrders", {"OrderedBy": customer, "SalesOrderLines": lines})


def invoice_orders(api: Api, *orders: dict[str, object], **values: object) -> dict[str, object]:
    body = {
        "CreateMode": 0, "InvoiceMode": 1, "JournalCode": "70", "Mode": 1,
        "SalesOrderIDs": [{"ID": order["OrderID"]} for order in orders], **values,
    }  # fmt: skip
    return api.create("salesinvoice/InvoiceSalesOrders", body)


def outcome(api: Api, process: dict[str, object]) -> dict[str, object]:
    path = f"read/salesinvoice/InvoiceSalesOrderResult?ProcessID=guid'{process['ProcessID']}'"
    (row,) = api.get(path).json()["d"]["results"]
    assert isinstance(row, dict)
    return row


@pytest.mark.parametrize(("create_mode", "invoices"), [(0, 1), (1, 2)])
def test_orders_are_invoiced_in_the_background(
    start: Callable[..., Api], create_mode: int, invoices: int
) -> None:
    api = start(switches=Switches(background_seconds=60))
    process = invoice_orders(api, order(api), order(api), CreateMode=create_mode)
    assert process["Mode"] == 1
    assert outcome(api, process)["Status"] == "In progress"
    before = api.rows(f"{INVOICES}?$select=InvoiceID")
    api.server.control.clock(advance_seconds=60)
    done = outcome(api, process)
    assert (done["Status"], done["NumberOfCreatedInvoices"]) == ("Processed", invoices)
    assert len(api.rows(f"{INVOICES}?$select=InvoiceID")) == len(before) + invoices


def test_an_order_is_not_invoiced_twice(start: Callable[..., Api]) -> None:
    api = start()
    made = order(api)
    invoice_orders(api, made)
    again = outcome(api, invoice_orders(api, made))
    assert (again["NumberOfCreatedInvoices"], again["NumberOfFailedInvoices"]) == (0, 1)
    assert "Nothing to invoice" in str(again["Errors"])
    assert api.one("salesorder/SalesOrders", str(made["OrderID"]))["InvoiceStatus"] == 21


def test_invoicing_orders_is_checked_at_once(start: Callable[..., Api]) -> None:
    api = start()
    for values, words in (
        ({"SalesOrderIDs": []}, "Mandatory: SalesOrderIDs"),
        ({"JournalCode": "90"}, "must be a sales journal"),
        ({"InvoiceMode": 7}, "Invalid value: InvoiceMode"),
    ):
        body = {"CreateMode": 0, "InvoiceMode": 0, "JournalCode": "70",
                "SalesOrderIDs": [{"ID": NOBODY}], **values}  # fmt: skip
        answer = api.call("POST", "salesinvoice/InvoiceSalesOrders", body)
        assert answer.status_code == 500
        assert words in api.message(answer)
    undelivered = outcome(api, invoice_orders(api, order(api), InvoiceMode=0))
    assert undelivered["NumberOfFailedInvoices"] == 1
