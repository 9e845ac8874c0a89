"""Generate the financial years and periods of full books."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.data.maker import HISTORY
from exactonline_sandbox.edm.values import wall_clock

if TYPE_CHECKING:
    from exactonline_sandbox.data.maker import Maker

FINANCIAL_PERIODS = "financial/FinancialPeriods"
YEARS = 5
CLOSED_YEARS = 2
_PERIODS = range(1, 13)
THIRTEENTH = 13


def first_year(maker: Maker) -> int:
    """The financial year that the books start with."""
    start = wall_clock(maker.today - HISTORY).date()
    return maker.company.profile.period_of(start)[0]


def fill_periods(maker: Maker) -> None:
    """Make the periods of five years; the last closed year has a thirteenth where there is one."""
    profile, first = maker.company.profile, first_year(maker)
    for year in range(first, first + YEARS):
        periods = list(_PERIODS)
        if profile.thirteenth and year == first + CLOSED_YEARS - 1:
            periods.append(THIRTEENTH)
        for period in periods:
            end = profile.end_of(year, period)
            maker.load(
                FINANCIAL_PERIODS,
                {
                    "ID": maker.guid(),
                    "FinYear": year,
                    "FinPeriod": period,
                    "StartDate": end if period == THIRTEENTH else profile.start_of(year, period),
                    "EndDate": end,
                },
            )
