"""Places of bars and ticks."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

import pytest

from exactonline_cli.report import plots
from exactonline_cli.report.amounts import STYLES
from exactonline_cli.report.plots import Series


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        ("0", "0", ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        ("0", "100", ["0", "25", "50", "75", "100"]),
        ("-120", "80", ["-150", "-100", "-50", "0", "50", "100"]),
        ("3", "9999", ["0", "2500", "5000", "7500", "10000"]),
        ("-7", "-1", ["-8", "-6", "-4", "-2", "0"]),
        ("0", "0.03", ["0", "0.01", "0.02", "0.03"]),
    ],
)
def test_ticks_are_round_and_enclose_zero_and_all_values(
    low: str, high: str, ticks: list[str]
) -> None:
    assert plots.scale(Decimal(low), Decimal(high)) == [Decimal(tick) for tick in ticks]


def test_columns_stand_on_zero_and_hang_below_it() -> None:
    drawn = plots.columns("", "", ["a", "b"], Series("s", [Decimal(50), Decimal(-100)]))
    up, down = drawn.bars
    assert up.y + up.height == pytest.approx(drawn.zero)
    assert down.y == pytest.approx(drawn.zero)
    assert down.height == pytest.approx(2 * up.height, abs=0.2)
    for bar in drawn.bars:
        assert 0 <= bar.x < bar.x + bar.width <= plots.WIDTH
        assert 0 <= bar.y < bar.y + bar.height <= plots.HEIGHT


def test_bars_of_several_series_do_not_overlap() -> None:
    values = [Decimal(5)] * 13
    labels = [str(number) for number in range(13)]
    drawn = plots.columns("", "", labels, Series("a", values), Series("b", values))
    ordered = sorted(drawn.bars, key=lambda bar: bar.x)
    for left, right in pairwise(ordered):
        assert left.x + left.width <= right.x + 0.11
    assert len(drawn.labels) <= plots.LABELS
    assert drawn.labels[-1].text == "12"


def test_lying_bars_go_left_of_zero_for_negatives() -> None:
    plus, minus = plots.lying("", "", [("a", Decimal(30)), ("b", Decimal(-10))]).bars
    assert plus.x == minus.x + minus.width == plots.WIDTH / 4
    assert plus.width == plots.WIDTH * 3 / 4
    assert plots.lying("", "", []).bars == []
    assert plots.columns("", "", [], Series("s", [])).bars == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("12500", "12.5k"),
        ("1250", "1.25k"),
        ("1000000", "1M"),
        ("-2000", "\N{MINUS SIGN}2k"),
        ("999", "999"),
        ("0", "0"),
        ("0.25", "0.25"),
        ("-0.5", "\N{MINUS SIGN}0.5"),
    ],
)
def test_amounts_are_short_on_axes(value: str, shown: str) -> None:
    assert STYLES["en"].short(Decimal(value)) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [("1234.5", "1,234.50"), ("-1234.505", "(1,234.51)"), ("-0.004", "0.00"), ("0.005", "0.01")],
)
def test_amounts_have_cents(value: str, shown: str) -> None:
    assert STYLES["en"].amount(Decimal(value)) == shown
