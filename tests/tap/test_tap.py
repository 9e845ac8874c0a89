"""The tap through its front door, against the sandbox."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from singer_sdk import Tap

from exactonline_client import catalogue
from exactonline_client.errors import AccessDenied, DailyLimitReached, Incomplete, Unavailable
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

DAY = 86_400
FEED = "sync/SalesInvoice/SalesInvoices"
PAIR = ("sales_invoices", "sales_invoice_lines")


def keys(rows: list[dict[str, Any]], stream: str) -> set[tuple[Any, ...]]:
    key = catalogue.load().streams[stream].key
    return {tuple(row[name] for name in key) for row in rows}


def living(outcome: Outcome, stream: str) -> list[dict[str, Any]]:
    return [row for row in outcome.records(stream) if "_sdc_deleted_at" not in row]


def bookmark(outcome: Outcome, stream: str, division: int) -> Any:
    partitions = outcome.state["bookmarks"][stream]["partitions"]
    (found,) = [part for part in partitions if part["context"] == {"division": division}]
    return found.get("replication_key_value")


@pytest.mark.parametrize("config", [{}, {"column_names": "snake"}, {"use_sync_api": False}])
def test_the_catalog_is_that_of_the_sdk(config: dict[str, Any]) -> None:
    tap = TapExactOnline(config=config, validate_config=False, setup_mapper=False)
    assert tap.catalog_dict == Tap.catalog_dict.fget(tap)  # type: ignore[attr-defined]


def test_headers_and_lines_come_from_one_fetch(bench: Bench) -> None:
    outcome = bench.run(*PAIR)
    assert outcome.error is None
    for stream in PAIR:
        records = outcome.records(stream)
        assert keys(records, stream) == keys(bench.truth(stream), stream)
        assert len(records) == len(bench.truth(stream))
    parents = {row["InvoiceID"] for row in outcome.records("sales_invoices")}
    assert {row["InvoiceID"] for row in outcome.records("sales_invoice_lines")} == parents
    assert outcome.calls[FEED] == 1
    assert sum(outcome.calls.values()) == 3  # and the deleted log, and the list of divisions


def test_records_have_exact_types(bench: Bench) -> None:
    (record, *_) = bench.run("sales_invoices").records("sales_invoices")
    (truth,) = (
        row for row in bench.truth("sales_invoices") if row["InvoiceID"] == record["InvoiceID"]
    )
    assert record["InvoiceDate"] == truth["InvoiceDate"]
    assert len(record["InvoiceDate"]) == len("2026-06-25")
    assert record["Modified"].endswith("+00:00")
    assert record["Division"] == bench.divisions[0]
    assert isinstance(record["Timestamp"], int)
    assert record["AmountDC"] == truth["AmountDC"]
    assert "division" not in record


def test_the_state_has_one_bookmark_a_stream_and_division(bench: Bench) -> None:
    outcome = bench.run(*PAIR, "vat_codes")
    for stream in (*PAIR, "vat_codes"):
        partitions = outcome.state["bookmarks"][stream]["partitions"]
        assert [part["context"] for part in partitions] == [{"division": bench.divisions[0]}]


def test_an_unchanged_company_sends_nothing_the_second_time(bench: Bench) -> None:
    streams = (*PAIR, "accounts", "vat_codes", "sales_entries")
    first = bench.run(*streams)
    bench.server.control.clock(advance_seconds=DAY)
    second = bench.run(*streams, state=first.state)
    assert not any(second.records(stream) for stream in streams)
    assert second.state["bookmarks"] == first.state["bookmarks"]


def test_only_changes_come_and_deletes_with_them(bench: Bench) -> None:
    first = bench.run(*PAIR)
    before = {stream: keys(bench.truth(stream), stream) for stream in PAIR}
    bench.server.control.clock(advance_seconds=DAY)
    bench.server.control.changes(bench.divisions[0], seed=3, new=3, changed=2, deleted=4)
    second = bench.run(*PAIR, state=first.state)
    for stream in PAIR:
        after = keys(bench.truth(stream), stream)
        tombstones = [row for row in second.records(stream) if "_sdc_deleted_at" in row]
        assert keys(living(second, stream), stream) >= after - before[stream]
        assert len(living(second, stream)) < len(after)
        assert keys(tombstones, stream) >= before[stream] - after
        key = catalogue.load().streams[stream].key[0]
        assert {frozenset(row) for row in tombstones} == {
            frozenset({key, "Division", "_sdc_deleted_at"})
        }
        warehouse = (before[stream] | keys(living(second, stream), stream)) - keys(
            tombstones, stream
        )
        assert warehouse == after


def test_a_child_can_be_selected_without_its_parent(bench: Bench) -> None:
    outcome = bench.run("sales_invoice_lines")
    assert outcome.records("sales_invoices") == []
    assert not any(message.get("stream") == "sales_invoices" for message in outcome.messages)
    assert keys(outcome.records("sales_invoice_lines"), "sales_invoice_lines") == keys(
        bench.truth("sales_invoice_lines"), "sales_invoice_lines"
    )


def test_a_child_selected_later_catches_up_and_its_parent_repeats_nothing(bench: Bench) -> None:
    first = bench.run("sales_invoices")
    second = bench.run(*PAIR, state=first.state)
    assert second.records("sales_invoices") == []
    assert len(second.records("sales_invoice_lines")) == len(bench.truth("sales_invoice_lines"))


def test_without_the_sync_api_the_rows_are_the_same(bench: Bench) -> None:
    streams = (*PAIR, "accounts")
    outcome = bench.run(*streams, use_sync_api=False)
    assert outcome.error is None
    assert not any(endpoint.startswith("sync/Sales") for endpoint in outcome.calls)
    for stream in streams:
        assert keys(outcome.records(stream), stream) == keys(bench.truth(stream), stream)


def test_only_what_is_selected_is_asked_for(bench: Bench) -> None:
    outcome = bench.run("accounts", columns=["Name", "City"])
    assert set(outcome.records("accounts")[0]) == {"ID", "Division", "Timestamp", "Name", "City"}
    (call,) = (
        call
        for call in bench.server.control.calls()["last"]
        if call["endpoint"] == "sync/CRM/Accounts"
    )
    assert "Name" in call["query"]
    assert "AddressLine1" not in call["query"]


@pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 12}], indirect=True)
def test_every_division_has_its_own_bookmarks(bench: Bench) -> None:
    one, two = bench.divisions
    first = bench.run("sales_invoices", divisions=[one])
    both = bench.run("sales_invoices", all_divisions=True, state=first.state)
    assert {row["Division"] for row in both.records("sales_invoices")} == {two}
    assert bookmark(both, "sales_invoices", one) == bookmark(first, "sales_invoices", one)
    assert len(both.records("sales_invoices")) == len(bench.truth("sales_invoices", two))


def test_a_division_that_may_not_be_opened_leaves_the_others_alone(bench: Bench) -> None:
    outcome = bench.run("sales_invoices", "accounts", divisions=[999, *bench.divisions])
    assert isinstance(outcome.error, Incomplete)
    assert outcome.error.exit_code == AccessDenied.exit_code
    assert "999" in str(outcome.error)
    assert str(bench.divisions[0]) in str(outcome.error)
    assert len(outcome.records("sales_invoices")) == len(bench.truth("sales_invoices"))
    assert len(outcome.records("accounts")) == len(bench.truth("accounts"))


def test_a_stream_without_rights_is_skipped(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.server.control.switches(denied=["sync/CRM/Accounts"])
    outcome = bench.run("accounts", "sales_invoices")
    assert outcome.error is None
    assert outcome.records("accounts") == []
    assert len(outcome.records("sales_invoices")) == len(bench.truth("sales_invoices"))
    assert "Skipping accounts" in caplog.text


@pytest.mark.parametrize(
    "bench", [{"invoices": 600, "lines_per_invoice": 5, "only": ("sales_invoices",)}], indirect=True
)
def test_the_end_of_the_day_is_no_loss(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A load that meets the daily limit goes on at its page the next day."""
    division = bench.divisions[0]
    bench.server.control.limits(division=division, leave_today=3)
    first = bench.run(*PAIR)
    assert first.error is None
    rows = len(first.records("sales_invoices")) + len(first.records("sales_invoice_lines"))
    assert f"So far: {rows:,} rows of sales_invoices, and 3 calls in this run." in caplog.text
    assert first.calls[FEED] < 4
    failing = bench.run(*PAIR, state=first.state, on_daily_limit="fail")
    assert isinstance(failing.error, DailyLimitReached)
    assert not failing.records("sales_invoices")
    # The sandbox runs in this process, so its clock moves along.
    with time_machine.travel(time.time() + DAY):
        second = bench.run(*PAIR, state=first.state)
    assert first.calls[FEED] + second.calls[FEED] <= 4 + 1
    for stream in PAIR:
        assert 0 < len(first.records(stream)) < len(bench.truth(stream))
        together = first.records(stream) + second.records(stream)
        assert keys(together, stream) == keys(bench.truth(stream), stream)
        assert len(together) == len(bench.truth(stream))


@pytest.mark.parametrize(
    "bench", [{"invoices": 600, "lines_per_invoice": 5, "only": ("sales_invoices",)}], indirect=True
)
def test_pages_in_no_order_move_the_bookmark_only_at_the_end(bench: Bench) -> None:
    bench.server.control.switches(shuffle_sync_pages=True)
    outcome = bench.run(*PAIR)
    moved = {
        part.get("replication_key_value")
        for message in outcome.messages
        if message["type"] == "STATE"
        for stream in PAIR
        for part in message["value"].get("bookmarks", {}).get(stream, {}).get("partitions", [])
    }
    assert len(moved - {None}) == 1
    for stream in PAIR:
        assert keys(outcome.records(stream), stream) == keys(bench.truth(stream), stream)


@pytest.mark.usefixtures("no_waits")
def test_an_outage_ends_the_run_and_keeps_what_was_read(bench: Bench) -> None:
    control = bench.server.control
    control.faults(
        *(
            {"kind": "status", "status": 503, "path": path}
            for path in ("VATCodes", "Units", "Warehouses")
        )
    )
    outcome = bench.run("accounts", "units", "vat_codes", "warehouses")
    assert isinstance(outcome.error, Incomplete)
    assert outcome.error.exit_code == Unavailable.exit_code
    assert len(outcome.records("accounts")) == len(bench.truth("accounts"))
    assert bookmark(outcome, "accounts", bench.divisions[0]) is not None


def test_a_start_date_holds_on_sync_endpoints(bench: Bench) -> None:
    modified = sorted(row["Modified"] for row in bench.truth("sales_invoices"))
    middle = modified[len(modified) // 2]
    outcome = bench.run("sales_invoices", start_date=middle)
    found = keys(outcome.records("sales_invoices"), "sales_invoices")
    wanted = [row for row in bench.truth("sales_invoices") if row["Modified"] >= middle]
    assert found >= keys(wanted, "sales_invoices")
    assert len(found) < len(modified)


def test_mandatory_filters_are_given(bench: Bench) -> None:
    bench.server.control.switches(mandatory_filtering=True)
    streams = ("accounts", "gl_accounts", "items", "contacts", "documents", "sales_invoice_lines")
    outcome = bench.run(*streams, use_sync_api=False)
    assert outcome.error is None
    for stream in streams:
        assert keys(outcome.records(stream), stream) == keys(bench.truth(stream), stream)


def test_lists_of_the_user_are_read_once(bench: Bench) -> None:
    outcome = bench.run("me", "system_divisions")
    assert len(outcome.records("me")) == 1
    assert len(outcome.records("system_divisions")) == len(bench.divisions)


ENTRIES = ("purchase_entries", "purchase_entry_lines")


@pytest.mark.parametrize("bench", [{"invoices": 200}], indirect=True)
def test_lines_without_a_mark_of_change_come_with_their_headers(bench: Bench) -> None:
    first = bench.run(*ENTRIES)
    assert first.error is None
    for stream in ENTRIES:
        assert keys(first.records(stream), stream) == keys(bench.truth(stream), stream)
        assert len(first.records(stream)) == len(bench.truth(stream))
    pagination = -(-len(bench.truth("purchase_entries")) // 60)
    assert first.calls == {"purchaseentry/PurchaseEntries": pagination}
    bench.server.control.clock(advance_seconds=DAY)
    bench.server.control.changes(bench.divisions[0], seed=1, new=8, changed=0, deleted=0)
    bench.server.control.clock(advance_seconds=DAY)
    second = bench.run(*ENTRIES, state=first.state)
    for stream in ENTRIES:
        records = first.records(stream) + second.records(stream)
        assert keys(records, stream) == keys(bench.truth(stream), stream)
        assert 0 < len(second.records(stream)) < len(first.records(stream))


@pytest.mark.parametrize("bench", [{"invoices": 100}], indirect=True)
def test_each_half_of_an_expanded_pair_can_be_read_alone(bench: Bench) -> None:
    headers = bench.run("purchase_entries")
    lines = bench.run("purchase_entry_lines")
    assert keys(headers.records("purchase_entries"), "purchase_entries") == keys(
        bench.truth("purchase_entries"), "purchase_entries"
    )
    assert not lines.records("purchase_entries")
    assert keys(lines.records("purchase_entry_lines"), "purchase_entry_lines") == keys(
        bench.truth("purchase_entry_lines"), "purchase_entry_lines"
    )


@pytest.mark.parametrize("bench", [{"invoices": 100}], indirect=True)
def test_a_server_that_does_not_expand_gives_the_same_rows(bench: Bench) -> None:
    bench.server.control.switches(expand=False)
    outcome = bench.run(*ENTRIES)
    assert outcome.error is None
    for stream in ENTRIES:
        assert keys(outcome.records(stream), stream) == keys(bench.truth(stream), stream)
        assert len(outcome.records(stream)) == len(bench.truth(stream))


def test_a_company_that_was_moved_is_read_again(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    division = bench.divisions[0]
    first = bench.run(*PAIR)
    gone = bench.truth("sales_invoices")
    bench.server.control.clock(advance_seconds=DAY)
    bench.server.control.changes(division, seed=4, new=2, changed=0, deleted=2)
    bench.server.control.move_division(division)
    second = bench.run(*PAIR, state=first.state)
    assert "another database" in caplog.text
    for stream in PAIR:
        assert keys(living(second, stream), stream) == keys(bench.truth(stream), stream)
    tombstones = [row for row in second.records("sales_invoices") if "_sdc_deleted_at" in row]
    deleted = keys(gone, "sales_invoices") - keys(bench.truth("sales_invoices"), "sales_invoices")
    assert keys(tombstones, "sales_invoices") >= deleted
    bench.server.control.clock(advance_seconds=DAY)
    # What was changed just before the last run is read again, once.
    third = bench.run(*PAIR, state=second.state)
    bench.server.control.clock(advance_seconds=DAY)
    assert not bench.run(*PAIR, state=third.state).records("sales_invoices")


def test_after_two_months_the_deleted_log_has_a_gap(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    first = bench.run("accounts")
    # The sandbox runs in this process, so its clock moves along.
    with time_machine.travel(time.time() + 70 * DAY):
        bench.sign_in()
        second = bench.run("accounts", state=first.state)
    assert "kept for two months" in caplog.text
    assert keys(living(second, "accounts"), "accounts") == keys(bench.truth("accounts"), "accounts")


def test_switching_the_sync_api_neither_loses_nor_repeats(bench: Bench) -> None:
    first = bench.run("accounts")
    bench.server.control.clock(advance_seconds=DAY)
    bench.server.control.changes(bench.divisions[0], seed=6, new=3, changed=3, deleted=0)
    bench.server.control.clock(advance_seconds=DAY)
    plain = bench.run("accounts", state=first.state, use_sync_api=False)
    seen = {row["ID"]: row["Name"] for row in living(first, "accounts")}
    seen |= {row["ID"]: row["Name"] for row in living(plain, "accounts")}
    assert seen == {row["ID"]: row["Name"] for row in bench.truth("accounts")}
    assert len(living(plain, "accounts")) < len(seen)
    back = bench.run("accounts", state=plain.state)
    assert len(living(back, "accounts")) <= len(living(plain, "accounts"))


def test_each_stream_of_a_list_goes_on_from_its_own_moment(bench: Bench) -> None:
    """Header and lines that ended at different moments must not share a starting point."""
    modified = sorted(row["Modified"] for row in bench.truth("sales_invoices"))
    early, late = modified[5], modified[-5]
    partition = {"context": {"division": bench.divisions[0]}, "replication_key": "Modified"}
    state = {
        "bookmarks": {
            stream: {"partitions": [{**partition, "complete_until": moment}]}
            for stream, moment in (("sales_invoices", late), ("sales_invoice_lines", early))
        }
    }
    outcome = bench.run(*PAIR, state=state)
    wanted = {row["InvoiceID"] for row in bench.truth("sales_invoices") if row["Modified"] >= early}
    found = {row["InvoiceID"] for row in outcome.records("sales_invoice_lines")}
    assert wanted & {row["InvoiceID"] for row in bench.truth("sales_invoice_lines")} <= found
    assert len(outcome.records("sales_invoices")) < len(wanted)


def test_without_rights_to_the_list_of_divisions_streams_are_skipped(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.server.control.switches(denied=["sync/CRM/Accounts", "system/Divisions"])
    outcome = bench.run("accounts", "vat_codes")
    assert outcome.error is None
    assert "Skipping accounts" in caplog.text
    assert len(outcome.records("vat_codes")) == len(bench.truth("vat_codes"))


@pytest.mark.parametrize(
    ("stream", "column", "is_sync"),
    [
        ("receivables", "AccountCountry", False),
        ("sales_item_prices", "DefaultItemUnit", True),
        ("items", "NetWeightUnit", False),
        ("items", "Unit", True),
        ("contacts", "Language", True),
    ],
)
def test_columns_of_a_fixed_width_come_without_padding(
    bench: Bench, stream: str, column: str, *, is_sync: bool
) -> None:
    sent: list[str] = []
    bench.edit_pages(lambda rows: sent.extend(row[column] for row in rows if row.get(column)))
    outcome = bench.run(stream, use_sync_api=is_sync)
    assert outcome.error is None
    assert sent
    assert all(text.endswith(" ") for text in sent)
    records = [row[column] for row in outcome.records(stream) if row[column]]
    assert records == [text.strip() for text in sent]
