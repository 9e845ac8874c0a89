"""Records become invoices at Exact Online, each of them once."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests
import sqlalchemy as sa

from exactonline_client.errors import (
    ConfigurationError,
    DailyLimitReached,
    ErrorLimitReached,
    RecordsRejected,
    Unavailable,
)
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Company, Runner


def test_an_invoice_is_created_with_its_lines(company: Company, runner: Runner) -> None:
    lines = [
        {"Item": company.items[0], "Quantity": 3, "NetPrice": 19.99},
        {"Item": company.items[1], "Quantity": 1, "NetPrice": 0.1},
    ]
    fields = {"SalesInvoiceLines": lines, "OrderDate": "2026-03-29T00:00:00Z", "Description": "é"}
    load = runner.load(company.invoice("create", **fields))
    assert load.error is None
    assert load.states == [1]
    (invoice,) = company.invoices("create")
    (result,) = load.results
    assert result["outcome"] == "created"
    assert result["exact_id"] == invoice["InvoiceID"]
    assert result["division"] == company.division
    assert invoice["OrderedBy"] == company.customer
    assert invoice["OrderDate"] == "2026-03-29"
    assert invoice["Description"] == "é"
    made = sorted(company.lines(invoice["InvoiceID"]), key=lambda line: line["LineNumber"])
    assert [(line["Item"], line["Quantity"], line["NetPrice"]) for line in made] == [
        (company.items[0], 3, 19.99),
        (company.items[1], 1, 0.1),
    ]


def test_a_row_of_a_database_becomes_the_same_invoice(company: Company, runner: Runner) -> None:
    row = {
        "your_ref": "row",
        "ordered_by": company.customer.upper(),
        "sales_invoice_lines": json.dumps(
            [{"item": company.items[0], "quantity": "2", "net_price": 12.5}]
        ),
        "description": None,
        "_sdc_batched_at": "2026-06-25T10:00:00Z",
    }
    load = runner.load(row, stream="warehouse-sales_invoices")
    assert load.outcomes == [("row", "created")]
    assert runner.load(company.invoice("row")).outcomes == [("row", "unchanged")]


def test_a_second_run_posts_nothing_and_asks_nothing(company: Company, runner: Runner) -> None:
    invoices = [company.invoice(f"again-{number}") for number in range(3)]
    runner.load(*invoices)
    company.server.control.reset_calls()
    load = runner.load(*invoices)
    assert load.error is None
    assert load.states == [3]
    assert load.outcomes == [(f"again-{number}", "unchanged") for number in range(3)]
    assert company.calls("GET") == company.calls("POST") == 0


def test_a_run_without_memory_finds_the_invoices_in_few_calls(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    invoices = [company.invoice(f"o'clock & {number}%") for number in range(45)]
    runner.load(*invoices)
    company.server.control.reset_calls()
    memoryless = {
        "store_url": f"sqlite:///{tmp_path / 'new.db'}",
        "refresh_token": company.sign_in(),
    }
    load = runner.load(*invoices, **memoryless)
    assert load.error is None
    assert {outcome for _, outcome in load.outcomes} == {"exists"}
    assert all(line["exact_id"] for line in load.results)
    assert company.calls("POST") == 0
    assert company.calls("GET") == 1


def test_changed_content_is_left_alone_and_said(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("changed"))
    load = runner.load(company.invoice("changed", Description="new"))
    assert load.outcomes == [("changed", "exists")]
    (reason,) = load.reasons
    assert reason is not None
    assert reason.startswith("The record has changed since an earlier load")
    assert len(company.invoices("changed")) == 1
    assert runner.load(company.invoice("changed")).outcomes == [("changed", "unchanged")]


def test_a_rejected_record_does_not_stop_the_others(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    nobody = "00000000-0000-4000-8000-000000000001"
    load = runner.load(
        company.invoice("good-1"),
        company.invoice("bad", OrderedBy=nobody),
        company.invoice("worse", Colour="red", OrderedBy=None),
        company.invoice("good-2"),
    )
    assert isinstance(load.error, RecordsRejected)
    assert load.error.exit_code == 5
    assert load.states == [4]
    assert load.outcomes == [
        ("good-1", "created"),
        ("bad", "rejected"),
        ("worse", "rejected"),
        ("good-2", "created"),
    ]
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 2
    assert errors[0].startswith("sales_invoices: record bad was rejected: ")
    assert errors[1] == (
        "sales_invoices: record worse was rejected: OrderedBy is missing; 'Colour' is not a field "
        "of SalesInvoices."
    )
    assert "2 created, 0 already there, 2 rejected, 0 in doubt" in caplog.text
    assert not company.invoices("bad")


def test_a_corrected_record_is_created_by_the_next_run(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("corrected", OrderedBy="nobody"))
    load = runner.load(company.invoice("corrected"))
    assert load.outcomes == [("corrected", "created")]


@pytest.mark.parametrize(
    "later",
    [{"Colour": "red"}, {"Description": "other"}, {"OrderedBy": "998877"}],
    ids=["an unknown field", "a contradiction", "a code that is not there"],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_there_stays_what_it_is_whatever_comes_later(
    company: Company, runner: Runner, later: dict[str, Any], *, at_once: bool
) -> None:
    reference = f"stays-{'-'.join(later)}-{at_once}"
    invoice = company.invoice(reference)
    records = [invoice, {**invoice, **later}]
    loads = [records] if at_once else [[record] for record in records]
    told = [result for batch in loads for result in runner.load(*batch).results]
    assert told[0]["outcome"] == "created"
    url = runner.settings["store_url"]
    with closing(Store(url)) as store, store.transaction() as connection:
        rows = connection.execute(sa.select(postings)).mappings().all()
    kept = {row["reference"]: row for row in rows}
    assert kept[reference]["outcome"] == "created"
    assert kept[reference]["exact_id"] == told[0]["exact_id"]
    rejected = [row for row in kept.values() if row["outcome"] == "rejected"]
    assert len(rejected) == (told[1]["outcome"] == "rejected")
    with closing(Store(url)) as store:
        assert all(reference in str(store.decrypt(row["reason"], secret=False)) for row in rejected)
    # It goes with the next record that ends well.
    assert runner.load(invoice).outcomes == [(reference, "unchanged")]
    with closing(Store(url)) as store, store.transaction() as connection:
        assert connection.execute(sa.select(postings.c.outcome)).scalars().all() == ["created"]


def test_an_unusable_version_does_not_hide_what_was_created(
    company: Company, runner: Runner
) -> None:
    runner.load(company.invoice("spoilt"))
    assert runner.load(company.invoice("spoilt", Colour="red")).outcomes == [("spoilt", "rejected")]
    assert runner.load(company.invoice("spoilt")).outcomes == [("spoilt", "unchanged")]
    assert len(company.invoices("spoilt")) == 1


def test_fail_stops_at_the_first_rejected_record(company: Company, runner: Runner) -> None:
    records = [
        company.invoice("stop-1"),
        company.invoice("stop-2", OrderedBy=None),
        company.invoice("stop-3"),
    ]
    load = runner.load(*records, on_error="fail")
    assert isinstance(load.error, RecordsRejected)
    assert load.states == []
    assert load.outcomes == [("stop-1", "created"), ("stop-2", "rejected")]
    assert not company.invoices("stop-3")


def test_max_errors_stops_at_that_many(company: Company, runner: Runner) -> None:
    broken = [company.invoice(f"many-{number}", OrderedBy=None) for number in range(5)]
    load = runner.load(*broken, company.invoice("many-good"), max_errors=3)
    assert isinstance(load.error, RecordsRejected)
    assert len(load.results) == 3


def test_the_same_record_twice_is_one_invoice(company: Company, runner: Runner) -> None:
    load = runner.load(company.invoice("twice"), company.invoice("twice"))
    assert load.error is None
    assert load.outcomes == [("twice", "created"), ("twice", "unchanged")]
    assert len(company.invoices("twice")) == 1


def test_the_same_record_twice_fails_twice(company: Company, runner: Runner) -> None:
    lost = company.invoice("lost-code", OrderedBy="no such code")
    load = runner.load(lost, lost, company.invoice("found-code"))
    assert load.outcomes == [
        ("lost-code", "rejected"),
        ("lost-code", "rejected"),
        ("found-code", "created"),
    ]


def test_two_records_may_not_share_a_reference(company: Company, runner: Runner) -> None:
    load = runner.load(company.invoice("clash"), company.invoice("clash", Description="other"))
    assert isinstance(load.error, RecordsRejected)
    assert load.outcomes == [("clash", "created"), ("clash", "rejected")]
    assert len(company.invoices("clash")) == 1


def test_several_invoices_at_exact_with_one_reference_are_said(
    company: Company, runner: Runner
) -> None:
    for _ in range(2):
        _post(company, runner, company.invoice("double"))
    load = runner.load(company.invoice("double"))
    assert load.outcomes == [("double", "exists")]
    assert load.reasons[0] is not None
    assert load.reasons[0].startswith("2 documents at Exact Online carry this reference: ")
    assert len(company.invoices("double")) == 2


def _post(company: Company, runner: Runner, body: dict[str, object]) -> None:
    """Create an invoice by another way than the target."""
    token = company.server.control.sign_in()
    answer = requests.post(
        f"{company.server.base_url}/api/v1/{company.division}/salesinvoice/SalesInvoices",
        json=body,
        headers={"Authorization": f"Bearer {token['access_token']}"},
        timeout=10,
    )
    assert answer.status_code == 201
    # A second sign-in of the same user ends the first.
    runner.settings["refresh_token"] = company.sign_in()


def test_a_thousand_new_invoices_are_looked_for_in_few_calls(
    company: Company, runner: Runner
) -> None:
    invoices = [company.invoice(f"WEB-{number:05}") for number in range(1000)]
    load = runner.load(*invoices, dry_run=True)
    assert {outcome for _, outcome in load.outcomes} == {"would_create"}
    assert company.calls("GET") <= 15


def test_missing_accounts_are_created_once_where_that_is_allowed(
    company: Company, runner: Runner
) -> None:
    new = {"Code": "770001", "Name": "Nieuwe Klant BV"}
    records = [company.invoice(f"new-{number}", OrderedBy=new) for number in range(2)]
    load = runner.load(*records)
    assert [outcome for _, outcome in load.outcomes] == ["rejected", "rejected"]
    load = runner.load(*records, create_missing=["accounts"], dry_run=True)
    assert [outcome for _, outcome in load.outcomes] == ["would_create", "would_create"]
    assert company.calls("POST") == 0
    company.server.control.faults(
        {"kind": "lost", "method": "POST", "path": "crm/Accounts", "times": 1}
    )
    load = runner.load(*records, create_missing=["accounts"])
    assert load.error is None
    assert [outcome for _, outcome in load.outcomes] == ["created", "created"]
    accounts = company.server.control.truth(company.division, "accounts")
    (made,) = [row for row in accounts if row["Code"] == "770001"]
    assert company.invoices("new-0")[0]["OrderedBy"] == made["ID"]
    assert company.calls("POST") == 3


def test_a_record_without_a_reference_is_kept_under_a_made_up_one(
    company: Company, runner: Runner
) -> None:
    nameless = company.invoice("x")
    del nameless["YourRef"]
    first, second = runner.load(nameless), runner.load(nameless)
    assert first.outcomes == second.outcomes
    (name,) = [line["reference"] for line in first.results]
    assert name.startswith("#")
    store = Store(runner.settings["store_url"])
    with store.transaction() as connection:
        (row,) = connection.execute(sa.select(postings)).all()
    assert (row.reference, row.outcome) == (name, "rejected")
    assert json.loads(store.decrypt(row.record) or "") == nameless
    store.close()


def test_a_division_that_may_not_be_opened_is_told_with_those_that_may(
    company: Company, runner: Runner
) -> None:
    load = runner.load(company.invoice("elsewhere"), division=99)
    assert isinstance(load.error, ConfigurationError)
    assert "Setting division: 99 is not one that" in str(load.error)
    assert str(company.division) in str(load.error)


def test_totals_that_differ_from_the_expected_ones_are_said(
    company: Company, runner: Runner
) -> None:
    runner.load(company.invoice("model"))
    (model,) = company.invoices("model")
    totals = {name: model[name] for name in ("AmountFCExclVat", "VATAmountFC", "AmountFC")}
    assert totals["AmountFCExclVat"] == 25
    off = {"VATAmountFC": 1.25, "AmountFC": 26.25}
    company.server.control.reset_calls()
    load = runner.load(company.invoice("right", **totals), company.invoice("off", **totals | off))
    assert load.outcomes == [("right", "created"), ("off", "created")]
    assert load.reasons[0] is None
    vat = Decimal(str(model["VATAmountFC"]))
    assert f"VATAmountFC is {vat} at Exact Online, and 1.25 in the record" in str(load.reasons[1])
    # Totals that the answers do not tell are read together.
    assert company.calls("GET") <= 2


def test_state_stands_for_what_is_durable_only(
    company: Company, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    company.server.control.faults(
        {"kind": "status", "status": 503, "method": "GET", "path": "SalesInvoices"}
    )
    load = runner.load(company.invoice("outage"))
    assert isinstance(load.error, Unavailable)
    assert load.states == []
    company.server.control.faults()
    load = runner.run(
        [
            runner.schema(),
            runner.record(company.invoice("durable-1")),
            runner.state("first"),
            runner.record(company.invoice("durable-2")),
            runner.state("second"),
        ]
    )
    assert load.states == ["first", "second"]


def test_at_the_daily_limit_the_rest_is_left_for_the_next_run(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    runner.settings["division"] = company.division
    company.server.control.limits(division=company.division, leave_today=3)
    load = runner.run(
        [
            runner.schema(),
            runner.record(company.invoice("day-1")),
            runner.state("one"),
            runner.record(company.invoice("day-2")),
            runner.record(company.invoice("day-3")),
            runner.state("two"),
            runner.record(company.invoice("day-4")),
            runner.state("three"),
        ]
    )
    assert load.error is None
    assert load.states == ["one"]
    assert load.outcomes == [("day-1", "created")]
    assert "3 records are left" in caplog.text


def test_before_exact_blocks_the_app_the_load_stops(company: Company, runner: Runner) -> None:
    company.server.control.faults(
        {"kind": "status", "status": 400, "body": True, "method": "POST", "path": "SalesInvoices"}
    )
    invoices = [company.invoice(f"block-{number}") for number in range(12)]
    load = runner.load(*invoices)
    assert isinstance(load.error, ErrorLimitReached)
    assert load.error.exit_code == 10
    assert load.states == []
    assert {outcome for _, outcome in load.outcomes} == {"rejected"}
    assert company.calls("POST") == len(load.results) == 9


def test_the_daily_limit_can_be_a_failure(company: Company, runner: Runner) -> None:
    runner.settings["division"] = company.division
    company.server.control.limits(division=company.division, leave_today=1)
    load = runner.load(company.invoice("fail-day"), on_daily_limit="fail")
    assert isinstance(load.error, DailyLimitReached)
    assert load.error.exit_code == 4
    assert load.states == []


def test_money_arrives_as_it_was_sent(company: Company, runner: Runner) -> None:
    line = {"Item": company.items[0], "Quantity": "1", "NetPrice": "1234567.89"}
    runner.load(company.invoice("money", SalesInvoiceLines=[line]))
    (invoice,) = company.invoices("money")
    (made,) = company.lines(invoice["InvoiceID"])
    assert Decimal(str(made["NetPrice"])) == Decimal("1234567.89")


def test_a_stream_can_be_renamed_on_its_way(company: Company, runner: Runner) -> None:
    maps = {"orders": {"__alias__": "sales_invoices", "YourRef": "'M-' + number"}}
    columns = ("number", "OrderedBy", "SalesInvoiceLines")
    load = runner.run(
        [
            {
                "type": "SCHEMA",
                "stream": "orders",
                "schema": {"properties": {name: {"type": ["string", "null"]} for name in columns}},
            },
            runner.record(
                {
                    "number": "7",
                    "OrderedBy": company.customer,
                    "SalesInvoiceLines": json.dumps([{"Item": company.items[0], "Quantity": 1}]),
                },
                "orders",
            ),
        ],
        stream_maps={"orders": {**maps["orders"], "number": None}},
    )
    assert load.outcomes == [("M-7", "created")]


def test_meltanos_test_stream_proves_the_sign_in_and_writes_nothing(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    load = runner.load({"id": 1, "name": "test"}, stream="meltano_test_stream")
    assert load.error is None
    assert load.results == []
    assert company.calls("POST") == 0
    assert f"division {company.division}" in caplog.text


def test_meltanos_test_stream_finds_a_wrong_division(runner: Runner) -> None:
    load = runner.load({"id": 1}, stream="meltano_test_stream", division=42)
    assert isinstance(load.error, ConfigurationError)
    assert "Setting division: 42 is not one that" in str(load.error)


def test_a_stream_that_cannot_be_written_is_a_clear_error(runner: Runner) -> None:
    load = runner.load({"id": 1}, stream="users")
    assert isinstance(load.error, ConfigurationError)
    assert "'users' is not a writable entity." in str(load.error)
    assert "sales_invoices" in str(load.error)


@pytest.mark.parametrize("path", ["Me", "SalesInvoices", "Accounts"])
def test_answers_that_break_off_are_asked_for_again(
    company: Company, runner: Runner, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr("backoff._sync.time.sleep", lambda _seconds: None)
    accounts = company.server.control.truth(company.division, "accounts")
    code = next(row["Code"] for row in accounts if row["ID"] == company.customer)
    company.server.control.faults({"kind": "malformed", "method": "GET", "path": path, "times": 2})
    load = runner.load(company.invoice(f"off-{path}", OrderedBy=code.strip()))
    assert load.error is None
    assert load.outcomes == [(f"off-{path}", "created")]
    assert not company.server.world.faults.rules()
