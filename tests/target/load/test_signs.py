"""An invoice is positive and a credit note negative; one that is not is never finalised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import RecordsRejected
from exactonline_client.store import postings
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings as table
from tests.target.conftest import noted

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer

    from tests.target.conftest import Company, Record, Runner

CREDIT = 8021
OPEN, PROCESSED = 20, 50


def sold(company: Company, reference: str, quantity: int, **fields: Any) -> Record:
    line = {"Item": company.items[0], "Quantity": quantity, "NetPrice": 10, "VATCode": "0"}
    return company.invoice(reference, SalesInvoiceLines=[line], **fields)


def status(company: Company, reference: str) -> int:
    (invoice,) = company.invoices(reference)
    return int(invoice["Status"])


POSITIVE_CREDIT = (
    "its AmountFC is 10 at Exact Online, but a credit note (Type 8021) has a negative total: give "
    "its lines negative quantities"
)
NEGATIVE_INVOICE = (
    "its AmountFC is -10 at Exact Online, but an invoice (Type 8020) has a positive total: one "
    "that credits has the type of a credit note"
)


DIRECT_CREDIT = POSITIVE_CREDIT.replace(
    "a credit note (Type 8021", "a direct credit note (Type 8024"
)


@pytest.mark.parametrize(
    ("quantity", "fields", "reason"),
    [
        (1, {"Type": CREDIT}, POSITIVE_CREDIT),
        (1, {"Type": 8024}, DIRECT_CREDIT),
        (-1, {"Type": 8020}, NEGATIVE_INVOICE),
        (-1, {}, NEGATIVE_INVOICE),
    ],
)
def test_a_total_against_its_type_is_held(
    company: Company, runner: Runner, quantity: int, fields: dict[str, Any], reason: str
) -> None:
    reference = f"sign-{fields.get('Type')}"
    load = runner.load(sold(company, reference, quantity, **fields), finalize="print")
    assert load.outcomes == [(reference, "created")]
    assert load.reasons == [f"{reason}; it was not finalised"]
    assert isinstance(load.error, RecordsRejected)
    assert status(company, reference) == OPEN
    # Nor by the next run.
    runner.load(finalize="print")
    assert status(company, reference) == OPEN


def test_what_goes_with_its_type_is_finalised(company: Company, runner: Runner) -> None:
    load = runner.load(
        sold(company, "sign-right", -1, Type=CREDIT),
        sold(company, "sign-nothing", 0, Type=CREDIT),
        finalize="print",
    )
    assert load.error is None
    assert status(company, "sign-right") == status(company, "sign-nothing") == PROCESSED


def test_where_nothing_is_finalised_it_is_only_said(company: Company, runner: Runner) -> None:
    load = runner.load(sold(company, "sign-open", 1, Type=CREDIT))
    assert load.outcomes == [("sign-open", "created")]
    assert load.reasons == [POSITIVE_CREDIT]
    assert load.error is None


def test_a_run_that_was_cut_off_lets_none_slip_through(company: Company, runner: Runner) -> None:
    runner.load(sold(company, "sign-cut", 1, Type=CREDIT))
    noted(runner, finalized=postings.WANTED)
    load = runner.load(finalize="print")
    assert load.outcomes == [("sign-cut", "rejected")]
    assert load.reasons == [f"{POSITIVE_CREDIT}; it was not finalised"]
    assert isinstance(load.error, RecordsRejected)
    assert status(company, "sign-cut") == OPEN
    # A person may want it all the same.
    store = Store(runner.settings["store_url"])
    wanted = postings.Wanted(apps=[row.app for row in store.read(table.select())])
    (posting,) = postings.newest(store, wanted)
    postings.finalize_again(store, posting)
    store.close()
    assert runner.load(finalize="print").error is None
    assert status(company, "sign-cut") == PROCESSED


def test_a_dry_run_says_what_the_lines_come_to(company: Company, runner: Runner) -> None:
    load = runner.load(sold(company, "sign-dry", 1, Type=CREDIT), dry_run=True)
    assert load.outcomes == [("sign-dry", "would_create")]
    assert load.reasons == [
        POSITIVE_CREDIT.replace("its AmountFC is 10 at Exact Online", "its lines come to 10")
    ]


def test_a_total_that_the_answer_does_not_tell_is_read(
    httpserver: HTTPServer, wire_runner: Runner
) -> None:
    key = "a0b1c2d3-0000-4000-8000-0000000000ff"
    invoices = "/api/v1/1/salesinvoice/SalesInvoices"
    httpserver.expect_oneshot_request(invoices, "GET").respond_with_json({"d": []})
    made = {"InvoiceID": key, "AmountFC": 0, "Type": CREDIT}
    httpserver.expect_request(invoices, "POST").respond_with_json({"d": made}, 201)
    booked = {**made, "AmountFC": 5}
    httpserver.expect_oneshot_request(invoices, "GET").respond_with_json({"d": [booked]})
    lines = [{"Item": key, "Quantity": 1}]
    record = {"YourRef": "w", "OrderedBy": key, "Type": CREDIT, "SalesInvoiceLines": lines}
    load = wire_runner.load(record, finalize="print")
    assert load.outcomes == [("w", "created")]
    assert str(load.reasons[0]).endswith("; it was not finalised")
    assert isinstance(load.error, RecordsRejected)
