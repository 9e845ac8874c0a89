"""The blocks of the report: a plot with a table beside it, made from the marts of a company."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_cli.report import plots
from exactonline_cli.report.marts import AGES

if TYPE_CHECKING:
    from datetime import date

    from exactonline_cli.report.marts import Marts
    from exactonline_cli.report.plots import Plot
    from exactonline_cli.report.warehouse import Row

Period = tuple[int, int]
"""Financial year and period."""

ZERO = Decimal(0)
PERIODS_SHOWN = 13
CUSTOMERS_SHOWN = 10
RESULTS = {
    "gross_profit": "Gross profit",
    "operating_result": "Operating result",
    "result_before_tax": "Result before tax",
    "net_result": "Net result",
}
"""Subtotals of profit and loss, each with all before it."""
AGE_NAMES = ("Not due", "1 to 30 days", "31 to 60 days", "61 to 90 days", "Over 90 days")


@dataclass(frozen=True)
class Line:
    """A row of a table: a name, and amounts or shares (as `Share`)."""

    name: str
    cells: list[Decimal | Share | None]
    kind: str = ""
    """`subtotal` or `total`: with a rule above it; `heading`: without amounts."""


@dataclass(frozen=True)
class Share:
    """A part of one; None, of nothing."""

    value: Decimal | None


@dataclass(frozen=True)
class Table:
    """Names of the columns, of which the first is that of the lines."""

    columns: list[str]
    lines: list[Line]


@dataclass(frozen=True)
class Block:
    """A heading with a plot and its table."""

    title: str
    table: Table
    plot: Plot
    note: str = ""


@dataclass(frozen=True)
class Company:
    """A company's section of the report."""

    division: int
    name: str
    currency: str
    period: Period
    period_end: date
    as_of: date
    key_figures: list[tuple[str, Decimal]]
    blocks: list[Block] = field(default_factory=list)


def company(division: int, marts: Marts, today: date) -> Company:
    """Make the section of a company, up to the period that the day of its ageing lies in."""
    ages = [*marts["receivables"], *marts["payables"]]
    as_of = max((row["as_of_date"] for row in ages), default=today)
    statements = [*marts["balances"], *marts["results"]]
    known = next(iter(statements or ages or marts["customers"] or marts["cash"]))
    begun = [row for row in statements if row["start_date"] is None or row["start_date"] <= as_of]
    last = max(begun or statements, key=_period, default=None)
    period = _period(last) if last else (as_of.year, as_of.month)
    figures = _Figures(marts, period)
    return Company(
        division=division,
        name=known["division_name"] or f"Division {division}",
        currency=known["division_currency"] or "",
        period=period,
        period_end=(last["end_date"] if last else None) or as_of,
        as_of=as_of,
        key_figures=[
            ("Revenue of the year", figures.result("revenue", year=period[0])),
            ("Result of the year", figures.result(year=period[0])),
            ("Cash and bank", figures.cash()),
            ("Customers owe", _total(marts["receivables"], "total_dc")),
            ("Owed to suppliers", _total(marts["payables"], "total_dc")),
        ],
        blocks=[
            _revenue(figures),
            _profit_and_loss(figures),
            _balance_sheet(figures),
            _ageing(marts, as_of),
            _customers(figures),
            _cash(figures),
        ],
    )


class _Figures:
    """Sums over the rows of a company up to a period."""

    def __init__(self, marts: Marts, period: Period) -> None:
        self.marts, self.period = marts, period
        self.periods = sorted(
            {_period(row) for row in [*marts["balances"], *marts["results"]]} | {period}
        )
        self.shown = [each for each in self.periods if each <= period][-PERIODS_SHOWN:]

    def result(
        self, section: str | None = None, *, of: Period | None = None, year: int | None = None
    ) -> Decimal:
        """Add up profit and loss: of a period, or of a year up to the period of the report."""
        return sum(
            (
                row["amount_dc"]
                for row in self.marts["results"]
                if section in (None, row["section"])
                and (
                    _period(row) == of
                    or (row["financial_year"] == year and _period(row)[1] <= self.period[1])
                )
            ),
            ZERO,
        )

    def balance(self, section: str, at: Period | None) -> Decimal:
        """Return a section of the balance sheet at the end of a period; debit is positive."""
        return sum(
            (
                row["amount_dc"]
                for row in self.marts["balances"]
                if row["section"] == section and _period(row) == at
            ),
            ZERO,
        )

    def cash(self) -> Decimal:
        """Return what is in cash and bank at the end of the period."""
        before = [row for row in self.marts["cash"] if _period(row) <= self.period]
        last = max(before, key=_period, default=None)
        return last["closing_dc"] if last else ZERO


def _revenue(figures: _Figures) -> Block:
    lines, values = [], []
    for year, number in figures.shown:
        now = figures.result("revenue", of=(year, number))
        before = figures.result("revenue", of=(year - 1, number))
        values.append(now)
        lines.append(Line(label((year, number)), [now, before, Share(_part(now - before, before))]))
    return Block(
        "Revenue by period",
        Table(["Period", "Revenue", "Year before", "Change"], lines),
        plots.columns(
            "Revenue by period",
            _described("Revenue", figures.shown, values),
            [label(each) for each in figures.shown],
            plots.Series("Revenue", values),
        ),
    )


def _profit_and_loss(figures: _Figures) -> Block:
    year = figures.period[0]
    sections = _sections(figures.marts["results"])
    lines: list[Line] = []
    sums = [ZERO] * 3
    for heading, name in RESULTS.items():
        for section in (each for each, of in sections.items() if of == heading):
            cells = [
                figures.result(section, of=figures.period),
                figures.result(section, year=year),
                figures.result(section, year=year - 1),
            ]
            sums = [total + cell for total, cell in zip(sums, cells, strict=True)]
            lines.append(Line(_words(section), [*cells]))
        kind = "total" if heading == "net_result" else "subtotal"
        lines.append(Line(name, [*sums], kind))
    values = [figures.result(of=each) for each in figures.shown]
    return Block(
        "Profit and loss",
        Table(["", label(figures.period), f"{year} to date", f"{year - 1} to date"], lines),
        plots.columns(
            "Net result by period",
            _described("Net result", figures.shown, values),
            [label(each) for each in figures.shown],
            plots.Series("Net result", values),
        ),
        "Income is positive, costs are negative.",
    )


def _balance_sheet(figures: _Figures) -> Block:
    now = figures.period
    before = max((each for each in figures.periods if each[0] < now[0]), default=None)
    sections = _sections(figures.marts["balances"])
    lines: list[Line] = []
    drawn: list[tuple[str, Decimal]] = []
    for side, headings in (
        ("assets", ("assets",)),
        ("liabilities and equity", ("liabilities", "equity")),
    ):
        sign = 1 if side == "assets" else -1
        sums = [ZERO, ZERO]
        for section in (each for each, of in sections.items() if of in headings):
            cells = [sign * figures.balance(section, now), sign * figures.balance(section, before)]
            sums = [total + cell for total, cell in zip(sums, cells, strict=True)]
            lines.append(Line(_words(section), [*cells]))
            drawn.append((_words(section), cells[0]))
        lines.append(Line(f"Total {side}", [*sums], "total"))
    heads = ["", f"End of {label(now)}", f"End of {before[0]}" if before else "Before"]
    return Block(
        "Balance sheet",
        Table(heads, lines),
        plots.lying(
            f"Balance sheet at the end of {label(now)}",
            "Assets, then liabilities and equity, as in the table.",
            [(name, value) for name, value in drawn if value],
        ),
        "Result is what no entry has carried to an account of equity yet.",
    )


def _ageing(marts: Marts, as_of: date) -> Block:
    sides = {"Customers": marts["receivables"], "Suppliers": marts["payables"]}
    sums = {side: [_total(rows, age) for age in AGES] for side, rows in sides.items()}
    lines = [
        Line(name, [sums[side][number] for side in sides]) for number, name in enumerate(AGE_NAMES)
    ]
    lines.append(Line("Total", [sums[side][-1] for side in sides], "total"))
    lines.append(
        Line(
            "Overdue",
            [Share(_part(sum(sums[side][1:-1], ZERO), sums[side][-1])) for side in sides],
        )
    )
    return Block(
        "Open items by age",
        Table(["Due", "Customers owe", "Owed to suppliers"], lines),
        plots.columns(
            f"Open items by days after the due date, on {as_of}",
            "What customers owe, and what suppliers are owed, by days after the due date.",
            ["Not due", "1-30", "31-60", "61-90", "> 90"],
            *(plots.Series(side, sums[side][:-1]) for side in sides),
        ),
        f"As of {as_of}.",
    )


def _customers(figures: _Figures) -> Block:
    sold: dict[str, tuple[Decimal, Decimal]] = defaultdict(lambda: (ZERO, ZERO))
    for row in figures.marts["customers"]:
        year, number = _period(row)
        if year == figures.period[0] and number <= figures.period[1]:
            code = (row["account_code"] or "").strip()
            name = f"{row['account_name']} ({code})" if code else "Without a customer"
            revenue, margin = sold[name]
            sold[name] = revenue + row["revenue_dc"], margin + row["margin_dc"]
    order = sorted(sold, key=lambda name: (-sold[name][0], name))
    top, rest = order[:CUSTOMERS_SHOWN], order[CUSTOMERS_SHOWN:]
    total = sum((revenue for revenue, _ in sold.values()), ZERO)
    lines = [_sold(name, *sold[name], total) for name in top]
    if rest:
        revenue = sum((sold[name][0] for name in rest), ZERO)
        margin = sum((sold[name][1] for name in rest), ZERO)
        lines.append(_sold(f"{len(rest)} others", revenue, margin, total))
    margin = sum((each for _, each in sold.values()), ZERO)
    lines.append(_sold("Total", total, margin, total, "total"))
    return Block(
        "Customers with the most revenue",
        Table(["Customer", f"Revenue {figures.period[0]}", "Share", "Margin"], lines),
        plots.lying(
            f"Customers with the most revenue in {figures.period[0]}",
            "Revenue of the customers in the table, the largest first.",
            [(name, sold[name][0]) for name in top],
        ),
        "Costs of sales are in the margin where their lines name the customer.",
    )


def _sold(name: str, revenue: Decimal, margin: Decimal, total: Decimal, kind: str = "") -> Line:
    return Line(name, [revenue, Share(_part(revenue, total)), margin], kind)


def _cash(figures: _Figures) -> Block:
    rows = sorted(
        (row for row in figures.marts["cash"] if _period(row) <= figures.period), key=_period
    )[-PERIODS_SHOWN:]
    columns = ("opening_dc", "received_dc", "paid_dc", "closing_dc")
    shown = [_period(row) for row in rows]
    values = [row["closing_dc"] for row in rows]
    return Block(
        "Cash and bank",
        Table(
            ["Period", "Start", "In", "Out", "End"],
            [Line(label(_period(row)), [row[name] for name in columns]) for row in rows],
        ),
        plots.columns(
            "Cash and bank at the end of each period",
            _described("Cash and bank", shown, values),
            [label(each) for each in shown],
            plots.Series("Cash and bank", values),
        ),
    )


def label(period: Period) -> str:
    """Name a period, such as 2026-03."""
    return f"{period[0]}-{period[1]:02}"


def _period(row: Row) -> Period:
    return row["financial_year"], row["financial_period"]


def _sections(rows: list[Row]) -> dict[str, str]:
    """Return the headings of sections, in their order."""
    found = {row["section_position"]: (row["section"], row["heading"]) for row in rows}
    return dict(found[position] for position in sorted(found))


def _total(rows: list[Row], column: str) -> Decimal:
    return sum((row[column] for row in rows), ZERO)


def _part(value: Decimal, whole: Decimal) -> Decimal | None:
    return value / abs(whole) if whole else None


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _described(what: str, periods: list[Period], values: list[Decimal]) -> str:
    if not values:
        return f"{what}: no periods."
    high = max(range(len(values)), key=values.__getitem__)
    low = min(range(len(values)), key=values.__getitem__)
    return (
        f"{what} from {label(periods[0])} to {label(periods[-1])}: highest in "
        f"{label(periods[high])}, lowest in {label(periods[low])}. The table has the amounts."
    )
