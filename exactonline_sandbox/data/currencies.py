"""Generate the currencies and the monthly exchange rates of full books."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books.descriptions import CURRENCIES as NAMES
from exactonline_sandbox.books.rates import CURRENCIES, EXCHANGE_RATES, ONE
from exactonline_sandbox.data.csv_files import read_rows
from exactonline_sandbox.data.periods import YEARS, first_year

if TYPE_CHECKING:
    from datetime import date

    from exactonline_sandbox.data.maker import Maker

_CENT = Decimal("0.01")
_DIGITS = Decimal("0.000001")
_MONTHS = 12


def fill_currencies(maker: Maker) -> None:
    """Make the currencies, and a rate for the first of each month of the financial years."""
    profile, first = maker.company.profile, first_year(maker)
    for code in (profile.currency, *profile.foreign):
        maker.load(
            CURRENCIES,
            {
                "Code": code,
                "Description": NAMES[code],
                "AmountPrecision": _CENT,
                "PricePrecision": _CENT,
            },
        )
    days = (
        profile.start_of(year, period)
        for year in range(first, first + YEARS)
        for period in range(1, _MONTHS + 1)
    )
    for day in days:
        for code in profile.foreign:
            maker.load(
                EXCHANGE_RATES,
                {
                    "ID": maker.guid(),
                    "SourceCurrency": code,
                    "TargetCurrency": profile.currency,
                    "Rate": (_in_euros(code, day) / _in_euros(profile.currency, day)).quantize(
                        _DIGITS
                    ),
                    "StartDate": day,
                },
            )


def _in_euros(currency: str, day: date) -> Decimal:
    """What one of a currency is worth; the table of five years begins again after its end."""
    if currency == "EUR":
        return ONE
    rows = read_rows("rates")
    return Decimal(rows[(day.year * _MONTHS + day.month) % len(rows)][currency])
