"""VAT and totals of an invoice as Exact Online reckons them, to the cent.

Each line is rounded by itself, half away from zero. With a VAT code of type I the price holds the
VAT, with any other it is without. The totals are the sums of the lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CENT = Decimal("0.01")
EXACT = Context(prec=60)
"""So many digits that nothing but the cents is rounded."""
ONE = Decimal(1)


@dataclass(frozen=True)
class VatCode:
    """A VAT code of a division."""

    code: str
    description: str
    rate: Decimal
    """As a fraction: 21 % is 0.21."""
    includes: bool
    """Prices with this code hold the VAT."""
    charged: bool = False
    """The buyer books the VAT (reverse charge), so that the document has none."""
    for_sales: bool = True
    """It may be used on sales, and is not blocked."""

    @property
    def percentage(self) -> str:
        """The rate as people write it."""
        return f"{(self.rate * 100).normalize():f} %"


@dataclass(frozen=True)
class Amounts:
    """Amounts in the currency of the document."""

    net: Decimal = Decimal(0)
    vat: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """The amount with VAT."""
        return self.net + self.vat

    def __add__(self, other: Amounts) -> Amounts:
        """Both together."""
        return Amounts(self.net + other.net, self.vat + other.vat)


def cents(amount: Decimal) -> Decimal:
    """An amount in whole cents, half a cent away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP, context=EXACT)


def line(quantity: Decimal, price: Decimal, vat: VatCode | None) -> Amounts:
    """The amounts of a line.

    Args:
        quantity: of the item.
        price: for one, after the discount; with VAT where the code says so.
        vat: None for a line without.
    """
    gross = cents(EXACT.multiply(quantity, price))
    if vat is None or vat.charged:
        return Amounts(gross)
    if vat.includes:
        net = cents(EXACT.divide(gross, ONE + vat.rate))
        return Amounts(net, gross - net)
    return Amounts(gross, cents(EXACT.multiply(gross, vat.rate)))


def discounted(price: Decimal, discount: Decimal) -> Decimal:
    """The price after a discount, which is a fraction."""
    return EXACT.multiply(price, ONE - discount)


def total(lines: Iterable[Amounts]) -> Amounts:
    """The amounts of a document."""
    return sum(lines, Amounts())
