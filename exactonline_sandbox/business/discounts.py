"""The discount of a whole invoice: a fraction of its net amount, and of its VAT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.books.amounts import ZERO, totals
from exactonline_sandbox.edm.values import cents

if TYPE_CHECKING:
    from decimal import Decimal

    from exactonline_sandbox.books.tables import Row

_CURRENCIES = ("FC", "DC")


def header_totals(lines: list[Row], discount: Decimal | None) -> Row:
    """The amount columns of an invoice: the totals of its lines, less its discount."""
    whole, part = totals(lines), discount or ZERO
    off = {name: cents(amount * part) for name, amount in whole.items()}
    off["VATAmountFC"] = off["AmountFC"] - off["AmountFCExclVat"]
    if whole["AmountDC"] == whole["AmountFC"]:
        off["VATAmountDC"] = off["VATAmountFC"]
    return {
        **{name: amount - off[name] for name, amount in whole.items()},
        "AmountDiscount": off["AmountFC"],
        "AmountDiscountExclVat": off["AmountFCExclVat"],
    }


def discounted(lines: list[Row], invoice: Row) -> list[Row]:
    """Copies of the lines of an invoice that share its discount and add up to its totals."""
    part = invoice.get("Discount") or ZERO
    if not part or not lines:
        return lines
    copies = [
        {
            **line,
            **{
                name: cents(line.get(name, ZERO) * (1 - part))
                for currency in _CURRENCIES
                for name in (f"Amount{currency}", f"VATAmount{currency}")
            },
        }
        for line in lines
    ]
    for currency in _CURRENCIES:
        vat = f"VATAmount{currency}"
        for name, total in (
            (f"Amount{currency}", invoice[f"Amount{currency}"] - invoice[vat]),
            (vat, invoice[vat]),
        ):
            copies[-1][name] += total - sum((copy[name] for copy in copies), ZERO)
    return copies
