"""Exchange rates, and amounts in the currency of the books."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from datetime import date

    from exactonline_sandbox.books.company import Company

CURRENCIES = "general/Currencies"
EXCHANGE_RATES = "financial/ExchangeRates"
ONE = Decimal(1)


def rate(company: Company, currency: str | None, day: date) -> Decimal:
    """The rate of a currency on a day: what one of it is worth in the currency of the books.

    It is the newest that started by then; one where none is known.
    """
    base = company.profile.currency
    if currency is None or currency == base:
        return ONE
    known = [
        (row["StartDate"], row["Rate"])
        for row in company.table(EXCHANGE_RATES).where("SourceCurrency", currency)
        if row["TargetCurrency"] == base and row["StartDate"] <= day
    ]
    return Decimal(max(known)[1]) if known else ONE


def converted(amount: Decimal, rate: Decimal) -> Decimal:
    """An amount in the currency of the books, in cents."""
    return amount if rate == ONE else cents(amount * rate)
