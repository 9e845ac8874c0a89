"""VAT and totals are those that the sandbox reckons, which shares no code with this."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exactonline_cli.spreadsheet import reckoning
from exactonline_cli.spreadsheet.reckoning import VatCode
from exactonline_sandbox.books import amounts as sandbox

# Few digits often end in half a cent, which is where roundings differ.
QUANTITIES = st.decimals(min_value=-10_000, max_value=10_000, places=3) | st.decimals(
    min_value=-5, max_value=5, places=0
)
PRICES = st.decimals(min_value=-10_000, max_value=10_000, places=4) | st.integers(-2000, 2000).map(
    lambda halves: Decimal(halves) / 200
)
DISCOUNTS = st.just(Decimal(0)) | st.decimals(min_value=0, max_value=1, places=4)
CODES = st.builds(
    VatCode,
    st.just("X"),
    st.just(""),
    st.sampled_from([Decimal(text) for text in ("0", "0.06", "0.09", "0.19", "0.21", "0.055")]),
    st.booleans(),
)
LINES = st.tuples(QUANTITIES, PRICES, DISCOUNTS, st.none() | CODES)


def row(code: VatCode | None) -> dict[str, object] | None:
    if code is None:
        return None
    return {"Percentage": code.rate, "Type": "I" if code.includes else "E"}


@given(st.lists(LINES))
def test_totals_are_those_of_the_sandbox_to_the_cent(
    lines: list[tuple[Decimal, Decimal, Decimal, VatCode | None]],
) -> None:
    ours, theirs = [], []
    for quantity, price, discount, code in lines:
        ours.append(reckoning.line(quantity, reckoning.discounted(price, discount), code))
        theirs.append(sandbox.line_values(quantity, price * (1 - discount), row(code)))
    total, expected = reckoning.total(ours), sandbox.totals(theirs)
    assert [amounts.net for amounts in ours] == [line["AmountFC"] for line in theirs]
    assert (total.net, total.vat, total.total) == (
        expected["AmountFCExclVat"],
        expected["VATAmountFC"],
        expected["AmountFC"],
    )


@given(QUANTITIES, PRICES, CODES)
def test_net_and_vat_of_a_price_with_vat_come_to_that_price(
    quantity: Decimal, price: Decimal, code: VatCode
) -> None:
    amounts = reckoning.line(quantity, price, code)
    gross = reckoning.cents(quantity * price)
    assert (amounts.total if code.includes else amounts.net) == gross


@pytest.mark.parametrize(
    ("quantity", "price", "rate", "kind", "net", "vat"),
    [
        ("12", "14.50", "0.09", "E", "174.00", "15.66"),
        ("2.5", "13.333", "0.09", "E", "33.33", "3.00"),
        ("1", "0.125", "0.21", "E", "0.13", "0.03"),
        ("-1", "0.125", "0.21", "E", "-0.13", "-0.03"),
        ("1", "229.50", "0.21", "I", "189.67", "39.83"),
        ("0.001", "5", "0.21", "E", "0.01", "0.00"),
    ],
)
def test_cents_are_rounded_half_away_from_zero_line_by_line(  # noqa: PLR0917
    quantity: str, price: str, rate: str, kind: str, net: str, vat: str
) -> None:
    code = VatCode("X", "", Decimal(rate), kind == "I")
    amounts = reckoning.line(Decimal(quantity), Decimal(price), code)
    assert (str(amounts.net), str(amounts.vat)) == (net, vat)
