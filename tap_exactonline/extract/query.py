"""Reading the rows of a plan: the query, and what to do when the server refuses part of it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from exactonline_client.errors import (
    RequestRefused,
)
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import match_all, url
from exactonline_client.store.unsupported import is_about_query, unknown_property
from tap_exactonline.definitions.definition import LINE_NUMBER, MODIFIED, TIMESTAMP
from tap_exactonline.state.bookmarks import modified_filter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.http.pagination import Page
    from tap_exactonline.definitions.definition import Plan

logger = logging.getLogger(__name__)

BEGINNING = 0
"""The rowversion before all others."""
ALL_COLUMNS = "$select=*"
COLUMNS = "$select"
"""What it is remembered by that the columns of the catalogue are not all there any more."""


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
    gone: frozenset[str] = frozenset()
    """What the endpoint is known to give no more, as `$select` names it."""

    @property
    def named(self) -> list[str]:
        """What `$select` names."""
        along = (f"{self.expand}/{name}" for name in self.expanded_columns)
        return [name for name in (*self.columns, *along) if name not in self.gone]

    @property
    def select(self) -> str:
        """The value of `$select`."""
        return ",".join(self.named)


@dataclass(frozen=True)
class _Attempt:
    """One way to ask for what is wanted."""

    name: str
    """What a refusal is remembered by: the options that are not a matter of course."""
    options: Mapping[str, str | None]


def read(connection: Connection, plan: Plan, query: Query) -> Iterator[Page]:
    """All pages of a list.

    Not every endpoint takes every filter and order, and the documentation does not tell which
    does: what is refused in words that are known is left out, at the price of reading more rows,
    and remembered.
    """
    path = plan.endpoint.uri.format(division=query.division)
    query, attempts = _prepared(connection, plan, query)
    for position, attempt in enumerate(attempts):
        options = {**query.parameters, **attempt.options, "$expand": query.expand}
        reader = connection.pages(url(path, options), query.division)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            column = _blamed(refusal, plan, query)
            if column is not None:
                yield from _without(connection, plan, query, column)
                return
            if not is_about_query(refusal) or position == len(attempts) - 1:
                raise
            logger.warning("%s Asking again with a simpler query.", refusal)
            continue
        refused = [one.name for one in attempts[:position] if one.name != COLUMNS]
        if attempt.name == COLUMNS:
            # All else was as before: one of the columns is no longer there.
            refused = [COLUMNS]
        for name in refused:
            # A query for all columns was refused for them alone only if its twin was not.
            if ALL_COLUMNS not in name or position == 1:
                note_refusal(connection, plan, query.division, name)
        yield first
        yield from reader
        return


def _prepared(connection: Connection, plan: Plan, query: Query) -> tuple[Query, list[_Attempt]]:
    """A query without what is known to be refused, and the ways to ask; warns of the former."""
    known = connection.refused_in(query.division).until(plan.endpoint.id)
    gone = {name for name in query.named if _option(name) in known}
    query = replace(query, gone=query.gone | gone)
    attempts = _possible(connection, plan, query, known)
    options = [COLUMNS, *map(_option, sorted(gone)), *(attempt.name for attempt in attempts)]
    for option in options:
        warn(connection, plan, query.division, option, known)
    return query, attempts


def note_refusal(connection: Connection, plan: Plan, division: int, option: str) -> None:
    """Remember that an endpoint refuses an option, and say so."""
    refused = connection.refused_in(division)
    refused.remember(plan.endpoint.id, option)
    warn(connection, plan, division, option, refused.until(plan.endpoint.id))


def warn(
    connection: Connection, plan: Plan, division: int, option: str, until: Mapping[str, float]
) -> None:
    """Say once a run what a list is read without, and until when, if that is known."""
    if option not in until:
        return
    day = datetime.fromtimestamp(until[option], timezone.utc).date()
    where = f"{plan.name} of division {division}"
    if option == COLUMNS:
        text = (
            f"{where}: Exact Online refuses one of the columns and does not say which. All are "
            f"asked for until {day}, and what does not come is left out."
        )
    elif option.startswith(f"{COLUMNS}=") and not option.startswith(ALL_COLUMNS):
        column = option.removeprefix(f"{COLUMNS}=")
        text = (
            f"{where}: Exact Online does not know the column {column} there. It is left out until "
            f"{day}, when it is asked for again."
        )
    else:
        text = f"{where}: Exact Online refuses {option}, which is not asked for until {day}."
    if text not in connection.warned:
        connection.warned.add(text)
        logger.warning("%s", text)


def _option(column: str) -> str:
    """What it is remembered by that a column is not known."""
    return f"{COLUMNS}={column}"


def given(connection: Connection, plan: Plan, query: Query) -> set[str]:
    """Those columns of a query that Exact Online gives; one call.

    A list without rows lacks nothing.
    """
    first = next(read(connection, plan, query), None)
    if first is None or not first.rows:
        return {*query.columns}
    found = {name for name in query.columns if any(name in row for row in first.rows)}
    known = connection.refused_in(query.division).until(plan.endpoint.id)
    for name in query.columns:
        if name not in found and COLUMNS not in known and _option(name) not in known:
            note_refusal(connection, plan, query.division, _option(name))
    return found


def _blamed(refusal: RequestRefused, plan: Plan, query: Query) -> str | None:
    """The one column that a refusal names, if the rows can be told without it."""
    name = unknown_property(refusal)
    if name in {None, *plan.stream.key, plan.bookmark, LINE_NUMBER}:
        return None
    found = [column for column in query.named if column.rpartition("/")[-1] == name]
    return found[0] if len(found) == 1 else None


def _without(connection: Connection, plan: Plan, query: Query, column: str) -> Iterator[Page]:
    """All pages without a column; if that was all that was refused, it is remembered."""
    reader = read(connection, plan, replace(query, gone=query.gone | {column}))
    first = next(reader)
    note_refusal(connection, plan, query.division, _option(column))
    yield first
    yield from reader


def _possible(
    connection: Connection, plan: Plan, query: Query, known: Collection[str]
) -> list[_Attempt]:
    """The ways to ask, the best first; those that were refused before are the last resort."""
    attempts = sorted(_attempts(connection, plan, query), key=lambda one: one.name in known)
    # A condition of the user's own is the more likely reason.
    may_lack = plan.may_star and bool(query.select) and query.condition is None
    select = "*" if may_lack and COLUMNS in known else query.select
    found = [_Attempt(one.name, {"$select": select, **one.options}) for one in attempts]
    best = found[0]
    if query.expand:
        # Ten errors in an hour block the app: the caller knows another way to get those rows.
        return [best]
    if query.everything:
        name = f"{ALL_COLUMNS}&{best.name}"
        if name not in known:
            return [_Attempt(name, {**best.options, "$select": "*"}), *found]
    if may_lack and select != "*":
        found.append(_Attempt(COLUMNS, {**best.options, "$select": "*"}))
    return found


def _attempts(connection: Connection, plan: Plan, query: Query) -> list[_Attempt]:
    """Filters and orders that give what is wanted, the best first."""
    simplest = _Attempt("", {"$filter": query.condition})
    if plan.endpoint.kind == "sync":
        behind = f"{TIMESTAMP} gt {literal(query.start or 0, 'Edm.Int64')}"
        return [_Attempt("", {"$filter": both(behind, query.condition)})]
    if plan.bookmark == MODIFIED:
        changed = both(modified_filter(query.start, connection.zone), query.condition)
        order = {"$orderby": MODIFIED}
        return [
            _Attempt("$filter=Modified&$orderby=Modified", {"$filter": changed, **order}),
            _Attempt("$filter=Modified", {"$filter": changed}),
            _Attempt("$orderby=Modified", {**simplest.options, **order}),
            simplest,
        ]
    everything = match_all(plan.endpoint, query.division) if plan.must_filter else None
    if everything is None:
        return [simplest]
    return [_Attempt("$filter", {"$filter": both(everything, query.condition)}), simplest]


def both(*conditions: str | None) -> str | None:
    """One condition for all that are given; None for none."""
    given = [condition for condition in conditions if condition]
    if len(given) > 1:
        return " and ".join(f"({condition})" for condition in given)
    return given[0] if given else None
