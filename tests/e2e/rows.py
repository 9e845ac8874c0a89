"""Every row and column of a stream in PostgreSQL, held against the sandbox's own rows."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row

from demo.stack import WAREHOUSE
from exactonline_client import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.stack import Stack


JOINED = {"Name", "FullName", "Description", "Code"}
OUTSIDE = {"Timestamp", "Division", "Url"}
"""Columns that the sandbox's own rows lack: two tell where a row comes from, one its address."""
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def plain(value: Any) -> Any:
    """A value of either side in one form: numbers as decimals, moments in UTC with ms."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, Decimal)):
        return Decimal(str(value)).normalize()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return _moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def _moment_text(value: datetime) -> str:
    """UTC; but the wall time in the hour that the clock is set back, which is all that is known."""
    wall = value.replace(tzinfo=timezone.utc).astimezone(AMSTERDAM)
    repeated = wall.replace(fold=0).utcoffset() != wall.replace(fold=1).utcoffset()
    moment = (wall if repeated else value).replace(tzinfo=None)
    return moment.isoformat(timespec="milliseconds") + (" wall" if repeated else "")


def truth(stack: Stack, division: int, stream: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows in Exact by key."""
    key = catalogue.load().streams[stream].key
    rows = {}
    for row in stack.sandbox.truth(division, stream):
        values = {name: plain(_moment(value)) for name, value in row.items()}
        rows[tuple(values[name] for name in key)] = values
    return rows


def _moment(value: Any) -> Any:
    if isinstance(value, str) and value.endswith(("Z", "+00:00")) and "T" in value:
        return datetime.fromisoformat(value.replace("Z", "+00:00"))
    return value


def loaded(stack: Stack, division: int, stream: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows in PostgreSQL by key, without those marked as deleted."""
    facts = catalogue.load().streams[stream]
    with psycopg.connect(stack.postgres_uri, row_factory=dict_row) as connection:
        connection.execute("set time zone 'UTC'")
        cursor = connection.execute(f'select * from "{WAREHOUSE}"."{stream}"')  # noqa: S608
        found = cursor.fetchall()
    rows = {}
    for row in found:
        belongs = facts.per_user or row["Division"] == division
        if belongs and row.get("_sdc_deleted_at") is None:
            values = {name: plain(value) for name, value in row.items() if name[0] != "_"}
            rows[tuple(values[name] for name in facts.key)] = values
    return rows


def is_joined(name: str, columns: Iterable[str]) -> bool:
    """Whether a column tells the name of another row, such as `AccountName` beside `Account`."""
    return any(
        name.startswith(other) and name != other and name.removeprefix(other) in JOINED
        for other in columns
    )


def differences(stack: Stack, division: int, stream: str, *, joined: bool = True) -> list[str]:
    """What differs, in words; nothing when both sides are equal.

    Without `joined`, names of other rows do not count: Exact does not stamp a row as changed
    when only the name of its customer is.
    """
    expected, found = truth(stack, division, stream), loaded(stack, division, stream)
    lines = [f"{stream}: {key} is missing" for key in expected.keys() - found.keys()]
    lines += [f"{stream}: {key} should not be there" for key in found.keys() - expected.keys()]
    for key in expected.keys() & found.keys():
        lines += [
            f"{stream}: {key}.{name} is {value!r}, should be {expected[key].get(name)!r}"
            for name, value in found[key].items()
            if name not in OUTSIDE
            and value != expected[key].get(name)
            and (joined or not is_joined(name, expected[key]))
        ]
    return lines
