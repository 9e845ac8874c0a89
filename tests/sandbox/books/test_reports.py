from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_sandbox import SandboxConfig
from exactonline_sandbox.world import World
from tests.sandbox.books.invariants import ZERO, accounts, ledger, period_of, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
_RESULT_TYPES = (326, 327, 328)


class Books:
    """A company with its reports."""

    def __init__(self, world: World, division: int) -> None:
        self.world = world
        self.company: Any = world.company(division)

    def report(self, endpoint: str) -> list[dict[str, Any]]:
        return list(self.world.rows_of(endpoint, self.company).rows.values())

    @property
    def year(self) -> int:
        return int(self.company.profile.period_of(NOW.date())[0])


@pytest.fixture(scope="module")
def world() -> World:
    config = SandboxConfig(invoices=60, clock=NOW, speed=0.0, books="full", divisions=3)
    return World(config)


@pytest.fixture(scope="module", params=[1_700_001, 1_700_002, 1_700_003])
def books(request: pytest.FixtureRequest, world: World) -> Books:
    return Books(world, request.param)


def balances(lines: list[dict[str, Any]], *columns: str) -> dict[tuple[Any, ...], Decimal]:
    """Sums that are not zero, by the values of columns."""
    sums: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    for row in lines:
        sums[tuple(row.get(column) for column in columns)] += row["AmountDC"]
    return {key: value for key, value in sums.items() if value}


def test_reporting_balance_is_the_ledger(books: Books) -> None:
    report = books.report("financial/ReportingBalance")
    assert len(report) > 500
    lines = rows(books.company, "financialtransaction/TransactionLines")
    columns = ("FinancialYear", "FinancialPeriod", "GLAccount", "CostCenter", "CostUnit", "Type")
    given = {
        tuple(
            row.get(name)
            for name in (
                "ReportingYear",
                "ReportingPeriod",
                "GLAccount",
                "CostCenterCode",
                "CostUnitCode",
                "Type",
                "Status",
            )
        ): row["Amount"]
        for row in report
        if row["Amount"]
    }
    assert given == balances(lines, *columns, "Status")
    assert sum(row["Count"] for row in report) == len(lines)
    assert all(row["Amount"] == row["AmountDebit"] - row["AmountCredit"] for row in report)
    assert {row["Status"] for row in report} == {20, 50}


@pytest.mark.parametrize("years_back", [0, 1])
@pytest.mark.parametrize("kind", ["AfterEntry", "Processed"])
def test_opening_of_a_year_is_the_closing_before(books: Books, kind: str, years_back: int) -> None:
    year = books.year - years_back
    which = "PreviousYear" if years_back else "CurrentYear"
    report = books.report(f"openingbalance/{which}/{kind}")
    assert report
    assert {row["ReportingYear"] for row in report} == {year}
    assert sum(row["Amount"] for row in report) == 0
    before = [
        row
        for row in ledger(books.company)
        if row["FinancialYear"] < year and (kind == "AfterEntry" or row["Status"] == 50)
    ]
    chart = {row["ID"]: row for row in rows(books.company, "financial/GLAccounts")}
    closing = balances(before, "GLAccount")
    sheet = {key: value for (key,), value in closing.items() if chart[key]["BalanceType"] == "B"}
    result = sum((value for (key,), value in closing.items() if key not in sheet), ZERO)
    retained = books.company.gl_accounts["result"]
    sheet[retained] = sheet.get(retained, ZERO) + result
    assert {row["GLAccount"]: row["Amount"] for row in report} == {
        key: value for key, value in sheet.items() if value
    }


@pytest.mark.parametrize(
    ("name", "kind", "sign", "terms"),
    [("Receivables", 20, 1, "Receivables"), ("Payables", 22, -1, "Payments")],
)
def test_lists_of_open_items_are_terms_and_ledger(
    books: Books, name: str, kind: int, sign: int, terms: str
) -> None:
    listed = books.report(f"read/financial/{name}List")
    found = sorted((row["EntryNumber"], row["AccountId"], row["Amount"]) for row in listed)
    waiting: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    for term in rows(books.company, f"cashflow/{terms}"):
        if not term["IsFullyPaid"]:
            line = (term["EntryNumber"], term["Account"], term["TransactionID"])
            waiting[line] += term["AmountDC"]
    assert found == sorted(
        (entry, account, amount) for (entry, account, _), amount in waiting.items()
    )
    control = accounts(books.company, kind)
    booked = [row for row in ledger(books.company) if row["GLAccount"] in control]
    per_account = {key: sign * value for (key,), value in balances(booked, "Account").items()}
    ageing = books.report(f"read/financial/Aging{name}List")
    assert {row["AccountId"]: row["TotalAmount"] for row in ageing if row["TotalAmount"]} == (
        per_account
    )
    for row in ageing:
        assert sum(row[f"AgeGroup{number}Amount"] for number in range(1, 5)) == row["TotalAmount"]
    overview = books.report("read/financial/AgingOverview")
    column = "AmountReceivable" if kind == 20 else "AmountPayable"
    for group in overview:
        number = group["AgeGroup"]
        assert group[column] == sum(row[f"AgeGroup{number}Amount"] for row in ageing)


def test_outstanding_counts_what_the_lists_show(books: Books) -> None:
    (overview,) = books.report("read/financial/OutstandingInvoicesOverview")
    assert overview["CurrencyCode"] == books.company.profile.currency
    for name in ("Receivable", "Payable"):
        items = books.report(f"read/financial/{name}sList")
        overdue = [row for row in items if row["DueDate"] < NOW.date()]
        for word, group in (("Outstanding", items), ("Overdue", overdue)):
            assert overview[f"{word}{name}InvoiceCount"] == len(group)
            assert overview[f"{word}{name}InvoiceAmount"] == sum(row["Amount"] for row in group)


def test_profit_and_loss_and_revenue_are_those_of_the_balances(books: Books) -> None:
    (overview,) = books.report("read/financial/ProfitLossOverview")
    year, period = books.company.profile.period_of(NOW.date())
    assert (overview["CurrentYear"], overview["CurrentPeriod"]) == (year, period)
    report = [
        row
        for row in books.report("financial/ReportingBalance")
        if row["BalanceType"] == "W" and row["Type"] not in _RESULT_TYPES
    ]
    assert overview["ResultCurrentYear"] == -sum(
        row["Amount"] for row in report if row["ReportingYear"] == year
    )
    assert overview["ResultPreviousYearPeriod"] == -sum(
        row["Amount"]
        for row in report
        if (row["ReportingYear"], row["ReportingPeriod"]) == (year - 1, period)
    )
    revenue = accounts(books.company, 110)
    by_period: dict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
    for row in ledger(books.company):
        if row["GLAccount"] in revenue and row["Type"] != 326:
            by_period[period_of(row)] -= row["AmountDC"]
    listed = {
        (row["Year"], row["Period"]): row["Amount"]
        for row in books.report("read/financial/RevenueList")
    }
    assert listed == {key: amount for key, amount in by_period.items() if key[0] >= year - 1}
    earned = sum(amount for (of, _), amount in listed.items() if of == year - 1)
    assert overview["RevenuePreviousYear"] == earned


def test_two_years_are_closed_in_every_journal(books: Books) -> None:
    report = books.report("read/financial/JournalStatusList")
    first = min(row["Year"] for row in report)
    assert {row["Year"] for row in report if row["Status"] == 1} == {first, first + 1}
    assert {row["Year"] for row in report if row["Status"] == 0} == {first + 2, first + 3}
    assert {row["Journal"] for row in report} >= {"20", "60", "70", "90"}


def test_returns_are_the_entries_that_file_them(books: Books) -> None:
    report = books.report("read/financial/Returns")
    entries = {row["EntryID"] for row in ledger(books.company) if row["Type"] == 50}
    assert len(report) == len(entries) >= 8
    documents = {row["ID"] for row in rows(books.company, "documents/Documents")}
    assert {row["DocumentID"] for row in report} <= documents


def test_reports_follow_what_is_posted_and_paged(start: Callable[..., Any]) -> None:
    api = start(books="full", invoices=20)
    before = api.rows("read/financial/ReceivablesList")
    balance = api.rows("financial/ReportingBalance")
    assert len(balance) > 60
    assert [row["ID"] for row in balance] == [str(number + 1) for number in range(len(balance))]
    assert balance[0]["GLAccountCode"]
    customer = api.rows("crm/Accounts?$filter=Status eq 'C'&$select=ID")[0]["ID"]
    revenue = api.rows("financial/GLAccounts?$filter=Code eq '8000'&$select=ID")[0]["ID"]
    lines = [{"GLAccount": revenue, "AmountFC": 100, "VATCode": "0"}]
    body = {"Customer": customer, "Journal": "70", "SalesEntryLines": lines}
    made = api.create("salesentry/SalesEntries", body)
    after = api.rows("read/financial/ReceivablesList")
    (new,) = [row for row in after if row["EntryNumber"] == made["EntryNumber"]]
    assert len(after) == len(before) + 1
    assert new["Amount"] == 100
    (overview,) = api.rows("read/financial/ProfitLossOverview")
    assert overview["CurrencyCode"] == "EUR"


def test_simple_books_have_reports_too() -> None:
    world = World(SandboxConfig(invoices=20, clock=NOW, speed=0.0, books="simple"))
    books = Books(world, 1_700_001)
    total = sum(row["Amount"] for row in books.report("read/financial/ReceivablesList"))
    control = accounts(books.company, 20)
    booked = (row["AmountDC"] for row in ledger(books.company) if row["GLAccount"] in control)
    assert total == sum(booked, ZERO)
    assert books.report("read/financial/JournalStatusList") == []
