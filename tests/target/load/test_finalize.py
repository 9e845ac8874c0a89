"""Invoices are finalised once, and what went wrong inside is said."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from werkzeug import Request, Response

from exactonline_client.errors import AccessDenied, RecordsRejected, Unavailable, UnexpectedAnswer
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings
from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.invoices import print_invoice
from tests.target.conftest import noted, noted_a_day_ahead, sent_by_another

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from tests.target.conftest import Company, Load, Runner

PRINTED = "PrintedSalesInvoices"
OPEN, PROCESSED = 20, 50


def prints(company: Company) -> int:
    """How often an invoice was asked to be finalised."""
    return sum(
        call["count"]
        for call in company.server.control.calls()["calls"]
        if call["endpoint"].endswith(PRINTED)
    )


def finalized(runner: Runner) -> dict[str, str | None]:
    """What the journal says of the finalising, by reference."""
    store = Store(runner.settings["store_url"])
    with store.transaction() as connection:
        rows = connection.execute(sa.select(postings.c.reference, postings.c.finalized)).all()
    store.close()
    return {row.reference: row.finalized for row in rows}


def status(company: Company, reference: str) -> int:
    (invoice,) = company.invoices(reference)
    return int(invoice["Status"])


def number(load: Load) -> str | None:
    (line,) = load.results
    result: str | None = line["number"]
    return result


def test_invoices_stay_open_unless_asked(company: Company, runner: Runner) -> None:
    load = runner.load(company.invoice("open"))
    assert number(load) is None
    assert status(company, "open") == OPEN
    assert finalized(runner) == {"open": None}


def test_a_new_invoice_is_processed_and_its_number_told(company: Company, runner: Runner) -> None:
    records = [company.invoice(f"print-{count}") for count in range(3)]
    load = runner.load(*records, finalize="print")
    assert load.error is None
    numbers = [company.invoices(record["YourRef"])[0]["InvoiceNumber"] for record in records]
    assert [line["number"] for line in load.results] == [str(made) for made in numbers]
    assert load.reasons == [None, None, None]
    # One search, three invoices and three prints, and one call for all numbers.
    assert (company.calls("GET"), company.calls("POST")) == (2, 6)
    again = runner.load(*records, finalize="print")
    assert [line["number"] for line in again.results] == [str(made) for made in numbers]
    assert {outcome for _, outcome in again.outcomes} == {"unchanged"}
    assert prints(company) == 3


def test_invoices_that_were_left_open_stay_so(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("before"))
    runner.load(company.invoice("before"), finalize="print")
    assert status(company, "before") == OPEN


def test_a_failure_inside_a_success_is_said(company: Company, runner: Runner) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    silent = next(row["ID"] for row in accounts if row["Status"] == "C" and not row["Email"])
    load = runner.load(company.invoice("mail", OrderedBy=silent), finalize="email")
    assert load.outcomes == [("mail", "created")]
    assert isinstance(load.error, RecordsRejected)
    assert load.outcomes == [("mail", "created")]
    assert load.reasons == ["it was processed, but: The customer has no e-mail address."]
    assert number(load)
    assert finalized(runner) == {"mail": "failed"}


def test_a_record_that_comes_twice_leaves_the_reason_in_the_store(
    company: Company, runner: Runner
) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    silent = next(row["ID"] for row in accounts if row["Status"] == "C" and not row["Email"])
    record = company.invoice("mail twice", OrderedBy=silent)
    load = runner.load(record, record, finalize="email")
    assert load.outcomes == [("mail twice", "created"), ("mail twice", "unchanged")]
    assert load.results[0]["number"] == load.results[1]["number"] is not None
    with closing(Store(runner.settings["store_url"])) as store:
        (row,) = store.read(sa.select(postings.c.reason, postings.c.finalized))
        assert store.decrypt(row.reason, secret=False) == load.reasons[0]
    assert row.finalized == "failed"


def test_a_refusal_leaves_the_invoice_open_and_is_said(company: Company, runner: Runner) -> None:
    company.server.control.faults(
        {"kind": "status", "status": 500, "body": True, "path": PRINTED, "times": 1}
    )
    load = runner.load(company.invoice("refused"), finalize="print")
    assert load.outcomes == [("refused", "created")]
    assert str(load.reasons[0]).startswith("it could not be finalised: ")
    assert isinstance(load.error, RecordsRejected)
    assert status(company, "refused") == OPEN
    assert finalized(runner) == {"refused": "refused"}
    # It is there, and neither made nor finalised by the next load that brings it.
    again = runner.load(company.invoice("refused"), finalize="print")
    assert again.outcomes == [("refused", "unchanged")]
    assert prints(company) == 1


@pytest.mark.parametrize(("mode", "said"), [("print", False), ("email", True)])
def test_a_lost_answer_is_no_reason_to_send_again(
    company: Company, runner: Runner, mode: str, *, said: bool
) -> None:
    company.server.control.faults({"kind": "lost", "path": PRINTED, "times": 1})
    reference = f"lost-{mode}"
    load = runner.load(company.invoice(reference), finalize=mode, settle_after=0)
    assert load.outcomes == [(reference, "created")]
    assert (load.reasons[0] is not None) == isinstance(load.error, RecordsRejected) == said
    if said:
        assert "whether it was sent is not" in str(load.reasons[0])
    assert status(company, reference) == PROCESSED
    assert number(load)
    assert prints(company) == 1
    assert finalized(runner) == {reference: "done"}


@pytest.mark.parametrize("answer", [302, 429])
def test_an_answer_that_may_be_of_somebody_else_is_a_doubt(
    company: Company, runner: Runner, answer: int
) -> None:
    company.server.control.faults({"kind": "status", "status": answer, "path": PRINTED})
    reference = f"else-{answer}"
    load = runner.load(company.invoice(reference), finalize="print")
    assert isinstance(load.error, (Unavailable, UnexpectedAnswer))
    assert load.outcomes == [(reference, "created")]
    assert load.reasons == ["the run ended before it was known whether it was finalised"]
    assert finalized(runner) == {reference: "sending"}


def test_a_refusal_that_names_a_fault_is_followed_by_a_look(
    company: Company, runner: Runner
) -> None:
    once = {"path": PRINTED, "times": 1}
    company.server.control.faults(
        {**once, "kind": "status", "status": 500, "message": "Er is een fout opgetreden"},
        {**once, "kind": "late", "seconds": 0.3},
    )
    load = runner.load(company.invoice("named-fault"), finalize="print", settle_after=2)
    assert load.error is None
    assert load.outcomes == [("named-fault", "created"), ("named-fault", "updated")]
    assert status(company, "named-fault") == PROCESSED
    assert finalized(runner) == {"named-fault": "done"}


def test_a_success_that_cannot_be_read_is_followed_by_a_look(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults({"kind": "malformed", "path": PRINTED, "times": 1})
    load = runner.load(company.invoice("half-read"), finalize="email", settle_after=0)
    assert "whether it was sent is not known" in str(load.reasons[0])
    assert isinstance(load.error, RecordsRejected)
    assert status(company, "half-read") == PROCESSED
    assert prints(company) == 1


def test_what_never_arrived_is_finalised_at_the_end(company: Company, runner: Runner) -> None:
    company.server.control.faults({"kind": "cut", "path": PRINTED, "times": 1})
    load = runner.load(company.invoice("cut"), finalize="print", settle_after=1)
    assert load.error is None
    assert status(company, "cut") == PROCESSED
    assert prints(company) == 2
    assert finalized(runner) == {"cut": "done"}


def test_what_is_refused_at_the_end_is_rejected(company: Company, runner: Runner) -> None:
    denied = {"kind": "status", "status": 403, "path": PRINTED, "times": 1}
    company.server.control.faults(denied)
    load = runner.load(company.invoice("refused later"), finalize="print")
    assert load.outcomes == [("refused later", "created")]
    assert load.reasons == ["it was not finalised"]
    company.server.control.faults({**denied, "status": 500, "body": True})
    load = runner.load(finalize="print")
    assert load.outcomes == [("refused later", "rejected")]
    assert load.results[0]["exact_id"] == company.invoices("refused later")[0]["InvoiceID"]
    assert isinstance(load.error, RecordsRejected)
    assert finalized(runner) == {"refused later": "refused"}


def test_what_gets_no_answer_at_the_end_is_in_doubt(company: Company, runner: Runner) -> None:
    company.server.control.faults({"kind": "cut", "path": PRINTED, "times": 2})
    load = runner.load(company.invoice("unanswered"), finalize="print", settle_after=1)
    assert load.outcomes == [("unanswered", "created"), ("unanswered", "in_doubt")]
    assert isinstance(load.error, RecordsRejected)
    # The next run settles it, whether it has records or not.
    load = runner.load(finalize="print", settle_after=0)
    assert load.outcomes == [("unanswered", "updated")]
    assert load.error is None
    assert status(company, "unanswered") == PROCESSED


def test_a_moment_that_a_clock_ahead_has_noted_is_not_waited_for(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults({"kind": "cut", "path": PRINTED, "times": 2})
    load = runner.load(company.invoice("ahead"), finalize="print", settle_after=0)
    assert load.outcomes == [("ahead", "created"), ("ahead", "in_doubt")]
    noted_a_day_ahead(runner)
    assert runner.load(finalize="print", settle_after=0).outcomes == [("ahead", "updated")]
    assert status(company, "ahead") == PROCESSED


def test_what_another_run_has_sent_meanwhile_is_not_sent_at_once(
    company: Company, patient: Runner
) -> None:
    company.server.control.faults({"kind": "cut", "path": PRINTED, "times": 2})
    patient.load(company.invoice("another run"), finalize="print", settle_after=60)
    sent_by_another(patient)
    before = prints(company)
    assert patient.load(finalize="print", settle_after=60).outcomes == [("another run", "in_doubt")]
    assert prints(company) == before
    assert patient.load(finalize="print", settle_after=60).outcomes == [("another run", "updated")]
    assert status(company, "another run") == PROCESSED


def test_an_invoice_that_was_processed_meanwhile_is_not_said_to_be_sent(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults({"kind": "status", "status": 403, "path": PRINTED, "times": 1})
    runner.load(company.invoice("by hand"), finalize="email")
    (invoice,) = company.invoices("by hand")
    world = company.server.world
    editor = Editor(world.company(company.division), world.author(world.config.users[0]))
    print_invoice(editor, {"InvoiceID": invoice["InvoiceID"]})
    before = prints(company)
    load = runner.load(finalize="email")
    assert load.outcomes == [("by hand", "updated")]
    assert "was not sent" in str(load.reasons[0])
    assert isinstance(load.error, RecordsRejected)
    assert prints(company) == before


def test_an_invoice_with_other_totals_is_left_open(company: Company, runner: Runner) -> None:
    names = ["right-totals", "wrong-totals"]
    right: dict[str, Any] = {"AmountFCExclVat": 25}
    totals = right, {**right, "VATAmountFC": 1.25, "AmountFC": 26.25}
    records = [company.invoice(name, **each) for name, each in zip(names, totals, strict=True)]
    load = runner.load(*records, finalize="email")
    assert sorted(load.outcomes) == [(name, "created") for name in names]
    reasons = {line["reference"]: str(line["reason"]) for line in load.results}
    assert "its totals are not those of the record; it was not finalised" in reasons[names[1]]
    assert isinstance(load.error, RecordsRejected)
    assert [status(company, name) for name in names] == [PROCESSED, OPEN]
    assert finalized(runner) == dict(zip(names, ("done", "held"), strict=True))


@pytest.mark.parametrize(("total", "reason"), [(5, "None"), (6, "it was not finalised")])
def test_totals_that_an_answer_lacks_are_read_first(
    httpserver: HTTPServer, wire_runner: Runner, total: int, reason: str
) -> None:
    key = "a0b1c2d3-0000-4000-8000-0000000000ff"
    invoices = "/api/v1/1/salesinvoice/SalesInvoices"
    httpserver.expect_oneshot_request(invoices, "GET").respond_with_json({"d": []})
    httpserver.expect_request(invoices, "POST").respond_with_json({"d": {"InvoiceID": key}}, 201)
    made = {"InvoiceID": key, "AmountFC": total, "InvoiceNumber": 7}
    httpserver.expect_request(invoices, "GET").respond_with_json({"d": [made]})
    sent: list[bytes] = []

    def finalise(request: Request) -> Response:
        sent.append(request.data)
        return Response(json.dumps({"d": {"InvoiceID": key}}), 201)

    httpserver.expect_request(f"/api/v1/1/salesinvoice/{PRINTED}").respond_with_handler(finalise)
    lines = [{"Item": key, "Quantity": 1}]
    record = {"YourRef": "w", "OrderedBy": key, "AmountFC": 5, "SalesInvoiceLines": lines}
    load = wire_runner.load(record, finalize="print")
    assert load.outcomes == [("w", "created")]
    assert reason in str(load.reasons[0])
    assert len(sent) == (total == record["AmountFC"])
    assert finalized(wire_runner) == {"w": "done" if sent else "held"}


def test_an_invoice_whose_totals_were_never_compared_is_left_open(
    company: Company, runner: Runner
) -> None:
    record = company.invoice("cut off", AmountFCExclVat=25)
    company.server.control.faults({"kind": "cut", "path": "SalesInvoices", "method": "POST"})
    runner.load(record, finalize="print", settle_after=0)
    assert finalized(runner) == {"cut off": "unchecked"}
    company.server.control.faults()
    runner.load(record, settle_after=0)
    noted(runner, finalized="unchecked")
    load = runner.load(finalize="print")
    assert load.outcomes == [("cut off", "rejected")]
    assert status(company, "cut off") == OPEN


def test_what_a_person_has_to_look_at_is_told_though_a_run_was_cut_off_before(
    company: Company, runner: Runner
) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    silent = next(row["ID"] for row in accounts if row["Status"] == "C" and not row["Email"])
    runner.load(company.invoice("untold", OrderedBy=silent), finalize="email")
    # It is noted as ended only once it was reported.
    noted(runner, finalized="sending")
    load = runner.load(finalize="email", settle_after=1)
    assert load.outcomes == [("untold", "updated")]
    assert "whether it was sent is not known" in str(load.reasons[0])
    assert isinstance(load.error, RecordsRejected)
    assert number(load)
    assert runner.load(finalize="email").outcomes == []


def test_a_number_that_was_not_read_is_read_by_the_next_run(
    company: Company, runner: Runner
) -> None:
    runner.load(company.invoice("unread"), finalize="print")
    noted(runner, number=None)
    runner.load(finalize="print")
    (invoice,) = company.invoices("unread")
    again = runner.load(company.invoice("unread"), finalize="print")
    assert again.outcomes == [("unread", "unchanged")]
    assert number(again) == str(invoice["InvoiceNumber"])


def test_a_run_that_broke_off_is_taken_up_by_the_next(company: Company, runner: Runner) -> None:
    company.server.control.faults({"kind": "status", "status": 403, "path": PRINTED, "times": 1})
    load = runner.load(company.invoice("broken"), finalize="print")
    assert isinstance(load.error, AccessDenied)
    assert finalized(runner) == {"broken": "wanted"}
    assert status(company, "broken") == OPEN
    # Also where the record does not come again.
    load = runner.load(company.invoice("other"), finalize="print")
    assert load.error is None
    assert status(company, "broken") == PROCESSED
    assert finalized(runner) == {"broken": "done", "other": "done"}


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("print", {"SendEmailToCustomer": False}),
        ("email", {"SendEmailToCustomer": True, "SenderEmailAddress": "from@example.com"}),
        ("peppol", {"SendEmailToCustomer": False, "SendInvoiceViaPeppol": True}),
    ],
)
def test_what_is_asked_for(
    httpserver: HTTPServer, wire_runner: Runner, mode: str, expected: dict[str, Any]
) -> None:
    key = "a0b1c2d3-0000-4000-8000-0000000000ff"
    invoices = "/api/v1/1/salesinvoice/SalesInvoices"
    numbered = {"InvoiceID": key, "InvoiceNumber": 7}
    httpserver.expect_oneshot_request(invoices, "GET").respond_with_json({"d": []})
    made = {"InvoiceID": key, "AmountFC": 5}
    httpserver.expect_request(invoices, "POST").respond_with_json({"d": made}, 201)
    httpserver.expect_request(
        f"/api/v1/1/salesinvoice/{PRINTED}", "POST", json={"InvoiceID": key, **expected}
    ).respond_with_json({"d": {"InvoiceID": key, "PeppolCreationError": None}}, 201)
    httpserver.expect_oneshot_request(invoices, "GET").respond_with_json({"d": [numbered]})
    lines = [{"Item": key, "Quantity": 1}]
    record = {"YourRef": "w", "OrderedBy": key, "SalesInvoiceLines": lines}
    load = wire_runner.load(record, finalize=mode, finalize_sender="from@example.com")
    assert load.error is None
    assert number(load) == "7"
