"""The signed-in user and the divisions (companies) that this user may open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from exactonline_client.errors import (
    AccessDenied,
    DailyLimitReached,
    ErrorLimitReached,
    RequestRefused,
    UnexpectedAnswer,
)
from exactonline_client.http import pagination
from exactonline_client.odata.query import url

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from exactonline_client.http.pagination import Page
    from exactonline_client.http.session import Session
    from exactonline_client.odata.decoding import Row

DAY = 86_400
ME = "/api/v1/current/Me"
DIVISION_FIELDS = (
    "Code,Description,CustomerName,Country,Currency,Status,BlockingStatus,"
    "IsMainDivision,DivisionMoveDate,ArchiveDate"
)
INTEGERS = ("Code", "Status", "BlockingStatus")


def me(session: Session) -> dict[str, Any]:
    """Read the signed-in user: `UserID`, `FullName`, `CurrentDivision`, `ServerUtcOffset`, ...

    Counts against no limit.
    """
    address = url(ME, {"$select": "UserID,FullName,CurrentDivision,ServerUtcOffset"})
    return session.read(address, None, _me)


def _me(answer: requests.Response) -> dict[str, Any]:
    """Parse a response of Me into plain values."""
    rows = pagination.parse(answer.content).rows
    if not rows:
        raise UnexpectedAnswer("Exact Online does not say who is signed in (empty answer of Me).")
    row = rows[0]
    division = _integer(row.get("CurrentDivision"))
    if division is None:
        raise UnexpectedAnswer("Exact Online does not say in which division the user works.")
    offset = _integer(row.get("ServerUtcOffset"))
    return {
        **row,
        **{name: _text(row.get(name)) for name in ("UserID", "FullName")},
        "CurrentDivision": division,
        "ServerUtcOffset": offset if offset is not None and abs(offset) < DAY else None,
    }


def probe(session: Session, division: int) -> str | None:
    """Probe a division with one call of its budget; return why it is not accessible, or None."""
    path = f"/api/v1/{division}/system/Divisions"
    try:
        session.read(
            url(path, {"$select": "Code", "$top": "1"}),
            division,
            lambda answer: pagination.parse(answer.content),
        )
    except (AccessDenied, RequestRefused, DailyLimitReached, ErrorLimitReached) as error:
        return str(error)
    return None


def block_reason(row: Mapping[str, Any]) -> str | None:
    """Return why a listed division may refuse calls; None if its row gives no reason."""
    if row.get("ArchiveDate"):
        return "it is archived"
    if row.get("BlockingStatus"):
        return f"Exact Online has blocked it (BlockingStatus {row['BlockingStatus']})"
    return None


def divisions(session: Session, current: int) -> list[dict[str, Any]]:
    """List the divisions that the user may open, including those of an accountant's clients."""
    address = url(f"/api/v1/{current}/system/Divisions", {"$select": DIVISION_FIELDS})
    return [
        row for page in pagination.read(session, address, current, _listed) for row in page.rows
    ]


def _listed(page: Page) -> Page:
    """Return the page with plain values and every selected column."""
    return replace(page, rows=[_division(row) for row in page.rows])


def _division(row: Row) -> Row:
    plain: Row = {name: _text(row.get(name)) for name in DIVISION_FIELDS.split(",")}
    plain |= {name: _integer(row.get(name)) for name in INTEGERS}
    plain["IsMainDivision"] = row.get("IsMainDivision") is True
    if plain["Code"] is None:
        raise UnexpectedAnswer("The list of divisions has a row without the number of a division.")
    return plain


def _text(value: object) -> str | None:
    return value.strip() if isinstance(value, str) else None


def _integer(value: object) -> int | None:
    """Convert to a whole number, also from text; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        number = float(value)
        return int(number) if number.is_integer() else None
    except (ValueError, OverflowError):
        return None
