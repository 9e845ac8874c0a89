"""Amounts of lines and documents: price times quantity, VAT, totals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_sandbox.books.tables import Row

ZERO = Decimal(0)
INCLUSIVE = "I"
"""Type of a VAT code with prices including VAT."""


class Amounts(NamedTuple):
    """Amounts of a line in euros: net amount and VAT."""

    net: Decimal
    vat: Decimal


def amounts(gross: Decimal, vat_code: Row | None) -> Amounts:
    """Net amount and VAT of a gross or net amount.

    Args:
        gross: Quantity times price.
        vat_code: The row of the VAT code; no VAT where None.
    """
    rate = ZERO if vat_code is None else vat_code.get("Percentage", ZERO)
    total = cents(gross)
    if vat_code is not None and vat_code.get("Type") == INCLUSIVE:
        net = cents(total / (1 + rate))
        return Amounts(net, total - net)
    return Amounts(total, cents(total * rate))


def line_values(quantity: Decimal, price: Decimal, vat_code: Row | None) -> Row:
    """The amount columns of an invoice, order or quotation line."""
    net, vat = amounts(quantity * price, vat_code)
    return {"AmountFC": net, "AmountDC": net, "VATAmountFC": vat, "VATAmountDC": vat}


def totals(lines: Iterable[Row]) -> Row:
    """The amount columns of a header, from its lines."""
    net = vat = ZERO
    for line in lines:
        net += line.get("AmountFC", ZERO)
        vat += line.get("VATAmountFC", ZERO)
    return {
        "AmountFCExclVat": net,
        "AmountFC": net + vat,
        "AmountDC": net + vat,
        "VATAmountFC": vat,
        "VATAmountDC": vat,
    }
