"""Amounts of lines and documents: price times quantity, VAT, totals."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from exactonline_sandbox.books.rates import ONE, converted
from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exactonline_sandbox.books.tables import Row

ZERO = Decimal(0)
INCLUSIVE = "I"
"""Type of a VAT code with prices including VAT."""


class Amounts(NamedTuple):
    """Amounts of a line in its currency: net amount and VAT."""

    net: Decimal
    vat: Decimal


def amounts(gross: Decimal, vat_code: Row | None) -> Amounts:
    """Net amount and VAT of a gross or net amount.

    Args:
        gross: Quantity times price.
        vat_code: The row of the VAT code; no VAT where None, or where it is the buyer's to book.
    """
    total = cents(gross)
    if vat_code is None or vat_code.get("Charged"):
        return Amounts(total, ZERO)
    rate = vat_code.get("Percentage", ZERO)
    if vat_code.get("Type") == INCLUSIVE:
        net = cents(total / (1 + rate))
        return Amounts(net, total - net)
    return Amounts(total, cents(total * rate))


def line_values(quantity: Decimal, price: Decimal, vat_code: Row | None) -> Row:
    """The amount columns of an invoice, order or quotation line, at a rate of one."""
    net, vat = amounts(quantity * price, vat_code)
    return {"AmountFC": net, "AmountDC": net, "VATAmountFC": vat, "VATAmountDC": vat}


def convert(lines: Sequence[Row], rate: Decimal) -> None:
    """Set the amounts of the lines of a document in the currency of the books.

    The last line takes the difference of rounding, so that they add up to the converted total.
    """
    if not lines:
        return
    total = left = ZERO
    for line in lines:
        net, vat = line.get("AmountFC", ZERO), line.get("VATAmountFC", ZERO)
        line["AmountDC"], line["VATAmountDC"] = converted(net, rate), converted(vat, rate)
        total += net + vat
        left -= line["AmountDC"] + line["VATAmountDC"]
    if rate != ONE:
        lines[-1]["AmountDC"] += left + converted(total, rate)


def totals(lines: Iterable[Row]) -> Row:
    """The amount columns of a header, from its lines."""
    net = vat = net_dc = vat_dc = ZERO
    for line in lines:
        net += line.get("AmountFC", ZERO)
        vat += line.get("VATAmountFC", ZERO)
        net_dc += line.get("AmountDC", ZERO)
        vat_dc += line.get("VATAmountDC", ZERO)
    return {
        "AmountFCExclVat": net,
        "AmountFC": net + vat,
        "AmountDC": net_dc + vat_dc,
        "VATAmountFC": vat,
        "VATAmountDC": vat_dc,
    }
