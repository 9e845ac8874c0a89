"""Balances by period, and opening balances of a financial year."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from exactonline_sandbox.reports.ledger import (
    OPENING,
    RETAINED_EARNINGS,
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

_GROUPED = ("FinancialYear", "FinancialPeriod", "GLAccount", "CostCenter", "CostUnit", "Type")


def reporting_balance(company: Company, _today: date) -> list[Row]:
    """What was booked by year, period, ledger account, cost centre and unit, type and status."""
    ledger = Ledger(company)
    groups: dict[tuple[object, ...], list[Decimal]] = defaultdict(list)
    for row in ledger.lines():
        group = (*(row.get(name) for name in _GROUPED), row["Status"])
        groups[group].append(row["AmountDC"])
    rows = []
    ordered = sorted(groups.items(), key=lambda item: tuple(part or "" for part in item[0]))
    for number, (group, amounts) in enumerate(ordered, start=1):
        year, period, account, centre, unit, kind, status = group
        debit = sum((amount for amount in amounts if amount > 0), ZERO)
        credit = -sum((amount for amount in amounts if amount < 0), ZERO)
        rows.append(
            {
                "ID": number,
                "Amount": debit - credit,
                "AmountDebit": debit,
                "AmountCredit": credit,
                "BalanceType": ledger.accounts[str(account)].get("BalanceType"),
                "CostCenterCode": centre,
                "CostUnitCode": unit,
                "Count": len(amounts),
                "GLAccount": account,
                "ReportingYear": year,
                "ReportingPeriod": period,
                "Status": status,
                "Type": kind,
            }
        )
    return rows


def opening_balance(company: Company, year: int, *, processed: bool) -> list[Row]:
    """The opening balance of a financial year, by account of the balance sheet.

    It is what was booked before, and what opening entries of the year itself say. Results that no
    entry has carried to the balance sheet are part of the retained earnings.

    Args:
        company: The company.
        year: The financial year.
        processed: Only by processed entries; else by open ones too.
    """
    ledger = Ledger(company)
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    result = ZERO
    for row in ledger.lines(without=(YEAR_CLOSING, YEAR_OPENING), processed=processed):
        opens = row["FinancialYear"] == year and row["Type"] == OPENING
        if row["FinancialYear"] >= year and not opens:
            continue
        if ledger.is_on_balance_sheet(row):
            sums[row["GLAccount"]] += row["AmountDC"]
        else:
            result += row["AmountDC"]
    account = _retained(ledger)
    if account is not None:
        sums[account] += result
    return [
        {
            "Division": company.code,
            "GLAccount": account,
            "ReportingYear": year,
            "Amount": amount,
            "BalanceSide": ledger.accounts[account].get("BalanceSide"),
        }
        for account, amount in sums.items()
        if amount
    ]


def _retained(ledger: Ledger) -> str | None:
    """The account of retained earnings; of several, that with the highest code."""
    keys = ledger.of_types(RETAINED_EARNINGS)
    return max(keys, key=lambda key: str(ledger.accounts[key]["Code"]), default=None)
