"""Build and send the query of a list; retry with a simpler one if the server refuses it."""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from exactonline_client.errors import (
    RequestRefused,
)
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import match_all, url
from exactonline_client.odata.refused_query import is_about_query, unknown_property
from tap_exactonline.definitions.definition import LINE_NUMBER, MODIFIED, TIMESTAMP
from tap_exactonline.state.bookmarks import modified_filter

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from exactonline_client.connection import Connection
    from exactonline_client.http.pagination import Page
    from exactonline_client.odata.records import PageDecoder
    from tap_exactonline.definitions.definition import StreamDefinition

logger = logging.getLogger(__name__)

FIRST_ROWVERSION = 0
"""Rowversion below all others."""
STAR = "$select=*"
UNKNOWN_COLUMN = "$select"
"""Remembered refusal: one of the selected columns, unknown which."""


class Query(msgspec.Struct, frozen=True):
    """Query of a list in one division."""

    division: int
    columns: Sequence[str]
    start: Any = None
    """Bookmark to read after: a rowversion, a UTC time (ISO 8601), or None for all rows."""
    expand: str | None = None
    """Navigation property to expand, with `expanded_columns`."""
    expanded_columns: Sequence[str] = ()
    condition: str | None = None
    """OData condition in addition to the bookmark."""
    parameters: Mapping[str, str] = msgspec.field(default_factory=dict)
    """Function parameters: OData literals by name."""
    all_columns: bool = False
    """Whether to ask for columns that the catalogue does not know (`$select=*`)."""
    removed: frozenset[str] = frozenset()
    """Columns that the endpoint no longer has, as named in `$select`."""

    @property
    def selected_columns(self) -> list[str]:
        """Columns of `$select`."""
        along = (f"{self.expand}/{name}" for name in self.expanded_columns)
        return [name for name in (*self.columns, *along) if name not in self.removed]

    @property
    def select(self) -> str:
        """Value of `$select`."""
        return ",".join(self.selected_columns)


class _Attempt(msgspec.Struct, frozen=True):
    """One set of query options to try."""

    name: str
    """Key under which a refusal is remembered: the options that may be refused."""
    options: Mapping[str, str | None]


def read_pages(
    connection: Connection,
    definition: StreamDefinition,
    query: Query,
    decoder: PageDecoder | None = None,
) -> Iterator[Page]:
    """Yield all pages of a list; `decoder` as for `pagination.read`.

    Which filters and orders an endpoint accepts is not documented. Options that are refused with a
    known message are dropped, which may read more rows, and the refusal is remembered.
    """
    path = definition.endpoint.uri.format(division=query.division)
    query, attempts = _prepare(connection, definition, query)
    for position, attempt in enumerate(attempts):
        options = {**query.parameters, **attempt.options, "$expand": query.expand}
        reader = connection.pages(url(path, options), query.division, decoder)
        try:
            first = next(reader)
        except RequestRefused as refusal:
            column = _refused_column(refusal, definition, query)
            if column is not None:
                yield from _read_without(connection, definition, query, column)
                return
            if not is_about_query(refusal) or position == len(attempts) - 1:
                raise
            logger.warning("%s Asking again with a simpler query.", refusal)
            continue
        refused = [
            earlier.name for earlier in attempts[:position] if earlier.name != UNKNOWN_COLUMN
        ]
        if attempt.name == UNKNOWN_COLUMN:
            # Only `$select` differs from the attempt before: a column was removed.
            refused = [UNKNOWN_COLUMN]
        for name in refused:
            # `$select=*` is to blame only if the same query without it was accepted.
            if STAR not in name or position == 1:
                remember_refusal(connection, definition, query.division, name)
        yield first
        yield from reader
        return


def _prepare(
    connection: Connection, definition: StreamDefinition, query: Query
) -> tuple[Query, list[_Attempt]]:
    """Remove columns that are known to be refused, warn, and list the attempts to make."""
    known = connection.refused_in(query.division).until(definition.endpoint.id)
    removed = {name for name in query.selected_columns if _column_option(name) in known}
    query = replace(query, removed=query.removed | removed)
    attempts = _candidates(connection, definition, query, known)
    options = [
        UNKNOWN_COLUMN,
        *map(_column_option, sorted(removed)),
        *(attempt.name for attempt in attempts),
    ]
    for option in options:
        warn_of_refusal(connection, definition, query.division, option, known)
    return query, attempts


def remember_refusal(
    connection: Connection, definition: StreamDefinition, division: int, option: str
) -> None:
    """Remember that an endpoint refuses an option, and warn."""
    refused = connection.refused_in(division)
    refused.remember(definition.endpoint.id, option)
    warn_of_refusal(connection, definition, division, option, refused.until(definition.endpoint.id))


def warn_of_refusal(
    connection: Connection,
    definition: StreamDefinition,
    division: int,
    option: str,
    until: Mapping[str, float],
) -> None:
    """Warn once per run that an option or column is left out.

    `until` holds the Unix time until which each is, by option.
    """
    if option not in until:
        return
    day = datetime.fromtimestamp(until[option], timezone.utc).date()
    list_name = f"{definition.name} of division {division}"
    if option == UNKNOWN_COLUMN:
        text = (
            f"{list_name}: Exact Online refuses one of the columns and does not say which. All are "
            f"asked for until {day}, and what does not come is left out."
        )
    elif option.startswith(f"{UNKNOWN_COLUMN}=") and not option.startswith(STAR):
        column = option.removeprefix(f"{UNKNOWN_COLUMN}=")
        text = (
            f"{list_name}: Exact Online does not know the column {column} there. It is left out "
            f"until {day}, when it is asked for again."
        )
    else:
        text = f"{list_name}: Exact Online refuses {option}, which is not asked for until {day}."
    if text not in connection.warned:
        connection.warned.add(text)
        logger.warning("%s", text)


def _column_option(column: str) -> str:
    """Key under which the refusal of a column is remembered."""
    return f"{UNKNOWN_COLUMN}={column}"


def available_columns(
    connection: Connection, definition: StreamDefinition, query: Query
) -> set[str]:
    """Columns of a query that the endpoint still returns; takes one call.

    All of them if the list has no rows.
    """
    first = next(read_pages(connection, definition, query), None)
    if first is None or not first.rows:
        return {*query.columns}
    available = {name for name in query.columns if any(name in row for row in first.rows)}
    known = connection.refused_in(query.division).until(definition.endpoint.id)
    for name in query.columns:
        if (
            name not in available
            and UNKNOWN_COLUMN not in known
            and _column_option(name) not in known
        ):
            remember_refusal(connection, definition, query.division, _column_option(name))
    return available


def _refused_column(
    refusal: RequestRefused, definition: StreamDefinition, query: Query
) -> str | None:
    """Column that a refusal names, if the stream can do without it."""
    name = unknown_property(refusal)
    if name in {None, *definition.stream.key, definition.bookmark, LINE_NUMBER}:
        return None
    matching = [column for column in query.selected_columns if column.rpartition("/")[-1] == name]
    return matching[0] if len(matching) == 1 else None


def _read_without(
    connection: Connection, definition: StreamDefinition, query: Query, column: str
) -> Iterator[Page]:
    """Yield all pages without a column; remember the refusal once the first page has come."""
    reader = read_pages(connection, definition, replace(query, removed=query.removed | {column}))
    first = next(reader)
    remember_refusal(connection, definition, query.division, _column_option(column))
    yield first
    yield from reader


def _candidates(
    connection: Connection, definition: StreamDefinition, query: Query, known: Collection[str]
) -> list[_Attempt]:
    """Attempts in order of preference; options that were refused before come last."""
    attempts = sorted(
        _filters_and_orders(connection, definition, query),
        key=lambda attempt: attempt.name in known,
    )
    # With a condition of the user, that is the likely reason for a refusal, not a column.
    may_star = definition.allows_star and bool(query.select) and query.condition is None
    select = "*" if may_star and UNKNOWN_COLUMN in known else query.select
    attempts_with_select = [
        _Attempt(attempt.name, {"$select": select, **attempt.options}) for attempt in attempts
    ]
    best = attempts_with_select[0]
    if query.expand:
        # Ten errors in an hour block the app, and the lines can be read from their own list.
        return [best]
    if query.all_columns:
        name = f"{STAR}&{best.name}"
        if name not in known:
            return [_Attempt(name, {**best.options, "$select": "*"}), *attempts_with_select]
    if may_star and select != "*":
        attempts_with_select.append(_Attempt(UNKNOWN_COLUMN, {**best.options, "$select": "*"}))
    return attempts_with_select


def _filters_and_orders(
    connection: Connection, definition: StreamDefinition, query: Query
) -> list[_Attempt]:
    """Filters and orders that return the rows of a query, in order of preference."""
    simplest = _Attempt("", {"$filter": query.condition})
    if definition.endpoint.kind == "sync":
        behind = f"{TIMESTAMP} gt {literal(query.start or 0, 'Edm.Int64')}"
        return [_Attempt("", {"$filter": all_of(behind, query.condition)})]
    if definition.bookmark == MODIFIED:
        changed = all_of(modified_filter(query.start, connection.zone), query.condition)
        order = {"$orderby": MODIFIED}
        return [
            _Attempt("$filter=Modified&$orderby=Modified", {"$filter": changed, **order}),
            _Attempt("$filter=Modified", {"$filter": changed}),
            _Attempt("$orderby=Modified", {**simplest.options, **order}),
            simplest,
        ]
    all_columns = (
        match_all(definition.endpoint, query.division) if definition.requires_filter else None
    )
    if all_columns is None:
        return [simplest]
    return [_Attempt("$filter", {"$filter": all_of(all_columns, query.condition)}), simplest]


def all_of(*conditions: str | None) -> str | None:
    """Join conditions with `and`; None if there are none."""
    available_columns = [condition for condition in conditions if condition]
    if len(available_columns) > 1:
        return " and ".join(f"({condition})" for condition in available_columns)
    return available_columns[0] if available_columns else None
