"""Generate what happens at the end of a financial year: revaluation, and the closing entries."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.rates import converted, rate
from exactonline_sandbox.books.references import GL_ACCOUNTS
from exactonline_sandbox.data.journal import Head, line, post
from exactonline_sandbox.data.periods import CLOSED_YEARS, THIRTEENTH, first_year
from exactonline_sandbox.data.routine import finished_periods

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

_LAST = 12
_TERMS = (
    (booking.RECEIVABLES, "debtors_revalued", 1),
    (booking.PAYMENTS, "creditors_revalued", -1),
)
_RESULT = "exchange_revaluation"


def fill_year_ends(maker: Maker) -> None:
    """Revalue other currencies at each year's end, and close the first years."""
    for year, period, end in finished_periods(maker):
        if period == _LAST:
            _revalue_terms(maker, (year, period), end)
            _revalue_banks(maker, (year, period), end)
    first = first_year(maker)
    if maker.company.profile.country in maker.company.switches.posts_year_end:
        for year in range(first, first + CLOSED_YEARS):
            _close(maker, year)
    maker.company.closed = (first + CLOSED_YEARS - 1, THIRTEENTH)


def _revalue_terms(maker: Maker, period: tuple[int, int], end: date) -> None:
    """Revalue what is open of customers and suppliers, and take that back the next day.

    It goes to accounts of its own: debtors and creditors stay what their open items are.
    """
    company = maker.company
    for table, role, sign in _TERMS:
        gains: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for term in company.table(table).rows.values():
            opened = (term["TransactionReportingYear"], term["TransactionReportingPeriod"])
            closed = (term.get("EndYear", period[0] + 1), term.get("EndPeriod", 0))
            if term["Currency"] != company.profile.currency and opened <= period < closed:
                now = converted(term["AmountFC"], rate(company, term["Currency"], end))
                gains[term["Currency"]] += sign * (now - term["AmountDC"])
        for currency, gain in gains.items():
            for day, amount in ((end, gain), (end + timedelta(days=1), -gain)):
                _post(maker, currency, day, [_only_in_books(line(maker, role, amount))])


def _revalue_banks(maker: Maker, period: tuple[int, int], end: date) -> None:
    company = maker.company
    for currency, role in zip(company.profile.foreign, ("bank_1", "bank_2"), strict=True):
        account = company.gl_accounts[role]
        rows = [
            row
            for row in company.table(booking.TRANSACTION_LINES).where("GLAccount", account)
            if (row["FinancialYear"], row["FinancialPeriod"]) <= period
        ]
        balance = sum((row["AmountFC"] for row in rows), ZERO)
        booked = sum((row["AmountDC"] for row in rows), ZERO)
        gain = converted(balance, rate(company, currency, end)) - booked
        _post(maker, currency, end, [_only_in_books(line(maker, role, gain))])


def _only_in_books(row: Row) -> Row:
    """The line with no amount in the currency that is revalued."""
    return {**row, "AmountFC": ZERO}


def _post(maker: Maker, currency: str, day: date, lines: list[Row]) -> None:
    gain = sum((row["AmountDC"] for row in lines), ZERO)
    if gain:
        lines = [*lines, _only_in_books(line(maker, _RESULT, -gain))]
        header = {"Currency": currency, "ExchangeRate": rate(maker.company, currency, day)}
        head = Head(booking.REVALUATION, day, f"Herwaardering {currency}")
        post(maker, head, lines, **header)


def _close(maker: Maker, year: int) -> None:
    """Carry the result of a year to the balance sheet, close all accounts and open them again."""
    profile = maker.company.profile
    end = profile.end_of(year, _LAST)
    sheet, result = _balances(maker, year)
    total = sum(result.values(), ZERO)
    moves = [*_opposite(result), line(maker, "result", total)]
    post(maker, Head(booking.RESULT_TO_BALANCE, end, f"Resultaat {year}", (year, _LAST)), moves)
    key = maker.company.gl_accounts["result"]
    sheet[key] = sheet.get(key, ZERO) + total
    closing = _opposite(sheet)
    head = Head(booking.YEAR_CLOSING, end, f"Afsluiting {year}", (year, _LAST))
    post(maker, head, closing)
    opening = [
        {**row, "AmountFC": -row["AmountFC"], "AmountDC": -row["AmountDC"]} for row in closing
    ]
    start = profile.start_of(year + 1, 1)
    post(maker, Head(booking.YEAR_OPENING, start, f"Opening {year + 1}"), opening)


def _opposite(balances: dict[str, Decimal]) -> list[Row]:
    return [
        {"GLAccount": account, "AmountFC": -amount, "AmountDC": -amount}
        for account, amount in balances.items()
    ]


def _balances(maker: Maker, year: int) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """Balances at the end of a year: of the balance sheet, and of the year's result."""
    kinds = {
        row["ID"]: row["BalanceType"] for row in maker.company.table(GL_ACCOUNTS).rows.values()
    }
    sheet: dict[str, Decimal] = defaultdict(lambda: ZERO)
    result: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in maker.company.table(booking.TRANSACTION_LINES).rows.values():
        if row["Type"] in (booking.YEAR_CLOSING, booking.YEAR_OPENING):
            continue
        if kinds[row["GLAccount"]] == "B":
            if row["FinancialYear"] <= year:
                sheet[row["GLAccount"]] += row["AmountDC"]
        elif row["FinancialYear"] == year:
            result[row["GLAccount"]] += row["AmountDC"]
    return sheet, result
