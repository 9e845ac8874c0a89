"""Codes of short lists are checked before anything is sent, in few calls."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import RecordsRejected
from exactonline_sandbox import Sandbox, SandboxConfig
from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.rows import create
from tests.target.books import UPLOAD, load
from tests.target.conftest import sign_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exactonline_sandbox import Server
    from tests.target.books import Books
    from tests.target.conftest import Company, Record, Runner

MANY = 130
"""Rows of a list that is more than two pages long."""


def calls(server: Server, endpoint: str) -> int:
    """How often a list was read."""
    found = server.control.calls()["calls"]
    return sum(
        call["count"]
        for call in found
        if call["endpoint"].endswith(endpoint) and call["method"] == "GET"
    )


def line(company: Company, **fields: Any) -> list[Record]:
    return [{"Item": company.items[0], "Quantity": 1, "NetPrice": 1, **fields}]


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("VATCode", "41", "no row of VATCodes has Code '41' (there are: "),
        ("CostCenter", "VERKOOP", "no row of Costcenters has Code 'VERKOOP' (there are: VERK, "),
        ("CostUnit", "Zuidd", "no row of Costunits has Code 'Zuidd' (there are: ZUID, "),
    ],
)
def test_an_unknown_code_of_a_line_is_answered_with_those_there_are(
    company: Company, runner: Runner, name: str, code: str, said: str, *, dry_run: bool
) -> None:
    record = company.invoice("code-line", SalesInvoiceLines=line(company, **{name: code}))
    load = runner.load(record, dry_run=dry_run)
    assert load.outcomes == [("code-line", "would_reject" if dry_run else "rejected")]
    assert str(load.reasons[0]).startswith(f"SalesInvoiceLines[1].{name}: {said}")
    assert isinstance(load.error, RecordsRejected)
    assert company.calls("POST") == 0


@pytest.mark.parametrize(
    ("stream", "record", "said"),
    [
        (
            "sales_invoices",
            {"Journal": "77", "PaymentCondition": "77"},
            (
                "Journal: no row of Journals has Code '77' (there are: 10, 20, 21, 22, 60, 70, "
                "90); PaymentCondition: no row of PaymentConditions has Code '77' (there are: 00, "
                "14, 30, 31, 60)"
            ),
        ),
        (
            "accounts",
            {"Code": "880001", "Name": "A", "sales_vat_code": "99"},
            (
                "SalesVATCode: no row of VATCodes has Code '99' (there are: 9, 0, 11, 2, 20, "
                "21, 22, 3, 30, 4, 5, 6, 7, 8)"
            ),
        ),
        (
            "general_journal_entries",
            {"reference": "J", "journal_code": "91", "GeneralJournalEntryLines": None},
            "JournalCode: no row of Journals has Code '91' (there are: 10, 20, 21, 22, 60, 70, 90)",
        ),
    ],
)
def test_codes_of_all_entities_are_checked(
    company: Company, runner: Runner, stream: str, record: Record, said: str
) -> None:
    if stream == "sales_invoices":
        record = company.invoice("code-header", **record)
    if "GeneralJournalEntryLines" in record:
        ledger = company.server.control.truth(company.division, "gl_accounts")[-1]["ID"]
        amounts = [{"GLAccount": ledger, "AmountFC": amount} for amount in (5, -5)]
        record = {**record, "GeneralJournalEntryLines": amounts}
    load = runner.load(record, stream=stream, dry_run=True)
    assert load.reasons == [said]


def test_all_that_is_wrong_is_said_at_once_and_nothing_created_for_it(
    company: Company, runner: Runner
) -> None:
    lines = [*line(company, VATCode="99"), {"Item": "none such", "Quantity": 1}]
    new = {"Code": "880002", "Name": "Voor niets B.V."}
    record = company.invoice("code-all", OrderedBy=new, SalesInvoiceLines=lines)
    load = runner.load(record, create_missing=["accounts"])
    assert str(load.reasons[0]).startswith("SalesInvoiceLines[1].VATCode: no row of VATCodes")
    assert "SalesInvoiceLines[2].Item: no row of Items has Code 'none such'" in str(load.reasons[0])
    assert company.calls("POST") == 0


def test_an_account_that_may_be_created_is_checked_as_well(
    company: Company, runner: Runner
) -> None:
    new = {"Code": "880003", "Name": "Met btw B.V.", "SalesVATCode": "99"}
    load = runner.load(
        company.invoice("code-inline", OrderedBy=new), create_missing=["accounts"], dry_run=True
    )
    assert str(load.reasons[0]).startswith("OrderedBy.SalesVATCode: no row of VATCodes has Code")


def test_a_list_is_read_once_and_what_it_holds_is_kept(company: Company, runner: Runner) -> None:
    codes = ["0", "2", "4", " 5 "]
    records = [
        company.invoice(f"code-{number}", SalesInvoiceLines=line(company, VATCode=code, Quantity=0))
        for number, code in enumerate(codes)
    ]
    load = runner.load(*records, batch_size_rows=1)
    assert {outcome for _, outcome in load.outcomes} == {"created"}
    assert calls(company.server, "VATCodes") == 1
    again = [{**record, "YourRef": f"again-{record['YourRef']}"} for record in records]
    assert runner.load(*again).error is None
    assert calls(company.server, "VATCodes") == 1
    # A dry run keeps nothing, and reads it for itself.
    wrong = [company.invoice(f"w{n}", SalesInvoiceLines=line(company, VATCode="99")) for n in "123"]
    runner.load(*wrong, dry_run=True, batch_size_rows=1)
    assert calls(company.server, "VATCodes") == 2


def test_upper_and_lower_case_are_the_same(company: Company, runner: Runner) -> None:
    record = company.invoice("code-case", SalesInvoiceLines=line(company, CostCenter="verk"))
    assert runner.load(record, dry_run=True).outcomes == [("code-case", "would_create")]


@pytest.mark.parametrize("answer", ["403", "empty"])
def test_without_rights_to_a_list_codes_are_sent_unchecked(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture, answer: str
) -> None:
    switches = company.server.control.switches
    records = [
        company.invoice(
            f"code-{answer}-{code}", SalesInvoiceLines=line(company, CostCenter=code, VATCode="0")
        )
        for code in ("VERK", "none")
    ]
    switches(denied=["hrm/Costcenters"], denied_answer=answer)
    try:
        load = runner.load(*records, batch_size_rows=1)
        first = calls(company.server, "Costcenters")
        runner.load(*[{**each, "YourRef": f"more-{each['YourRef']}"} for each in records])
    finally:
        switches(denied=[], denied_answer="403")
    assert [outcome for _, outcome in load.outcomes] == ["created", "rejected"]
    # In Exact's words.
    assert load.reasons[1] == "Invalid reference: CostCenter"
    assert "codes of hrm/Costcenters are sent unchecked" in caplog.text
    # That rights are lacking is remembered for a day.
    assert (calls(company.server, "Costcenters") == first) == (answer == "403")


@pytest.mark.parametrize("status", [404, 500, 503])
def test_a_list_that_fails_stops_no_document(
    company: Company, patient: Runner, status: int
) -> None:
    company.server.control.faults({"kind": "status", "status": status, "path": "Costcenters"})
    reference = f"code-{status}"
    record = company.invoice(reference, SalesInvoiceLines=line(company, CostCenter="VERK"))
    load = patient.load(record)
    assert load.error is None
    assert load.outcomes == [(reference, "created")]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_code_that_came_in_the_same_input_is_known(
    company: Company, runner: Runner, *, dry_run: bool
) -> None:
    code = f"NIEUW{dry_run:d}"
    first, second = (
        company.invoice(
            f"code-new-{number}-{dry_run}", SalesInvoiceLines=line(company, CostCenter=cost_center)
        )
        for number, cost_center in enumerate(["VERK", code])
    )
    load = runner.run(
        [
            runner.schema("costcenters"),
            runner.schema(),
            # The list is read before the new one is there.
            runner.record(first),
            runner.state(1),
            runner.record({"Code": code, "Description": "New"}, "costcenters"),
            runner.record(second),
            runner.state(2),
        ],
        dry_run=dry_run,
    )
    assert {outcome for _, outcome in load.outcomes} == {"would_create" if dry_run else "created"}


@contextmanager
def many(endpoint: str, codes: list[str]) -> Iterator[Server]:
    """A sandbox of its own, with a list that is too long to be read."""
    config = SandboxConfig(seed=7, invoices=1, minutely_limit=100_000, daily_limit=100_000)
    with Sandbox(config).running() as server:
        world = server.world
        editor = Editor(world.company(server.divisions[0]), world.author(world.config.users[0]))
        for code in codes:
            create(editor, endpoint, {"Code": code, "Description": code})
        server.control.reset_calls()
        yield server


@pytest.mark.parametrize(
    ("endpoint", "name"), [("hrm/Costunits", "CostUnit"), ("vat/VATCodes", "VATCode")]
)
def test_a_list_that_is_too_long_is_asked_for_the_codes(
    runner: Runner, endpoint: str, name: str
) -> None:
    codes = [f"{number:X}X" for number in range(MANY)]
    with many(endpoint, codes) as server:
        truth = server.control.truth
        division = server.divisions[0]
        customer = next(row["ID"] for row in truth(division, "accounts") if row["Status"] == "C")
        item = next(row["ID"] for row in truth(division, "items") if row["IsSalesItem"])
        runner.settings |= sign_in(server)
        records = [
            {
                "YourRef": f"long-{code}",
                "OrderedBy": customer,
                "SalesInvoiceLines": [{"Item": item, "Quantity": 1, name: code}],
            }
            for code in [*codes, "ZZX"]
        ]
        load = runner.load(*records, dry_run=True)
        assert [outcome for _, outcome in load.outcomes] == ["would_create"] * MANY + [
            "would_reject"
        ]
        assert str(load.reasons[-1]).endswith(", ...)")
        # Two pages, and what they lack in one call.
        assert calls(server, endpoint) == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gl_account": "1399"}, "gl_account: no row of GLAccounts has Code '1399' (there are: "),
        (
            {"journal": "77"},
            "lines[2].journal: no row of Journals has Code '77' (there are: 10, 20",
        ),
        (
            {"write_off": {"gl_account": "9", "type": "0"}},
            "write_off.gl_account: no row of GLAccounts has Code '9' (there are: ",
        ),
    ],
    ids=["ledger account", "journal", "write-off"],
)
def test_a_dry_run_checks_the_codes_of_match_sets(
    books: Books, runner: Runner, change: Record, said: str
) -> None:
    right, wrong = books.item(), books.item(paid="99.00" if "write_off" in change else None)
    journal = change.pop("journal", None)
    wrong |= change
    if journal:
        wrong["lines"][1]["journal"] = journal
    dry = load(runner, right, wrong, wrong, dry_run=True)
    assert dry.outcomes == [
        (right["reference"], "would_create"),
        (wrong["reference"], "would_reject"),
        (wrong["reference"], "would_reject"),
    ]
    assert str(dry.reasons[1]).startswith(said)
    assert dry.reasons[1] == dry.reasons[2]
    assert books.calls(UPLOAD) == 0
