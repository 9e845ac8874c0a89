from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.catalogue import load
from exactonline_sandbox import Switches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.conftest import Api

FEED = "sync/SalesInvoice/SalesInvoices"
COLUMNS = "ID,InvoiceID,LineNumber,Timestamp,Modified,AmountDC,YourRef,Quantity"
INVOICES = "salesinvoice/SalesInvoices"
LINES = "salesinvoice/SalesInvoiceLines"


def feed(api: Api, after: int = 1, columns: str = COLUMNS, endpoint: str = FEED) -> list[Any]:
    return api.rows(f"{endpoint}?$filter=Timestamp gt {after}L&$select={columns}")


def deleted(api: Api) -> list[tuple[int, str]]:
    rows = feed(api, columns="EntityType,EntityKey", endpoint="sync/Deleted")
    return [(row["EntityType"], row["EntityKey"]) for row in rows]


def open_invoice(api: Api) -> dict[str, Any]:
    return api.rows(f"{INVOICES}?$filter=Status eq 20&$top=1")[0]


def test_headers_and_lines_come_in_one_feed(shared: Api) -> None:
    rows = feed(shared)
    headers = [row for row in rows if row["LineNumber"] == 0]
    assert len(headers) == 150
    assert all(row["ID"] == row["InvoiceID"] for row in headers)
    lines = shared.rows(f"{LINES}?$select=ID,InvoiceID,LineNumber")
    assert {(row["ID"], row["InvoiceID"]) for row in rows if row["LineNumber"] > 0} == {
        (row["ID"], row["InvoiceID"]) for row in lines
    }
    stamps = [int(row["Timestamp"]) for row in rows]
    assert len(set(stamps)) == len(rows)
    assert stamps == sorted(stamps)
    assert all(isinstance(row["Timestamp"], str) for row in rows)


def test_rows_of_one_document_share_their_stamp(shared: Api) -> None:
    stamps: dict[str, set[str]] = {}
    for row in feed(shared):
        stamps.setdefault(row["InvoiceID"], set()).add(row["Modified"])
    assert all(len(moments) == 1 for moments in stamps.values())


def test_stamps_lie_on_ticks_of_a_three_hundredth_second(shared: Api) -> None:
    rows = feed(shared, columns="Modified,Created")
    last = {row[name][-3] for row in rows for name in ("Modified", "Created")}
    assert last <= set("037")


def test_feed_comes_in_pages_of_a_thousand(start: Callable[..., Api]) -> None:
    api = start(invoices=400, lines_per_invoice=2, only=("sales_invoices",))
    page = api.get(f"{FEED}?$filter=Timestamp gt 1&$select=Timestamp").json()["d"]
    assert len(page["results"]) == 1000
    assert f"$skiptoken={page['results'][-1]['Timestamp']}L" in page["__next"]
    assert len(feed(api)) == 1200


def test_a_changed_line_restamps_the_whole_document(start: Callable[..., Api]) -> None:
    api = start()
    before = feed(api)
    highest = max(int(row["Timestamp"]) for row in before)
    assert not feed(api, highest)
    invoice = open_invoice(api)["InvoiceID"]
    line = api.rows(f"{LINES}?$filter=InvoiceID eq guid'{invoice}'")[0]
    assert api.call("PUT", f"{LINES}(guid'{line['ID']}')", {"Quantity": 77}).status_code == 204
    again = feed(api, highest)
    assert {row["ID"] for row in again} == {
        row["ID"] for row in before if row["InvoiceID"] == invoice
    }
    assert 77 in {row["Quantity"] for row in again}
    assert len(feed(api)) == len(before)


@pytest.mark.parametrize(("method", "body"), [("PUT", {"Quantity": 77}), ("DELETE", None)])
@pytest.mark.parametrize("touches", [True, False])
def test_a_changed_line_moves_its_header_or_not(
    start: Callable[..., Api],
    touches: bool,  # noqa: FBT001
    method: str,
    body: dict[str, int] | None,
) -> None:
    api = start(switches=Switches(line_touches_header=touches))
    invoice = open_invoice(api)
    line = api.rows(f"{LINES}?$filter=InvoiceID eq guid'{invoice['InvoiceID']}'")[0]
    api.server.control.clock(advance_seconds=100)
    api.call(method, f"{LINES}(guid'{line['ID']}')", body)
    after = api.one(INVOICES, invoice["InvoiceID"])
    assert (after["Modified"] != invoice["Modified"]) is touches


def test_deleting_an_invoice_logs_header_and_lines(start: Callable[..., Api]) -> None:
    api = start()
    invoice = open_invoice(api)["InvoiceID"]
    lines = {row["ID"] for row in api.rows(f"{LINES}?$filter=InvoiceID eq guid'{invoice}'")}
    assert api.call("DELETE", f"{INVOICES}(guid'{invoice}')").status_code == 204
    assert set(deleted(api)) == {(13, key) for key in {invoice, *lines}}
    assert invoice not in {row["InvoiceID"] for row in feed(api)}
    assert not api.rows(f"{LINES}?$filter=InvoiceID eq guid'{invoice}'")
    assert len(api.rows("sync/Deleted?$filter=Timestamp gt 1 and EntityType eq 13&$select=ID")) > 1
    assert not api.rows("sync/Deleted?$filter=Timestamp gt 1 and EntityType eq 2&$select=ID")


def test_header_rows_may_have_their_own_id(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(header_row_id="own", log_deleted_lines=False))
    headers = [row for row in feed(api) if row["LineNumber"] == 0]
    assert all(row["ID"] != row["InvoiceID"] for row in headers)
    assert len({row["ID"] for row in headers}) == len(headers)
    invoice = open_invoice(api)["InvoiceID"]
    api.call("DELETE", f"{INVOICES}(guid'{invoice}')")
    assert deleted(api) == [(13, invoice)]


def test_deleting_a_line_logs_it_and_restamps_the_rest(start: Callable[..., Api]) -> None:
    api = start(lines_per_invoice=3)
    invoice = open_invoice(api)
    highest = max(int(row["Timestamp"]) for row in feed(api))
    line = api.rows(f"{LINES}?$filter=InvoiceID eq guid'{invoice['InvoiceID']}'")[0]
    assert api.call("DELETE", f"{LINES}(guid'{line['ID']}')").status_code == 204
    assert deleted(api) == [(13, line["ID"])]
    assert len(feed(api, highest)) == 3
    after = api.one(INVOICES, invoice["InvoiceID"])
    assert after["AmountFCExclVat"] == pytest.approx(invoice["AmountFCExclVat"] - line["AmountFC"])


def test_deleted_log_forgets_after_two_months(start: Callable[..., Api]) -> None:
    api = start()
    api.call("DELETE", f"{INVOICES}(guid'{open_invoice(api)['InvoiceID']}')")
    assert deleted(api)
    api.server.control.clock(advance_seconds=62 * 86400)
    api.sign_in()
    assert not deleted(api)


def test_orders_have_split_feeds(start: Callable[..., Api]) -> None:
    api = start()
    headers = feed(
        api, columns="ID,OrderID,Timestamp", endpoint="sync/SalesOrder/SalesOrderHeaders"
    )
    lines = feed(api, columns="ID,OrderID", endpoint="sync/SalesOrder/SalesOrderLines")
    assert {row["OrderID"] for row in lines} == {row["OrderID"] for row in headers}
    order = headers[0]["OrderID"]
    api.call("DELETE", f"salesorder/SalesOrders(guid'{order}')")
    assert (32, order) in deleted(api)
    mine = [row["ID"] for row in lines if row["OrderID"] == order]
    assert {key for kind, key in deleted(api) if kind == 33} == set(mine)


def test_purchase_orders_are_a_mixed_feed_too(shared: Api) -> None:
    columns = "ID,PurchaseOrderID,LineNumber"
    rows = feed(shared, columns=columns, endpoint="sync/PurchaseOrder/PurchaseOrders")
    assert {row["LineNumber"] for row in rows} >= {0, 1}
    headers = {row["PurchaseOrderID"] for row in rows if row["LineNumber"] == 0}
    assert headers == {row["PurchaseOrderID"] for row in rows if row["LineNumber"] > 0}


def test_transaction_lines_have_header_rows_and_balance(shared: Api) -> None:
    columns = "EntryID,LineNumber,AmountDC,JournalCode"
    rows = feed(shared, columns=columns, endpoint="sync/Financial/TransactionLines")
    assert 0 in {row["LineNumber"] for row in rows}
    sums: dict[str, float] = {}
    for row in rows:
        sums[row["EntryID"]] = sums.get(row["EntryID"], 0) + row["AmountDC"]
    assert {round(total, 2) for total in sums.values()} == {0}


def test_sync_timestamp_tells_where_a_day_begins(shared: Api) -> None:
    path = "read/sync/Sync/SyncTimestamp?modified=datetime'2025-06-01'&endPoint='SalesInvoices'"
    answer = shared.rows(path)
    found = int(answer[0]["TimeStampAsBigInt"])
    since = feed(shared, found - 1)
    assert since[0]["Timestamp"] == str(found)
    assert all(int(row["Modified"][6:-2]) >= 1748736000000 for row in since)
    assert answer[0]["API"] == "SalesInvoices"
    assert shared.get(path.replace("SalesInvoices", "Nothing")).status_code == 400
    assert shared.get("read/sync/Sync/SyncTimestamp?endPoint='SalesInvoices'").status_code == 400


def test_a_moved_division_starts_its_timestamps_again(start: Callable[..., Api]) -> None:
    api = start()
    before = feed(api)
    assert api.rows("system/Divisions")[0]["DivisionMoveDate"] is None
    api.server.control.move_division(api.division)
    after = feed(api)
    assert {row["ID"] for row in after} == {row["ID"] for row in before}
    assert max(int(row["Timestamp"]) for row in after) < min(
        int(row["Timestamp"]) for row in before
    )
    assert api.rows("system/Divisions")[0]["DivisionMoveDate"] == "/Date(1772582400000)/"


def test_the_day_of_a_move_is_that_of_the_servers_clock(start: Callable[..., Api]) -> None:
    api = start()
    api.server.control.clock(set="2026-03-04T23:30:00+00:00")
    assert api.server.control.move_division(api.division)["moved"] == "2026-03-05"


def test_star_is_refused_where_the_service_refuses_it(shared: Api) -> None:
    refusing = [one for one in load().endpoints.values() if one.select_star_forbidden]
    assert refusing
    for endpoint in refusing:
        path = f"{endpoint.path}?$filter=Timestamp gt 1&$select="
        assert shared.get(path + "*").status_code == 400
        assert shared.get(path + "Timestamp").status_code == 200


def test_pages_may_come_shuffled_inside(start: Callable[..., Api]) -> None:
    api = start(switches=Switches(shuffle_sync_pages=True))
    stamps = [int(row["Timestamp"]) for row in feed(api)]
    assert stamps != sorted(stamps)
    assert len(set(stamps)) == len(stamps)


def test_bulk_shows_the_same_rows_in_large_pages(shared: Api) -> None:
    bulk = shared.get("bulk/SalesInvoice/SalesInvoices?$select=InvoiceID,Modified").json()["d"]
    assert len(bulk["results"]) == 150
    assert "__next" not in bulk


def test_atom_and_other_orders_know_lines_from_headers(shared: Api) -> None:
    path = f"{FEED}?$filter=Timestamp gt 1&$select=LineNumber&$top=9"
    lines = shared.get(path, Accept="application/atom+xml").text.count(">0</d:LineNumber>")
    assert 0 < lines < 9
    numbers = [row["LineNumber"] for row in shared.rows(f"{path}00&$orderby=LineNumber desc")]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > 1
