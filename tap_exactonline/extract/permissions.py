"""Whether the user may read a list that came back empty.

Exact answers a user without rights with an empty list in places, which looks like success.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from exactonline_client.catalogue import load
from exactonline_client.errors import NOT_READABLE, UnexpectedAnswer
from exactonline_client.http import pagination
from exactonline_client.odata.literals import literal
from exactonline_client.odata.query import url

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from exactonline_client.connection import Connection
    from tap_exactonline.definitions.definition import Plan

logger = logging.getLogger(__name__)

SETTING = "check_rights"
ASKED_AT = "rights_asked_at"
"""In the state of a partition that has been empty so far."""
ASKED_EVERY = timedelta(days=30)
USER_HAS_RIGHTS = "users/UserHasRights"


def is_due(connection: Connection, division: int, state: Mapping[str, Any], now: datetime) -> bool:
    """Whether it is time to ask: not in every run, since an empty list often stays empty.

    Nor within an hour of a refusal: that is an error like any other, and tells of all lists.
    """
    asked_at = state.get(ASKED_AT)
    if asked_at is not None and now - datetime.fromisoformat(asked_at) < ASKED_EVERY:
        return False
    return not connection.is_denied(USER_HAS_RIGHTS, division)


def doubt(connection: Connection, plan: Plan, division: int) -> None:
    """Ask whether an empty list means that there are no rows; warn where it does not."""
    if may_read(connection, plan, division) is False:
        logger.warning(
            "%s of division %s is empty because the signed-in user has no rights to read %s. "
            "Give the user those rights in Exact Online, or deselect the stream.",
            plan.name,
            division,
            _name(plan),
        )


def may_read(connection: Connection, plan: Plan, division: int) -> bool | None:
    """Whether the user may read a stream; None where Exact does not say."""
    address = url(
        f"/api/v1/{division}/{USER_HAS_RIGHTS}",
        {"endpoint": literal(_name(plan), "Edm.String"), "action": "'GET'"},
    )
    try:
        return connection.session.read(address, division, _truth)
    except NOT_READABLE as refusal:
        connection.remember_denial(USER_HAS_RIGHTS, division)
        logger.info("%s of division %s: rights are not known. %s", plan.name, division, refusal)
        return None


def _name(plan: Plan) -> str:
    """The endpoint as Exact's rights know it: `Logistics/Items`."""
    endpoint = load().endpoints.get(plan.stream.plain or "", plan.endpoint)
    return f"{endpoint.service}/{endpoint.name}" if endpoint.kind == "crud" else endpoint.id


def _truth(answer: requests.Response) -> bool | None:
    """The one truth value in an answer: bare, of a row, or of the only row of a list."""
    found = pagination.content(answer.content)
    if found is None:
        raise UnexpectedAnswer("Exact Online does not say whether the user has rights.")
    if isinstance(found, dict):
        found = found.get("results", found)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if isinstance(found, dict):
        truths = [value for value in found.values() if isinstance(value, bool)]
        found = truths[0] if len(truths) == 1 else None
    return found if isinstance(found, bool) else None
