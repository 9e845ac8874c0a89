"""What an endpoint would not take of a query, so that it is not asked the same way every time.

A refused query is an error like any other, and ten errors in an hour block an app. What is
remembered holds for one division: another may be on another version of Exact Online.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from exactonline_client.store.engine import patient
from exactonline_client.store.tables import refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.errors import RequestRefused
    from exactonline_client.store.store import Store

DAYS_REMEMBERED = 30
"""After so many days an option is tried again: Exact Online may have changed its mind."""
DAY = 86_400.0
BAD_REQUEST = 400
UNKNOWN_PROPERTY = re.compile(
    r"could not find a property named '(\w+)'|no property '(\w+)' exists", re.IGNORECASE
)
UNSUPPORTED = re.compile(
    # Of the OData libraries of .NET.
    r"error in query syntax"
    r"|query specified in the uri is not valid"
    r"|cannot be applied to the requested resource"
    # Of Exact Online's own.
    r"|filtering on these fields is not supported"
    r"|has mandatory filtering applied"
    r"|please add a \$select"
    r"|\$(?:select|filter|orderby|expand)\S* is not (?:supported|allowed)"
    r"|the endpoint '\w+' is not supported",
    re.IGNORECASE,
)


def unknown_property(refusal: RequestRefused) -> str | None:
    """The property that a refusal says there is not."""
    found = UNKNOWN_PROPERTY.search(refusal.reason) if refusal.status == BAD_REQUEST else None
    return found and (found[1] or found[2])


def is_about_query(refusal: RequestRefused) -> bool:
    """Whether a refusal says, in words that are known, that the query asks for too much.

    Any other may be over in a minute, and nothing is to be concluded from it.
    """
    if refusal.status != BAD_REQUEST:
        return False
    return bool(unknown_property(refusal) or UNSUPPORTED.search(refusal.reason))


@dataclass(frozen=True)
class RefusedOptions:
    """What the endpoints refused in one division."""

    store: Store
    app: str
    division: int
    clock: Callable[[], float] = time.time

    @patient
    def until(self, endpoint: str) -> dict[str, float]:
        """By option, such as `$expand`, until when an endpoint is not asked for it again."""
        query = sa.select(refusals.c.option, refusals.c.at).where(
            *self._those(endpoint), refusals.c.at > self.clock() - DAYS_REMEMBERED * DAY
        )
        with self.store.transaction() as connection:
            rows = connection.execute(query).all()
        return {row.option: row.at + DAYS_REMEMBERED * DAY for row in rows}

    @patient
    def holds(self, endpoint: str, option: str, seconds: float = DAYS_REMEMBERED * DAY) -> bool:
        """Whether an endpoint refused an option within so many seconds."""
        query = sa.select(refusals.c.at).where(
            *self._those(endpoint),
            refusals.c.option == option,
            refusals.c.at > self.clock() - seconds,
        )
        with self.store.transaction() as connection:
            return connection.execute(query).first() is not None

    def remember(self, endpoint: str, option: str) -> None:
        """Note that an endpoint refused an option."""
        self.store.put(
            refusals,
            app=self.app,
            division=self.division,
            endpoint=endpoint,
            option=option,
            at=self.clock(),
        )

    def _those(self, endpoint: str) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            refusals.c.app == self.app,
            refusals.c.division == self.division,
            refusals.c.endpoint == endpoint,
        )
