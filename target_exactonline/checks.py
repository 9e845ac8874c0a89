"""What can be known to be wrong with a document without asking: sums that do not agree."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_exactonline.shape import Shape

HALF_A_CENT = Decimal("0.005")
BALANCED = "generaljournalentry/GeneralJournalEntries"
TAXES = ("VATCode", "AmountVATFC")
"""With one of these on a line, Exact Online books VAT of its own, which balances what is left."""
DISCOUNTS = ("Discount", "AmountDiscount", "AmountDiscountExclVat")

Row = dict[str, Any]


def sums(shape: Shape, fields: Row, totals: Mapping[str, Decimal]) -> list[str]:
    """Sentences about sums of a document that do not agree.

    Args:
        shape: of the document.
        fields: what is to be sent.
        totals: what the record expects the document to come to.
    """
    lines = [row for name in shape.children for row in fields.get(name) or []]
    found = []
    if shape.endpoint.id == BALANCED:
        found.append(_unbalanced(lines))
    found += [_carried_over(fields, lines), _untaxed(totals), _unlike_lines(fields, lines, totals)]
    return [problem for problem in found if problem]


def _sum(lines: Sequence[Row], name: str) -> Decimal | None:
    """The sum of a column; None where a line has nothing there."""
    values = [line.get(name) for line in lines]
    if not lines or any(value is None for value in values):
        return None
    return sum((Decimal(value) for value in values if value is not None), Decimal(0))


def _unbalanced(lines: Sequence[Row]) -> str | None:
    total = _sum(lines, "AmountFC")
    if not total or any(line.get(name) for line in lines for name in TAXES):
        return None
    return f"the lines do not balance: their AmountFC add up to {_plain(total)} instead of 0"


def _carried_over(fields: Row, lines: Sequence[Row]) -> str | None:
    """For bank and cash entries."""
    opening, closing = fields.get("OpeningBalanceFC"), fields.get("ClosingBalanceFC")
    moved = _sum(lines, "AmountFC")
    if opening is None or closing is None or moved is None:
        return None
    reached = Decimal(opening) + moved
    if reached == closing:
        return None
    return (
        f"OpeningBalanceFC and the AmountFC of the lines come to {_plain(reached)}, "
        f"but ClosingBalanceFC is {_plain(Decimal(closing))}"
    )


def _untaxed(totals: Mapping[str, Decimal]) -> str | None:
    with_vat, without = totals.get("AmountFC"), totals.get("AmountFCExclVat")
    vat = totals.get("VATAmountFC")
    if with_vat is None or without is None or vat is None:
        return None
    if abs(without + vat - with_vat) <= HALF_A_CENT:
        return None
    return (
        f"AmountFCExclVat and VATAmountFC add up to {_plain(without + vat)}, "
        f"but AmountFC is {_plain(with_vat)}"
    )


def _unlike_lines(fields: Row, lines: Sequence[Row], totals: Mapping[str, Decimal]) -> str | None:
    """The lines against the total without VAT, or with it where prices hold the VAT."""
    without = totals.get("AmountFCExclVat")
    amounts = [_amount(line) for line in lines]
    if without is None or not lines or any(fields.get(name) for name in DISCOUNTS):
        return None
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(lines):
        return None
    total = sum(known, Decimal(0))
    margin = HALF_A_CENT * len(lines)
    possible = [without, *([totals["AmountFC"]] if "AmountFC" in totals else [])]
    if any(abs(abs(total) - abs(expected)) <= margin for expected in possible):
        return None
    return f"the lines add up to {_plain(total)}, but AmountFCExclVat is {_plain(without)}"


def _amount(line: Row) -> Decimal | None:
    """What a line comes to; None where it does not say."""
    if line.get("AmountFC") is not None:
        return Decimal(line["AmountFC"])
    quantity = line.get("Quantity", line.get("QuantityInPurchaseUnits"))
    if quantity is None:
        return None
    if line.get("NetPrice") is not None:
        return Decimal(quantity) * Decimal(line["NetPrice"])
    if line.get("UnitPrice") is not None:
        less = 1 - Decimal(line.get("Discount") or 0)
        return Decimal(quantity) * Decimal(line["UnitPrice"]) * less
    return None


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
