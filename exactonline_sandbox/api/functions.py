"""Function endpoints: GET with parameters instead of query options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.business.order_invoicing import result
from exactonline_sandbox.edm.model import DELETED, schema
from exactonline_sandbox.edm.values import from_wall_clock
from exactonline_sandbox.errors import bad_request
from exactonline_sandbox.odata import verbose_json
from exactonline_sandbox.odata.answer import Shape
from exactonline_sandbox.odata.literals import parse_literal
from exactonline_sandbox.odata.rules import denied
from exactonline_sandbox.odata.verbose_json import RowWriter

if TYPE_CHECKING:
    from exactonline_sandbox.api.call import Request
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.odata.answer import Answer
    from exactonline_sandbox.odata.options import Options

SYNC_TIMESTAMP = "read/sync/Sync/SyncTimestamp"
USER_HAS_RIGHTS = "users/UserHasRights"
ORDER_RESULT = "read/salesinvoice/InvoiceSalesOrderResult"


def call_function(request: Request) -> Answer:
    """Call a function; one without data in the sandbox gives an empty list.

    Raises:
        ApiError: 400 for a missing or invalid parameter.
    """
    endpoint, options, layout = request.resource.endpoint, request.options, request.layout
    switches = request.world.switches
    if endpoint.id == USER_HAS_RIGHTS:
        allowed = not denied(str(_parameter(options, "endpoint", "Edm.String")), switches)
        _parameter(options, "action", "Edm.String")
        answer = layout.named("UserHasRights", "true" if allowed else "false")
        return verbose_json.one(layout.object(answer), layout)
    bare = switches.bare_unpaged
    if endpoint.id not in (SYNC_TIMESTAMP, ORDER_RESULT):
        return verbose_json.many([], layout, bare=bare)
    if endpoint.id == ORDER_RESULT:
        process_id = str(_parameter(options, "ProcessID", "Edm.Guid"))
        row = result(request.company, process_id)
        listed = [] if row is None else [_written(request, row)]
        return verbose_json.many(listed, layout, bare=bare)
    row = _sync_timestamp(request.company, options, switches.sync_timestamp_names)
    listed = [] if row is None else [_written(request, row)]
    return verbose_json.many(listed, layout, bare=bare)


def _written(request: Request, row: Row) -> tuple[str, ...]:
    endpoint = request.resource.endpoint
    view = request.world.view(endpoint.id, request.company)
    shaped = Shape(tuple(endpoint.columns), (), (), {})
    return RowWriter(
        view, shaped, request.root, lambda _item, _row: (None, []), request.layout
    ).texts(row)


def _sync_timestamp(company: Company, options: Options, known: tuple[str, ...]) -> Row | None:
    """The first row of a feed modified at or after the `modified` parameter."""
    moment = from_wall_clock(_parameter(options, "modified", "Edm.DateTime"))  # type: ignore[arg-type]
    name = _parameter(options, "endPoint", "Edm.String")
    feeds = [
        id_
        for id_, endpoint in schema().endpoints.items()
        if endpoint.kind == "sync" and id_.rsplit("/", 1)[-1] == name and id_ != DELETED
    ]
    if not feeds or (known and name not in known):
        raise bad_request(f"The endPoint '{name}' is not supported.")
    rows = company.feed(feeds[0]).after(0)
    first = next((row for row in rows if row.get("Modified", moment) >= moment), None)
    if first is None:
        return None
    return {
        "Modified": first.get("Modified", moment),
        "API": name,
        "TimeStampAsBigInt": first["Timestamp"],
    }


def _parameter(options: Options, name: str, kind: str) -> object:
    text = options.raw.get(name)
    if text is None:
        raise bad_request(f"The parameter '{name}' is missing.")
    literal = parse_literal(text)
    if literal.type != kind:
        raise bad_request(f"The parameter '{name}' has the wrong type.")
    return literal.value
