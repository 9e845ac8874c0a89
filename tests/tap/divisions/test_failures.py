"""What goes wrong in one place stays there: in one row, list, stream or division."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client import catalogue
from exactonline_client.errors import (
    AccessDenied,
    DailyLimitReached,
    Incomplete,
    UnexpectedAnswer,
)
from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.data.changes import DayCounts, simulate_day
from tests.tap.conftest import is_of

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

DAY = 86_400
DELETES = DayCounts(new=0, changed=0, deleted=12)
LINES = "sales_invoice_lines"
TWO = pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 12}], indirect=True)


def warehouse(stream: str, *outcomes: Outcome) -> set[str]:
    """The keys that live in a warehouse after some runs."""
    rows = {row["ID"]: row for outcome in outcomes for row in outcome.records(stream)}
    return {key for key, row in rows.items() if not row.get("_sdc_deleted_at")}


# Deletes


def test_lines_that_are_deleted_while_they_are_read_do_not_stay(bench: Bench) -> None:
    control, division = bench.server.control, bench.divisions[0]
    first = bench.run(LINES)
    control.clock(advance_seconds=100)
    control.changes(division, seed=9, new=6, changed=6, deleted=0)
    control.clock(advance_seconds=100)
    world = bench.server.world
    company = world.company(division)
    deleted: list[int] = []

    def delete(rows: list[dict[str, Any]]) -> None:
        if not deleted and any(is_of(row, "SalesInvoices") for row in rows):
            for seed in range(14):
                author = world.author(world.config.users[0])
                simulate_day(company, partial(Editor, company, author), seed, DELETES)
                deleted.append(seed)

    bench.edit_pages(delete)
    second = bench.run(LINES, state=first.state)
    third = bench.run(LINES, state=second.state)
    assert deleted
    assert warehouse(LINES, first, second, third) == {row["ID"] for row in bench.truth(LINES)}


def test_a_deletion_without_a_date_is_one(bench: Bench) -> None:
    first = bench.run("contacts")
    bench.server.control.changes(bench.divisions[0], seed=2, new=0, changed=0, deleted=12)

    bench.edit_rows("Deleted", lambda row: row.update(DeletedDate=None))
    second = bench.run("contacts", state=first.state)
    told = [row for row in second.records("contacts") if "_sdc_deleted_at" in row]
    assert told
    assert all(row["_sdc_deleted_at"] for row in told)


def test_without_rights_to_the_log_all_is_read_again_once(bench: Bench) -> None:
    state = bench.run("accounts").state
    bench.server.control.switches(denied=["sync/Deleted"])
    read, now = [], time.time()
    for day in (62, 64, 66):
        with time_machine.travel(now + day * DAY):
            bench.sign_in()
            outcome = bench.run("accounts", state=state)
        state = outcome.state
        read.append(len(outcome.records("accounts")))
    assert read == [len(bench.truth("accounts")), 0, 0]


def test_a_moved_company_leaves_no_rowversion_behind(bench: Bench) -> None:
    stream, division = "accounts", bench.divisions[0]
    first = bench.run(stream)
    second = bench.run(stream, state=first.state, use_sync_api=False)
    bench.server.control.move_division(division)
    third = bench.run(stream, state=second.state, use_sync_api=False)
    fourth = bench.run(stream, state=third.state)
    (partition,) = fourth.state["bookmarks"][stream]["partitions"]
    highest = max(row["Timestamp"] for row in bench.run(stream).records(stream))
    assert partition["replication_key_value"] <= highest


# The start date


def test_rows_stamped_at_the_start_date_are_read(bench: Bench) -> None:
    moments = sorted(row["Modified"] for row in bench.truth("vat_codes"))
    start = moments[len(moments) // 2]
    found = bench.run("vat_codes", start_date=start).records("vat_codes")
    assert len(found) == sum(moment >= start for moment in moments)


@pytest.mark.parametrize("stream", ["accounts", "sales_invoices", LINES])
def test_a_start_date_behind_all_rows_reads_none(bench: Bench, stream: str) -> None:
    outcome = bench.run(stream, start_date="2030-01-01")
    assert outcome.error is None
    assert outcome.records(stream) == []
    assert bench.run(stream, state=outcome.state).records(stream) == []


# Values that are not what they should be


@pytest.mark.parametrize(
    "case",
    [
        ("PurchaseEntries", "Modified", 5, "purchase_entries"),
        ("PurchaseEntryLines", "AmountFC", "much", "purchase_entry_lines"),
        ("SalesInvoices", "LineNumber", None, "sales_invoices"),
        ("SalesInvoices", "Timestamp", "abc", "sales_invoices"),
        ("Deleted", "Timestamp", "abc", "sales_invoices"),
    ],
)
def test_a_value_of_a_wrong_type_ends_no_other_stream(
    bench: Bench,
    caplog: pytest.LogCaptureFixture,
    case: tuple[str, str, object, str],
) -> None:
    entity, field, value, stream = case

    def spoil(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if is_of(row, entity):
                row[field] = value
            for inside in row.values():
                if isinstance(inside, dict) and "results" in inside:
                    spoil(inside["results"])

    bench.edit_pages(spoil)
    bench.server.control.changes(bench.divisions[0], seed=9, new=0, changed=0, deleted=6)
    headers = stream.replace("entry_lines", "entries")
    lines = headers.replace("entries", "entry_lines").replace("invoices", "invoice_lines")
    outcome = bench.run(headers, lines, "vat_codes")
    assert len(outcome.records("vat_codes")) == len(bench.truth("vat_codes"))
    assert (entity if entity == "Deleted" else stream) in caplog.text
    assert field in caplog.text
    if entity != "Deleted":
        assert isinstance(outcome.error, (Incomplete, UnexpectedAnswer))


# Divisions


@TWO
def test_the_days_calls_of_the_current_division_are_not_those_of_others(bench: Bench) -> None:
    one, two = bench.divisions
    bench.server.control.limits(division=one, leave_today=0)
    outcome = bench.run("items", "vat_codes", divisions=[two])
    assert outcome.error is None
    for stream in ("items", "vat_codes"):
        assert len(outcome.records(stream)) == len(bench.truth(stream, two)) > 0


@TWO
def test_divisions_that_cannot_be_listed_today_are_those_of_the_state(bench: Bench) -> None:
    one, _ = bench.divisions
    bench.server.control.limits(division=one, leave_today=0)
    assert isinstance(bench.run("vat_codes", all_divisions=True).error, DailyLimitReached)
    bench.server.control.limits(division=one, leave_today=1000)
    bench.config["store_url"] += "x"
    bench.sign_in()
    first = bench.run("vat_codes", all_divisions=True)
    assert first.error is None
    bench.server.control.limits(division=one, leave_today=0)
    second = bench.run("vat_codes", state=first.state, all_divisions=True)
    assert second.error is None
    assert second.calls["vat/VATCodes"] >= 1


def test_a_list_of_divisions_that_is_denied_is_asked_for_with_care(bench: Bench) -> None:
    bench.server.control.switches(denied=["system/Divisions"])
    for _run in range(12):
        outcome = bench.run("accounts", "vat_codes")
        assert outcome.error is None
    assert len(outcome.records("accounts")) == len(bench.truth("accounts"))


def test_an_archived_division_is_told_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    def archive(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if "ArchiveDate" in row:
                row["ArchiveDate"] = "/Date(1782345600000)/"

    bench.edit_pages(archive)
    bench.server.control.switches(denied=["vat", "financial", "logistics", "sync"])
    outcome = bench.run("vat_codes", "journals", "items")
    assert isinstance(outcome.error, Incomplete)
    assert isinstance(outcome.error.reason, AccessDenied)
    assert caplog.text.count("it is archived") == 1
    assert sum(outcome.calls.values()) <= 6


# Endpoints


@pytest.mark.usefixtures("no_waits")
def test_an_endpoint_that_keeps_failing_is_left_alone(bench: Bench) -> None:
    bench.server.control.faults({"kind": "status", "status": 408, "path": "vat/VATCodes"})
    outcome = bench.run("vat_codes", "journals", "accounts")
    assert isinstance(outcome.error, Incomplete)
    assert outcome.error.exit_code == 7
    for stream in ("journals", "accounts"):
        assert len(outcome.records(stream)) == len(bench.truth(stream))


def test_rights_that_cannot_be_asked_about_spoil_nothing(bench: Bench) -> None:
    bench.server.control.switches(denied=["users/UserHasRights"])
    streams = [*catalogue.load().streams][:60]
    outcome = bench.run(*streams, check_rights=True)
    assert outcome.error is None
    assert outcome.calls["users/UserHasRights"] < 10


def test_a_refused_column_of_an_unknown_name_is_left_out(bench: Bench) -> None:
    bench.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "message": "Could not find a property named 'NoLonger' on VATCodes.",
            "path": "VATCodes",
            "query": "Description",
        }
    )
    for refused in (8, 0):
        outcome = bench.run("vat_codes")
        assert outcome.error is None
        assert len(outcome.records("vat_codes")) == len(bench.truth("vat_codes"))
        assert outcome.calls["vat/VATCodes"] == 1 + refused
