"""Profit and loss of a year and of a period, and revenue by period."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exactonline_sandbox.reports.ledger import (
    RESULT_TO_BALANCE,
    REVENUE,
    YEAR_CLOSING,
    YEAR_OPENING,
    ZERO,
    Ledger,
)

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row

_YEAR_END = (RESULT_TO_BALANCE, YEAR_CLOSING, YEAR_OPENING)


def profit_and_loss(company: Company, today: date) -> list[Row]:
    """Revenue, costs and result of this year and the one before, and of their current period."""
    year, period = company.profile.period_of(today)
    sums: dict[tuple[str, int, int | None], Decimal] = defaultdict(lambda: ZERO)
    ledger = Ledger(company)
    revenue = ledger.of_types(REVENUE)
    for row in ledger.lines(without=_YEAR_END):
        if not ledger.is_on_balance_sheet(row):
            name = "Revenue" if row["GLAccount"] in revenue else "Costs"
            sums[name, row["FinancialYear"], None] += row["AmountDC"]
            sums[name, row["FinancialYear"], row["FinancialPeriod"]] += row["AmountDC"]
    overview: Row = {
        "CurrentYear": year,
        "CurrentPeriod": period,
        "PreviousYear": year - 1,
        "PreviousYearPeriod": period,
        "CurrencyCode": company.profile.currency,
    }
    for ending, of_year, of_period in (
        ("CurrentYear", year, None),
        ("CurrentPeriod", year, period),
        ("PreviousYear", year - 1, None),
        ("PreviousYearPeriod", year - 1, period),
    ):
        earned = -sums["Revenue", of_year, of_period]
        spent = sums["Costs", of_year, of_period]
        overview[f"Revenue{ending}"] = earned
        overview[f"Costs{ending}"] = spent
        overview[f"Result{ending}"] = earned - spent
    return [overview]


def revenue_list(company: Company, today: date) -> list[Row]:
    """Revenue by period, of this year and the one before."""
    year, _ = company.profile.period_of(today)
    ledger = Ledger(company)
    accounts = ledger.of_types(REVENUE)
    sums: dict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
    for row in ledger.lines(without=_YEAR_END):
        if row["GLAccount"] in accounts and row["FinancialYear"] in (year - 1, year):
            sums[row["FinancialYear"], row["FinancialPeriod"]] -= row["AmountDC"]
    return [
        {"Year": in_year, "Period": period, "Amount": amount}
        for (in_year, period), amount in sorted(sums.items())
    ]
