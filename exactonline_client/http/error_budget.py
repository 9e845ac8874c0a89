"""Count failed calls of each endpoint within an hour, for all processes of an app.

After more than ten failed calls to one endpoint of a division within an hour, Exact Online blocks
the app for an hour, for all its users. Calls to that endpoint stop before, so that others go on.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.errors import ErrorLimitReached
from exactonline_client.store.engine import retry_on_lost_connection
from exactonline_client.store.tables import errors

if TYPE_CHECKING:
    from exactonline_client.store.store import Store

HOUR = 3600.0
MAX_ERRORS = 9
"""Errors to allow within an hour; leaves room for a call in progress."""
NO_DIVISION = 0
"""Division number for calls that belong to none."""
_RECENT = (
    sa.select(errors.c.at)
    .where(
        errors.c.app == sa.bindparam("app"),
        errors.c.division == sa.bindparam("division"),
        errors.c.endpoint == sa.bindparam("endpoint"),
        errors.c.at > sa.bindparam("since"),
    )
    .order_by(errors.c.at.desc())
    .limit(MAX_ERRORS)
)


def check(
    transaction: sa.Connection, app: str, division: int | None, endpoint: str, now: float
) -> None:
    """Check that one more error would not get the app blocked.

    Raises:
        ErrorLimitReached: it might.
    """
    given = {
        "app": app,
        "division": division or NO_DIVISION,
        "endpoint": endpoint,
        "since": now - HOUR,
    }
    times = list(transaction.execute(_RECENT, given).scalars())
    if len(times) == MAX_ERRORS:
        raise _limit_reached(division, endpoint, times[-1] + HOUR)


@retry_on_lost_connection
def record(store: Store, app: str, division: int | None, endpoint: str, now: float) -> None:
    """Record an error, and delete expired ones."""
    values = {"app": app, "division": division or NO_DIVISION, "endpoint": endpoint, "at": now}
    with store.transaction(durable=False) as transaction:
        transaction.execute(errors.delete().where(errors.c.app == app, errors.c.at <= now - HOUR))
        transaction.execute(errors.insert().values(**values))


def _limit_reached(division: int | None, endpoint: str, until: float) -> ErrorLimitReached:
    end = datetime.fromtimestamp(until, timezone.utc)
    where = f"Division {division}, {endpoint}" if division else endpoint
    return ErrorLimitReached(
        f"{where}: {MAX_ERRORS} calls were refused within an hour. After ten, Exact Online would "
        "block the whole app for an hour or longer, so this endpoint is not called again before "
        f"{end:%Y-%m-%d %H:%M} UTC. Solve what the refusals say first.",
        division=division,
        endpoint=endpoint,
        until=until,
    )
