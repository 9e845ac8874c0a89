"""From what columns mean to the properties of Exact Online, document by document."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_cli.spreadsheet.choices import INCLUDING
from exactonline_cli.spreadsheet.columns import KNOWN
from exactonline_cli.spreadsheet.headers import (
    AMOUNT_INCL,
    CREDIT,
    DEBIT,
    DISCOUNT_AMOUNT,
    DURATION,
    PARTY,
    PRICE_INCL,
    PRICE_OPEN,
    SIDE,
    line_shape,
)
from exactonline_cli.spreadsheet.model import say
from exactonline_cli.spreadsheet.problems import Problem
from target_exactonline.schema.fields import shape_of

if TYPE_CHECKING:
    from exactonline_cli.spreadsheet.model import Document, Draft, Line
    from target_exactonline.schema.entities import Entity

PRICE, LIST_PRICE, DISCOUNT, AMOUNT = "NetPrice", "UnitPrice", "Discount", "AmountFC"
CENT = Decimal("0.01")
CREDIT_SIDES = frozenset({"c", "cr", "credit", "af", "h", "haben", "-"})
DEBIT_SIDES = frozenset({"d", "dr", "debet", "debit", "bij", "s", "soll", "+"})
ROLES = ("OrderedBy", "Customer", "Supplier")
"""Properties that hold the other party of a document."""
SAME_DAY = (("InvoiceDate", "OrderDate"), ("OrderDate", "InvoiceDate"))


def apply(draft: Draft) -> None:
    """Turn meanings into properties, and note what does not fit.

    Prices with VAT and VAT itself are left to what Exact Online says of its codes.
    """
    entity = draft.entity
    has_discount = draft.mapping.of(DISCOUNT) is not None
    for document in draft.documents.edited():
        _name_party(document, entity)
        _copy_day(document, entity, draft)
        for line in document.lines:
            _apply_to_line(document, line, draft, has_discount=has_discount)
        _check_balance(document, entity)
        _require(document, entity)
        refuse_other_rows(document)


def _name_party(document: Document, entity: Entity) -> None:
    """Name the customer or supplier by code and by name, where either may stand in the column."""
    text = document.meant.get(PARTY)
    shape = shape_of(entity.endpoint.id)
    role = next((each for each in ROLES if each in shape.links), "")
    if text is not None and role:
        for name in (f"{role}Code", f"{role}Name"):
            document.fields[name] = text
            document.headers[name] = document.headers[PARTY]


def _copy_day(document: Document, entity: Entity, draft: Draft) -> None:
    """Give the day of an invoice to its order, and the other way round."""
    possible = shape_of(entity.endpoint.id).writable
    for given, other in SAME_DAY:
        if other in possible and draft.mapping.of(other) is None and given in document.fields:
            document.fields.setdefault(other, document.fields[given])


def _apply_to_line(document: Document, line: Line, draft: Draft, *, has_discount: bool) -> None:
    if DURATION in line.meant:
        line.fields.setdefault("Quantity", line.meant[DURATION])
    if DEBIT in line.headers or CREDIT in line.headers:
        _add_sides(document, line)
    elif SIDE in line.meant and AMOUNT in line.fields:
        _sign(document, line)
    _refuse_amounts(document, line)
    price = _open_price(line, draft)
    if price is not None:
        line.fields[PRICE] = price
    _choose_price(line, draft, has_discount=has_discount)


def _refuse_amounts(document: Document, line: Line) -> None:
    """Refuse amounts that Exact Online does not take, and that must not be lost."""
    if AMOUNT_INCL in line.meant and AMOUNT not in line.fields:
        document.refuse(
            line.problem(
                "is an amount with VAT, and Exact takes the one without: add a column for that",
                AMOUNT_INCL,
            )
        )
    if line.meant.get(DISCOUNT_AMOUNT):
        document.refuse(
            line.problem(
                "is a discount as an amount, and Exact takes a percentage: add a column Korting %, "
                "or lower the price",
                DISCOUNT_AMOUNT,
            )
        )


def _choose_price(line: Line, draft: Draft, *, has_discount: bool) -> None:
    """Tell the price before a discount from the one after it."""
    listed = draft.mapping.of(LIST_PRICE)
    if has_discount and PRICE in line.fields and LIST_PRICE not in line.fields:
        line.fields[LIST_PRICE] = line.fields.pop(PRICE)
        line.headers.setdefault(LIST_PRICE, line.header(PRICE, PRICE_INCL, PRICE_OPEN) or "")
    elif not has_discount and PRICE not in line.fields and listed and listed.how == KNOWN:
        # A price for one, without a discount, is what the customer pays.
        if LIST_PRICE in line.fields:
            line.fields[PRICE] = line.fields.pop(LIST_PRICE)
        line.headers.setdefault(PRICE, listed.header)


def _open_price(line: Line, draft: Draft) -> Decimal | str | bool | None:
    """A price that holds the VAT, or of which the user says whether it does."""
    if PRICE_INCL in line.meant:
        return line.meant[PRICE_INCL]
    if PRICE_OPEN in line.meant:
        if draft.choices.prices == INCLUDING:
            line.meant[PRICE_INCL] = line.meant[PRICE_OPEN]
        return line.meant[PRICE_OPEN]
    if draft.choices.prices == INCLUDING and (PRICE in line.fields or LIST_PRICE in line.fields):
        line.meant[PRICE_INCL] = line.fields.get(PRICE, line.fields.get(LIST_PRICE, Decimal(0)))
    return None


def _add_sides(document: Document, line: Line) -> None:
    debit, credit = (_amount(line, name) for name in (DEBIT, CREDIT))
    if debit and credit:
        document.refuse(
            Problem(
                line.row,
                f"{line.header(DEBIT)} {say(debit)} and {line.header(CREDIT)} {say(credit)} are "
                "on one row: give each its own row",
            )
        )
    elif line.meant.get(DEBIT) is None and line.meant.get(CREDIT) is None:
        document.refuse(Problem(line.row, "has neither debit nor credit"))
    line.fields[AMOUNT] = debit - credit


def _amount(line: Line, name: str) -> Decimal:
    value = line.meant.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)


def _sign(document: Document, line: Line) -> None:
    side = say(line.meant[SIDE]).casefold()
    amount = line.fields[AMOUNT]
    if side in CREDIT_SIDES and isinstance(amount, Decimal):
        line.fields[AMOUNT] = -abs(amount)
    elif side not in DEBIT_SIDES:
        document.refuse(line.problem("is neither debit nor credit; write D or C", SIDE))


def _check_balance(document: Document, entity: Entity) -> None:
    if entity.stream != "general_journal_entries" or document.problems:
        return
    if any("VATCode" in line.fields or "vat" in line.meant for line in document.lines):
        return
    amounts = [
        value for line in document.lines if isinstance(value := line.fields.get(AMOUNT), Decimal)
    ]
    if sum(amounts, Decimal(0)):
        debit = sum((amount for amount in amounts if amount > 0), Decimal(0))
        credit = -sum((amount for amount in amounts if amount < 0), Decimal(0))
        document.refuse(
            Problem(
                document.row,
                f"{document.reference} is not in balance: debit {debit:.2f}, credit {credit:.2f}, "
                f"difference {abs(debit - credit):.2f}",
            )
        )


def _require(document: Document, entity: Entity) -> None:
    """Note the required fields that are empty in a document or a line."""
    shape, rows = shape_of(entity.endpoint.id), line_shape(entity)
    holders: list[tuple[Line, tuple[str, ...]]] = [(document, shape.required)]
    holders += [(line, rows.required) for line in document.lines] if rows else []
    wrong = {(problem.row, problem.column) for problem in document.problems}
    reference = entity.reference_field("YourRef")
    for holder, required in holders:
        for name in required:
            if holder is document and name == reference:
                continue
            spellings = [name, f"{name}Code", f"{name}Name", *([PARTY] if name in ROLES else [])]
            header = holder.header(*spellings)
            if header is None or any(each in holder.fields for each in spellings):
                continue
            if (holder.row, header) not in wrong:
                document.refuse(Problem(holder.row, f"is empty: {_needs(name)}", header, ""))


def _needs(name: str) -> str:
    return {
        "OrderedBy": "an invoice needs a customer",
        "Customer": "an entry needs a customer",
        "Supplier": "an entry needs a supplier",
        "Item": "a line needs an item",
        "GLAccount": "a line needs a ledger account",
        "Name": "it needs a name",
    }.get(name, f"Exact needs {name}")


def refuse_other_rows(document: Document) -> None:
    """Say of the sound rows of a refused document which row is wrong: it is sent whole or not."""
    wrong = sorted({problem.row for problem in document.problems})
    if not wrong:
        return
    is_of_all = any(
        problem.column is None and "balance" in problem.reason for problem in document.problems
    )
    for row in document.rows:
        if row not in wrong:
            named = "as row" if is_of_all else "row"
            rest = "" if is_of_all else " of the same document is wrong"
            document.refuse(Problem(row, f"{named} {wrong[0]}{rest}"))
