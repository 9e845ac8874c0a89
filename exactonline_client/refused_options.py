"""What an endpoint would not take of a query, so that it is not asked the same way every time.

A refused query is an error like any other, and ten errors in an hour block an app.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.database import patient
from exactonline_client.store import refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.store import Store

DAYS_REMEMBERED = 30
"""After so many days an option is tried again: Exact Online may have changed its mind."""
DAY = 86_400.0


@patient
def is_refused(  # noqa: PLR0913
    store: Store,
    app: str,
    endpoint: str,
    option: str,
    clock: Callable[[], float] = time.time,
    *,
    seconds: float = DAYS_REMEMBERED * DAY,
) -> bool:
    """Whether an endpoint refused an option, such as `$expand`, within so many seconds."""
    query = sa.select(refusals.c.at).where(
        refusals.c.app == app,
        refusals.c.endpoint == endpoint,
        refusals.c.option == option,
        refusals.c.at > clock() - seconds,
    )
    with store.transaction() as connection:
        return connection.execute(query).first() is not None


@patient
def refused_by(
    store: Store, app: str, endpoint: str, clock: Callable[[], float] = time.time
) -> set[str]:
    """All options that an endpoint refused within the last days."""
    query = sa.select(refusals.c.option).where(
        refusals.c.app == app,
        refusals.c.endpoint == endpoint,
        refusals.c.at > clock() - DAYS_REMEMBERED * DAY,
    )
    with store.transaction() as connection:
        return set(connection.execute(query).scalars())


@patient
def remember(
    store: Store, app: str, endpoint: str, option: str, clock: Callable[[], float] = time.time
) -> None:
    """Note that an endpoint refused an option."""
    key = {"app": app, "endpoint": endpoint, "option": option}
    the = sa.and_(*(refusals.c[name] == value for name, value in key.items()))
    with store.transaction() as connection:
        connection.execute(refusals.delete().where(the))
        connection.execute(refusals.insert().values(**key, at=clock()))
