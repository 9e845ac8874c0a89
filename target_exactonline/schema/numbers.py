"""Numbers as people write them, with the decimal mark of a whole column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from target_exactonline.schema.texts import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

POINT, COMMA, AUTO = "point", "comma", "auto"
MARKS = {POINT: ".", COMMA: ","}
MOST_DIGITS = 15
"""As many as a double at Exact Online holds for certain."""

_CURRENCY = re.compile(r"^(?:€|\$|£|EUR|USD|GBP)\s*|\s*(?:€|\$|£|EUR|USD|GBP)$", re.IGNORECASE)
_NO_CENTS = re.compile(r"[.,]-{1,2}$")
_PER_CENT = re.compile(r"\s*%$")
_FORMS = {
    mark: re.compile(
        rf"(?:[1-9]\d{{0,2}}(?:(?P<thousands>[{thousands} '\u2019])"
        rf"\d{{3}}(?:(?P=thousands)\d{{3}})*)|\d+)?(?:{re.escape(sign)}(?P<decimals>\d+))?",
        re.ASCII,
    )
    for mark, sign, thousands in ((POINT, ".", ","), (COMMA, ",", "."))
}


@dataclass(frozen=True)
class Reading:
    """Which decimal mark the numbers of a column have."""

    mark: str | None
    """None where the column allows both, or none fits all of it."""
    example: str = ""
    """For None: a number that can be read in two ways, or the first that fits no other."""


def is_per_cent(text: str) -> bool:
    """Whether a number has a per cent sign."""
    return bool(_PER_CENT.search(clean(text)))


def parse(text: str, mark: str) -> Decimal | None:
    """A number; None where the text is none.

    Currency signs, a minus in front or behind, brackets around a negative number, a per cent sign
    (which changes nothing) and marks of thousands are understood.

    Args:
        text: as it stands in the cell.
        mark: `point` or `comma`, which parts the decimals.
    """
    digits, negative = _bare(text)
    found = _FORMS[mark].fullmatch(digits)
    if not digits or found is None or not any(map(str.isdigit, digits)):
        return None
    whole = digits.removesuffix(MARKS[mark] + (found["decimals"] or "\0"))
    plain = re.sub(r"\D", "", whole) + ("." + found["decimals"] if found["decimals"] else "")
    number = Decimal(plain)
    if len(number.as_tuple().digits) > MOST_DIGITS:
        return None
    return -number if negative else number


def _bare(text: str) -> tuple[str, bool]:
    """A number without currency and per cent signs, and whether it is negative."""
    bare = _PER_CENT.sub("", clean(text).replace("−", "-").replace("–", "-"))  # noqa: RUF001
    bracketed = bare.startswith("(") and bare.endswith(")")
    if bracketed:
        bare = bare[1:-1].strip()
    negative = bracketed
    for _ in range(2):
        bare = _CURRENCY.sub("", bare).strip()
        if bare.startswith(("-", "+")):
            negative ^= bare.startswith("-")
            bare = bare[1:].strip()
    bare = _NO_CENTS.sub("", bare)
    if bare.endswith("-"):
        negative = not negative
        bare = bare[:-1].strip()
    return _CURRENCY.sub("", bare).strip(), negative


def reading(texts: Iterable[str]) -> Reading:
    """Return the decimal mark that all numbers of a column allow; ignore words."""
    fits = set(MARKS)
    example = misfit = ""
    for text in texts:
        values = {mark: value for mark in MARKS if (value := parse(text, mark)) is not None}
        if not values:
            continue
        if not fits <= values.keys():
            misfit = text
            fits &= values.keys()
        if len(set(values.values())) > 1:
            example = example or text
    if len(fits) > 1:
        return Reading(None, example) if example else Reading(POINT)
    return Reading(fits.pop()) if fits else Reading(None, misfit)
