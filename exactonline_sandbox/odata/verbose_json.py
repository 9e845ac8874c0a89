"""Write rows and lists as OData verbose JSON, as WCF Data Services does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from exactonline_sandbox.books import attachments
from exactonline_sandbox.edm.model import model_name
from exactonline_sandbox.odata.answer import Answer, Shape, shape
from exactonline_sandbox.odata.literals import write_literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from exactonline_client.catalogue import Property
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.books.views import View

    Children = Callable[[Property, Row], tuple[View | None, list[Row]]]


class RowWriter:
    """Writes the rows of one view with the same properties."""

    def __init__(self, view: View, shaped: Shape, root: str, children: Children) -> None:
        """Make the writer.

        Args:
            view: The view of the rows.
            shaped: The properties to write.
            root: Service root, including the division, without a slash at the end.
            children: Finds the view and the rows of a navigation property of a row.
        """
        self._view = view
        self._shape = shaped
        self._root = root
        self._children = children
        self._project = view.projection(shaped.columns).encode
        self._has_file = view.table == attachments.TABLE and "Url" in shaped.columns
        endpoint = view.endpoint
        self._prefix = f"{root}/{endpoint.path.removeprefix('current/')}("
        self._type = model_name(endpoint.id)
        self._keys = [
            (name, endpoint.properties[name].type, view.comparable_reader(name))
            for name in endpoint.key
        ]
        self._plain_key = _plain_key(view)

    def uri(self, row: Row) -> str:
        """URL of a row."""
        if self._plain_key is not None:
            name, before, after = self._plain_key
            return f"{self._prefix}{before}{row[name]}{after})"
        literals = [(name, write_literal(read(row), kind)) for name, kind, read in self._keys]
        if len(literals) == 1:
            return f"{self._prefix}{literals[0][1]})"
        return self._prefix + ",".join(f"{name}={text}" for name, text in literals) + ")"

    def entity(self, row: Row) -> Row:
        """A row with its metadata, columns and navigation properties."""
        uri = self.uri(row)
        out: Row = {"__metadata": {"uri": uri, "type": self._type}}
        out.update(self._project(row))
        if self._has_file:
            out["Url"] = attachments.link(self._root, row)
        for name in self._shape.deferred:
            out[name] = {"__deferred": {"uri": f"{uri}/{name}"}}
        for name, select in self._shape.expanded.items():
            view, rows = self._children(self._view.endpoint.properties[name], row)
            out[name] = {"results": []}
            if view is not None:
                writer = RowWriter(
                    view, shape(view.endpoint, select or (), ()), self._root, self._children
                )
                out[name]["results"] = [writer.entity(child) for child in rows]
        return out


def _plain_key(view: View) -> tuple[str, str, str] | None:
    """Key column, prefix and suffix of its literal, for a key of one stored guid or number."""
    key = view.endpoint.key
    if len(key) != 1 or not view.is_compared_as_stored(key[0]):
        return None
    marks = {"Edm.Guid": ("guid'", "'"), "Edm.Int64": ("", "L"), "Edm.Int32": ("", "")}
    around = marks.get(view.columns[key[0]].type)
    return None if around is None else (key[0], *around)


def one(row: Row) -> Answer:
    """A single entity."""
    return Answer(body=b'{\r\n"d" : ' + _json(row) + b"\r\n}")


def many(rows: list[Row], *, bare: bool, next_uri: str | None, count: int | None) -> Answer:
    """A list of rows.

    Args:
        rows: The rows.
        bare: Whether to write the list without the `results` object.
        next_uri: URL of the next page.
        count: Number of rows on all pages, with `$inlinecount`.
    """
    listed = _json(rows)
    if bare:
        return Answer(body=b'{\r\n"d" : ' + listed + b"\r\n}")
    head = b"" if count is None else b'"__count" : "%d", ' % count
    tail = b"" if next_uri is None else b', "__next" : ' + msgspec.json.encode(next_uri)
    return Answer(body=b'{\r\n"d" : {\r\n' + head + b'"results" : ' + listed + tail + b"\r\n}\r\n}")


def failure(status: int, message: str) -> Answer:
    """The error envelope; without a message the body is empty."""
    if not message:
        return Answer(status)
    error = {"code": "", "message": {"lang": "", "value": message}}
    return Answer(status, b'{\r\n"error": ' + msgspec.json.encode(error) + b"\r\n}")


def _json(value: Row | list[Row]) -> bytes:
    """JSON formatted like the server: a new line per entity, escaped slashes in dates.

    Neither pattern occurs inside a JSON string, where quotes are escaped.
    """
    written = msgspec.json.encode(value)
    written = written.replace(b'"/Date(', b'"\\/Date(').replace(b')/"', b')\\/"')
    return written.replace(b'{"__metadata":', b'{\r\n"__metadata":')
