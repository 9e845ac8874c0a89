"""Validate documents without calls: sums, fractions and signs."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from target_exactonline.mapping.model import RelatedRow
from target_exactonline.schema.fields import shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_exactonline.schema.fields import Shape

HALF_A_CENT = Decimal("0.005")
JOURNAL_ENTRIES = "generaljournalentry/GeneralJournalEntries"
TAXES = ("VATCode", "AmountVATFC")
"""With one of these on a line, Exact Online books VAT itself, which balances the entry."""
DISCOUNTS = ("Discount", "AmountDiscount", "AmountDiscountExclVat")
FRACTIONS = frozenset(
    {
        "Discount",
        "DiscountPercentage",
        "DiscountPurchase",
        "DiscountSales",
        "VATPercentage",
        "VatPercentages.Percentage",
    }
)
"""Percentages that are fractions of 1, by property, or by entity and property. The unit of the
others is not documented; they are sent as they are."""

SIGNS: Mapping[str, Mapping[int, tuple[int, str]]] = {
    "salesinvoice/SalesInvoices": {
        8020: (1, "an invoice"),
        8021: (-1, "a credit note"),
        8023: (1, "a direct invoice"),
        8024: (-1, "a direct credit note"),
    }
}
"""By endpoint and `Type`: sign of the total and name of the document. The type of entries is
read-only, so they have no rule."""
DEFAULT_TYPE = 8020
"""Type of an invoice without one."""
TYPE, TOTAL = "Type", "AmountFC"
ADVICE = {
    1: "one that credits has the type of a credit note",
    -1: "give its lines negative quantities",
}

Row = dict[str, Any]


def sign_problem(endpoint_id: str, row: Mapping[str, Any]) -> str | None:
    """Check the total of a document at Exact Online against its type; None if it fits."""
    kind = SIGNS.get(endpoint_id, {}).get(row.get(TYPE) or DEFAULT_TYPE)
    try:
        total = Decimal(str(row.get(TOTAL)))
    except InvalidOperation:
        return None
    if kind is None or total * kind[0] >= 0:
        return None
    return f"its {TOTAL} is {_plain(total)} at Exact Online, but {_signed(row, *kind)}"


def lines_against_type(shape: Shape, fields: Row) -> str | None:
    """Check the sum of the lines against the type before creation; None if it fits."""
    kind = SIGNS.get(shape.endpoint.id, {}).get(fields.get(TYPE) or DEFAULT_TYPE)
    lines = [row for name in shape.children for row in fields.get(name) or []]
    total = sum((_amount(line) or Decimal(0) for line in lines), Decimal(0))
    if kind is None or total * kind[0] >= 0:
        return None
    return f"its lines come to {_plain(total)}, but {_signed(fields, *kind)}"


def _signed(row: Mapping[str, Any], sign: int, name: str) -> str:
    word = "positive" if sign > 0 else "negative"
    return f"{name} (Type {row.get(TYPE) or DEFAULT_TYPE}) has a {word} total: {ADVICE[sign]}"


def sums(shape: Shape, fields: Row, totals: Mapping[str, Decimal]) -> list[str]:
    """Check the sums of a document; return the problems.

    Args:
        shape: of the document.
        fields: to be sent.
        totals: that the record expects.
    """
    lines = [row for name in shape.children for row in fields.get(name) or []]
    problems = []
    if shape.endpoint.id == JOURNAL_ENTRIES:
        problems.append(_unbalanced(lines))
    problems += [
        _balance_mismatch(fields, lines),
        _vat_mismatch(totals),
        _lines_mismatch(fields, lines, totals),
    ]
    return [problem for problem in problems if problem]


def fractions(shape: Shape, fields: Row, where: str = "") -> list[str]:
    """Check for fractions above 1, probably given in percent; return the problems.

    Args:
        shape: of the fields.
        fields: to be sent.
        where: prefix of names in problems.
    """
    return list(_beyond_one(shape, fields, where))


def _beyond_one(shape: Shape, fields: Mapping[str, Any], where: str) -> Iterator[str]:
    for name, value in fields.items():
        if name in shape.children:
            for count, line in enumerate(value or [], start=1):
                yield from _beyond_one(shape.children[name], line, f"{where}{name}[{count}].")
        elif isinstance(value, RelatedRow):
            # Fields of a row to be created.
            yield from _beyond_one(shape_of(value.endpoint), value.new or {}, f"{where}{name}.")
        elif value is not None and {name, f"{shape.name}.{name}"} & FRACTIONS and abs(value) > 1:
            number = Decimal(value)
            yield (
                f"{where}{name} is {_plain(number)}, which is {_plain(number * 100)} % to Exact "
                f"Online: it takes fractions. If {_plain(number)} % is meant, give "
                f"{_plain(number / 100)}"
            )


def _sum(lines: Sequence[Row], name: str) -> Decimal | None:
    """Return the sum of a column; None if a line has no value."""
    values = [line.get(name) for line in lines]
    if not lines or any(value is None for value in values):
        return None
    return sum((Decimal(value) for value in values if value is not None), Decimal(0))


def _unbalanced(lines: Sequence[Row]) -> str | None:
    total = _sum(lines, "AmountFC")
    if not total or any(line.get(name) for line in lines for name in TAXES):
        return None
    return f"the lines do not balance: their AmountFC add up to {_plain(total)} instead of 0"


def _balance_mismatch(fields: Row, lines: Sequence[Row]) -> str | None:
    """Check opening and closing balance of bank and cash entries."""
    opening, closing = fields.get("OpeningBalanceFC"), fields.get("ClosingBalanceFC")
    moved = _sum(lines, "AmountFC")
    if opening is None or closing is None or moved is None:
        return None
    expected = Decimal(opening) + moved
    if expected == closing:
        return None
    return (
        f"OpeningBalanceFC and the AmountFC of the lines come to {_plain(expected)}, "
        f"but ClosingBalanceFC is {_plain(Decimal(closing))}"
    )


def _vat_mismatch(totals: Mapping[str, Decimal]) -> str | None:
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


def _lines_mismatch(fields: Row, lines: Sequence[Row], totals: Mapping[str, Decimal]) -> str | None:
    """Check the lines against the total without VAT, or with VAT if prices include it."""
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
    """Return the amount of a line; None if it cannot be computed."""
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
