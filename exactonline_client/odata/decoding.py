"""Rows of the API in plain types.

Dates are the trap. The API writes `/Date(ms)/`, where ms counts from the epoch to the server's
wall clock as if that were UTC. A moment in time must therefore be moved by the offset the zone
had at that wall time; a pure date must not be moved at all.
"""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from exactonline_client.odata.literals import INTEGERS, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from zoneinfo import ZoneInfo

    from exactonline_client.catalogue import Property

METADATA = "__metadata"
"""In a row beside its properties: its address and its type."""
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall clock time, which has no zone
DATE = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")
# Columns of a fixed width come padded with spaces, on the left or on the right. What a column
# holds is the end of its name, in any case; these codes are free text.
PADDED = re.compile(
    r"(code|code(purchase|sales)|country|countryoforigin|language|legislation|state|unit)$",
    re.IGNORECASE,
)
NOT_PADDED = re.compile(r"(bar|post|search)code$", re.IGNORECASE)
TEXT = {str, type(None)}
NUMBER: set[type] = {int, float, type(None)}
WHOLE: set[type] = {int, type(None)}
INT64_END = 2**63
"""The first number that no column of integers can hold."""
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
Row = dict[str, Any]


class WrongType(ValueError):  # noqa: N818
    """A value that is not of the type the catalogue gives its property."""

    def __init__(self, name: str, edm: str, value: object) -> None:
        """The text names the property and both types, never the value."""
        super().__init__(f"{name} should be {edm}, but came as {type(value).__name__}")
        self.name = name


def instant(milliseconds: int, zone: ZoneInfo) -> datetime:
    """The moment in UTC that the server's wall clock showed.

    In the hour that the clock is set back a wall time means two moments; the earlier is taken.
    """
    wall = EPOCH + timedelta(milliseconds=milliseconds)
    try:
        return wall.replace(tzinfo=zone).astimezone(timezone.utc)
    except OverflowError:
        # The first day of the calendar stands for "no date", and nothing is before it.
        return wall.replace(tzinfo=timezone.utc)


def sanitize(text: str) -> str:
    """The text without what UTF-8 or a database cannot hold: halves of characters, and NUL."""
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", REPLACEMENT)


def milliseconds(value: str) -> int:
    """The number inside `/Date(...)/`.

    Raises:
        ValueError: it is not of that form.
    """
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
    """A function that turns a row of the API into one of plain JSON types.

    The result has exactly the given properties, and is the row itself where that has no others:
    numbers as numbers (also those that the API sends as strings), moments as
    `YYYY-MM-DDTHH:MM:SS.mmm+00:00`, pure dates as `YYYY-MM-DD`, codes without padding, and None
    where the API sent nothing.

    A value that is of another type than its property, or beyond what that type holds, is given to
    `on_wrong`, which raises it as `WrongType`; where it does not, the value becomes None.
    """
    columns = [_Column(item.name, item.type, *_converter(item, zone)) for item in properties]
    texts = [column for column in columns if column.convert is _text]
    numbers = [column for column in columns if column.convert is _number]
    # Int64 comes as text, and is converted one by one.
    integers = [column for column in columns if column.edm in INTEGERS - {"Edm.Int64"}]
    grouped = {*texts, *numbers, *integers}
    others = [column for column in columns if column not in grouped]
    names = [column.name for column in columns]
    all_of, texts_of, numbers_of, integers_of = map(_getter, (columns, texts, numbers, integers))

    def is_exact(row: Row) -> bool:
        """Whether the row has these properties and no others."""
        try:
            all_of(row)
        except KeyError:
            return False
        return len(row) - (METADATA in row) == len(names)

    def decode(row: Row) -> Row:
        # Runs for every row there is: what needs no conversion goes without a loop.
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
    """How the values of one property become plain."""

    name: str
    edm: str
    convert: Callable[[Any], Any]
    plain: type | None = None
    """The type of values that are plain already, where there is one."""


def _convert(row: Row, columns: Iterable[_Column], on_wrong: Callable[[WrongType], None]) -> None:
    for name, edm, convert, plain in columns:
        value = row[name]
        if value is not None and type(value) is not plain:
            try:
                row[name] = convert(value)
            except (TypeError, ValueError, OverflowError, AttributeError):
                row[name] = None
                on_wrong(WrongType(name, edm, value))


def _are_plain(numbers: Iterable[Any], types: set[type]) -> bool:
    """Whether there is nothing but None and numbers of these types that every database holds."""
    if not types.issuperset(map(type, numbers)):
        return False
    try:
        return bool(sum(map(abs, filter(None, numbers))) < INT64_END)
    except OverflowError:
        return False


def _getter(columns: Sequence[_Column]) -> Callable[[Row], tuple[Any, ...]]:
    """What takes the values of these columns out of a row at once."""
    names = [column.name for column in columns]
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple(row[name] for name in names)


def _converter(item: Property, zone: ZoneInfo) -> tuple[Callable[[Any], Any], type | None]:
    """What makes a value plain, and the type of those that are."""
    if item.type == "Edm.DateTime":
        return (_date if item.date == "date" else lambda value: _timestamp(value, zone)), None
    if item.type in INTEGERS:
        return _integer, None
    if item.type in NUMBERS:
        return _number, None
    if item.type == "Edm.Boolean":
        return _boolean, bool
    if item.type == "Edm.String" and _is_padded(item.name):
        return _code, None
    return _text, None


def _is_padded(name: str) -> bool:
    return bool(PADDED.search(name)) and not NOT_PADDED.search(name)


@lru_cache(maxsize=10_000)
def _date(value: str) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds(value))).date().isoformat()


# A new row was changed when it was created, and rows that came together often tell one moment.
@lru_cache(maxsize=1000)
def _timestamp(value: str, zone: ZoneInfo) -> str:
    if not value.startswith("/Date("):
        # Me.ServerTime and its like are written as plain local time.
        wall = datetime.fromisoformat(value)
        if wall.tzinfo is not None:
            raise ValueError
        return wall.replace(tzinfo=zone).astimezone(timezone.utc).isoformat(timespec="milliseconds")
    return instant(milliseconds(value), zone).isoformat(timespec="milliseconds")


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
    # A few flags are documented as Boolean and sent as Byte.
    if value in (0, 1):
        return bool(value)
    raise TypeError


def _code(value: str) -> str:
    return value.strip()


def _text(value: str) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
