"""What the tap makes of an API that is not as it was, and of lists that are empty."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client import catalogue
from exactonline_client.errors import Incomplete, UnexpectedAnswer
from tap_exactonline.extract.schema_drift import DriftDetector

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

ROOT = Path(__file__).parents[3]
RIGHTS = "users/UserHasRights"


def add_fields(row: dict[str, Any]) -> None:
    row["LoyaltyScore"] = 12.5
    row["Nickname"] = "confidential"
    row["Friends"] = {"__deferred": {"uri": "https://start.exactonline.nl/friends"}}


def stars(bench: Bench) -> set[str]:
    calls = bench.server.control.calls()["last"]
    return {call["endpoint"] for call in calls if "$select=*" in call["query"]}


def schema(outcome: Outcome, stream: str) -> dict[str, Any]:
    (found,) = (
        message["schema"]
        for message in outcome.messages
        if message["type"] == "SCHEMA" and message["stream"] == stream
    )
    return dict(found["properties"])


@pytest.mark.parametrize("use_sync", [True, False])
def test_unknown_fields_are_kept_where_wanted(
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
    *,
    use_sync: bool,
) -> None:
    bench.edit_rows("CRM/Accounts", add_fields)
    outcome = bench.run("accounts", keep_unknown_fields=True, use_sync_api=use_sync)
    assert outcome.error is None
    assert stars(bench) == {"sync/CRM/Accounts" if use_sync else "bulk/CRM/Accounts"}
    records = [row for row in outcome.records("accounts") if "_sdc_deleted_at" not in row]
    assert len(records) == len(bench.truth("accounts"))
    for record in records:
        assert record["_unknown_fields"] == {"LoyaltyScore": 12.5, "Nickname": "confidential"}
        assert record["Name"]
    assert schema(outcome, "accounts")["_unknown_fields"]["type"] == ["object", "null"]
    told = [line for line in caplog.messages if "not known here" in line]
    assert len(told) == 2
    assert "accounts" in told[0]
    assert any("LoyaltyScore (number)" in line for line in told)
    assert "confidential" not in caplog.text


def test_without_the_setting_they_are_told_and_dropped(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.edit_rows("CRM/Accounts", add_fields)
    outcome = bench.run("accounts")
    assert not stars(bench)
    assert {"LoyaltyScore", "_unknown_fields"}.isdisjoint(outcome.records("accounts")[0])
    assert "_unknown_fields" not in schema(outcome, "accounts")
    assert caplog.text.count("Nickname (string)") == 1


def test_headers_and_lines_of_one_list_keep_their_own(bench: Bench) -> None:
    pair = ("sales_invoices", "sales_invoice_lines")
    outcome = bench.run(*pair, keep_unknown_fields=True)
    assert outcome.error is None
    for stream in pair:
        assert len(outcome.records(stream)) == len(bench.truth(stream))
        assert {row["_unknown_fields"] for row in outcome.records(stream)} == {None}


def test_all_columns_are_not_asked_for_where_that_is_refused(bench: Bench) -> None:
    streams = ("purchase_orders", "purchase_entries", "purchase_entry_lines")
    outcome = bench.run(*streams, keep_unknown_fields=True)
    assert outcome.error is None
    assert not stars(bench)
    for stream in streams:
        assert "_unknown_fields" not in schema(outcome, stream)


def test_a_server_that_refuses_all_columns_gives_the_known_ones(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "message": "$select=* is not supported for this resource.",
            "path": "VATCodes",
            "times": 2,
        }
    )
    outcome = bench.run("vat_codes", keep_unknown_fields=True)
    assert outcome.error is None
    assert len(outcome.records("vat_codes")) == len(bench.truth("vat_codes"))
    assert "Asking again with a simpler query" in caplog.text


def test_a_field_that_does_not_come_is_left_out(bench: Bench) -> None:
    bench.edit_rows("CRM/Accounts", lambda row: row.pop("Name"))
    outcome = bench.run("accounts")
    assert outcome.error is None
    assert not any("Name" in row for row in outcome.records("accounts"))


def test_a_changed_type_is_said_with_stream_division_key_and_field(bench: Bench) -> None:
    bench.edit_rows("CRM/Accounts", lambda row: row.update(Name={"first": "confidential"}))
    outcome = bench.run("accounts", "vat_codes")
    assert isinstance(outcome.error, UnexpectedAnswer)
    text = str(outcome.error)
    for part in ("accounts", str(bench.divisions[0]), "'ID': '", "Name should be Edm.String"):
        assert part in text
    assert "confidential" not in text
    assert len(outcome.records("vat_codes")) == len(bench.truth("vat_codes"))


def test_links_and_metadata_are_no_news() -> None:
    watch = DriftDetector("accounts", {"ID": None})
    assert watch.unknown({"__metadata": {}, "ID": 1, "Lines": {"__deferred": {}}}) is None
    assert watch.unknown({"ID": 1, "New": None}) == {"New": None}


def deny(bench: Bench, *endpoints: str) -> None:
    bench.server.control.switches(denied=list(endpoints), denied_answer="empty")


def test_an_empty_stream_without_rights_is_told_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    deny(bench, "vat/VATCodes", "crm/Accounts", "sync/CRM/Accounts")
    outcome = bench.run("accounts", "vat_codes", "journals", check_rights=True)
    assert outcome.error is None
    assert outcome.calls[RIGHTS] == 2
    told = [line for line in caplog.messages if "has no rights" in line]
    assert len(told) == 2
    assert "CRM/Accounts" in told[0]


def test_an_empty_stream_with_rights_is_empty(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    outcome = bench.run("cash_entries", "schedules", check_rights=True)
    assert outcome.error is None
    assert outcome.calls[RIGHTS] == sum(
        not outcome.records(stream) for stream in ("cash_entries", "schedules")
    )
    assert outcome.calls[RIGHTS] > 0
    assert "has no rights" not in caplog.text


def test_rights_are_asked_once_where_there_are_no_rows(bench: Bench) -> None:
    assert bench.run("cash_entries", "schedules", check_rights=False).calls[RIGHTS] == 0
    first = bench.run("accounts", "schedules")
    second = bench.run("accounts", "schedules", state=first.state)
    assert not [row for row in second.records("accounts") if "_sdc_deleted_at" not in row]
    assert (first.calls[RIGHTS], second.calls[RIGHTS]) == (1, 0)
    with time_machine.travel(time.time() + 31 * 86_400):
        bench.sign_in()
        third = bench.run("accounts", "schedules", state=second.state)
    assert third.calls[RIGHTS] == 1


def test_lines_without_their_headers_are_asked_about_too(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    deny(bench, "salesinvoice", "sync/SalesInvoice/SalesInvoices")
    assert bench.run("sales_invoice_lines").calls[RIGHTS] == 1
    assert "sales_invoice_lines of division" in caplog.text


@pytest.mark.parametrize(
    "shape", ["%s", '{"UserHasRights": %s}', '{"results": [{"UserHasRights": %s}]}', '[{"x": %s}]']
)
@pytest.mark.parametrize("allowed", [True, False])
def test_every_shape_of_the_answer_is_understood(
    bench: Bench, caplog: pytest.LogCaptureFixture, shape: str, *, allowed: bool
) -> None:
    answer = f'{{"d": {shape % json.dumps(allowed)}}}'
    bench.server.control.faults({"kind": "status", "status": 200, "text": answer, "path": RIGHTS})
    outcome = bench.run("schedules", check_rights=True)
    assert outcome.error is None
    assert outcome.calls[RIGHTS] == 1
    assert ("has no rights" in caplog.text) is not allowed


def test_no_list_demands_the_key_of_a_parent() -> None:
    """Whatever is not a function is a list of its own, and a stream."""
    facts = catalogue.load()
    covered = {
        endpoint
        for stream in facts.streams.values()
        for endpoint in (stream.plain, stream.bulk, stream.sync)
    }
    for endpoint in facts.endpoints.values():
        assert endpoint.uri.replace("{division}", "").count("{") == 0
        if "GET" in endpoint.methods and endpoint.kind != "function":
            assert endpoint.id in covered


REMOVED = (
    ("vat_codes", "vat/VATCodes", "Description"),
    ("purchase_orders", "sync/PurchaseOrder/PurchaseOrders", "Description"),
    ("purchase_entries", "purchaseentry/PurchaseEntries", "Currency"),
    ("purchase_entry_lines", "purchaseentry/PurchaseEntryLines", "Quantity"),
)


@pytest.mark.parametrize(("stream", "endpoint", "column"), REMOVED)
def test_a_column_that_exact_says_is_gone_is_left_out(
    bench: Bench, caplog: pytest.LogCaptureFixture, stream: str, endpoint: str, column: str
) -> None:
    bench.server.control.switches(removed_columns=[f"{endpoint}.{column}"])
    streams = {stream, "purchase_entries", "purchase_entry_lines"}
    for refused in (2, 0):
        outcome = bench.run(*streams)
        assert outcome.error is None
        records = outcome.records(stream)
        assert len(records) == len(bench.truth(stream))
        assert not any(column in row for row in records)
        calls = bench.server.control.calls()["calls"]
        assert sum(call["count"] for call in calls if call["status"] == 400) == refused
    assert f"does not know the column {column}" in caplog.text.replace("PurchaseEntryLines/", "")


def test_all_columns_are_asked_for_where_exact_does_not_say_which_is_gone(bench: Bench) -> None:
    bench.server.control.switches(
        removed_columns=["vat/VATCodes.Description"], tells_removed_columns=False
    )
    for refused in (8, 0):
        outcome = bench.run("vat_codes")
        assert outcome.error is None
        assert len(outcome.records("vat_codes")) == len(bench.truth("vat_codes"))
        assert outcome.calls["vat/VATCodes"] == 1 + refused
        assert stars(bench) == {"vat/VATCodes"}


def test_a_list_without_its_key_is_not_read(bench: Bench) -> None:
    bench.edit_rows("CRM/Accounts", lambda row: row.pop("ID"))
    outcome = bench.run("accounts", "vat_codes")
    assert isinstance(outcome.error, Incomplete)
    assert "rows has ID, so they were not read" in str(outcome.error)
    assert not outcome.state["bookmarks"]["accounts"]["partitions"][0].get("replication_key_value")
    assert not outcome.records("accounts")
    assert outcome.records("vat_codes")
