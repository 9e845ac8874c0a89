"""Documents that were sent without an answer: looked for, waited for, and never sent blindly."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from exactonline_client.errors import RecordsRejected
from exactonline_client.store.store import Store
from exactonline_client.store.tables import postings

if TYPE_CHECKING:
    from tests.target.conftest import Company, Record, Runner


def test_an_answer_lost_after_the_commit_is_found_again(company: Company, runner: Runner) -> None:
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    load = runner.load(company.invoice("lost-1"), company.invoice("lost-2"))
    assert load.error is None
    assert load.outcomes == [("lost-1", "created"), ("lost-2", "created")]
    (invoice,) = company.invoices("lost-1")
    assert load.results[0]["exact_id"] == invoice["InvoiceID"]


def test_a_post_without_a_trace_is_looked_for_and_sent_once_more(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults({"kind": "cut", "method": "POST", "times": 1})
    first, second = company.invoice("doubt"), company.invoice("sure")
    load = runner.run(
        [
            runner.schema(),
            runner.record(first),
            runner.state("a"),
            runner.record(first),
            runner.record(second),
            runner.state("b"),
        ],
        settle_after=1,
    )
    assert load.error is None
    assert load.states == ["a", "b"]
    assert load.outcomes == [("sure", "created"), ("doubt", "created"), ("doubt", "unchanged")]
    assert company.calls("POST") == 3
    assert len(company.invoices("doubt")) == 1


def test_what_exact_carries_out_late_is_not_sent_again(company: Company, patient: Runner) -> None:
    company.server.control.faults({"kind": "late", "seconds": 30, "method": "POST", "times": 1})
    load = patient.load(company.invoice("late"), settle_after=60)
    assert load.error is None
    assert load.outcomes == [("late", "created")]
    assert company.calls("POST") == 1
    (invoice,) = company.invoices("late")
    assert load.results[0]["exact_id"] == invoice["InvoiceID"]


def test_a_document_that_is_lost_twice_stays_in_doubt(company: Company, runner: Runner) -> None:
    company.server.control.faults({"kind": "cut", "method": "POST", "times": 2})
    load = runner.load(company.invoice("never"), settle_after=0)
    assert isinstance(load.error, RecordsRejected)
    assert load.states == [1]
    assert load.outcomes == [("never", "in_doubt")]
    assert company.calls("POST") == 2
    # The next run looks first, and sends it since it is not there.
    assert runner.load(company.invoice("never"), settle_after=0).outcomes == [("never", "created")]
    assert len(company.invoices("never")) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_a_run_that_was_killed_while_it_sent_is_taken_up(
    company: Company, runner: Runner, *, arrived: bool
) -> None:
    record = company.invoice(f"killed-{arrived}")
    if arrived:
        runner.load(record)
    else:
        runner.load(company.invoice("another"))
    _forget_the_answer(runner, record["YourRef"])
    posts = company.calls("POST")
    load = runner.load(record, settle_after=1)
    assert load.error is None
    assert load.outcomes == [(record["YourRef"], "created")]
    assert len(company.invoices(record["YourRef"])) == 1
    assert company.calls("POST") - posts == (0 if arrived else 1)


@pytest.mark.parametrize("arrived", [True, False])
def test_a_doubt_noted_by_a_clock_that_was_a_day_ahead_is_waited_for_no_longer(
    company: Company, runner: Runner, *, arrived: bool
) -> None:
    record = company.invoice(f"ahead-{arrived}")
    runner.load(record if arrived else company.invoice("another"))
    _forget_the_answer(runner, record["YourRef"], ahead=86_400)
    load = runner.load(record, settle_after=1)
    assert load.error is None
    assert load.outcomes == [(record["YourRef"], "created")]
    assert len(company.invoices(record["YourRef"])) == 1


def _forget_the_answer(runner: Runner, reference: str, ahead: float = 0.0) -> None:
    """Make the journal say what it said just before an answer came."""
    store = Store(runner.settings["store_url"])
    with store.transaction() as connection:
        row = dict(connection.execute(sa.select(postings)).mappings().one())
        row |= {"reference": reference, "outcome": "posting", "exact_id": None}
        row |= {"sent_at": time() + ahead}
        connection.execute(postings.delete())
        connection.execute(postings.insert().values(**row))
    store.close()


def test_what_an_earlier_run_left_in_doubt_is_settled_though_it_does_not_come_again(
    company: Company, runner: Runner
) -> None:
    company.server.control.faults({"kind": "cut", "method": "POST", "times": 2})
    assert runner.load(company.invoice("left"), settle_after=0).outcomes == [("left", "in_doubt")]
    load = runner.load(company.invoice("other-one"), settle_after=0)
    assert load.error is None
    assert load.outcomes == [("other-one", "created"), ("left", "created")]
    assert len(company.invoices("left")) == 1


def test_what_cannot_be_searched_is_settled_by_a_person(company: Company, runner: Runner) -> None:
    accounts = company.server.control.truth(company.division, "gl_accounts")
    costs = [row["ID"] for row in accounts if row["BalanceType"] == "W"][:2]
    entry = {
        "reference": "JE-1",
        "JournalCode": "90",
        "GeneralJournalEntryLines": [
            {"GLAccount": costs[0], "AmountFC": 10, "Date": "2026-06-25"},
            {"GLAccount": costs[1], "AmountFC": -10, "Date": "2026-06-25"},
        ],
    }
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    for _run in range(2):
        load = runner.load(entry, stream="general_journal_entries", settle_after=0)
        assert isinstance(load.error, RecordsRejected)
        assert load.outcomes == [("JE-1", "in_doubt")]
        assert "results settle general_journal_entries JE-1 --created ID" in str(load.reasons[0])
    assert company.calls("POST") == 1


def test_an_entry_without_a_searchable_reference_is_created_once(
    company: Company, runner: Runner
) -> None:
    entry = _sales_entry(company, "SE-1")
    company.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "message": "Error in query syntax.",
            "method": "GET",
            "path": "SalesEntries",
        }
    )
    load = runner.load(entry, stream="sales_entries", new_store=True)
    assert load.error is None
    assert load.outcomes == [("SE-1", "created")]
    company.server.control.reset_calls()
    # That the reference cannot be searched is remembered, and the journal knows the document.
    load = runner.load(entry, _sales_entry(company, "SE-2"), stream="sales_entries")
    assert load.outcomes == [("SE-1", "unchanged"), ("SE-2", "created")]
    assert company.calls("GET") == 0
    # One without an answer is looked for by what can be searched.
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    load = runner.load(_sales_entry(company, "SE-3"), stream="sales_entries")
    assert load.outcomes == [("SE-3", "created")]
    assert (company.calls("GET"), company.calls("POST")) == (1, 2)


def test_what_is_found_again_has_its_number_and_its_totals_compared(
    company: Company, runner: Runner
) -> None:
    line = {"Item": company.items[0], "Quantity": 1}
    order = {"YourRef": "SO-1", "OrderedBy": company.customer, "SalesOrderLines": [line]}
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    (result,) = runner.load(order, stream="sales_orders").results
    assert result["outcome"] == "created"
    assert result["number"] is not None
    company.server.control.faults({"kind": "lost", "method": "POST", "times": 1})
    load = runner.load(
        company.invoice("off-lost", VATAmountFC=1.25, AmountFC=26.25, AmountFCExclVat=25)
    )
    assert load.outcomes == [("off-lost", "created")]
    assert str(load.reasons[0]).startswith("its totals are not those of the record; VATAmountFC is")


@pytest.mark.parametrize("stream", ["sales_invoices", "sales_entries"])
def test_a_changed_record_of_a_document_in_doubt_changes_no_more_than_it_should(
    company: Company, runner: Runner, stream: str
) -> None:
    # One of the two cannot be searched by its reference, and is found by other means.
    company.server.control.faults(
        {
            "kind": "status",
            "status": 400,
            "message": "Error in query syntax.",
            "method": "GET",
            "path": "SalesEntries",
            "times": 2,
        }
    )
    record = (
        company.invoice("CH-1") if stream == "sales_invoices" else _sales_entry(company, "CH-1")
    )
    runner.load(record, stream=stream)
    _forget_the_answer(runner, "CH-1")
    company.server.control.reset_calls()
    load = runner.load({**record, "Description": "new"}, stream=stream, load_method="upsert")
    assert load.outcomes == [("CH-1", "updated")]
    assert load.reasons == [None]
    assert (company.calls("POST"), company.calls("PUT")) == (0, 1)
    rows = company.server.control.truth(company.division, stream)
    assert [row["Description"] for row in rows if row["YourRef"] == "CH-1"] == ["new"]


def test_a_dry_run_does_not_call_a_doubt_a_change(company: Company, runner: Runner) -> None:
    record = company.invoice("dry-doubt")
    runner.load(record)
    _forget_the_answer(runner, "dry-doubt")
    load = runner.load(record, dry_run=True)
    assert load.outcomes == [("dry-doubt", "exists")]
    assert load.reasons == [None]


def _sales_entry(company: Company, reference: str) -> Record:
    accounts = company.server.control.truth(company.division, "gl_accounts")
    revenue = next(row["ID"] for row in accounts if row["Type"] == 110)
    return {
        "YourRef": reference,
        "Customer": company.customer,
        "Journal": "70",
        "EntryDate": "2026-06-25",
        "SalesEntryLines": [{"GLAccount": revenue, "AmountFC": 10}],
    }


def test_a_record_of_another_key_does_not_end_the_load(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    company.server.control.faults({"kind": "cut", "method": "POST", "times": 4})
    lost = [company.invoice("sealed"), company.invoice("plain")]
    runner.load(*lost, settle_after=0)
    store = Store(runner.settings["store_url"])
    sealed = Fernet(Fernet.generate_key()).encrypt(b"{}")
    with store.transaction() as connection:
        one = postings.c.reference == "sealed"
        connection.execute(postings.update().where(one).values(record=sealed))
    store.close()
    load = runner.load(company.invoice("beside-sealed"), settle_after=0)
    assert load.error is None
    assert load.outcomes == [("beside-sealed", "created"), ("plain", "created")]
    assert "Document sealed of stream sales_invoices was encrypted with another key" in caplog.text
    # What brings the record again needs no key.
    assert runner.load(lost[0], settle_after=0).outcomes == [("sealed", "created")]
    assert len(company.invoices("sealed")) == 1


def test_a_search_that_is_refused_for_a_moment_stays_possible(
    company: Company, runner: Runner
) -> None:
    refusal = {"kind": "status", "status": 400, "method": "GET", "path": "SalesEntries"}
    company.server.control.faults({**refusal, "message": "Error in query syntax.", "times": 1})
    assert runner.load(_sales_entry(company, "SE-1"), stream="sales_entries").error is None
    company.server.control.faults({**refusal, "message": "Try later."})
    assert runner.load(_sales_entry(company, "SE-2"), stream="sales_entries").error is not None
    company.server.control.faults()
    company.server.control.reset_calls()
    runner.load(_sales_entry(company, "SE-2"), stream="sales_entries")
    assert company.calls("GET") == 1
