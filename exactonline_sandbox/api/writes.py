"""Answers POST, PUT and DELETE."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exactonline_sandbox.api.reads import write_one
from exactonline_sandbox.books.references import ACCOUNTS, CONTACTS, ITEMS
from exactonline_sandbox.business.editor import Desk
from exactonline_sandbox.business.invoices import INVOICES, PRINTED, print_invoice
from exactonline_sandbox.business.rows import change, create, remove
from exactonline_sandbox.business.your_ref import spell_reference
from exactonline_sandbox.edm.model import schema
from exactonline_sandbox.errors import ApiError
from exactonline_sandbox.odata.answer import Answer
from exactonline_sandbox.odata.bodies import read_body
from exactonline_sandbox.odata.options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.api.reads import Read
    from exactonline_sandbox.books.tables import Row

# What the answer to a POST holds is not the same everywhere. Without `Prefer`, these give back
# only the key, the links and the flags of type Byte ...
_SPARSE = (ACCOUNTS, CONTACTS, ITEMS)
# ... and these leave out what the server has not calculated by then.
_NOT_YET_KNOWN = {
    INVOICES: (
        "VATAmountFC",
        "VATAmountDC",
        "StarterSalesInvoiceStatus",
        "StarterSalesInvoiceStatusDescription",
    ),
    "purchaseentry/PurchaseEntries": ("VATAmountFC", "VATAmountDC"),
}


def write(call: Read, method: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Answer a POST, PUT or DELETE.

    Raises:
        ApiError: Where it is malformed, not possible here, or against the rules of business.
    """
    endpoint = call.resource.endpoint
    with_key = call.resource.key is not None
    allowed = method in endpoint.methods and with_key == (method != "POST")
    if not allowed or call.resource.navigation or call.resource.count:
        raise ApiError(405, f"The method {method} is not allowed here.")
    desk = Desk(call.company, call.world.author(call.user))
    content_type = headers.get("content-type", "")
    if method == "POST":
        return _post(call, desk, body, content_type, headers.get("prefer", ""))
    row = _row(call, method)
    if method == "DELETE":
        remove(desk, endpoint.id, row)
    else:
        given = read_body(endpoint, body, content_type, creating=False)
        changes = {name: value for name, value in given.values.items() if name not in endpoint.key}
        spell_reference(changes, call.world.switches)
        change(desk, endpoint.id, row, changes)
    return Answer(204)


def _row(call: Read, method: str) -> Row:
    values = tuple(literal.value for literal in call.resource.key or ())
    table = call.company.table(call.resource.endpoint.id)
    row = table.get(values[0] if len(values) == 1 else values)
    if row is not None:
        return row
    if method == "DELETE":
        raise ApiError(403, "Forbidden: the resource cannot be deleted.")
    raise ApiError(404, "The resource was not found.")


def _post(call: Read, desk: Desk, body: bytes, content_type: str, prefer: str) -> Answer:
    endpoint = call.resource.endpoint
    given = read_body(endpoint, body, content_type, creating=True)
    values = {name: value for name, value in given.values.items() if value is not None}
    spell_reference(values, call.world.switches)
    if endpoint.id == PRINTED:
        return _created(call, print_invoice(desk, values))
    if "GET" not in endpoint.methods:
        raise ApiError(403, "Forbidden: the sandbox does not have this feature.")
    if not call.world.switches.honour_client_keys:
        for name in endpoint.key:
            values.pop(name, None)
    _refuse_known_key(desk, endpoint, values)
    row = create(desk, endpoint.id, values, given.lines)
    return _created(call, row if "return=representation" in prefer else _partly(endpoint, row))


def _refuse_known_key(desk: Desk, endpoint: Endpoint, values: Row) -> None:
    key = values.get(schema().key_columns(endpoint.id)[0])
    if key is not None and desk.find(endpoint.id, key) is not None:
        raise ApiError(500, f"Already exists: {endpoint.key[0]}")


def _partly(endpoint: Endpoint, row: Row) -> Row:
    """What the answer to a POST shows of the new row."""
    if endpoint.id in _SPARSE:
        return {**{name: row[name] for name in endpoint.key}, "Division": None}
    absent = _NOT_YET_KNOWN.get(endpoint.id, ())
    return {name: value for name, value in row.items() if name not in absent}


def _created(call: Read, row: Row) -> Answer:
    view = call.world.view(call.resource.endpoint.id, call.company)
    answer = write_one(replace(call, options=Options()), view, row)
    answer.status = 201
    return answer
