"""Plots as places of bars; templates draw them in SVG."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 46, 16, 10, 22
"""Room for labels around a plot of columns."""
STEPS = (1, 2, Decimal("2.5"), 5, 10)
TICKS = 4
LABELS = 5
"""Labels that fit below columns."""
ROW, NAME = 36, 14
"""Height of a bar that lies with its name above it, and of the name."""


@dataclass(frozen=True)
class Series:
    """Values of one name, one for each label."""

    name: str
    values: list[Decimal]


@dataclass(frozen=True)
class Bar:
    """A bar, with its place in the drawing."""

    x: float
    y: float
    width: float
    height: float
    series: int
    label: str
    name: str
    value: Decimal


@dataclass(frozen=True)
class Mark:
    """A tick of an axis or a label: where it is, and its value or text."""

    at: float
    value: Decimal
    text: str = ""


@dataclass(frozen=True)
class Plot:
    """A drawing: `columns` that stand, or `bars` that lie."""

    kind: str
    title: str
    description: str
    height: int
    bars: list[Bar]
    ticks: list[Mark]
    labels: list[Mark]
    zero: float
    names: list[str]
    """Names of its series, if there are several."""


def columns(title: str, description: str, labels: list[str], *series: Series) -> Plot:
    """Make a plot of columns, side by side if there are several series."""
    values = [value for each in series for value in each.values]
    ticks = scale(min(values, default=Decimal(0)), max(values, default=Decimal(0)))
    low, high = ticks[0], ticks[-1]
    room = HEIGHT - TOP - BOTTOM

    def y(value: Decimal) -> float:
        return round(TOP + float((high - value) / (high - low)) * room, 1)

    step = (WIDTH - LEFT - RIGHT) / max(len(labels), 1)
    width = step * 0.76 / max(len(series), 1)
    bars = [
        Bar(
            x=round(LEFT + place * step + step * 0.12 + number * width, 1),
            y=min(y(value), y(Decimal(0))),
            width=round(width, 1),
            height=round(abs(y(value) - y(Decimal(0))), 1),
            series=number,
            label=label,
            name=each.name,
            value=value,
        )
        for number, each in enumerate(series)
        for place, (label, value) in enumerate(zip(labels, each.values, strict=True))
    ]
    every = -(-len(labels) // LABELS)
    shown = [
        Mark(round(LEFT + (place + 0.5) * step, 1), Decimal(0), label)
        for place, label in enumerate(labels)
        if (len(labels) - 1 - place) % max(every, 1) == 0
    ]
    marks = [Mark(y(tick), tick) for tick in ticks]
    names = [each.name for each in series] if len(series) > 1 else []
    return Plot("columns", title, description, HEIGHT, bars, marks, shown, y(Decimal(0)), names)


def lying(title: str, description: str, values: list[tuple[str, Decimal]]) -> Plot:
    """Make a plot of bars that lie, each below its name."""
    amounts = [value for _, value in values]
    low = min([Decimal(0), *amounts])
    reach = max([Decimal(0), *amounts]) - low or Decimal(1)

    def x(value: Decimal) -> float:
        return round(float((value - low) / reach) * WIDTH, 1)

    bars = [
        Bar(
            x=min(x(value), x(Decimal(0))),
            y=place * ROW + NAME + 6,
            width=round(abs(x(value) - x(Decimal(0))), 1),
            height=ROW - NAME - 10,
            series=0 if value >= 0 else 1,
            label=label,
            name=label,
            value=value,
        )
        for place, (label, value) in enumerate(values)
    ]
    return Plot("bars", title, description, len(values) * ROW + 4, bars, [], [], x(Decimal(0)), [])


def scale(low: Decimal, high: Decimal) -> list[Decimal]:
    """Return round ticks that have zero and all values between the first and the last."""
    low, high = min(low, Decimal(0)), max(high, Decimal(0))
    if low == high:
        high = Decimal(1)
    rough = (high - low) / TICKS
    power = Decimal(10) ** rough.adjusted()
    step = next(Decimal(each) * power for each in STEPS if Decimal(each) * power >= rough)
    first, last = (
        (low / step).to_integral_value("ROUND_FLOOR"),
        -((-high / step).to_integral_value("ROUND_FLOOR")),
    )
    return [step * number for number in range(int(first), int(last) + 1)]
