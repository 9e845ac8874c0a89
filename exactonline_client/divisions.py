"""Who is signed in, and which companies (divisions) that user may open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exactonline_client import odata, pages
from exactonline_client.errors import (
    AccessDenied,
    DailyLimitReached,
    ErrorLimitReached,
    RequestRefused,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.session import Session

ME = "/api/v1/current/Me"
DIVISION_FIELDS = (
    "Code,Description,CustomerName,Country,Currency,Status,BlockingStatus,"
    "IsMainDivision,DivisionMoveDate,ArchiveDate"
)


def me(session: Session) -> dict[str, Any]:
    """The signed-in user: `UserID`, `FullName`, `CurrentDivision`, `ServerUtcOffset`, ...

    Counts against no limit.
    """
    address = odata.url(ME, {"$select": "UserID,FullName,CurrentDivision,ServerUtcOffset"})
    rows = pages.parse(session.get(address, None).content).rows
    if not rows:
        raise UnexpectedAnswer("Exact Online does not say who is signed in (empty answer of Me).")
    return dict(rows[0])


def refusal(session: Session, division: int) -> str | None:
    """Why a division cannot be reached, None where it can; costs one call of its budget."""
    path = f"/api/v1/{division}/system/Divisions"
    try:
        session.get(odata.url(path, {"$select": "Code", "$top": "1"}), division)
    except (AccessDenied, RequestRefused, DailyLimitReached, ErrorLimitReached) as error:
        return str(error)
    return None


def why_shut(row: Mapping[str, Any]) -> str | None:
    """Why a division that can be listed may not be open to a call; None where nothing is known."""
    if row.get("ArchiveDate"):
        return "it is archived"
    if row.get("BlockingStatus"):
        return f"Exact Online has blocked it (BlockingStatus {row['BlockingStatus']})"
    return None


def divisions(session: Session, current: int) -> list[dict[str, Any]]:
    """All divisions that the user may open, also those of an accountant's clients."""
    address = odata.url(f"/api/v1/{current}/system/Divisions", {"$select": DIVISION_FIELDS})
    rows = [row for page in pages.read(session, address, current) for row in page.rows]
    return [
        {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
        for row in rows
    ]
