"""Execute a query on the rows of a view: filter, order and paging."""

from __future__ import annotations

import heapq
from bisect import bisect_right
from dataclasses import dataclass
from functools import cmp_to_key
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.edm.guids import guid_order
from exactonline_sandbox.errors import bad_request
from exactonline_sandbox.odata.filters import Compare, FilterCompiler, Logical, Name
from exactonline_sandbox.odata.literals import Literal, fits, write_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from exactonline_sandbox.books.tables import Feed, Row, Table
    from exactonline_sandbox.books.views import View
    from exactonline_sandbox.odata.filters import Node, Predicate
    from exactonline_sandbox.odata.options import Options

    Views = Callable[[Row], View]


@dataclass(frozen=True)
class Source:
    """Rows to query: a table, a feed, or some rows of a table."""

    view: View
    table: Table
    feed: Feed | None = None
    line_view: View | None = None
    """View of the lines, in a mixed feed of headers and lines."""
    now: datetime | None = None
    """Time of the call; later commits of a feed are not visible."""
    rows: tuple[Row, ...] | None = None
    """Only these rows, such as the lines of one header."""

    def view_of(self, row: Row) -> View:
        """The view of this row."""
        if self.line_view is not None and "LineNumber" in row:
            return self.line_view
        return self.view


@dataclass(frozen=True)
class Page:
    """One page of rows."""

    rows: list[Row]
    skiptoken: str | None = None
    """Skip token of the next page; None on the last."""
    count: int | None = None
    """Number of rows on all pages, with `$inlinecount`."""


def run(source: Source, options: Options, page_size: int | None) -> Page:
    """Execute a query and return one page.

    Args:
        source: The rows.
        options: Filter, order, skip token and limits.
        page_size: Maximum number of rows on a page; no limit where None.

    Raises:
        ApiError: 400 for options that do not fit the view.
    """
    keep = None if _is_bound(source, options.filter) else _predicate(source, options.filter)
    count = sum(1 for _ in _matching(source, options.filter, keep)) if options.inlinecount else None
    limit = _limit(options.top, page_size)
    if limit == 0:
        return Page([], None, count)
    wanted = None if limit is None else limit + 1
    order = _Order(source, options)
    found = order.page(keep, options.skip, wanted)
    if limit is None or len(found) <= limit:
        return Page(found, None, count)
    rows = found[:limit]
    more = options.top is None or options.top > limit
    return Page(rows, order.token(rows[-1]) if more else None, count)


def count_rows(source: Source, options: Options) -> int:
    """Number of rows that pass the filter, within `$skip` and `$top`."""
    keep = _predicate(source, options.filter)
    total = max(0, sum(1 for _ in _matching(source, options.filter, keep)) - options.skip)
    return total if options.top is None else min(total, options.top)


def _limit(top: int | None, page_size: int | None) -> int | None:
    limits = [limit for limit in (top, page_size) if limit is not None]
    return min(limits) if limits else None


def _predicate(source: Source, node: Node | None) -> Predicate | None:
    if node is None:
        return None
    main = FilterCompiler(source.view.endpoint.properties, source.view.comparable_reader)
    keep = main.predicate(node)
    if source.line_view is None:
        return keep
    lines = FilterCompiler(
        source.line_view.endpoint.properties, source.line_view.comparable_reader
    ).predicate(node)
    return lambda row: lines(row) if "LineNumber" in row else keep(row)


def _matching(source: Source, node: Node | None, keep: Predicate | None) -> Iterator[Row]:
    """All rows that pass the filter, unordered."""
    rows = _candidates(source, node)
    return iter(rows) if keep is None else (row for row in rows if keep(row))


def _candidates(source: Source, node: Node | None) -> Iterable[Row]:
    """Rows that may pass the filter, found by key or index where the filter allows it."""
    if source.rows is not None:
        return source.rows
    if source.feed is not None:
        return source.feed.after(_lower_bound(node), source.now)
    found = _by_index(source, node)
    return source.table.rows.values() if found is None else found


def _by_index(source: Source, node: Node | None) -> list[Row] | None:
    """The rows that match the equalities in a filter; None where no index applies."""
    if isinstance(node, Logical) and node.operator == "and":
        found = _by_index(source, node.left)
        return found if found is not None else _by_index(source, node.right)
    if isinstance(node, Logical):
        left, right = _by_index(source, node.left), _by_index(source, node.right)
        if left is None or right is None:
            return None
        return list({id(row): row for row in (*left, *right)}.values())
    return _by_equality(source, node) if isinstance(node, Compare) else None


def _by_equality(source: Source, node: Compare) -> list[Row] | None:
    name, literal = node.left, node.right
    if node.operator != "eq" or not isinstance(name, Name) or not isinstance(literal, Literal):
        return None
    if (name.name,) == source.table.key and literal.type == "Edm.Guid":
        row = source.table.get(literal.value)
        return [] if row is None else [row]
    indexable = literal.type in ("Edm.Guid", "Edm.String", "Edm.Int32")
    if indexable and source.view.is_compared_as_stored(name.name):
        return source.table.where(name.name, literal.value)
    return None


def _lower_bound(node: Node | None) -> int:
    """The highest timestamp below all rows of a feed that may pass the filter."""
    if isinstance(node, Logical) and node.operator == "and":
        return max(_lower_bound(node.left), _lower_bound(node.right))
    if not isinstance(node, Compare) or node.left != Name("Timestamp"):
        return 0
    if not isinstance(node.right, Literal) or node.right.type not in ("Edm.Int32", "Edm.Int64"):
        return 0
    value = int(node.right.value)
    return {"gt": value, "ge": value - 1, "eq": value - 1}.get(node.operator, 0)


def _is_bound(source: Source, node: Node | None) -> bool:
    """Whether a filter is no more than a lower bound, which a feed starts at."""
    return (
        source.feed is not None
        and isinstance(node, Compare)
        and node.operator in ("gt", "ge")
        and _lower_bound(node) > 0
    )


class _Order:
    """The order of a list, and the start of a page in it."""

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._node = options.filter
        key = source.view.endpoint.key or source.table.key
        self._columns = [*options.orderby]
        named = {name for name, _ in options.orderby}
        self._columns += [(name, False) for name in key if name not in named]
        for name, _ in self._columns:
            if name not in source.view.columns:
                raise bad_request(f"No property '{name}' exists that can be sorted by.")
        self._by_key = not options.orderby
        self._after = self._start(options.skiptoken)
        self._sort_key = self._sort_key_reader()

    def _start(self, token: tuple[Literal, ...] | None) -> tuple[Any, ...] | None:
        if token is None:
            return None
        columns = self._source.view.columns
        if len(token) != len(self._columns) or not all(
            fits(literal, columns[name])
            for literal, (name, _) in zip(token, self._columns, strict=True)
        ):
            raise bad_request("Bad Request - Error in syntax of the '$skiptoken' parameter.")
        return tuple(literal.value for literal in token)

    def token(self, row: Row) -> str:
        """The skip token after a row."""
        view = self._source.view_of(row)
        return ",".join(
            write_literal(view.comparable_reader(name)(row), view.columns[name].type)
            for name, _ in self._columns
        )

    def page(self, keep: Predicate | None, skip: int, wanted: int | None) -> list[Row]:
        """Up to `wanted` rows after the start, without the first `skip`."""
        stop = None if wanted is None else skip + wanted
        rows = self._in_order()
        if rows is not None:
            return list(islice(rows if keep is None else filter(keep, rows), skip, stop))
        rows = self._after_start(_matching(self._source, self._node, keep))
        if stop is None:
            return sorted(rows, key=self._sort_key)[skip:]
        return heapq.nsmallest(stop, rows, key=self._sort_key)[skip:]

    def _in_order(self) -> Iterator[Row] | None:
        """All rows after the start that may pass the filter, in order, if that order is kept."""
        source = self._source
        if source.rows is not None:
            return None
        if self._by_key:
            return self._in_key_order()
        own = all(source.view.is_own(name) and name != "Timestamp" for name, _ in self._columns)
        if source.feed is not None or not own or _by_index(source, self._node) is not None:
            return None
        return self._in_kept_order()

    def _in_kept_order(self) -> Iterator[Row]:
        """As above, from an order that is made once and kept until a row of the table changes."""
        table, mark = self._source.table, (self._source.view, tuple(self._columns))
        if mark not in table.derived:
            keyed = [(self._sort_key(row), row) for row in table.rows.values()]
            keyed.sort(key=itemgetter(0))
            table.derived[mark] = [key for key, _ in keyed], [row for _, row in keyed]
        keys, rows = table.derived[mark]
        start = 0 if self._after is None else bisect_right(keys, self._sort_values(self._after))
        return (rows[at] for at in range(start, len(rows)))

    def _in_key_order(self) -> Iterator[Row]:
        source = self._source
        if source.feed is not None:
            start = _lower_bound(self._node)
            start = max(start, self._after[0] if self._after else 0)
            return source.feed.after(start, source.now)
        found = _by_index(source, self._node)
        if found is not None:
            behind = self._after_start(found)
            return iter(sorted(behind, key=source.table.sort_key))
        after = None if self._after is None else source.table.sort_key_of(self._after)
        return source.table.ordered(after)

    def _after_start(self, rows: Iterable[Row]) -> Iterator[Row]:
        if self._after is None:
            return iter(rows)
        start = self._sort_values(self._after)
        return (row for row in rows if self._sort_key(row) > start)

    def _sort_key_reader(self) -> Callable[[Row], Any]:
        source = self._source
        views = {source.view, source.line_view or source.view}
        readers = {
            view: [view.comparable_reader(name) for name, _ in self._columns] for view in views
        }
        return lambda row: self._sort_values(
            tuple(read(row) for read in readers[source.view_of(row)])
        )

    def _sort_values(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        columns = self._source.view.columns
        return tuple(
            _sortable(value, is_guid=columns[name].type == "Edm.Guid", descending=descending)
            for value, (name, descending) in zip(values, self._columns, strict=True)
        )


def _sortable(value: Any, *, is_guid: bool, descending: bool) -> Any:  # noqa: ANN401
    """A sort key for a value: null first, or in descending order last."""
    key = (0, 0) if value is None else (1, guid_order(value) if is_guid else value)
    return _Descending(key) if descending else key


def _reversed(one: tuple[int, Any], other: tuple[int, Any]) -> int:
    return int(other > one) - int(other < one)


_Descending = cmp_to_key(_reversed)
