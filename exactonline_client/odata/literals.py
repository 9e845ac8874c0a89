"""OData types, and literals for filters and parameters."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EMPTY_GUID = "00000000-0000-0000-0000-000000000000"
INTEGERS = {"Edm.Int64", "Edm.Int32", "Edm.Int16", "Edm.Byte"}
NUMBERS = {"Edm.Double", "Edm.Decimal", "Edm.Single"}


def literal(value: object, edm: str, zone: ZoneInfo | None = None) -> str:  # noqa: PLR0911
    """Format a value as a literal of its type, such as `guid'...'`, `5L` or `'O''Neil'`.

    A datetime with a time zone is converted to `zone`, that of the server; one without is taken as
    server local time.

    Raises:
        ValueError: a datetime has a time zone, and `zone` is None.
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
    """Format as server local time, `2026-06-25T16:31:00.220`; a date gets midnight."""
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            if zone is None:
                raise ValueError("a moment can only be written on a clock that is known")
            value = value.astimezone(zone)
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00"
    return str(value)
