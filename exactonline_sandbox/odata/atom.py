"""Write rows and lists as Atom, the default format without an `Accept` header."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

from exactonline_sandbox.edm.model import entity_name, model_name
from exactonline_sandbox.edm.values import encode_number
from exactonline_sandbox.odata.answer import NAMESPACE, Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.books.views import View
    from exactonline_sandbox.odata.answer import Shape

_DATA = NAMESPACE
_NAMESPACES = f'xmlns:d="{_DATA}" xmlns:m="{_DATA}/metadata" xmlns="http://www.w3.org/2005/Atom"'
_HEAD = '<?xml version="1.0" encoding="utf-8" standalone="yes"?>'
_CONTENT_TYPE = "application/atom+xml;type={};charset=utf-8"


def feed(
    endpoint: Endpoint,
    shaped: Shape,
    rows: Iterable[tuple[View, str, Row]],
    root: str,
    next_uri: str | None,
) -> Answer:
    """A list of rows.

    Args:
        endpoint: The endpoint of the rows.
        shaped: The properties to write.
        rows: The rows, each with its view and URL.
        root: Service root, including the division.
        next_uri: URL of the next page.
    """
    title = entity_name(endpoint)
    entries = "".join(_entry(view, shaped, uri, row) for view, uri, row in rows)
    link = f'<link rel="next" href={quoteattr(next_uri)} />' if next_uri else ""
    body = (
        f"{_HEAD}<feed xml:base={quoteattr(root + '/')} {_NAMESPACES}>"
        f'<title type="text">{title}</title><id>{escape(root)}/{title}</id>'
        f'<link rel="self" title="{title}" href="{title}" />{entries}{link}</feed>'
    )
    return Answer(body=body.encode(), content_type=_CONTENT_TYPE.format("feed"))


def entry(view: View, shaped: Shape, uri: str, row: Row, root: str) -> Answer:
    """A single row."""
    inner = _entry(view, shaped, uri, row).replace(
        "<entry>", f"<entry xml:base={quoteattr(root + '/')} {_NAMESPACES}>", 1
    )
    return Answer(body=(_HEAD + inner).encode(), content_type=_CONTENT_TYPE.format("entry"))


def failure(status: int, message: str) -> Answer:
    """The error element; without a message the body is empty."""
    if not message:
        return Answer(status)
    body = (
        f'{_HEAD}<error xmlns="{_DATA}/metadata"><code></code>'
        f'<message xml:lang="">{escape(message)}</message></error>'
    )
    return Answer(status, body.encode(), "application/xml;charset=utf-8")


def _entry(view: View, shaped: Shape, uri: str, row: Row) -> str:
    title = model_name(view.endpoint.id).rsplit(".", 1)[-1]
    links = "".join(
        f'<link rel="{_DATA}/related/{name}" type="application/atom+xml;type=feed" '
        f'title="{name}" href={quoteattr(f"{uri}/{name}")} />'
        for name in (*shaped.deferred, *shaped.expanded)
    )
    properties = "".join(_property(view, name, row) for name in shaped.columns)
    return (
        f'<entry><id>{escape(uri)}</id><title type="text"></title>'
        f'<author><name /></author><link rel="edit" title="{title}" href={quoteattr(uri)} />'
        f'{links}<category term="{model_name(view.endpoint.id)}" scheme="{_DATA}/scheme" />'
        f'<content type="application/xml"><m:properties>{properties}</m:properties></content>'
        "</entry>"
    )


def _property(view: View, name: str, row: Row) -> str:
    value = view.comparable_reader(name)(row)
    kind = view.columns[name].type
    marked = "" if kind == "Edm.String" else f' m:type="{kind}"'
    if value is None:
        return f'<d:{name}{marked} m:null="true" />'
    return f"<d:{name}{marked}>{escape(_written(value, kind))}</d:{name}>"


def _written(value: object, kind: str) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(encode_number(value)) if kind == "Edm.Double" else str(value)
