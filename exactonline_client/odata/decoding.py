"""Decode rows of the API into plain JSON types.

The API writes dates as `/Date(ms)/`, where ms is the server's local time taken as UTC. So a point
in time must be shifted by the UTC offset of that local time, and a date must not be shifted.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from exactonline_client.odata.literals import INTEGERS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property

METADATA = "__metadata"
"""Name of the metadata in a row: its address and its type."""
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clock time, which has no zone
SECOND, MINUTE, DAY = 1000, 60_000, 86_400_000
"""Milliseconds of each."""
WHOLE_DAY = timedelta(milliseconds=DAY - 1)
"""From the first to the last millisecond of a day."""
# Looking up a text is several times as fast as formatting a number.
MINUTES = tuple(f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60))
SECONDS = tuple(f"{second:02}." for second in range(60))
FRACTIONS = tuple(f"{fraction:03}+00:00" for fraction in range(SECOND))
DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")
# Columns of a fixed width are padded with spaces, on the left or on the right. The end of the name
# decides, in any case; the codes of NOT_PADDED are free text.
PADDED = re.compile(
    r"(code|code(purchase|sales)|country|countryoforigin|language|legislation|state|unit)$",
    re.IGNORECASE,
)
NOT_PADDED = re.compile(r"(bar|post|search)code$", re.IGNORECASE)
TEXT = {str, type(None)}
NUMBER: set[type] = {int, float, type(None)}
WHOLE: set[type] = {int, type(None)}
INT64_END = 2**63
"""Upper bound of integers, exclusive."""
CONVERSION_ERRORS = (TypeError, ValueError, OverflowError, AttributeError)
"""Errors of converting a value of another type, or out of range."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
Row = dict[str, Any]


class WrongType(ValueError):  # noqa: N818
    """A value that is not of its property's type."""

    def __init__(self, name: str, edm: str, value: object) -> None:
        """Name the property and both types, never the value."""
        super().__init__(f"{name} should be {edm}, but is {type(value).__name__}")
        self.name = name


def instant(milliseconds: int, zone: ZoneInfo) -> datetime:
    """Convert milliseconds of server local time to UTC.

    In the hour that is repeated when the clock is set back, the earlier time is taken.
    """
    wall = EPOCH + timedelta(milliseconds=milliseconds)
    try:
        return wall.replace(tzinfo=zone).astimezone(timezone.utc)
    except OverflowError:
        # The first day of the calendar stands for "no date", and cannot be shifted further back.
        return wall.replace(tzinfo=timezone.utc)


def sanitize(text: str) -> str:
    """Replace lone surrogates and NUL, which UTF-8 or databases cannot hold, by U+FFFD."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", REPLACEMENT)


def milliseconds(value: str) -> int:
    """Parse the number in `/Date(...)/`.

    Raises:
        ValueError: the text has another form.
    """
    # Nearly all have no zone and are not before 1970; this is faster than a pattern.
    digits = value[len("/Date(") : -len(")/")]
    if value == f"/Date({digits})/" and digits.isdecimal():
        return int(digits)
    match = DATE.fullmatch(value)
    if match is None:
        raise ValueError(value)
    return int(match[1])


def _raise(error: WrongType) -> None:
    raise error from None


def decoder(
    properties: Iterable[Property],
    zone: ZoneInfo,
    on_wrong: Callable[[WrongType], None] = _raise,
) -> Callable[[Row], Row]:
    """Build a function that decodes a row of the API into plain JSON types.

    The result has exactly the given properties, and is the same dict if the row has no others.
    Numbers are numbers (also those that the API sends as strings), points in time
    `YYYY-MM-DDTHH:MM:SS.mmm+00:00`, dates `YYYY-MM-DD`, codes stripped, missing values None.

    Args:
        properties: the columns of the result.
        zone: time zone of the server.
        on_wrong: called with a `WrongType` for a value of another type or out of range, which
            becomes None unless it raises; raises by default.
    """
    columns = [_Column(item.name, item.type, *converter(item, zone)) for item in properties]
    texts = [column for column in columns if column.convert is _text]
    numbers = [column for column in columns if column.convert is _number]
    # Int64 is sent as text and needs a conversion.
    integers = [column for column in columns if column.edm in INTEGERS - {"Edm.Int64"}]
    grouped = {*texts, *numbers, *integers}
    others = [column for column in columns if column not in grouped]
    names = [column.name for column in columns]
    all_of, texts_of, numbers_of, integers_of = map(_getter, (columns, texts, numbers, integers))

    def is_exact(row: Row) -> bool:
        """Return whether the row has exactly these properties."""
        try:
            all_of(row)
        except KeyError:
            return False
        return len(row) - (METADATA in row) == len(names)

    def decode(row: Row) -> Row:
        # Hot path: columns that need no conversion are checked without a loop.
        if is_exact(row):
            row.pop(METADATA, None)
            result = row
        else:
            result = {name: row.get(name) for name in names}
        if not TEXT.issuperset(map(type, texts_of(result))):
            _convert(result, texts, on_wrong)
        if not _are_plain(numbers_of(result), NUMBER):
            _convert(result, numbers, on_wrong)
        if not _are_plain(integers_of(result), WHOLE):
            _convert(result, integers, on_wrong)
        _convert(result, others, on_wrong)
        return result

    return decode


class _Column(NamedTuple):
    """Conversion of the values of one property."""

    name: str
    edm: str
    convert: Callable[[Any], Any]
    plain: type | None = None
    """Type of values that need no conversion, if there is one."""


def _convert(row: Row, columns: Iterable[_Column], on_wrong: Callable[[WrongType], None]) -> None:
    for name, edm, convert, plain in columns:
        value = row[name]
        if value is not None and type(value) is not plain:
            try:
                row[name] = convert(value)
            except CONVERSION_ERRORS:
                row[name] = None
                on_wrong(WrongType(name, edm, value))


def _are_plain(numbers: Iterable[Any], types: set[type]) -> bool:
    """Return whether all are None or numbers of these types within the range of databases."""
    if not types.issuperset(map(type, numbers)):
        return False
    try:
        return bool(sum(map(abs, filter(None, numbers))) < INT64_END)
    except OverflowError:
        return False


def _getter(columns: Sequence[_Column]) -> Callable[[Row], tuple[Any, ...]]:
    """Build a function that returns the values of these columns in a row."""
    names = [column.name for column in columns]
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def converter(item: Property, zone: ZoneInfo) -> tuple[Callable[[Any], Any], type | None]:
    """Return the conversion of a property, and the type of values that need none."""
    if item.type == "Edm.DateTime":
        return (_date if item.date == "date" else partial(_timestamp, zone)), None
    if item.type in INTEGERS:
        return _integer, None
    if item.type in NUMBERS:
        return _number, None
    if item.type == "Edm.Boolean":
        return _boolean, bool
    if is_padded(item):
        return _code, None
    return _text, None


def is_padded(item: Property) -> bool:
    """Whether a property is a code, which may have spaces around it."""
    name = item.name
    return item.type == "Edm.String" and bool(PADDED.search(name)) and not NOT_PADDED.search(name)


def _date(value: str) -> str:
    return _iso_date(milliseconds(value) // DAY)


def _timestamp(zone: ZoneInfo, value: str) -> str:
    if not value.startswith("/Date("):
        # Me.ServerTime and similar ones are ISO local time.
        wall = datetime.fromisoformat(value)
        if wall.tzinfo is not None:
            raise ValueError
        return wall.replace(tzinfo=zone).astimezone(timezone.utc).isoformat(timespec="milliseconds")
    number = milliseconds(value)
    offset = _day_offset(number // DAY, zone)
    if offset is None:
        return instant(number, zone).isoformat(timespec="milliseconds")
    day, rest = divmod(number - offset, DAY)
    minute, rest = divmod(rest, MINUTE)
    second, rest = divmod(rest, SECOND)
    return f"{_iso_date(day)}{MINUTES[minute]}{SECONDS[second]}{FRACTIONS[rest]}"


@lru_cache(maxsize=10_000)
def _iso_date(day: int) -> str:
    """Return a date by its number since 1970."""
    return (EPOCH + timedelta(days=day)).date().isoformat()


# To ask the zone takes longer than all the rest.
@lru_cache(maxsize=10_000)
def _day_offset(day: int, zone: ZoneInfo) -> int | None:
    """Return the UTC offset in milliseconds during a day of server local time.

    None if it changes on this day, and on the first and the last day of the calendar.
    """
    first, last = instant(day * DAY, zone), instant((day + 1) * DAY - 1, zone)
    if last - first != WHOLE_DAY:
        return None
    wall = EPOCH + timedelta(days=day)
    return (wall - first.replace(tzinfo=None)) // timedelta(milliseconds=1)


def _integer(value: str | float) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    number = int(value)
    if not -INT64_END <= number < INT64_END:
        raise OverflowError
    return number


def _number(value: str | float) -> float:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise TypeError
    number = float(value) if isinstance(value, str) or abs(value) >= INT64_END else value
    if not math.isfinite(number):
        raise ValueError
    return number


def _boolean(value: object) -> bool:
    # Some flags are documented as Boolean and sent as Byte.
    if value in (0, 1):
        return bool(value)
    raise TypeError


def _code(value: str) -> str:
    return value.strip()


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
