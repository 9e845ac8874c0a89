"""What is there already is compared, changed as far as it may be, and deleted if asked."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client import catalogue
from exactonline_client.errors import RecordsRejected
from target_exactonline.load import diff

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Company, Record, Runner

UPSERT = {"load_method": "upsert"}
DELETED_AT = {"_sdc_deleted_at": "2026-06-25T10:00:00Z"}
INVOICE = catalogue.load().endpoints["salesinvoice/SalesInvoices"]


def line(company: Company, item: int = 0, **fields: Any) -> Record:
    return {"Item": company.items[item], "Quantity": 2, "NetPrice": 12.5, **fields}


def quantities(company: Company, reference: str) -> list[float]:
    (invoice,) = company.invoices(reference)
    lines = sorted(company.lines(invoice["InvoiceID"]), key=lambda row: row["LineNumber"])
    return [row["Quantity"] for row in lines]


def elsewhere(company: Company, folder: Path) -> Record:
    """Settings of a run that has no memory of earlier ones."""
    return {
        "store_url": f"sqlite:///{folder / 'elsewhere.db'}",
        "refresh_token": company.sign_in(),
    }


def test_a_changed_field_is_put_and_nothing_else(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("up", Description="old", Remarks="kept"), **UPSERT)
    company.server.control.reset_calls()
    load = runner.load(company.invoice("up", Description="new", Remarks="kept"), **UPSERT)
    assert load.error is None
    assert load.outcomes == [("up", "updated")]
    (invoice,) = company.invoices("up")
    assert (invoice["Description"], invoice["Remarks"]) == ("new", "kept")
    assert load.results[0]["exact_id"] == invoice["InvoiceID"]
    assert (company.calls("GET"), company.calls("PUT"), company.calls("POST")) == (1, 1, 0)


def test_an_unchanged_record_costs_nothing(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("same"), **UPSERT)
    runner.load(company.invoice("same", Description="new"), **UPSERT)
    company.server.control.reset_calls()
    load = runner.load(company.invoice("same", Description="new"), **UPSERT)
    assert load.outcomes == [("same", "unchanged")]
    assert company.calls("GET") == company.calls("PUT") == company.calls("POST") == 0


def test_documents_of_a_run_without_memory_are_compared_in_few_calls(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    dates = {"OrderDate": "2026-03-29", "Description": " O'Neil ", "OrderedBy": company.customer}
    invoices = [company.invoice(f"many-{number}", **dates) for number in range(40)]
    runner.load(*invoices)
    company.server.control.reset_calls()
    invoices[7]["OrderDate"] = "2026-03-30"
    load = runner.load(*invoices, **UPSERT, **elsewhere(company, tmp_path))
    assert [name for name, outcome in load.outcomes if outcome == "updated"] == ["many-7"]
    assert {outcome for _, outcome in load.outcomes} == {"updated", "unchanged"}
    assert (company.calls("GET"), company.calls("PUT")) == (1, 1)
    assert company.invoices("many-7")[0]["OrderDate"] == "2026-03-30"


@pytest.mark.parametrize("expand", [True, False])
def test_lines_are_changed_added_and_removed(
    company: Company, runner: Runner, *, expand: bool
) -> None:
    reference = f"lines-{expand}"
    company.server.control.switches(expand=expand)
    try:
        first = [line(company, n, Quantity=n + 1) for n in range(3)]
        runner.load(company.invoice(reference, SalesInvoiceLines=first), **UPSERT)
        changed = [first[0], {**first[1], "Quantity": 20}]
        load = runner.load(company.invoice(reference, SalesInvoiceLines=changed), **UPSERT)
        assert load.outcomes == [(reference, "updated")]
        assert quantities(company, reference) == [1, 20]
        more = [*changed, line(company, 3, Quantity=40)]
        load = runner.load(company.invoice(reference, SalesInvoiceLines=more), **UPSERT)
        assert load.outcomes == [(reference, "updated")]
        assert quantities(company, reference) == [1, 20, 40]
    finally:
        company.server.control.switches(expand=True)


def test_an_endpoint_that_refuses_expand_is_asked_only_once(
    company: Company, runner: Runner
) -> None:
    company.server.control.switches(expand=False)
    try:
        runner.load(company.invoice("refusing"), **UPSERT)
        runner.load(company.invoice("refusing", Description="1"), **UPSERT)
        company.server.control.reset_calls()
        runner.load(company.invoice("refusing", Description="2"), **UPSERT)
    finally:
        company.server.control.switches(expand=True)
    calls = company.server.control.calls()["calls"]
    assert [call for call in calls if call["status"] == 400] == []
    assert company.calls("PUT") == 1


def test_a_document_is_read_alone_where_its_key_cannot_be_filtered(
    company: Company, runner: Runner
) -> None:
    lines = [line(company), line(company, 1)]
    runner.load(company.invoice("alone", SalesInvoiceLines=lines), **UPSERT)
    company.server.control.faults(
        # With $expand, without it, and for the whole list.
        {
            "kind": "status",
            "status": 400,
            "message": "Error in query syntax.",
            "method": "GET",
            "path": "/SalesInvoices",
            "times": 4,
        }
    )
    changed = company.invoice("alone", SalesInvoiceLines=lines[:1], Description="new")
    load = runner.load(changed, **UPSERT)
    assert load.error is None
    assert load.outcomes == [("alone", "updated")]
    assert quantities(company, "alone") == [2]
    gone = {**company.invoice("gone-alone"), **DELETED_AT}
    assert runner.load(gone, hard_delete=True).outcomes == [("gone-alone", "deleted")]


def test_what_may_not_be_changed_is_named_and_not_tried_again(
    company: Company, runner: Runner
) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    other = next(
        row["ID"] for row in accounts if row["Status"] == "C" and row["ID"] != company.customer
    )
    runner.load(company.invoice("fixed"), **UPSERT)
    changed = company.invoice("fixed", OrderedBy=other)
    load = runner.load(changed, **UPSERT)
    assert load.error is None
    assert load.outcomes == [("fixed", "skipped")]
    assert load.reasons == ["the API cannot change OrderedBy"]
    company.server.control.reset_calls()
    again = runner.load(changed, **UPSERT)
    assert (again.outcomes, again.reasons) == (load.outcomes, load.reasons)
    assert company.calls("GET") == 0


def test_a_processed_invoice_is_left_alone_and_said(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("done"), finalize="print", **UPSERT)
    load = runner.load(company.invoice("done", Description="late"), **UPSERT)
    assert load.outcomes == [("done", "skipped")]
    assert load.reasons == [
        "the invoice is processed and can no longer be changed; it differs in Description"
    ]
    assert company.calls("PUT") == 0


def test_two_versions_in_one_batch_are_applied_in_their_order(
    company: Company, runner: Runner
) -> None:
    load = runner.load(
        company.invoice("versions", Description="first"),
        company.invoice("versions", Description="second"),
        **UPSERT,
    )
    assert load.outcomes == [("versions", "created"), ("versions", "updated")]
    (invoice,) = company.invoices("versions")
    assert invoice["Description"] == "second"


def test_a_refused_change_is_rejected_in_exacts_words(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("wrong"), **UPSERT)
    load = runner.load(company.invoice("wrong", Type=1), **UPSERT)
    assert isinstance(load.error, RecordsRejected)
    assert load.outcomes == [("wrong", "rejected")]
    assert load.reasons == ["Invalid value: Type"]
    # What is at Exact is compared anew, not taken from the journal.
    assert runner.load(company.invoice("wrong"), **UPSERT).outcomes == [("wrong", "unchanged")]


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_a_change_whose_answer_is_lost_is_carried_out_once(
    company: Company, runner: Runner, kind: str
) -> None:
    reference = f"put-{kind}"
    runner.load(company.invoice(reference), **UPSERT)
    company.server.control.faults({"kind": kind, "method": "PUT", "times": 1})
    load = runner.load(company.invoice(reference, Description="new"), **UPSERT)
    assert load.error is None
    assert load.outcomes == [(reference, "updated")]
    assert company.invoices(reference)[0]["Description"] == "new"
    assert company.calls("PUT") == (1 if kind == "lost" else 2)


def test_a_line_whose_answer_is_lost_is_added_once(company: Company, runner: Runner) -> None:
    lines = [line(company)]
    runner.load(company.invoice("line", SalesInvoiceLines=lines), **UPSERT)
    company.server.control.faults(
        {"kind": "lost", "method": "POST", "path": "SalesInvoiceLines", "times": 1}
    )
    two = company.invoice("line", SalesInvoiceLines=[*lines, line(company, 1, Quantity=9)])
    load = runner.load(two, **UPSERT, settle_after=0)
    assert load.error is None
    assert load.outcomes == [("line", "updated")]
    assert quantities(company, "line") == [2, 9]


def test_a_document_that_was_deleted_by_hand_is_created_again_when_it_changes(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    runner.load(company.invoice("gone"), **UPSERT)
    runner.load(
        {**company.invoice("gone"), **DELETED_AT},
        hard_delete=True,
        **elsewhere(company, tmp_path),
    )
    runner.settings["refresh_token"] = company.sign_in()
    load = runner.load(company.invoice("gone", Description="new"), **UPSERT)
    assert load.outcomes == [("gone", "created")]


def test_accounts_are_known_by_their_padded_code(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    account = {"Code": "880001", "Name": "Old BV", "City": "Delft"}
    assert runner.load(account, stream="accounts", **UPSERT).outcomes == [("880001", "created")]
    load = runner.load(
        account | {"Name": "New BV"}, stream="accounts", **UPSERT, **elsewhere(company, tmp_path)
    )
    assert load.outcomes == [("880001", "updated")]
    rows = company.server.control.truth(company.division, "accounts")
    (made,) = [row for row in rows if row["Code"] == "880001"]
    assert (made["Name"], made["City"]) == ("New BV", "Delft")


@pytest.mark.parametrize("nulls", ["leave", "clear"])
def test_a_null_empties_a_field_only_where_that_is_asked(
    company: Company, runner: Runner, nulls: str
) -> None:
    reference = f"null-{nulls}"
    options = {**UPSERT, "nulls": nulls}
    runner.load(company.invoice(reference, Description="old"), **options)
    load = runner.load(company.invoice(reference, Description=None), **options)
    assert load.error is None
    (invoice,) = company.invoices(reference)
    assert invoice["Description"] == ("old" if nulls == "leave" else None)


def test_deletes_are_left_out_unless_asked_for(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("kept"))
    company.server.control.reset_calls()
    load = runner.load({**company.invoice("kept"), **DELETED_AT})
    assert load.error is None
    assert load.outcomes == [("kept", "skipped")]
    assert len(company.invoices("kept")) == 1
    assert company.calls("GET") == company.calls("DELETE") == 0
    assert runner.load(company.invoice("kept")).outcomes == [("kept", "unchanged")]


def test_a_deleted_record_deletes_its_document_once(company: Company, runner: Runner) -> None:
    tombstone = {"YourRef": "delete", **DELETED_AT}
    runner.load(company.invoice("delete"))
    load = runner.load(tombstone, hard_delete=True)
    assert load.error is None
    assert load.outcomes == [("delete", "deleted")]
    assert company.invoices("delete") == []
    company.server.control.reset_calls()
    assert runner.load(tombstone, hard_delete=True).outcomes == [("delete", "unchanged")]
    assert company.calls("GET") == company.calls("DELETE") == 0
    assert runner.load(company.invoice("delete")).outcomes == [("delete", "created")]


def test_what_is_not_there_need_not_be_deleted(company: Company, runner: Runner) -> None:
    load = runner.load({"YourRef": "nowhere", **DELETED_AT}, hard_delete=True)
    assert load.outcomes == [("nowhere", "deleted")]
    assert load.reasons == ["it was not at Exact Online any more"]
    assert company.calls("DELETE") == 0


def test_a_processed_invoice_cannot_be_deleted(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("booked"), finalize="print")
    load = runner.load({"YourRef": "booked", **DELETED_AT}, hard_delete=True)
    assert load.outcomes == [("booked", "rejected")]
    assert load.reasons == ["Can't delete: the invoice has been processed."]


@pytest.mark.parametrize("kind", ["lost", "cut"])
def test_a_delete_whose_answer_is_lost_is_carried_out(
    company: Company, runner: Runner, kind: str
) -> None:
    runner.load(company.invoice(f"del-{kind}"))
    company.server.control.faults({"kind": kind, "method": "DELETE", "times": 1})
    load = runner.load({"YourRef": f"del-{kind}", **DELETED_AT}, hard_delete=True)
    assert load.outcomes == [(f"del-{kind}", "deleted")]
    assert company.invoices(f"del-{kind}") == []


def test_a_dry_run_says_everything_and_writes_nothing(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    records = [
        company.invoice("dry-new"),
        company.invoice("dry-old", Description="private words"),
        {"YourRef": "dry-gone", **DELETED_AT},
        {"YourRef": "dry-bad"},
    ]
    runner.load(company.invoice("dry-old"), company.invoice("dry-gone"))
    company.server.control.reset_calls()
    load = runner.load(*records, dry_run=True, hard_delete=True, **UPSERT)
    assert load.outcomes == [
        ("dry-new", "would_create"),
        ("dry-old", "would_update"),
        ("dry-gone", "would_delete"),
        ("dry-bad", "would_reject"),
    ]
    assert load.reasons[1] == "it differs in Description; Description: nothing -> private words"
    assert "private words" not in caplog.text
    assert "1 would be created" in caplog.text
    assert company.calls("POST") == company.calls("PUT") == company.calls("DELETE") == 0
    assert company.invoices("dry-new") == []
    # The journal knows nothing of it.
    load = runner.load(*records[:3], hard_delete=True, **UPSERT)
    assert [outcome for _, outcome in load.outcomes] == ["created", "updated", "deleted"]


def same(name: str, value: object, old: object) -> bool:
    return diff.same(INVOICE.properties[name], value, old)


def test_values_are_compared_by_what_they_mean() -> None:
    day = datetime(2026, 6, 25, tzinfo=timezone.utc)
    stamp = f"/Date({int(day.timestamp() * 1000)})/"
    assert same("OrderDate", "2026-06-25", stamp)
    assert same("OrderDate", "2026-06-25T00:00:00.000", stamp)
    assert not same("OrderDate", (day + timedelta(days=1)).date().isoformat(), stamp)
    assert same("Description", "two\nlines", " two\r\nlines ")
    assert same("Description", "", None)
    assert not same("Description", "a", "A")
    assert same("OrderedBy", "A58C29D9-EF92-40F1-B817-31B36990898C",
                "a58c29d9-ef92-40f1-b817-31b36990898c")  # fmt: skip
    assert same("Document", None, "00000000-0000-0000-0000-000000000000")
    assert same("OrderNumber", 7, 7.0)
    assert not same("OrderNumber", 7, 8)
    assert not same("OrderNumber", 7, "seven")
