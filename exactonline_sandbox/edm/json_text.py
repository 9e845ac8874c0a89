r"""Values as JSON text by EDM type.

Dates are `"\/Date(ms)\/"` of the wall clock taken as UTC, numbers have no needless fraction, and
64-bit integers are strings.
"""

from __future__ import annotations

import base64
from datetime import date, datetime, timedelta
from functools import lru_cache
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING, Any, TypeAlias

from exactonline_sandbox.clock import UTC
from exactonline_sandbox.edm.values import encode_number, padding, wall_clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from exactonline_client.catalogue import Property

    Encode: TypeAlias = Callable[[Any], str]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1)
_DAY_MS = 86_400_000
_MILLISECOND = timedelta(milliseconds=1)
NOT_A_VALUE = (TypeError, AttributeError, KeyError)
"""What an encoder raises for null."""
_EXACT_DIGITS = 15
"""A decimal number of so many characters is the shortest text of its double, but for zeros."""


def text_encoder(entity: str, item: Property, *, ascii_only: bool) -> Encode:
    r"""The function that writes a value of a property, which is not null, as JSON.

    Args:
        entity: Name of the entity without its service, such as `Accounts`.
        item: The property.
        ascii_only: Whether other characters are written as `\u00e9`.
    """
    if item.type in ("Edm.String", "Edm.Guid"):
        quote = encode_basestring_ascii if ascii_only else encode_basestring
        pad = padding(entity, item.name) if item.type == "Edm.String" else None
        return quote if pad is None else lru_cache(maxsize=4096)(lambda text: quote(pad(text)))
    if item.type == "Edm.DateTime":
        return _instant if item.date == "instant" else _day
    return _ENCODERS.get(item.type, int.__repr__)


def instant_ms(moment: datetime) -> int:
    """Milliseconds of the server's wall clock at a moment, taken as UTC, since 1970."""
    since = moment - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return seconds * 1000 + since.microseconds // 1000 + _offset_ms(seconds // 3600)


@lru_cache(maxsize=65536)
def _offset_ms(hour: int) -> int:
    """What the wall clock is ahead of UTC in an hour since 1970; it changes on whole hours."""
    moment = _EPOCH + timedelta(hours=hour)
    return (wall_clock(moment) - moment.replace(tzinfo=None)) // _MILLISECOND


@lru_cache(maxsize=4096)
def _instant(moment: datetime) -> str:
    return f'"\\/Date({instant_ms(moment)})\\/"'


@lru_cache(maxsize=65536)
def _day(day: date) -> str:
    return f'"\\/Date({(day - _EPOCH_DAY).days * _DAY_MS})\\/"'


def number_text(value: Decimal | int) -> str:
    """A double; an integer if it has no fraction."""
    if value is None:
        raise TypeError(value)
    text = str(value)
    if len(text) > _EXACT_DIGITS or "E" in text:
        return repr(encode_number(value))
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _long(value: int) -> str:
    return f'"{value:d}"'


def _binary(data: bytes) -> str:
    return f'"{base64.b64encode(data).decode()}"'


_ENCODERS: dict[str, Encode] = {
    "Edm.Int64": _long,
    "Edm.Double": number_text,
    "Edm.Boolean": {True: "true", False: "false"}.__getitem__,
    "Edm.Binary": _binary,
}
