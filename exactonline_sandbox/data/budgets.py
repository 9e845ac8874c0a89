"""Generate the budgets of full books: this year and the one before, by period."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.data.periods import first_year
from exactonline_sandbox.edm.values import cents, wall_clock

if TYPE_CHECKING:
    from exactonline_sandbox.data.maker import Maker

BUDGETS = "budget/Budgets"
_SCENARIOS = "beta/budget/BudgetScenarios"
# A month's amount in a company with 200 invoices; debit is positive.
_MONTHLY = (
    ("revenue_high", -1500), ("revenue_low", -400), ("revenue_services", -900),
    ("revenue_abroad", -2200), ("cost_of_goods", 1900), ("wages", 650), ("social_charges", 125),
    ("pensions", 33), ("depreciation", 240), ("housing", 110), ("office", 80), ("cars", 75),
    ("interest_paid", 138),
)  # fmt: skip
_GROWTH = Decimal("1.04")


def fill_budgets(maker: Maker, size: Decimal) -> None:
    """Make a scenario with an amount for each account and period.

    Args:
        maker: Makes the rows.
        size: What the amounts are multiplied by.
    """
    company = maker.company
    year, _ = company.profile.period_of(wall_clock(maker.today).date())
    scenario = maker.load(
        _SCENARIOS,
        {
            "ID": maker.guid(),
            "Code": "BASIS",
            "Description": "Basisbegroting",
            "FromYear": first_year(maker),
            "ToYear": year,
        },
    )
    for of_year, growth in ((year - 1, Decimal(1)), (year, _GROWTH)):
        for role, monthly in _MONTHLY:
            for period in range(1, 13):
                maker.load(
                    BUDGETS,
                    {
                        "ID": maker.guid(),
                        "HID": maker.number("budget"),
                        "AmountDC": cents(monthly * size * growth),
                        "BudgetScenario": scenario["ID"],
                        "GLAccount": company.gl_accounts[role],
                        "ReportingYear": of_year,
                        "ReportingPeriod": period,
                    },
                )
