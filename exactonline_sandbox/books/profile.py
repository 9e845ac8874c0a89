"""Country, currencies and financial years of a company."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from exactonline_sandbox.config import FIRST_DIVISION

SIMPLE, FULL, EMPTY = "simple", "full", "empty"
_MONTHS = 12


@dataclass(frozen=True)
class Profile:
    """Country, currencies and financial years of a company."""

    country: str = "NL"
    """Its legislation too."""
    currency: str = "EUR"
    """The currency of its books."""
    foreign: tuple[str, ...] = ()
    """Other currencies that it trades in."""
    first_month: int = 1
    """The month in which a financial year starts; it is named by the year in which it ends."""
    detailed: bool = False
    """Entries of invoices keep the items and cost centres of their lines."""
    thirteenth: bool = False
    """Closed years have a thirteenth period, for adjustments."""

    def period_of(self, day: date) -> tuple[int, int]:
        """The financial year and period of a day."""
        if self.first_month == 1:
            return day.year, day.month
        months = day.month - self.first_month
        return day.year + (months >= 0), months % _MONTHS + 1

    def start_of(self, year: int, period: int) -> date:
        """The first day of one of the twelve periods of a financial year."""
        months = self.first_month - 1 + period - 1
        first = year if self.first_month == 1 else year - 1
        return date(first + months // _MONTHS, months % _MONTHS + 1, 1)

    def end_of(self, year: int, period: int) -> date:
        """The last day of a period; the thirteenth ends with the year."""
        if period >= _MONTHS:
            return self.start_of(year + 1, 1) - timedelta(days=1)
        return self.start_of(year, period + 1) - timedelta(days=1)


_SIMPLE = Profile()
_FULL = (
    Profile("NL", "EUR", ("USD", "GBP"), detailed=True, thirteenth=True),
    Profile("BE", "EUR", ("USD", "GBP"), first_month=7, detailed=True),
    Profile("NL", "USD", ("EUR", "GBP"), detailed=True),
)


def profile_of(code: int, books: str) -> Profile:
    """The profile of a division: Dutch, Belgian, Dutch in dollars, in turn; simple are equal."""
    return _SIMPLE if books == SIMPLE else _FULL[(code - FIRST_DIVISION) % len(_FULL)]
