"""What protects a document from being sent twice is neither overwritten nor forgotten."""

from __future__ import annotations

import json
from contextlib import closing
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
import requests
import sqlalchemy as sa
from werkzeug import Request, Response

from exactonline_client.errors import (
    AccessDenied,
    RecordsRejected,
    StoreError,
    Unavailable,
    UnexpectedAnswer,
)
from exactonline_client.http.rate_limit import Budget
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_httpserver import HTTPServer

    from tests.target.conftest import Company, Record, Runner

ENTRIES = "general_journal_entries"
DELETED = {"_sdc_deleted_at": "2026-06-26T00:00:00Z"}
DAY = 86_400


def journal_entry(company: Company, reference: str) -> Record:
    """An entry of a kind that Exact cannot search by a reference."""
    accounts = company.server.control.truth(company.division, "gl_accounts")
    costs = [row["ID"] for row in accounts if row["BalanceType"] == "W"][:2]
    lines = [
        {"GLAccount": account, "AmountFC": amount, "Date": "2026-06-25"}
        for account, amount in zip(costs, (10, -10), strict=True)
    ]
    return {"reference": reference, "JournalCode": "90", "GeneralJournalEntryLines": lines}


def number_of(company: Company, stream: str) -> int:
    return len(company.server.control.truth(company.division, stream))


def noted(runner: Runner) -> list[Mapping[str, Any]]:
    with closing(Store(runner.settings["store_url"])) as store, store.transaction() as connection:
        return [*connection.execute(sa.select(postings)).mappings()]


def change_notes(runner: Runner, **values: Any) -> None:
    with closing(Store(runner.settings["store_url"])) as store, store.transaction() as connection:
        connection.execute(postings.update().values(**values))


def grow_old(runner: Runner) -> None:
    change_notes(runner, at=postings.c.at - 401 * DAY)


@pytest.mark.parametrize(
    "later",
    [
        {"Colour": "red"},
        {"GeneralJournalEntryLines": [{"GLAccount": "no such code", "AmountFC": 1}]},
        DELETED,
    ],
    ids=["an unknown field", "a code that is not there", "deleted"],
)
def test_a_later_version_that_is_not_sent_leaves_the_doubt(
    company: Company, runner: Runner, later: Record
) -> None:
    entry = journal_entry(company, "D-1")
    before = number_of(company, ENTRIES)
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    first = runner.load(entry, stream=ENTRIES, settle_after=0)
    assert first.outcomes == [("D-1", "in_doubt")]
    second = runner.load({**entry, **later}, stream=ENTRIES, settle_after=0)
    assert second.outcomes in ([("D-1", "rejected")], [("D-1", "skipped")])
    beside = [] if later == DELETED else ["rejected"]
    assert sorted(row["outcome"] for row in noted(runner)) == ["in_doubt", *beside]
    third = runner.load({**entry, "Notes": "new"}, stream=ENTRIES, settle_after=0)
    assert third.outcomes[0][1] != "created"
    assert number_of(company, ENTRIES) == before + 1


@pytest.mark.parametrize("handled", [True, False], ids=["at once", "later"])
def test_a_fault_with_a_message_is_no_proof_that_nothing_was_created(
    company: Company, runner: Runner, *, handled: bool
) -> None:
    entry = journal_entry(company, f"D-fault-{handled}")
    before = number_of(company, ENTRIES)
    once = {"method": "POST", "times": 1}
    fault = {**once, "kind": "status", "status": 500, "message": "Timeout expired.\r\n"}
    late = [] if handled else [{**once, "kind": "late", "seconds": 0.3}]
    company.server.control.faults({**fault, "handled": handled}, *late)
    first = runner.load(entry, stream=ENTRIES, settle_after=0)
    assert first.outcomes == [(entry["reference"], "in_doubt")]
    deadline = monotonic() + 10
    while number_of(company, ENTRIES) == before and monotonic() < deadline:
        sleep(0.02)
    second = runner.load(entry, stream=ENTRIES, settle_after=0)
    assert second.outcomes == [(entry["reference"], "in_doubt")]
    assert number_of(company, ENTRIES) == before + 1


def test_a_reason_of_business_stays_a_rejection(company: Company, runner: Runner) -> None:
    message = "Ongeldige referentie: Timer"
    fault = {"kind": "status", "status": 500, "message": message, "method": "POST", "times": 1}
    company.server.control.faults(fault)
    load = runner.load(journal_entry(company, "D-business"), stream=ENTRIES)
    assert load.outcomes == [("D-business", "rejected")]
    assert message in str(load.reasons[0])


def test_a_rejected_version_does_not_hurry_what_is_on_its_way(
    company: Company, patient: Runner
) -> None:
    company.server.control.faults({"kind": "late", "seconds": 30, "method": "POST", "times": 1})
    invoice = company.invoice("D-2")
    versions = (invoice, {**invoice, "Colour": "red"}, {**invoice, "Description": "new"})
    patient.load(*versions, load_method="upsert", settle_after=60)
    company.server.control.clock(advance_seconds=30)
    assert len(company.invoices("D-2")) == 1


def test_a_doubtful_document_that_is_to_be_deleted_is_deleted(
    company: Company, runner: Runner
) -> None:
    invoice = company.invoice("D-3")
    runner.load(invoice)
    change_notes(runner, outcome="posting", exact_id=None, sent_at=time())
    load = runner.load({**invoice, **DELETED}, hard_delete=True, settle_after=0)
    assert load.outcomes == [("D-3", "deleted")]
    assert company.invoices("D-3") == []


def test_a_dry_run_tells_of_a_doubt_and_changes_nothing(company: Company, runner: Runner) -> None:
    entry = journal_entry(company, "D-4")
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    runner.load(entry, stream=ENTRIES, settle_after=0)
    runner.load(company.invoice("D-5"))
    grow_old(runner)
    before = noted(runner)
    load = runner.load(entry, stream=ENTRIES, settle_after=0, dry_run=True)
    assert load.outcomes == [("D-4", "in_doubt")]
    assert noted(runner) == before


@pytest.mark.parametrize("stream", [ENTRIES, "sales_invoices"])
def test_an_answer_counts_although_the_store_fails_behind_it(
    company: Company, runner: Runner, monkeypatch: pytest.MonkeyPatch, stream: str
) -> None:
    entry = journal_entry(company, "D-6")
    record = entry if stream == ENTRIES else company.invoice("D-6")
    before = number_of(company, stream)
    learn = Budget.learn

    def fail_once(self: Budget, *arguments: Any) -> Any:
        if number_of(company, stream) > before:
            monkeypatch.setattr(Budget, "learn", learn)
            raise StoreError("The store is locked.")
        return learn(self, *arguments)

    monkeypatch.setattr(Budget, "learn", fail_once)
    first = runner.load(record, stream=stream, settle_after=0)
    assert first.outcomes == [("D-6", "created")]
    second = runner.load(record, stream=stream, settle_after=0)
    assert second.outcomes == [("D-6", "unchanged")]
    assert number_of(company, stream) == before + 1


@pytest.mark.parametrize("stream", [ENTRIES, "sales_invoices"])
@pytest.mark.parametrize("failure", [StoreError, RuntimeError, KeyboardInterrupt])
def test_whatever_fails_behind_the_sending_withdraws_nothing(
    company: Company,
    runner: Runner,
    monkeypatch: pytest.MonkeyPatch,
    stream: str,
    failure: type[BaseException],
) -> None:
    reference = f"behind-{failure.__name__}"
    entry = journal_entry(company, reference)
    record = entry if stream == ENTRIES else company.invoice(reference)
    before = number_of(company, stream)

    send = requests.Session.send

    def fail(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> Any:
        answer = send(self, request, **options)
        if request.method == "POST" and "/oauth2/" not in str(request.url):
            answer.close()
            raise failure
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(requests.Session, "send", fail)
        try:
            runner.load(record, stream=stream, settle_after=0)
        except (RuntimeError, KeyboardInterrupt):
            assert [row["outcome"] for row in noted(runner)] == ["posting"]
    runner.load(record, stream=stream, settle_after=0)
    assert number_of(company, stream) == before + 1


def test_that_a_token_works_is_no_part_of_a_call(
    company: Company, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = journal_entry(company, "proof")
    before = number_of(company, ENTRIES)
    transaction = Store.transaction

    def away_behind_the_answer(self: Store, **options: Any) -> Any:
        if number_of(company, ENTRIES) > before:
            monkeypatch.setattr(Store, "transaction", transaction)
            raise StoreError("The store is locked.")
        return transaction(self, **options)

    monkeypatch.setattr(Store, "transaction", away_behind_the_answer)
    load = runner.load(entry, stream=ENTRIES, settle_after=0)
    assert load.outcomes == [("proof", "created")]
    assert number_of(company, ENTRIES) == before + 1


@pytest.mark.parametrize("status", [302, 429])
def test_an_answer_that_may_be_of_somebody_else_is_a_doubt(
    company: Company, runner: Runner, status: int
) -> None:
    company.server.control.faults(
        {"kind": "status", "status": status, "method": "POST", "path": "GeneralJournalEntries"}
    )
    load = runner.load(journal_entry(company, f"D-{status}"), stream=ENTRIES, settle_after=0)
    assert isinstance(load.error, (Unavailable, UnexpectedAnswer))
    assert [row["outcome"] for row in noted(runner)] == ["in_doubt"]


def test_what_was_rejected_deleted_and_is_back_is_created(company: Company, runner: Runner) -> None:
    nobody = company.invoice("D-7", OrderedBy="998877")
    assert runner.load(nobody).outcomes == [("D-7", "rejected")]
    assert runner.load({**nobody, **DELETED}).outcomes == [("D-7", "skipped")]
    assert runner.load(nobody).outcomes == [("D-7", "rejected")], "it is tried again"


def test_age_does_not_forget_what_only_the_journal_knows(company: Company, runner: Runner) -> None:
    entry = journal_entry(company, "D-8")
    copied = company.invoice("none", InvoiceID="11111111-1111-4111-8111-111111111111")
    del copied["YourRef"]
    copied["Division"] = 424242
    accounts = company.server.control.truth(company.division, "accounts")
    items = company.server.control.truth(company.division, "items")
    copied["OrderedByName"] = next(row["Name"] for row in accounts if row["ID"] == company.customer)
    line = copied["SalesInvoiceLines"][0]
    line["ItemCode"] = next(row["Code"] for row in items if row["ID"] == line["Item"])
    for stream, record in ((ENTRIES, entry), ("sales_invoices", copied)):
        before = number_of(company, stream)
        assert [outcome for _, outcome in runner.load(record, stream=stream).outcomes] == [
            "created"
        ]
        grow_old(runner)
        again = runner.load(record, stream=stream)
        assert [outcome for _, outcome in again.outcomes] == ["unchanged"]
        assert number_of(company, stream) == before + 1


def test_what_has_no_reference_but_its_key_is_remembered(company: Company, runner: Runner) -> None:
    """It was read from this very division, and deleted there since."""
    nameless = company.invoice("none", InvoiceID="11111111-1111-4111-8111-111111111112")
    del nameless["YourRef"]
    nameless["Division"] = company.division
    before = number_of(company, "sales_invoices")
    runner.load(nameless)
    assert number_of(company, "sales_invoices") == before + 1
    grow_old(runner)
    runner.load(nameless)
    assert number_of(company, "sales_invoices") == before + 1


def test_what_was_made_where_no_search_was_allowed_is_remembered(
    company: Company, runner: Runner
) -> None:
    stream = "costcenters"
    company.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "message": "Error in query syntax.",
            "method": "GET",
            "path": "Costcenters",
        }
    )
    center = {"Code": "D-12", "Description": "made"}
    load = runner.load(center, stream=stream, new_store=True)
    assert load.outcomes == [("D-12", "created")]
    grow_old(runner)
    assert runner.load(center, stream=stream).outcomes == [("D-12", "unchanged")]
    assert company.calls("POST") == 1


def test_a_wrong_version_does_not_make_age_forget_what_was_created(
    company: Company, runner: Runner
) -> None:
    entry = journal_entry(company, "D-13")
    before = number_of(company, ENTRIES)
    runner.load(entry, stream=ENTRIES)
    runner.load({**entry, "Colour": "red"}, stream=ENTRIES)
    grow_old(runner)
    runner.load(entry, stream=ENTRIES)
    assert number_of(company, ENTRIES) == before + 1


def test_age_leaves_no_record_and_no_reason_of_what_stays(company: Company, runner: Runner) -> None:
    entry = journal_entry(company, "D-14")
    runner.load(entry, stream=ENTRIES)
    runner.load({**entry, "Colour": "red"}, stream=ENTRIES)
    runner.load(company.invoice("D-15", Colour="red"))
    grow_old(runner)
    runner.load(company.invoice("D-16"))
    kept = {row["reference"]: row for row in noted(runner)}
    assert set(kept) == {"D-14", "D-16"}
    assert (kept["D-14"]["record"], kept["D-14"]["reason"]) == (None, None)


def test_what_is_settled_later_reaches_the_results_and_the_warehouse(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults(
        {"kind": "cut", "method": "POST", "path": "PrintedSalesInvoices", "times": 2}
    )
    options: dict[str, Any] = {"finalize": "print", "settle_after": 0}
    first = runner.load(company.invoice("D-9"), **options)
    assert first.outcomes == [("D-9", "created"), ("D-9", "in_doubt")]
    (before,) = noted(runner)
    load = runner.run([runner.schema()], **options)
    assert load.outcomes == [("D-9", "updated")]
    (last,) = load.results
    assert last["number"] is not None
    assert last["reason"] is None
    (row,) = noted(runner)
    assert (row["number"], row["reason"], row["finalized"]) == (last["number"], None, "done")
    (invoice,) = company.invoices("D-9")
    assert str(invoice["InvoiceNumber"]) == last["number"]
    # What reads the journal from where it was before has it once more.
    assert row["at"] > before["at"]


def test_a_number_that_is_read_later_reaches_the_warehouse(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    key = str(uuid4())
    told: list[float] = []

    def look(request: Request) -> Response:
        if "InvoiceNumber" not in request.args["$select"]:
            return Response('{"d": []}')
        told.append(time())
        return Response(json.dumps({"d": [{"InvoiceID": key, "InvoiceNumber": 7}]}))

    path = "/api/v1/1/salesinvoice"
    httpserver.expect_request(f"{path}/SalesInvoices", "GET").respond_with_handler(look)
    made = {"d": {"InvoiceID": key, "YourRef": "D-17"}}
    httpserver.expect_request(f"{path}/SalesInvoices", "POST").respond_with_json(made, 201)
    httpserver.expect_request(f"{path}/PrintedSalesInvoices", "POST").respond_with_json({"d": {}})
    line = {"Item": key, "Quantity": 1}
    record = {"YourRef": "D-17", "OrderedBy": key, "SalesInvoiceLines": [line]}
    assert wire_runner.load(record, finalize="print").outcomes == [("D-17", "created")]
    (row,) = noted(wire_runner)
    assert row["number"] == "7"
    assert row["at"] >= told[-1]


DENIED = {"kind": "status", "status": 403, "method": "POST", "path": "SalesInvoices"}


def test_a_document_whose_sending_is_denied_does_not_stop_the_others(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults({**DENIED, "times": 1})
    load = runner.load(*(company.invoice(f"D-4{number}") for number in range(5)))
    assert isinstance(load.error, RecordsRejected)
    assert load.outcomes == [
        ("D-40", "rejected"),
        *((f"D-4{number}", "created") for number in range(1, 5)),
    ]
    company.server.control.faults()
    assert runner.load(company.invoice("D-40")).outcomes == [("D-40", "created")]


@pytest.mark.parametrize("documents", [1, 2])
def test_a_run_of_which_all_was_denied_ends_in_that(
    company: Company, runner: Runner, documents: int
) -> None:
    company.server.control.faults(DENIED)
    names = [f"D-5{documents}{number}" for number in range(documents)]
    load = runner.load(*map(company.invoice, names))
    assert isinstance(load.error, AccessDenied)
    assert load.outcomes == [(name, "rejected") for name in names]
    assert load.states == []


@pytest.mark.parametrize(("reason", "tried"), [("", 3), ("NoDivisionAccess", 1)])
def test_denials_without_end_are_not_tried_to_the_end(
    company: Company, runner: Runner, reason: str, tried: int
) -> None:
    first = runner.load(company.invoice(f"D-60{reason}"))
    assert first.outcomes == [(f"D-60{reason}", "created")]
    company.server.control.faults({**DENIED, "reason": reason})
    names = [f"D-6{number}{reason}" for number in range(1, 6)]
    load = runner.load(*map(company.invoice, names))
    assert isinstance(load.error, AccessDenied)
    assert load.outcomes == [(name, "rejected") for name in names[:tried]]
    assert load.states == []
