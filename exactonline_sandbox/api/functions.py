"""Function endpoints: GET with parameters instead of query options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.edm.model import DELETED, schema
from exactonline_sandbox.edm.values import from_wall_clock
from exactonline_sandbox.errors import bad_request
from exactonline_sandbox.odata import verbose_json
from exactonline_sandbox.odata.answer import Answer, Shape
from exactonline_sandbox.odata.literals import parse_literal
from exactonline_sandbox.odata.rules import denied
from exactonline_sandbox.odata.verbose_json import RowWriter

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.books.company import Company
    from exactonline_sandbox.books.tables import Row
    from exactonline_sandbox.odata.options import Options
    from exactonline_sandbox.world import World

SYNC_TIMESTAMP = "read/sync/Sync/SyncTimestamp"
USER_HAS_RIGHTS = "users/UserHasRights"


def call_function(
    world: World, company: Company, endpoint: Endpoint, options: Options, root: str
) -> Answer:
    """Call a function; one without data in the sandbox gives an empty list.

    Raises:
        ApiError: 400 for a missing or invalid parameter.
    """
    if endpoint.id == USER_HAS_RIGHTS:
        allowed = not denied(str(_parameter(options, "endpoint", "Edm.String")), world.switches)
        _parameter(options, "action", "Edm.String")
        return verbose_json.one({"UserHasRights": allowed})
    if endpoint.id != SYNC_TIMESTAMP:
        return verbose_json.many([], bare=True, next_uri=None, count=None)
    row = _sync_timestamp(company, options, world.switches.sync_timestamp_names)
    if row is None:
        return verbose_json.many([], bare=True, next_uri=None, count=None)
    view = world.view(endpoint.id, company)
    shaped = Shape(tuple(endpoint.columns), (), {})
    written = RowWriter(view, shaped, root, lambda _item, _row: (None, [])).entity(row)
    return verbose_json.many([written], bare=True, next_uri=None, count=None)


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
