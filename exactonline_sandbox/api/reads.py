"""GET: lists, single rows, counts and functions, in JSON or Atom."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from exactonline_sandbox.api.functions import call_function
from exactonline_sandbox.edm.model import DELETED, USER_LISTS, schema
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.odata import atom, verbose_json
from exactonline_sandbox.odata.answer import Answer, shape
from exactonline_sandbox.odata.literals import write_literal
from exactonline_sandbox.odata.query import Source, count_rows, run
from exactonline_sandbox.odata.rules import FORBIDDEN, check_query, check_scope, denied
from exactonline_sandbox.odata.verbose_json import RowWriter

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint, Property
    from exactonline_sandbox.api.call import Request
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.books.views import View
    from exactonline_sandbox.odata.query import Page

_SAFE = "',()$*/!~-._"
_KEPT_IN_NEXT = ("$filter", "$orderby", "$expand", "$select", "$inlinecount")


def read(request: Request) -> Answer:
    """Answer a GET.

    Raises:
        ApiError: The call is malformed, or the row does not exist.
    """
    endpoint = request.resource.endpoint
    if "GET" not in endpoint.methods:
        raise ApiError(405, "The method GET is not allowed here.")
    if endpoint.kind == "function":
        return call_function(request)
    source = _source(request, endpoint)
    if request.resource.key is None:
        check_query(endpoint, request.options, request.world.switches)
        return _list(request, source)
    row = _row(source, request)
    if request.resource.navigation is None:
        return write_one(request, source.view_of(row), row)
    return _list(request, _related(request, source, row, request.resource.navigation))


def write_one(request: Request, view: View, row: Row) -> Answer:
    """Answer with a single row, in the requested format."""
    shaped = shape(view.endpoint, request.options.select, request.options.expand)
    writer = RowWriter(view, shaped, request.root, _children(request), request.layout)
    if request.as_atom:
        return atom.entry(view, shaped, writer.uri(row), row, request.root)
    return verbose_json.one(writer.text(row), request.layout)


def _source(request: Request, endpoint: Endpoint) -> Source:
    company = request.company
    view = request.world.view(endpoint.id, company)
    if endpoint.id in USER_LISTS:
        return Source(view, request.world.user_table(endpoint.id, request.user, company.code))
    table = request.world.rows_of(endpoint.id, company)
    if endpoint.kind != "sync":
        return Source(view, table)
    if endpoint.id == DELETED:
        company.forget_old_deletes(request.world.clock.now())
    feeds = schema().feed_of[view.table]
    line_view = request.world.view(endpoint.id, company, feeds.line) if feeds.line else None
    return Source(view, table, company.feed(endpoint.id), line_view, request.world.clock.now())


def _row(source: Source, request: Request) -> Row:
    values = tuple(literal.value for literal in request.resource.key or ())
    row: Row | None
    if source.feed is not None:
        row = next(source.feed.after(values[0] - 1), None)
        if row is not None and row["Timestamp"] != values[0]:
            row = None
    else:
        row = source.table.get(values[0] if len(values) == 1 else values)
    if row is None:
        raise ApiError(404, "The resource was not found.")
    return row


def _related(request: Request, source: Source, row: Row, navigation: str) -> Source:
    """The rows of a navigation property, as a source for queries."""
    item = source.view.endpoint.properties.get(navigation)
    if item is None or not item.navigation:
        raise ApiError(404, f"Resource not found for the segment '{navigation}'.")
    view, rows = _children(request)(item, row)
    if view is None:
        raise ApiError(404, f"Resource not found for the segment '{navigation}'.")
    return Source(view, request.company.table(view.table), rows=tuple(rows))


def _children(request: Request) -> verbose_json.Children:
    """A function that finds the rows of a navigation property."""

    def find(item: Property, row: Row) -> tuple[View | None, list[Row]]:
        if item.entity is None or item.field is None:
            return None, []
        check_scope(schema().endpoints[item.entity], "GET", request.world.switches)
        if denied(item.entity, request.world.switches):
            if request.world.switches.denied_answer == "empty":
                return request.world.view(item.entity, request.company), []
            raise ApiError(403, FORBIDDEN)
        table = request.company.table(schema().table_of[item.entity])
        parent = request.resource.endpoint
        key = row[(parent.key if parent.kind != "sync" else ("ID",))[0]]
        rows = sorted(table.where(item.field, key), key=table.sort_key)
        return request.world.view(item.entity, request.company), rows

    return find


def _list(request: Request, source: Source) -> Answer:
    options = request.options
    if request.resource.count:
        count = str(count_rows(source, options))
        return Answer(body=count.encode(), content_type="text/plain;charset=utf-8")
    size = source.view.endpoint.page_size
    page = run(source, options, size)
    next_uri = None if page.skiptoken is None else _next_uri(request, page)
    shaped = shape(source.view.endpoint, options.select, options.expand)
    removed = request.world.switches.removed_columns
    endpoint = source.view.endpoint.id
    columns = (name for name in shaped.columns if f"{endpoint}.{name}" not in removed)
    shaped = replace(shaped, columns=tuple(columns))
    children, layout = _children(request), request.layout
    writer = RowWriter(source.view, shaped, request.root, children, layout)
    if request.as_atom:
        rows = [(source.view_of(row), writer.uri(row), row) for row in page.rows]
        return atom.feed(source.view.endpoint, shaped, rows, request.root, next_uri)
    line_writer = writer
    if source.line_view is not None:
        line_writer = RowWriter(source.line_view, shaped, request.root, children, layout)
    written = [(line_writer if "LineNumber" in row else writer).texts(row) for row in page.rows]
    if source.feed is not None and request.world.switches.shuffle_sync_pages:
        random.Random(len(written)).shuffle(written)
    switches = request.world.switches
    if options.top is None:
        all_at_once = size is None and switches.bare_unpaged
    else:
        all_at_once = size is None or options.top <= size
    bare = all_at_once and options.skiptoken is None and not options.inlinecount
    return verbose_json.many(written, layout, bare=bare, next_uri=next_uri, count=page.count)


def _next_uri(request: Request, page: Page) -> str:
    """URL of the next page: the same options, with the remaining `$top`."""
    options = request.options
    path = request.resource.endpoint.path
    if request.resource.navigation is not None:
        key = ",".join(write_literal(part.value, part.type) for part in request.resource.key or ())
        path = f"{path}({key})/{request.resource.navigation}"
    asked = [(name, options.raw[name]) for name in _KEPT_IN_NEXT if name in options.raw]
    if options.top is not None:
        asked.append(("$top", str(options.top - len(page.rows))))
    asked.append(("$skiptoken", page.skiptoken or ""))
    query = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in asked)
    return f"{request.root}/{path}?{query}"
