"""Generate what a company books every month: wages, depreciation, cost of goods, and accruals."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.books.rates import rate
from exactonline_sandbox.books.references import ITEMS
from exactonline_sandbox.data.journal import Head, line, post
from exactonline_sandbox.data.periods import CLOSED_YEARS, THIRTEENTH, YEARS, first_year
from exactonline_sandbox.data.statements import Transfer
from exactonline_sandbox.edm.values import cents, wall_clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

_INVOICES = "salesinvoice/SalesInvoices"
_LINES = "salesinvoice/SalesInvoiceLines"
_WAGES, _DEPRECIATION = Decimal(650), Decimal(240)
_SOCIAL, _PENSION, _WITHHELD = Decimal("0.19"), Decimal("0.05"), Decimal("0.35")
_DEPRECIATED = (
    ("buildings_depreciated", Decimal("0.5")),
    ("inventory_depreciated", Decimal("0.25")),
)
_CHARGES, _INTEREST = Decimal("17.35"), Decimal(412)
_ACCRUED, _ADJUSTED, _UNKNOWN = Decimal("1487.50"), Decimal("750.00"), Decimal("181.50")
_BOUGHT = (Decimal(12_000), Decimal(2000))
_QUARTER = 3


def finished_periods(maker: Maker) -> Iterator[tuple[int, int, date]]:
    """The periods of the books that ended before today: year, period and last day."""
    profile, first = maker.company.profile, first_year(maker)
    today = wall_clock(maker.today).date()
    for year in range(first, first + YEARS):
        for period in range(1, 13):
            end = profile.end_of(year, period)
            if end < today:
                yield year, period, end


def fill_routine(maker: Maker, size: Decimal) -> list[Transfer]:
    """Post the entries of all finished months; return what is paid for them."""
    today = wall_clock(maker.today).date()
    costs = _costs_of_goods(maker)
    transfers = _bought_currencies(maker, size)
    for year, period, end in finished_periods(maker):
        transfers += _wages(maker, end, size)
        _depreciation(maker, end, size)
        goods = costs[year, period]
        lines = [
            line(maker, "cost_of_goods", goods, CostCenter="MAG"),
            line(maker, "stock", -goods),
        ]
        if goods:
            post(maker, Head(booking.GENERAL, end, "Kostprijs verkopen"), lines)
        transfers.append(Transfer(end, "bank_charges", -_CHARGES, "Bankkosten"))
        if period % _QUARTER == 0:
            transfers.append(
                Transfer(end, "interest_paid", -cents(_INTEREST * size), "Rente hypotheek")
            )
        if period == 12:  # noqa: PLR2004 - the last of the year
            _accrual(maker, year, end)
        if period == 5:  # noqa: PLR2004 - once a year
            transfers.append(Transfer(end, "suspense", _UNKNOWN, "Onbekende ontvangst"))
    return [item for item in transfers if item.day < today]


def _bought_currencies(maker: Maker, size: Decimal) -> list[Transfer]:
    """Money for the accounts in other currencies, on the first day of the books."""
    profile = maker.company.profile
    day = profile.start_of(first_year(maker), 1)
    transfers = []
    for currency, amount in zip(profile.foreign, _BOUGHT, strict=True):
        bought = cents(amount * size)
        paid = cents(bought * rate(maker.company, currency, day))
        text = f"Aankoop {currency}"
        transfers.append(Transfer(day, "transit", -paid, text))
        transfers.append(Transfer(day, "transit", bought, text, currency))
    return transfers


def _wages(maker: Maker, end: date, size: Decimal) -> list[Transfer]:
    gross = cents(_WAGES * size)
    social, pension = cents(gross * _SOCIAL), cents(gross * _PENSION)
    withheld = cents(gross * _WITHHELD)
    lines = [
        line(maker, "wages", gross, CostCenter="ADM"),
        line(maker, "social_charges", social, CostCenter="ADM"),
        line(maker, "pensions", pension, CostCenter="ADM"),
        line(maker, "wages_due", -(gross - withheld)),
        line(maker, "wage_tax", -(withheld + social + pension)),
    ]
    post(maker, Head(booking.GENERAL, end, f"Loonjournaalpost {end:%m-%Y}"), lines)
    return [
        Transfer(end + timedelta(days=1), "wages_due", -(gross - withheld), "Netto lonen"),
        Transfer(
            end + timedelta(days=26), "wage_tax", -(withheld + social + pension), "Loonheffing"
        ),
    ]


def _depreciation(maker: Maker, end: date, size: Decimal) -> None:
    whole = cents(_DEPRECIATION * size)
    parts = [(role, cents(whole * share)) for role, share in _DEPRECIATED]
    parts.append(("vehicles_depreciated", whole - sum((part for _, part in parts), ZERO)))
    lines = [line(maker, "depreciation", whole), *(line(maker, role, -x) for role, x in parts)]
    post(maker, Head(booking.GENERAL, end, f"Afschrijving {end:%m-%Y}"), lines)


def _accrual(maker: Maker, year: int, end: date) -> None:
    """Accrue costs at the year's end, and reverse them on the first day of the next.

    In the thirteenth period of the last closed year they are adjusted.
    """
    for day, sign in ((end, 1), (end + timedelta(days=1), -1)):
        lines = [
            line(maker, "office", sign * _ACCRUED, CostCenter="ADM"),
            line(maker, "accrued", -sign * _ACCRUED),
        ]
        text = f"Nog te ontvangen facturen {year}"
        post(maker, Head(booking.GENERAL, day, text), lines, Reversal=sign < 0)
    if maker.company.profile.thirteenth and year == first_year(maker) + CLOSED_YEARS - 1:
        lines = [line(maker, "general_costs", _ADJUSTED), line(maker, "accrued", -_ADJUSTED)]
        head = Head(booking.GENERAL, end, "Correctie accountant", (year, THIRTEENTH))
        post(maker, head, lines)


def _costs_of_goods(maker: Maker) -> defaultdict[tuple[int, int], Decimal]:
    """What the goods cost that were invoiced, by financial year and period."""
    company = maker.company
    items, invoices = company.table(ITEMS), company.table(_INVOICES)
    costs: defaultdict[tuple[int, int], Decimal] = defaultdict(lambda: ZERO)
    for row in company.table(_LINES).rows.values():
        item: Row = items.rows[row["Item"]]
        invoice: Row = invoices.rows[row["InvoiceID"]]
        if item["IsStockItem"] and invoice["Status"] == booking.PROCESSED:
            period = company.profile.period_of(invoice["InvoiceDate"])
            costs[period] += row["Quantity"] * item["CostPriceStandard"]
    return defaultdict(lambda: ZERO, {period: cents(cost) for period, cost in costs.items()})
