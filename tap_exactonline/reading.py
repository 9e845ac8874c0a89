"""Reading the rows of a plan: the query, and what to do when the server refuses part of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exactonline_client import odata, pages
from exactonline_client.errors import AccessDenied, RequestRefused
from tap_exactonline.bookmarks import modified_filter
from tap_exactonline.plan import MODIFIED, TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.pages import Page
    from tap_exactonline.plan import Plan

logger = logging.getLogger(__name__)

SYNC_TIMESTAMP = "/api/v1/{division}/read/sync/Sync/SyncTimestamp"
BAD_REQUEST = 400


@dataclass(frozen=True)
class Query:
    """What is wanted of a list."""

    division: int
    columns: Sequence[str]
    start: Any = None
    """Behind which bookmark: a rowversion, a UTC moment as text, or None for everything."""
    expand: str | None = None
    """A collection to bring along, with these of its columns."""
    expanded_columns: Sequence[str] = ()
    condition: str | None = None
    """What every row has to meet, besides the bookmark."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Those of a function, as literals."""
    everything: bool = False
    """Whether the columns that nobody has named are wanted too."""

    @property
    def select(self) -> str:
        """The value of `$select`."""
        along = (f"{self.expand}/{name}" for name in self.expanded_columns)
        return ",".join((*self.columns, *along))


def read(connection: Connection, plan: Plan, query: Query) -> Iterator[Page]:
    """All pages of a list.

    Not every endpoint takes every filter and order, and the documentation does not tell which
    does: what is refused is left out, at the price of reading more rows.
    """
    path = plan.endpoint.uri.format(division=query.division)
    attempts = [{"$select": query.select, **one} for one in _attempts(connection, plan, query)]
    if query.everything:
        attempts.insert(0, {**attempts[0], "$select": "*"})
    if query.expand:
        # Ten errors in an hour block the app: the caller knows another way to get those rows.
        attempts = attempts[:1]
    for position, attempt in enumerate(attempts):
        options = {**query.parameters, **attempt, "$expand": query.expand}
        reader = connection.pages(odata.url(path, options), query.division)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            if refusal.status != BAD_REQUEST or position == len(attempts) - 1:
                raise
            logger.warning("%s Asking again with a simpler query.", refusal)
            continue
        yield first
        yield from reader
        return


def _attempts(connection: Connection, plan: Plan, query: Query) -> list[dict[str, str | None]]:
    """Filters and orders that give what is wanted, the best first."""
    if plan.endpoint.kind == "sync":
        behind = f"{TIMESTAMP} gt {odata.literal(query.start or 0, 'Edm.Int64')}"
        return [{"$filter": both(behind, query.condition)}]
    if plan.bookmark == MODIFIED:
        changed = both(modified_filter(query.start, connection.zone), query.condition)
        return [
            {"$filter": changed, "$orderby": MODIFIED},
            {"$filter": changed},
            {"$filter": query.condition, "$orderby": MODIFIED},
            {"$filter": query.condition},
        ]
    everything = _everything(plan, query.division) if plan.must_filter else None
    simplest = {"$filter": query.condition}
    return [{"$filter": both(everything, query.condition)}, simplest] if everything else [simplest]


def both(*conditions: str | None) -> str | None:
    """One condition for all that are given; None for none."""
    given = [condition for condition in conditions if condition]
    if len(given) > 1:
        return " and ".join(f"({condition})" for condition in given)
    return given[0] if given else None


def _everything(plan: Plan, division: int) -> str | None:
    """A filter on a permitted field that lets every row through, since one is demanded."""
    filters = {
        **{
            name: f"{name} ne guid'{odata.EMPTY_GUID}'"
            for name in plan.endpoint.key
            if plan.endpoint.columns[name].type == "Edm.Guid"
        },
        "Created": "Created ge datetime'1970-01-01T00:00:00'",
        "Division": f"Division eq {division}",
    }
    permitted = (text for name, text in filters.items() if name in plan.endpoint.filter_fields)
    return next(permitted, None)


def first_timestamp(connection: Connection, plan: Plan, division: int, start_date: str) -> int:
    """The rowversion just before the first row changed since `start_date` (UTC, ISO).

    0, which reads everything, where Exact Online cannot tell for this endpoint.
    """
    wall = datetime.fromisoformat(start_date).astimezone(connection.zone).replace(tzinfo=None)
    name = plan.endpoint.name.rsplit("/", 1)[-1]
    address = odata.url(
        SYNC_TIMESTAMP.format(division=division),
        {
            "modified": odata.literal(wall, "Edm.DateTime"),
            "endPoint": odata.literal(name, "Edm.String"),
        },
    )
    try:
        rows = pages.parse(connection.session.get(address, division).content).rows
    except (RequestRefused, AccessDenied) as refusal:
        logger.warning("%s: start_date is not known to Exact here, reading all. %s", name, refusal)
        return 0
    timestamps = [int(row["TimeStampAsBigInt"]) for row in rows if row.get("TimeStampAsBigInt")]
    return max(timestamps[0] - 1, 0) if timestamps else 0
