"""Types of OData, and values as a filter or a parameter takes them."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
INTEGERS = {"Edm.Int64", "Edm.Int32", "Edm.Int16", "Edm.Byte"}
NUMBERS = {"Edm.Double", "Edm.Decimal", "Edm.Single"}


def literal(value: object, edm: str, zone: ZoneInfo | None = None) -> str:  # noqa: PLR0911
    """A value as the API takes it in a filter, such as `guid'...'`, `5L` or `'O''Neil'`.

    A datetime with a zone is moved to `zone`, the server's wall clock; one without is taken to
    be on that clock already.

    Raises:
        ValueError: a datetime with a zone, and none given to move it to.
    """
    if value is None:
        return "null"
    if edm == "Edm.Guid":
        return f"guid'{value}'"
    if edm == "Edm.DateTime":
        return f"datetime'{wall_time(value, zone)}'"
    if edm == "Edm.Int64":
        return f"{value}L"
    if edm == "Edm.Boolean":
        return "true" if value else "false"
    if edm == "Edm.String":
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)


def wall_time(value: object, zone: ZoneInfo | None) -> str:
    """`2026-06-25T16:31:00.22` on the server's clock; a pure date gets midnight."""
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            if zone is None:
                raise ValueError("a moment can only be written on a clock that is known")
            value = value.astimezone(zone)
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"
    return str(value)
