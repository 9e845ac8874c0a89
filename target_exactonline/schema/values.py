"""Convert and check values of a record for the API.

Numbers keep all digits. Timestamps are converted to server local time without a zone, because the
API shifts a date that ends in `Z`.
"""

from __future__ import annotations

import base64
import re
from datetime import date, datetime, time
from decimal import Context, Decimal
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from exactonline_client.odata.literals import wall_time
from exactonline_client.odata.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from exactonline_client.catalogue import Property

Scalar: TypeAlias = "str | int | Decimal | bool"

NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
EXACT = Context(prec=28)
"""More precise than the server's doubles."""
LONGEST_QUOTED = 40
"""Characters of a text that a reason quotes."""
LARGEST_EXPONENT = 300
EXACT_INTEGERS = 2**53
UTC = ZoneInfo("UTC")
RANGES = {
    "Edm.Byte": range(2**8),
    "Edm.Int16": range(-(2**15), 2**15),
    "Edm.Int32": range(-(2**31), 2**31),
}
EXPECTED = {
    "Edm.Binary": "a file in base64",
    "Edm.Boolean": "true or false",
    "Edm.Byte": "a whole number from 0 to 255",
    "Edm.DateTime": "a date such as 2026-06-25 or 2026-06-25T10:00:00",
    "Edm.Double": "a number",
    "Edm.Guid": "a GUID",
    "Edm.Int16": "a whole number of at most 16 bits",
    "Edm.Int32": "a whole number of at most 32 bits",
    "Edm.String": "text",
}
COMMA = re.compile(r"[+-]?[0-9][0-9., ]*,[0-9., ]*")
COMMA_MEANING = (
    "a number with a comma, which may part thousands or decimals (1,234 is 1234 or 1.234): write "
    "decimals with a point and thousands without a mark, such as 1234.56, or set decimal: comma"
)
DAY_OR_MONTH = re.compile(r"[0-9]{1,2}([-/. ])[0-9]{1,2}\1([0-9]{2}|[0-9]{4})([ T,].*)?")
DAY_OR_MONTH_MEANING = (
    "a date that begins with its day or its month (02/11/2026 is 2 November or 11 February): write "
    "the year first, such as 2026-11-02, or set dates: day-first"
)
AMBIGUOUS = {
    "Edm.DateTime": (DAY_OR_MONTH, DAY_OR_MONTH_MEANING),
    **dict.fromkeys(["Edm.Double", *RANGES], (COMMA, COMMA_MEANING)),
}
"""Patterns of ambiguous texts by expected type, which are rejected."""
WIDTHS = {
    "AccountCode": 18,
    "crm/Accounts.Code": 18,
    "Country": 3,
    "Language": 10,
    "PurchaseVATCode": 3,
    "SalesVATCode": 3,
    "SalesVatCode": 3,
    "Unit": 8,
    "UnitCode": 8,
    "vat/VATCodes.Code": 3,
    "VATCode": 3,
}
"""Maximum length of texts with a fixed width, by property, or by endpoint and property."""


class BadValueError(ValueError):
    """A value that is invalid for its property; the message does not quote it."""


def to_wire(value: object, item: Property, zone: ZoneInfo) -> Scalar:
    """Convert a value for the body of a request.

    Args:
        value: from a record; not None.
        item: its property.
        zone: time zone of the server, to which timestamps with a zone are converted.

    Raises:
        BadValueError: the value has another type.
    """
    try:
        if item.type == "Edm.DateTime":
            return _date(value, zone, whole_day=item.date == "date")
        return CONVERTERS[item.type](value)
    except (ArithmeticError, TypeError, ValueError):
        raise wrong_type(value, item.type) from None


def wrong_type(value: object, edm: str) -> BadValueError:
    """Build the error for a value of another type."""
    form, both = AMBIGUOUS.get(edm, (None, ""))
    is_either = form is not None and isinstance(value, str) and form.fullmatch(value.strip())
    return BadValueError(
        f"should be {EXPECTED[edm]}, but is {both if is_either else describe(value)}"
    )


def is_empty(value: object) -> bool:
    """Return whether a value is null or blank text."""
    return value is None or (isinstance(value, str) and not value.strip())


def compared(value: object, item: Property | None, zone: ZoneInfo | None = None) -> Hashable:
    """Normalise a value for comparison: converted by its property's type, else as text.

    Args:
        value: from a record.
        item: its property; None if unknown.
        zone: time zone of the server, in which a timestamp of a date property is a day. Without
            it, different times of a day differ.
    """
    try:
        if item and item.type == "Edm.DateTime" and zone is None:
            return _at_midnight(to_moment(value)).isoformat()
        if item and item.type in EXPECTED:
            converted = to_wire(value, item, zone or UTC)
            return converted.strip() if isinstance(converted, str) else converted
    except (TypeError, ValueError):
        pass
    return as_text(value)


def as_text(value: object) -> str:
    """Convert a value to stripped text; 1, 1.0 and "1" are equal."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return str(value).strip()
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        return str(value)
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def describe(value: object) -> str:
    """Describe a JSON value in plain words; a short text is quoted, whole, as the log hides it."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float, Decimal)):
        return "another number"
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return "empty text"
        quotable = len(text) <= LONGEST_QUOTED and text.isprintable()
        return f"'{text}'" if quotable else f"a text of {len(text)} characters"
    return "a list" if isinstance(value, list) else "an object"


def _number(value: object) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise TypeError
    if isinstance(value, str) and not NUMBER.fullmatch(value.strip()):
        raise ValueError
    # The repr of a float has the digits that it was written with.
    number = Decimal(repr(value) if isinstance(value, float) else value)
    if not number.is_finite() or (number and abs(number.adjusted()) > LARGEST_EXPONENT):
        raise ValueError
    number = EXACT.normalize(number)
    whole = number == number.to_integral_value() and abs(number) < EXACT_INTEGERS
    return int(number) if whole else number


def _whole(edm: str) -> Callable[[object], int]:
    def convert(value: object) -> int:
        # Some flags are of type Edm.Byte.
        number = int(value) if edm == "Edm.Byte" and isinstance(value, bool) else _number(value)
        # `in` of a range is only fast for int.
        if not isinstance(number, int) or number not in RANGES[edm]:
            raise ValueError
        return number

    return convert


def to_text(value: object) -> str:
    """Convert text or a whole number to text.

    Raises:
        ArithmeticError, TypeError, ValueError: it is neither.
    """
    if isinstance(value, str):
        value.encode()
        return value
    number = _number(value)
    if isinstance(number, Decimal):
        raise TypeError
    return str(number)


def _guid(value: object) -> str:
    if not isinstance(value, (str, UUID)):
        raise TypeError
    return str(UUID(str(value).strip()))


def _boolean(value: object) -> bool:
    word = value.strip().casefold() if isinstance(value, str) else value
    if isinstance(word, str) and NUMBER.fullmatch(word):
        word = _number(word)
    if word in (1, "true"):
        return True
    if word in (0, "false"):
        return False
    raise ValueError


def _binary(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    base64.b64decode(value, validate=True)
    return value


def _date(value: object, zone: ZoneInfo, *, whole_day: bool) -> str:
    converted = _at_midnight(to_moment(value))
    if not whole_day:
        return wall_time(converted, zone)
    # A timestamp at midnight is a date in its own zone; any other is one in the server's zone.
    if converted.tzinfo is not None and converted.time() != time.min:
        converted = converted.astimezone(zone)
    return converted.date().isoformat()


def to_moment(value: object) -> date:
    """Convert to a date, or a datetime if there is a time.

    Raises:
        TypeError, ValueError: it is neither.
    """
    if isinstance(value, date):
        return value
    if not isinstance(value, str):
        raise TypeError
    return parse_timestamp(value)


def _at_midnight(day: date) -> datetime:
    return day if isinstance(day, datetime) else datetime.combine(day, time.min)


CONVERTERS: dict[str, Callable[[object], Scalar]] = {
    "Edm.Binary": _binary,
    "Edm.Boolean": _boolean,
    "Edm.Double": _number,
    "Edm.Guid": _guid,
    "Edm.String": to_text,
    **{edm: _whole(edm) for edm in RANGES},
}
