"""Decide how customers and suppliers pay: in full, in part, less a discount, or too much.

Credit notes are paid together with other invoices of the same account.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from exactonline_sandbox.books import booking
from exactonline_sandbox.books.amounts import ZERO
from exactonline_sandbox.edm.values import cents, wall_clock

if TYPE_CHECKING:
    from datetime import date

    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.data.maker import Maker

_DISCOUNT = Decimal("0.02")
_EXTRA = Decimal(10)
_HALF = Decimal("0.5")
_ROUND = 40
# What becomes of every fortieth receivable or payable; the others are paid in full.
_PART, _PART_PAID, _DISCOUNTED, _TOO_MUCH, _NEVER = (7, 27), (17,), (11, 23), (31,), (37, 38)


@dataclass(frozen=True)
class Payment:
    """A payment of a term, or of a part of it."""

    day: date
    term: Row
    sign: int
    """1 for what comes in on a receivable, -1 for what goes out on a payable."""
    amount: Decimal
    """What is settled of the term, in its currency."""
    discount: Decimal = ZERO
    """The part of the amount that is not paid."""
    extra: Decimal = ZERO
    """What is paid above the amount."""


def plan_payments(maker: Maker, table: str, sign: int) -> list[Payment]:
    """The payments of all terms of a table, by the day before today."""
    today = wall_clock(maker.today).date()
    payments: list[Payment] = []
    credit_notes = []
    for number, term in enumerate(maker.company.table(table).rows.values()):
        if term["AmountFC"] <= 0:
            credit_notes.append(term)
            continue
        late = maker.rng.randrange(-10, 25) if sign == 1 else maker.rng.randrange(-3, 6)
        day = max(term["DueDate"] + timedelta(days=late), term["EntryDate"])
        if day < today and _is_processed(maker, term, sign):
            payments += _outcome(number % _ROUND, day, term, sign)
    payments = [payment for payment in payments if payment.day < today]
    firsts: dict[tuple[str, str], list[date]] = defaultdict(list)
    for payment in payments:
        firsts[payment.term["Account"], payment.term["Currency"]].append(payment.day)
    for term in credit_notes:
        days = firsts[term["Account"], term["Currency"]]
        later = term["EntryDate"] + timedelta(days=30)
        day = min((day for day in days if day >= term["EntryDate"]), default=later)
        if day < today and _is_processed(maker, term, sign):
            payments.append(Payment(day, term, sign, term["AmountFC"]))
    return payments


def _is_processed(maker: Maker, term: Row, sign: int) -> bool:
    """Whether the entry of a term is processed; open ones are not paid yet."""
    entries = booking.SALES_ENTRIES if sign == 1 else booking.PURCHASE_ENTRIES
    entry = maker.company.table(entries).get(term["EntryID"])
    return entry is None or entry["Status"] == booking.PROCESSED


def _outcome(number: int, day: date, term: Row, sign: int) -> list[Payment]:
    """How a term is paid: its payments in order."""
    whole = term["AmountFC"]
    half = cents(whole * _HALF)
    if number in _NEVER:
        return []
    if number in _PART:
        return [Payment(day, term, sign, half)]
    if number in _PART_PAID:
        later = day + timedelta(days=40)
        return [Payment(day, term, sign, half), Payment(later, term, sign, whole - half)]
    if number in _DISCOUNTED:
        return [Payment(day, term, sign, whole, discount=cents(whole * _DISCOUNT))]
    if number in _TOO_MUCH and sign == 1:
        return [Payment(day, term, sign, whole, extra=_EXTRA)]
    return [Payment(day, term, sign, whole)]
