from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from exactonline_sandbox import SandboxConfig
from exactonline_sandbox.reports.tables import REPORTS
from exactonline_sandbox.world import World
from tests.sandbox.books.invariants import LINES, ledger, rows

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
DUTCH, BELGIAN, DOLLARS = 1_700_001, 1_700_002, 1_700_003


@pytest.fixture(scope="module")
def world() -> World:
    config = SandboxConfig(invoices=200, clock=NOW, speed=0.0, books="full", divisions=3)
    return World(config)


@pytest.fixture(scope="module", params=[DUTCH, BELGIAN, DOLLARS])
def company(request: pytest.FixtureRequest, world: World) -> Any:
    return world.company(request.param)


def types(company: Any) -> set[int]:
    return {row["Type"] for row in rows(company, LINES)}


def test_three_companies(world: World) -> None:
    user = world.config.users[0]
    divisions = world.user_table("system/Divisions", user, DUTCH).rows
    assert [
        (row["Country"], row["Currency"], row["VATNumber"][:2]) for row in divisions.values()
    ] == [("NL", "EUR", "NL"), ("BE", "EUR", "BE"), ("NL", "USD", "NL")]


def test_chart_has_about_sixty_accounts_of_every_kind(company: Any) -> None:
    chart = rows(company, "financial/GLAccounts")
    assert 60 <= len(chart) <= 70
    kinds = Counter(row["Type"] for row in chart)
    assert set(kinds) >= {10, 12, 20, 21, 22, 24, 25, 26, 27, 29, 30, 35, 40, 50, 52, 55, 100}
    assert set(kinds) >= {110, 111, 120, 121, 122, 125, 126, 130, 140, 150, 160}
    assert len({row["Code"] for row in chart}) == len(chart)
    boxes = {row.get("VATGLAccountType") for row in chart} - {None}
    assert boxes == ({"81", "82", "83"} if company.profile.country == "BE" else set())


def test_two_schemes_and_a_tree_of_rgs(company: Any) -> None:
    assert len(rows(company, "financial/GLSchemes")) == 2
    by_key = {row["ID"]: row for row in rows(company, "financial/GLClassifications")}
    for row in by_key.values():
        if "Parent" in row:
            assert row["Code"].startswith(by_key[row["Parent"]]["Code"])


def test_five_years_of_periods(company: Any) -> None:
    periods = rows(company, "financial/FinancialPeriods")
    by_year = Counter(row["FinYear"] for row in periods)
    assert len(by_year) == 5
    if company.code == DUTCH:
        assert sorted(by_year.values()) == [12, 12, 12, 12, 13]
        assert [row for row in ledger(company) if row["FinancialPeriod"] == 13]
    else:
        assert set(by_year.values()) == {12}
    start = min(row["StartDate"] for row in periods)
    assert (start.month, start.day) == ((7, 1) if company.code == BELGIAN else (1, 1))


def test_currencies_and_monthly_rates(company: Any) -> None:
    codes = {row["Code"] for row in rows(company, "general/Currencies")}
    assert codes == {"EUR", "USD", "GBP"}
    rates = rows(company, "financial/ExchangeRates")
    assert len(rates) == 120
    assert {row["TargetCurrency"] for row in rates} == {company.profile.currency}
    invoices = rows(company, "salesinvoice/SalesInvoices")
    assert {row["Currency"] for row in invoices} == codes
    bills = {row["Currency"] for row in rows(company, "purchaseentry/PurchaseEntries")}
    assert bills == {"EUR", "USD"}


def test_kinds_of_entries(company: Any) -> None:
    kinds = {10, 20, 21, 30, 31, 40, 50, 80, 82, 83, 90}
    if company.profile.country == "BE":
        kinds |= {326, 327, 328}
    assert types(company) == kinds
    reversals = [
        row for row in rows(company, "generaljournalentry/GeneralJournalEntries") if row["Reversal"]
    ]
    assert reversals


def test_payments_in_part_together_and_too_much(company: Any) -> None:
    terms = rows(company, "cashflow/Receivables")
    parts = Counter(row["TransactionID"] for row in terms)
    assert max(parts.values()) >= 2
    overpaid = [row for row in terms if row["TransactionType"] == 40]
    assert {row["AmountFC"] for row in overpaid} == {Decimal(-10)}
    assert any(row["TransactionType"] == 10 for row in terms)
    together = Counter(
        (row["EntryID"], row["Account"])
        for row in rows(company, "financialtransaction/BankEntryLines")
        if "OffsetID" in row
    )
    assert max(together.values()) >= 2
    suspense = company.gl_accounts["suspense"]
    assert [row for row in ledger(company) if row["GLAccount"] == suspense]
    for table in ("cashflow/Receivables", "cashflow/Payments"):
        assert {row["IsFullyPaid"] for row in rows(company, table)} == {True, False}
    statuses = {
        row["StarterSalesInvoiceStatus"] for row in rows(company, "salesinvoice/SalesInvoices")
    }
    assert statuses == {0, 1, 3}


def test_vat_of_all_kinds(company: Any) -> None:
    codes = rows(company, "vat/VATCodes")
    assert {row["VATTransactionType"] for row in codes} == {"B", "S", "P"}
    assert {row["EUSalesListing"] for row in codes} == {"N", "L", "S"}
    assert [row["OssCountry"] for row in codes if "OssCountry" in row] == ["DE"]
    assert sum(row["Charged"] for row in codes) == 3
    used = {row.get("VATCode") for row in ledger(company)}
    assert used >= {"0", "2", "4", "7", "8", "9", "11", "20", "21", "22", "30"}
    letters = {row.get("VATType") for row in ledger(company)}
    assert letters >= {"V", "A", "Z", "X", "I", "O", "P", "W", "S"}
    for row in rows(company, "crm/Accounts"):
        abroad_in_eu = row["Country"] in ("NL", "BE", "DE", "FR")
        if abroad_in_eu and row.get("SalesVATCode") in ("7", "9"):
            assert row["VATNumber"].startswith(row["Country"])


def test_lines_of_the_ledger_say_what_they_are_of(company: Any) -> None:
    lines = ledger(company)
    for column in ("CostCenter", "CostUnit", "Item", "OffsetID", "VATType", "AmountVATBaseFC"):
        assert sum(column in row for row in lines) > 20


def test_one_bill_is_booked_in_the_year_before(company: Any) -> None:
    profile = company.profile
    late = [
        row
        for row in rows(company, "purchaseentry/PurchaseEntries")
        if profile.period_of(row["EntryDate"]) != (row["ReportingYear"], row["ReportingPeriod"])
    ]
    assert [row["Status"] for row in late] == [50]


def test_budgets_are_no_part_of_the_ledger(company: Any) -> None:
    budgets = rows(company, "budget/Budgets")
    assert len(budgets) == 24 * len({row["GLAccount"] for row in budgets})
    assert 3000 not in types(company)


@pytest.mark.parametrize("report", sorted(REPORTS))
def test_every_report_has_rows(world: World, company: Any, report: str) -> None:
    assert len(world.rows_of(report, company))
