"""Amounts of a unified document that have to agree with each other."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from target_exactonline.schema.unified import LINES, joined
from target_exactonline.unified.conversions import CHECK, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from target_exactonline.unified.draft import Draft

HALF_A_CENT = Decimal("0.005")
CENT = Decimal("0.01")
SUMS = {"sub_total": "total_amount", "total_tax": "tax_amount"}
"""Amounts of a document, by the amounts of its lines that they are the sums of."""
DISCOUNT = "discount_percentage"
PRICE, QUANTITY, AMOUNT = "unit_price", "quantity", "total_amount"
PRODUCT = "product"


def compare(document: Draft, lines: Sequence[Draft]) -> None:
    """Compare the sums of lines with the totals of their document, or make them its totals."""
    if document.source.from_exact or not lines or document.numbers.get(DISCOUNT):
        return
    for name, of_lines in SUMS.items():
        item = document.resource.fields.get(joined(name))
        found = [line.numbers[of_lines] for line in lines if of_lines in line.numbers]
        if item is None or len(found) < len(lines):
            continue
        total, given = sum(found, Decimal(0)), document.numbers.get(name)
        if given is None and item.write == CHECK:
            for prop in item.properties:
                document.values.setdefault(prop, checked(document, item, total))
        elif given is not None and abs(given - total) >= HALF_A_CENT:
            document.refuse(name, f"is {given:f}, but {of_lines} of {LINES} comes to {total:f}")


def multiply(line: Draft) -> None:
    """Make the amount of a line of its price and quantity where Exact Online keeps no price."""
    item = line.resource.fields.get(joined(PRICE))
    price = line.numbers.get(PRICE)
    if item is None or item.write != PRODUCT or price is None or line.source.from_exact:
        return
    amount, quantity = line.numbers.get(AMOUNT), line.numbers.get(QUANTITY, Decimal(1))
    exactly = price * quantity
    try:
        product = exactly.quantize(CENT, ROUND_HALF_UP)
    except InvalidOperation:
        line.refuse(PRICE, f"and quantity come to {exactly}, which is not an amount")
        return
    if amount is not None and abs(exactly - amount) > HALF_A_CENT:
        line.refuse(PRICE, f"and quantity come to {product:f}, but {AMOUNT} is {amount:f}")
    elif amount is None:
        line.numbers[AMOUNT] = product
        for prop in line.resource.fields[joined(AMOUNT)].properties:
            line.values.setdefault(prop, product * line.sign)
