"""Answers GET: lists, single rows, counts and functions, in JSON or Atom."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from exactonline_sandbox.api.functions import call_function
from exactonline_sandbox.edm.model import DELETED, schema
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.odata import atom, verbose_json
from exactonline_sandbox.odata.answer import Answer, shape
from exactonline_sandbox.odata.literals import write_literal
from exactonline_sandbox.odata.query import Source, count_rows, run
from exactonline_sandbox.odata.rules import NO_RIGHTS, check_query, denied
from exactonline_sandbox.odata.verbose_json import RowWriter
from exactonline_sandbox.world import USER_LISTS

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint, Property
    from exactonline_sandbox.api.resources import Resource
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.books.views import View
    from exactonline_sandbox.config import User
    from exactonline_sandbox.odata.options import Options
    from exactonline_sandbox.odata.query import Page
    from exactonline_sandbox.world import World

_SAFE = "',()$*/!~-._"
_KEPT_IN_NEXT = ("$filter", "$orderby", "$expand", "$select", "$inlinecount")


@dataclass(frozen=True)
class Read:
    """A GET: what, of whom, and in which form."""

    world: World
    company: Company
    user: User
    resource: Resource
    options: Options
    root: str
    """Address of the service up to and with the division."""
    as_atom: bool = False


def read(call: Read) -> Answer:
    """Answer a GET.

    Raises:
        ApiError: Where the call is malformed or points at nothing.
    """
    endpoint = call.resource.endpoint
    if "GET" not in endpoint.methods:
        raise ApiError(405, "The method GET is not allowed here.")
    if endpoint.kind == "function":
        return call_function(call.world, call.company, endpoint, call.options, call.root)
    source = _source(call, endpoint)
    if call.resource.key is None:
        check_query(endpoint, call.options, call.world.switches)
        return _list(call, source)
    row = _row(source, call)
    if call.resource.navigation is None:
        return write_one(call, source.view_of(row), row)
    return _list(call, _behind(call, source, row, call.resource.navigation))


def write_one(call: Read, view: View, row: Row) -> Answer:
    """A single row, in the form that the call asks for."""
    shaped = shape(view.endpoint, call.options.select, call.options.expand)
    writer = RowWriter(view, shaped, call.root, _children(call))
    if call.as_atom:
        return atom.entry(view, shaped, writer.uri(row), row, call.root)
    return verbose_json.one(writer.entity(row))


def _source(call: Read, endpoint: Endpoint) -> Source:
    company = call.company
    view = call.world.view(endpoint.id, company)
    if endpoint.id in USER_LISTS:
        return Source(view, call.world.user_table(endpoint.id, call.user, company.code))
    table = company.table(view.table)
    if endpoint.kind != "sync":
        return Source(view, table)
    if endpoint.id == DELETED:
        company.forget_old_deletes(call.world.clock.now())
    feeds = schema().feed_of[view.table]
    line_view = call.world.view(endpoint.id, company, feeds.line) if feeds.line else None
    return Source(view, table, company.feed(endpoint.id), line_view, call.world.clock.now())


def _row(source: Source, call: Read) -> Row:
    values = tuple(literal.value for literal in call.resource.key or ())
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


def _behind(call: Read, source: Source, row: Row, navigation: str) -> Source:
    """The rows behind a navigation property of a row."""
    item = source.view.endpoint.properties.get(navigation)
    if item is None or not item.navigation:
        raise ApiError(404, f"Resource not found for the segment '{navigation}'.")
    view, rows = _children(call)(item, row)
    if view is None:
        raise ApiError(404, f"Resource not found for the segment '{navigation}'.")
    return Source(view, call.company.table(view.table), rows=tuple(rows))


def _children(call: Read) -> verbose_json.Children:
    """What finds the rows behind a navigation property."""

    def find(item: Property, row: Row) -> tuple[View | None, list[Row]]:
        if item.entity is None or item.field is None:
            return None, []
        if denied(item.entity, call.world.switches):
            if call.world.switches.denied_answer == "empty":
                return call.world.view(item.entity, call.company), []
            raise ApiError(403, NO_RIGHTS)
        table = call.company.table(schema().table_of[item.entity])
        parent = call.resource.endpoint
        key = row[(parent.key if parent.kind != "sync" else ("ID",))[0]]
        rows = sorted(table.where(item.field, key), key=table.sort_key)
        return call.world.view(item.entity, call.company), rows

    return find


def _list(call: Read, source: Source) -> Answer:
    options = call.options
    if call.resource.count:
        count = str(count_rows(source, options))
        return Answer(body=count.encode(), content_type="text/plain;charset=utf-8")
    size = source.view.endpoint.page_size
    page = run(source, options, size)
    next_uri = None if page.skiptoken is None else _next_uri(call, page)
    shaped = shape(source.view.endpoint, options.select, options.expand)
    removed = call.world.switches.removed_columns
    endpoint = source.view.endpoint.id
    columns = (name for name in shaped.columns if f"{endpoint}.{name}" not in removed)
    shaped = replace(shaped, columns=tuple(columns))
    children = _children(call)
    writer = RowWriter(source.view, shaped, call.root, children)
    if call.as_atom:
        rows = [(source.view_of(row), writer.uri(row), row) for row in page.rows]
        return atom.feed(source.view.endpoint, shaped, rows, call.root, next_uri)
    line_writer = writer
    if source.line_view is not None:
        line_writer = RowWriter(source.line_view, shaped, call.root, children)
    written = [(line_writer if "LineNumber" in row else writer).entity(row) for row in page.rows]
    if source.feed is not None and call.world.switches.shuffle_sync_pages:
        random.Random(len(written)).shuffle(written)
    bare = (
        options.skiptoken is None
        and not options.inlinecount
        and (size is None or (options.top is not None and options.top <= size))
    )
    return verbose_json.many(written, bare=bare, next_uri=next_uri, count=page.count)


def _next_uri(call: Read, page: Page) -> str:
    """The address of the next page: the same options, with the rest of `$top`."""
    options = call.options
    path = call.resource.endpoint.path
    if call.resource.navigation is not None:
        key = ",".join(write_literal(part.value, part.type) for part in call.resource.key or ())
        path = f"{path}({key})/{call.resource.navigation}"
    asked = [(name, options.raw[name]) for name in _KEPT_IN_NEXT if name in options.raw]
    if options.top is not None:
        asked.append(("$top", str(options.top - len(page.rows))))
    asked.append(("$skiptoken", page.skiptoken or ""))
    query = "&".join(f"{name}={quote(value, safe=_SAFE)}" for name, value in asked)
    return f"{call.root}/{path}?{query}"
