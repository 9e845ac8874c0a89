"""Dates as people write them, with one order of day and month for a whole column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from target_exactonline.schema.texts import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

ISO, DAY_FIRST, MONTH_FIRST, AUTO = "iso", "day-first", "month-first", "auto"
ORDERS = (DAY_FIRST, MONTH_FIRST)
MONTHS = 12
DAYS = 31
CENTURY = 2000
"""Of a year of two digits."""
SERIAL_ZERO = date(1899, 12, 30)
SERIALS = range(36_526, 73_051)
"""Numbers of the days of 2000 to 2099, as a spreadsheet counts them."""

_YEAR_FIRST = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\d{1,2}:\d{2}.*)?|(\d{4})(\d{2})(\d{2})", re.ASCII
)
_YEAR_LAST = re.compile(
    r"(\d{1,2})\s?([-/. ])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?:[T ,]+\d{1,2}:\d{2}.*)?", re.ASCII
)


class NotADate(ValueError):  # noqa: N818 - it is the text that is no date
    """What is wrong with a text that should be a date."""


@dataclass(frozen=True)
class Reading:
    """In which order the dates of a column have day and month."""

    order: str | None
    """None where the column allows both, or none fits all of it."""
    example: str = ""
    """For None: a date that can be read in two ways, or the first that fits no other."""


def reading(texts: Iterable[str]) -> Reading:
    """The order that all dates of a column allow; those that begin with the year have none."""
    fits = set(ORDERS)
    example = misfit = ""
    for text in texts:
        possible = _possible(text)
        if not possible:
            continue
        if not fits <= possible:
            misfit = text
            fits &= possible
        if len(possible) > 1 and _first_two(text)[0] != _first_two(text)[1]:
            example = example or text
    if len(fits) > 1:
        return Reading(None, example) if example else Reading(DAY_FIRST)
    return Reading(fits.pop()) if fits else Reading(None, misfit)


def _first_two(text: str) -> tuple[int, int]:
    """The first two numbers of a date that ends in its year; zeros of any other text."""
    found = _YEAR_LAST.fullmatch(clean(text))
    return (int(found[1]), int(found[3])) if found else (0, 0)


def _possible(text: str) -> set[str]:
    """The orders in which a text can be a date, though the day need not exist."""
    first, second = _first_two(text)
    places = {DAY_FIRST: (first, second), MONTH_FIRST: (second, first)}
    return {
        order for order, (day, month) in places.items() if 0 < day <= DAYS and 0 < month <= MONTHS
    }


def is_year_last(text: str) -> bool:
    """Whether a text has the form of a date that begins with its day or its month."""
    return bool(_YEAR_LAST.fullmatch(clean(text)))


def parse(text: str, order: str) -> date:
    """The day of a text, as its writer's clock and calendar had it.

    Args:
        text: as it stands in the cell.
        order: `day-first`, `month-first`, or `iso` where the year has to come first.

    Raises:
        NotADate: it is none; the message says why without quoting it.
    """
    bare = clean(text)
    found = _YEAR_FIRST.fullmatch(bare)
    if found:
        year, month, day = found[1] or found[5], found[3] or found[6], found[4] or found[7]
        return _day(int(year), int(month), int(day))
    if re.fullmatch(r"\d{5}", bare) and int(bare) in SERIALS:
        return serial(Decimal(bare))
    found = _YEAR_LAST.fullmatch(bare)
    if not found:
        raise NotADate("is not a date; write it as 2026-11-28 or 28-11-2026")
    if order == ISO:
        raise NotADate("begins with its day or its month; write the year first, or set --dates")
    first, second, year_text = int(found[1]), int(found[3]), found[4]
    day, month = (first, second) if order == DAY_FIRST else (second, first)
    if month > MONTHS:
        raise NotADate(f"has no month {month}: dates are read {order} in this column")
    year = int(year_text) + (CENTURY if len(year_text) == 2 else 0)  # noqa: PLR2004 - digits
    return _day(year, month, day)


def _day(year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        raise NotADate("does not exist; correct the day or the month") from None


def serial(number: Decimal) -> date:
    """The day of a number as a spreadsheet counts days; also of 20261107.

    Raises:
        NotADate: it is no day of this century.
    """
    whole = int(number)
    if whole in SERIALS:
        return SERIAL_ZERO + timedelta(days=whole)
    if number == whole and len(str(whole)) == len("20261107"):
        return parse(str(whole), ISO)
    raise NotADate("is a number that is not a date")
