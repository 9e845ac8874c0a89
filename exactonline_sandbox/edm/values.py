"""Encoding of values by EDM type, and columns of fixed width.

The sandbox stores plain Python values: aware UTC datetimes, dates, Decimal for fractional numbers,
trimmed text, lower-case guids. This module converts them to values of JSON and of filters.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from exactonline_sandbox.clock import UTC

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.catalogue import Property

ZONE = ZoneInfo("Europe/Amsterdam")
_ACCOUNT_CODE = 18
_UNIT = 8
# By entity and property, by property, or by the suffix of a property (case-insensitive). Account
# codes are right-aligned, other values left-aligned.
_WIDTHS = {
    "AccountCode": _ACCOUNT_CODE,
    "Accounts.Code": _ACCOUNT_CODE,
    "CustomerCode": _ACCOUNT_CODE,
    "DeliveryAccountCode": _ACCOUNT_CODE,
    "DivisionCustomerCode": _ACCOUNT_CODE,
    "InvoiceAccountCode": _ACCOUNT_CODE,
    "OrderAccountCode": _ACCOUNT_CODE,
    "OwnerAccountCode": _ACCOUNT_CODE,
    "ProjectAccountCode": _ACCOUNT_CODE,
    "SubscriptionAccountCode": _ACCOUNT_CODE,
    "SupplierCode": _ACCOUNT_CODE,
    "VATCodes.Code": 3,
    "AllDivisions.Legislation": 3,
    "Divisions.Legislation": 3,
    "Unitcode": _UNIT,
    "Units.Code": _UNIT,
}
_PLAIN = {"Me.Language"}
_ENDINGS = {
    "costunit": None,
    "country": 3,
    "countryoforigin": 3,
    "language": 10,
    "unit": _UNIT,
    "vatcode": 3,
}


@lru_cache(maxsize=65536)
def wall_clock(moment: datetime) -> datetime:
    """Time of the server's wall clock at `moment`, without a zone."""
    return moment.astimezone(ZONE).replace(tzinfo=None)


def from_wall_clock(shown: datetime) -> datetime:
    """The first time, in UTC, at which the server's wall clock shows this."""
    return shown.replace(tzinfo=ZONE).astimezone(UTC)


@lru_cache(maxsize=65536)
def encode_number(value: Decimal | int) -> int | float:
    """A double; an integer where it has no fraction."""
    number = float(value)
    return int(number) if number.is_integer() else number


def padding(entity: str, name: str) -> Callable[[str], str] | None:
    """The function that pads a text to the width of its column; None for other columns.

    Args:
        entity: Name of the entity without its service, such as `Accounts`.
        name: Name of the property.
    """
    if f"{entity}.{name}" in _PLAIN:
        return None
    ends = (width for ending, width in _ENDINGS.items() if name.lower().endswith(ending))
    width = _WIDTHS.get(f"{entity}.{name}") or _WIDTHS.get(name) or next(ends, None)
    if width is None:
        return None
    return (
        (lambda text: text.rjust(width))
        if width == _ACCOUNT_CODE
        else (lambda text: text.ljust(width))
    )


def comparable(entity: str, item: Property) -> Callable[[Any], Any] | None:
    """The function that converts a value for comparison in filters; None where not needed."""
    if item.type == "Edm.DateTime":
        if item.date == "instant":
            return wall_clock
        return lambda day: datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a wall clock
    if item.type == "Edm.String":
        return padding(entity, item.name)
    return None


def cents(value: Decimal) -> Decimal:
    """Round to cents, half away from zero."""
    return value.quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
