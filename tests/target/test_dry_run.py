"""A dry run says of each record what the run itself would: it knows what it would have written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.store.outcomes import WOULD, Status

if TYPE_CHECKING:
    from tests.target.conftest import Company, Message, Record, Runner

THERE = "a0b1c2d3-0000-4000-8000-0000000000cc"


def both(runner: Runner, messages: list[Message], **options: Any) -> list[tuple[str | None, str]]:
    """The outcomes of a load, which a dry run before it says as well."""
    dry = runner.run(messages, dry_run=True, **options)
    real = runner.run(messages, **options)
    assert dry.outcomes == [(name, WOULD.get(Status(each), each)) for name, each in real.outcomes]
    return real.outcomes


def streams(runner: Runner, **records: list[Record]) -> list[Message]:
    messages = [runner.schema(stream) for stream in records]
    for stream, rows in records.items():
        messages += [runner.record(row, stream) for row in rows]
    return [*messages, runner.state(1)]


def invoice(company: Company, reference: str, **fields: Any) -> Record:
    lines = [{"ItemCode": "DRY-1", "Quantity": 1, "NetPrice": 3}]
    return company.invoice(reference, SalesInvoiceLines=lines, **fields)


def test_an_invoice_finds_what_came_before_it_by_code_and_name(
    company: Company, runner: Runner
) -> None:
    outcomes = both(
        runner,
        streams(
            runner,
            accounts=[{"Code": "990101", "Name": "Droog B.V.", "Status": "C"}],
            items=[{"Code": "DRY-1", "Description": "Dry", "IsSalesItem": True}],
            contacts=[
                {
                    "reference": "dry-contact",
                    "Account": "990101",
                    "FirstName": "Dries",
                    "LastName": "Droog",
                }
            ],
            sales_invoices=[
                invoice(company, "dry-code", OrderedBy="990101"),
                invoice(company, "dry-name", OrderedBy={"Name": "Droog B.V."}),
                invoice(company, "dry-person", OrderedByContactPersonFullName="Dries Droog"),
                invoice(company, "dry-neither", OrderedBy="990102"),
            ],
        ),
    )
    assert [outcome for _, outcome in outcomes] == ["created"] * 6 + ["rejected"]


def test_keys_of_another_division_are_followed_to_what_came_before(
    company: Company, runner: Runner
) -> None:
    elsewhere = {"Division": company.division + 1}
    account = {**elsewhere, "ID": THERE, "Code": "990111", "Name": "Elders B.V.", "Status": "C"}
    copied = {**company.invoice("dry-copy", OrderedBy=THERE), **elsewhere}
    lines = [{"Item": THERE, "ItemCode": "A-0001", "Quantity": 1}]
    messages = streams(
        runner, accounts=[account], sales_invoices=[{**copied, "SalesInvoiceLines": lines}]
    )
    assert {outcome for _, outcome in both(runner, messages)} == {"created"}


def test_a_name_that_two_would_have_is_no_name(company: Company, runner: Runner) -> None:
    twins = [{"Code": code, "Name": "Dubbel Droog B.V."} for code in ("990121", "990122")]
    wanted = company.invoice("dry-twin", OrderedBy={"Name": "Dubbel Droog B.V."})
    outcomes = both(runner, streams(runner, accounts=twins, sales_invoices=[wanted]))
    assert outcomes[-1] == ("dry-twin", "rejected")


@pytest.mark.parametrize(
    ("options", "last"), [({}, "exists"), ({"load_method": "upsert"}, "updated")]
)
def test_a_reference_that_comes_again_is_there_by_then(
    company: Company, runner: Runner, options: dict[str, str], last: str
) -> None:
    record = company.invoice(f"dry-again-{last}")
    records = [record, record, {**record, "Description": "changed"}]
    messages = streams(runner, sales_invoices=records)
    outcomes = both(runner, messages, batch_size_rows=1, **options)
    assert [outcome for _, outcome in outcomes] == ["created", "unchanged", last]


def test_what_a_document_would_create_is_there_for_its_own_record(
    company: Company, runner: Runner
) -> None:
    new = {"Code": "990131", "Name": "Eerst nodig B.V."}
    messages = [
        *streams(runner, sales_invoices=[company.invoice("dry-first", OrderedBy=new)]),
        *streams(runner, accounts=[{**new, "City": "Goes"}]),
    ]
    outcomes = both(runner, messages, create_missing=["accounts"])
    assert [outcome for _, outcome in outcomes] == ["created", "exists"]


def test_a_document_that_refers_to_a_new_row_is_not_looked_for_by_it(
    company: Company, runner: Runner
) -> None:
    ledger = company.server.control.truth(company.division, "gl_accounts")[-1]["ID"]
    lines = [{"GLAccount": ledger, "AmountFC": amount, "Account": "990141"} for amount in (7, -7)]
    entry = {"reference": "dry-entry", "JournalCode": "90", "GeneralJournalEntryLines": lines}
    account = {"Code": "990141", "Name": "Geboekt B.V."}
    messages = streams(runner, accounts=[account], general_journal_entries=[entry])
    outcomes = both(runner, messages, new_store=False)
    assert [outcome for _, outcome in outcomes] == ["created", "created"]


def test_what_came_before_is_written_before_a_full_batch(company: Company, runner: Runner) -> None:
    account = {"Code": "990151", "Name": "Wachtend B.V.", "Status": "C"}
    invoices = [company.invoice(f"dry-full-{number}", OrderedBy="990151") for number in range(3)]
    messages = streams(runner, accounts=[account], sales_invoices=invoices)
    outcomes = both(runner, messages, batch_size_rows=2)
    assert {outcome for _, outcome in outcomes} == {"created"}
