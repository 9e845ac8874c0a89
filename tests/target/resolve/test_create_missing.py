"""Accounts that documents need are created once, and again only when they are gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier
from typing import TYPE_CHECKING, Any

from exactonline_client.connection import connect
from target_exactonline.load.journal import Journal
from target_exactonline.load.writer import Writer
from target_exactonline.resolve.create_missing import MissingRows

if TYPE_CHECKING:
    from tests.target.conftest import Company, Runner

ACCOUNTS = "crm/Accounts"
RUNS = 2
PATIENCE = 20.0
"""Seconds that the runs may take to start."""


def accounts(company: Company, name: str) -> list[str]:
    rows = company.server.control.truth(company.division, "accounts")
    return [row["ID"] for row in rows if row["Name"] == name]


def delete(runner: Runner, company: Company, path: str, key: str) -> None:
    """Delete a row by another way than the target."""
    with closing(connect(runner.settings)) as connection:
        address = f"/api/v1/{company.division}/{path}(guid'{key}')"
        connection.session.write("DELETE", address, company.division)


def test_an_account_that_is_gone_is_created_again(company: Company, runner: Runner) -> None:
    new = {"Code": "771234", "Name": "Weg B.V."}
    options: dict[str, Any] = {"create_missing": ["accounts"]}
    runner.load(company.invoice("gone-1", OrderedBy=new), **options)
    (invoice,) = company.invoices("gone-1")
    delete(runner, company, "salesinvoice/SalesInvoices", invoice["InvoiceID"])
    delete(runner, company, ACCOUNTS, invoice["OrderedBy"])
    again = company.invoice("gone-2", OrderedBy=new)
    # What was looked up is believed until Exact says otherwise.
    assert runner.load(again, **options).outcomes == [("gone-2", "rejected")]
    assert runner.load(again, **options).outcomes == [("gone-2", "created")]
    (made,) = accounts(company, "Weg B.V.")
    assert company.invoices("gone-2")[0]["OrderedBy"] == made != invoice["OrderedBy"]


def test_an_account_that_is_called_otherwise_now_is_not_created_again(
    company: Company, runner: Runner
) -> None:
    new = {"Code": "771235", "Name": "Anders B.V."}
    options: dict[str, Any] = {"create_missing": ["accounts"], "lookup_hours": 0}
    runner.load(company.invoice("renamed-1", OrderedBy=new), **options)
    (made,) = accounts(company, "Anders B.V.")
    # Neither its code nor its name finds it from here on, only the key in the journal.
    with closing(connect(runner.settings)) as connection:
        address = f"/api/v1/{company.division}/{ACCOUNTS}(guid'{made}')"
        changed = b'{"Code": "771236", "Name": "Hernoemd B.V."}'
        connection.session.write("PUT", address, company.division, changed)
    assert runner.load(company.invoice("renamed-2", OrderedBy=new), **options).error is None
    assert accounts(company, "Anders B.V.") == []
    assert company.invoices("renamed-2")[0]["OrderedBy"] == made


def test_a_dry_run_says_which_row_is_new(company: Company, runner: Runner) -> None:
    runner.load(company.invoice("dry-other"))
    changed = company.invoice("dry-other", OrderedBy={"Name": "Nieuw B.V."})
    options: dict[str, Any] = {"create_missing": ["accounts"], "load_method": "upsert"}
    load = runner.load(changed, dry_run=True, **options)
    assert load.outcomes == [("dry-other", "would_skip")]
    assert f"OrderedBy: {company.customer} -> a new row of Accounts, Nieuw B.V." in str(
        load.reasons[0]
    )
    assert accounts(company, "Nieuw B.V.") == []


def test_a_dry_run_looks_for_a_doubt_by_what_is_there(company: Company, runner: Runner) -> None:
    ledger = company.server.control.truth(company.division, "gl_accounts")
    line = {"GLAccount": next(row["ID"] for row in ledger if row["Type"] == 110), "AmountFC": 10}
    entry = {
        "YourRef": "dry-entry",
        "Customer": {"Name": "Nog niet B.V."},
        "Journal": "70",
        "EntryDate": "2026-06-25",
        "SalesEntryLines": [line],
    }
    company.server.control.faults(
        # That Exact cannot search by the reference is remembered.
        {
            "kind": "status",
            "status": 400,
            "message": "Error in query syntax.",
            "path": "SalesEntries",
            "times": 2,
        },
        {"kind": "cut", "method": "POST", "path": "SalesEntries", "times": 2},
    )
    options: dict[str, Any] = {"stream": "sales_entries", "settle_after": 0}
    first = runner.load({**entry, "Customer": company.customer}, **options)
    assert first.outcomes == [("dry-entry", "in_doubt")]
    load = runner.load(entry, **options, dry_run=True, create_missing=["accounts"])
    assert load.error is None
    assert load.outcomes == [("dry-entry", "would_create")]


def test_two_runs_that_need_one_account_create_it_once(
    company: Company, settings: dict[str, Any]
) -> None:
    # The second run asks for the account while that of the first is being created.
    company.server.control.faults(
        {"kind": "latency", "seconds": 0.5, "method": "POST", "path": "Accounts"}
    )
    company.server.control.reset_calls()
    both_start = Barrier(RUNS)

    def create(_run: int) -> str:
        with closing(connect(settings)) as connection:
            journal = Journal(connection.store, connection.app.key, company.division)
            writer = Writer(connection, company.division, journal, settle_after=60)
            both_start.wait(PATIENCE)
            return MissingRows(writer).create(ACCOUNTS, {"Name": "Tegelijk B.V.", "Status": "C"})

    with ThreadPoolExecutor(RUNS) as runs:
        keys = set(runs.map(create, range(RUNS)))
    assert list(keys) == accounts(company, "Tegelijk B.V.")
    assert company.calls("POST") == 1
