"""POST, PUT and DELETE."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from exactonline_sandbox.api.reads import write_one
from exactonline_sandbox.books.references import ACCOUNTS, CONTACTS, ITEMS
from exactonline_sandbox.business.editor import Editor
from exactonline_sandbox.business.invoices import INVOICES, PRINTED, print_invoice
from exactonline_sandbox.business.order_invoicing import PROCESSES, run, start
from exactonline_sandbox.business.rows import change, create, remove
from exactonline_sandbox.business.subscriptions import SUBSCRIPTIONS, check_subscription
from exactonline_sandbox.business.your_ref import store_reference
from exactonline_sandbox.edm.empty import sparse_value
from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.odata.answer import Answer
from exactonline_sandbox.odata.bodies import read_body
from exactonline_sandbox.odata.options import Options
from exactonline_sandbox.odata.rules import FORBIDDEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.api.call import Request
    from exactonline_sandbox.books.tables import Row

# The body of the answer to a POST differs by entity. Without `Prefer`, these return only the key,
# the links and the flags of type Byte ...
_SPARSE = (ACCOUNTS, CONTACTS, ITEMS)
# ... and these omit what the server has not calculated yet.
_NOT_YET_KNOWN = {
    INVOICES: (
        "VATAmountFC",
        "VATAmountDC",
        "StarterSalesInvoiceStatus",
        "StarterSalesInvoiceStatusDescription",
    ),
    "purchaseentry/PurchaseEntries": ("VATAmountFC", "VATAmountDC"),
}


def write(request: Request, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer a POST, PUT or DELETE.

    Raises:
        ApiError: The call is malformed, not allowed here, or refused by a business rule.
    """
    endpoint = request.resource.endpoint
    with_key = request.resource.key is not None
    allowed = method in endpoint.methods and with_key == (method != "POST")
    if not allowed or request.resource.navigation or request.resource.count:
        raise ApiError(405, f"The method {method} is not allowed here.")
    editor = Editor(request.company, request.world.author(request.user))
    content_type = headers.get("content-type", "")
    if method == "POST":
        return _post(request, editor, body, content_type, headers.get("prefer", ""))
    row = _row(request, method)
    if method == "DELETE":
        remove(editor, endpoint.id, row)
    else:
        given = read_body(endpoint, body, content_type, creating=False)
        changes = {name: value for name, value in given.values.items() if name not in endpoint.key}
        store_reference(changes, request.world.switches)
        change(editor, endpoint.id, row, changes)
    return Answer(204)


def _row(request: Request, method: str) -> Row:
    values = tuple(literal.value for literal in request.resource.key or ())
    table = request.company.table(request.resource.endpoint.id)
    row = table.get(values[0] if len(values) == 1 else values)
    if row is not None:
        return row
    if method == "DELETE":
        raise ApiError(403, FORBIDDEN)
    raise ApiError(404, "The resource was not found.")


def _post(request: Request, editor: Editor, body: bytes, content_type: str, prefer: str) -> Answer:
    endpoint = request.resource.endpoint
    given = read_body(endpoint, body, content_type, creating=True)
    values = {name: value for name, value in given.values.items() if value is not None}
    store_reference(values, request.world.switches)
    if endpoint.id == PRINTED:
        return _created(request, print_invoice(editor, values))
    if endpoint.id == PROCESSES:
        process = start(editor, values, given.lines)
        seconds = request.world.switches.background_seconds
        request.world.schedule.add(seconds, partial(run, editor, process))
        shown = {name: process.get(name) for name in (*endpoint.key, *values, "ProcessID")}
        return _created(request, shown)
    if "GET" not in endpoint.methods:
        raise ApiError(403, FORBIDDEN)
    if not request.world.switches.honour_client_keys:
        for name in endpoint.key:
            values.pop(name, None)
    if endpoint.id == SUBSCRIPTIONS:
        check_subscription(request.company, values, request.chain.app.client_id)
    _refuse_known_key(editor, endpoint, values)
    row = create(editor, endpoint.id, values, given.lines)
    return _created(request, row if "return=representation" in prefer else _partly(endpoint, row))


def _refuse_known_key(editor: Editor, endpoint: Endpoint, values: Row) -> None:
    key = values.get(schema().key_columns(endpoint.id)[0])
    if key is not None and editor.find(endpoint.id, key) is not None:
        raise ApiError(500, f"Already exists: {endpoint.key[0]}")


def _partly(endpoint: Endpoint, row: Row) -> Row:
    """The columns of the new row that the answer to a POST contains."""
    if endpoint.id in _SPARSE:
        empty = {name: sparse_value(item) for name, item in endpoint.columns.items()}
        return {**empty, **{name: row[name] for name in endpoint.key}}
    absent = _NOT_YET_KNOWN.get(endpoint.id, ())
    return {**row, **dict.fromkeys(absent)}


def _created(request: Request, row: Row) -> Answer:
    view = request.world.view(request.resource.endpoint.id, request.company)
    answer = write_one(replace(request, options=Options()), view, row)
    answer.status = 201
    return answer
