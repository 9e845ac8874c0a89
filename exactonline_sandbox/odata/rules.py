"""Query options that the server requires or refuses, and missing rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_sandbox.edm.model import DELETED, schema
from exactonline_sandbox.errors import ApiError, bad_request
from exactonline_sandbox.odata.filters import names

if TYPE_CHECKING:
    from exactonline_client.catalogue import Endpoint
    from exactonline_sandbox.config import Switches
    from exactonline_sandbox.odata.options import Options

FORBIDDEN = "Forbidden"
_VERBS = {"GET": "read", "POST": "create", "PUT": "update", "DELETE": "delete"}
_SELECT_MISSING = "Please add a $select or a $top=1 statement to the query string."


def check_query(endpoint: Endpoint, options: Options, switches: Switches) -> None:
    """Check the query options of a list.

    Raises:
        ApiError: 400 for a missing or unsupported option.
    """
    _check_select(endpoint, options, switches)
    _check_columns(endpoint, options, switches)
    _check_filter(endpoint, options, switches)
    expands = switches.bulk_expand if endpoint.kind == "bulk" else switches.expand
    if options.expand and not expands:
        raise bad_request("$expand is not supported for this resource.")
    if "$skip" in options.raw and switches.refuse_skip:
        raise bad_request("$skip is not supported for this resource, use $skiptoken instead.")


def check_scope(endpoint: Endpoint, method: str, switches: Switches) -> None:
    """Refuse a call outside the scopes of the app.

    Raises:
        ApiError: 403.
    """
    scope = endpoint.scope or schema().endpoints[schema().table_of[endpoint.id]].scope
    if switches.app_scopes and scope and scope not in switches.app_scopes:
        verb = _VERBS.get(method, "read")
        raise ApiError(403, f"Forbidden - Application Scope Violated. Cannot {verb}")


def denied(endpoint_id: str, switches: Switches) -> bool:
    """Whether the user has no rights to an endpoint, to its entity, or to a whole service.

    `crm/Contacts` denies the entity with its bulk and sync lists, `sync/CRM/Contacts` that list.
    """
    names = {name.lower() for name in switches.denied}
    if not names:
        return False
    endpoint = schema().endpoints.get(endpoint_id)
    feed = endpoint.feed if endpoint else None
    entities = feed.values() if feed else [schema().table_of.get(endpoint_id, endpoint_id)]
    ids = {name.lower() for name in (endpoint_id, *entities)}
    return not names.isdisjoint(ids | {name.rsplit("/", 1)[0] for name in ids})


def _check_select(endpoint: Endpoint, options: Options, switches: Switches) -> None:
    if endpoint.select_star_forbidden and "*" in options.select:
        raise bad_request("$select=* is not supported for this resource.")
    by_kind = endpoint.select_required and (endpoint.kind != "sync" or switches.sync_needs_select)
    wanted = by_kind or (
        endpoint.kind == "crud"
        and bool({endpoint.id, "*"} & set(switches.select_required))
        and endpoint.id != "current/Me"
    )
    if wanted and not options.select and options.top != 1:
        raise bad_request(_SELECT_MISSING)


def _check_columns(endpoint: Endpoint, options: Options, switches: Switches) -> None:
    """Refuse a `$select` of removed columns, also of expanded rows."""
    for name in options.select:
        navigation, _, column = name.rpartition("/")
        item = endpoint.properties.get(navigation)
        owner = item.entity if item else endpoint.id
        if f"{owner}.{column}" in switches.removed_columns:
            if switches.tells_removed_columns:
                raise bad_request(f"Could not find a property named '{column}' on {owner}.")
            raise bad_request("Bad Request - Error in query syntax.")


def _check_filter(endpoint: Endpoint, options: Options, switches: Switches) -> None:
    used = names(options.filter) if options.filter is not None else set()
    if endpoint.filter_only_timestamp:
        allowed = {"Timestamp"} | ({"EntityType"} if endpoint.id == DELETED else set())
        if used - allowed:
            raise bad_request(_unsupported(used - allowed))
        return
    filtered = endpoint.kind == "bulk" or endpoint.sync_twin is not None
    if not switches.mandatory_filtering or not filtered or not endpoint.filter_fields:
        return
    if not used & set(endpoint.filter_fields):
        raise bad_request(
            "This endpoint has mandatory filtering applied. A GET request for this endpoint must "
            "have a $filter parameter with one of the following fields in the url: "
            + ", ".join(endpoint.filter_fields)
        )
    if used - set(endpoint.filter_fields):
        raise bad_request(_unsupported(used - set(endpoint.filter_fields)))


def _unsupported(fields: set[str]) -> str:
    return f"Filtering on these fields is not supported: {', '.join(sorted(fields))}"
