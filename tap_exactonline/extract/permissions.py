"""Check the user's read permission for empty lists.

Some endpoints answer a user without rights with an empty list instead of an error.
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
    from tap_exactonline.definitions.definition import StreamDefinition

logger = logging.getLogger(__name__)

SETTING = "check_rights"
CHECKED_AT = "rights_asked_at"
"""State of a partition without rows so far: when permissions were last checked."""
CHECK_INTERVAL = timedelta(days=30)
USER_HAS_RIGHTS = "users/UserHasRights"


def is_due(connection: Connection, division: int, state: Mapping[str, Any], now: datetime) -> bool:
    """Whether to check permissions: at most every 30 days per partition.

    Not within an hour of a refused check either, since that counts as an error.
    """
    asked_at = state.get(CHECKED_AT)
    if asked_at is not None and now - datetime.fromisoformat(asked_at) < CHECK_INTERVAL:
        return False
    return not connection.is_denied(USER_HAS_RIGHTS, division)


def warn_if_denied(connection: Connection, definition: StreamDefinition, division: int) -> None:
    """Warn if a list is empty because the user has no permission to read it."""
    if may_read(connection, definition, division) is False:
        logger.warning(
            "%s of division %s is empty because the signed-in user has no rights to read %s. "
            "Give the user those rights in Exact Online, or deselect the stream.",
            definition.name,
            division,
            _rights_name(definition),
        )


def may_read(connection: Connection, definition: StreamDefinition, division: int) -> bool | None:
    """Whether the user may read a stream; None if Exact does not say."""
    address = url(
        f"/api/v1/{division}/{USER_HAS_RIGHTS}",
        {"endpoint": literal(_rights_name(definition), "Edm.String"), "action": "'GET'"},
    )
    try:
        return connection.session.read(address, division, _boolean)
    except NOT_READABLE as refusal:
        connection.remember_denial(USER_HAS_RIGHTS, division)
        logger.info(
            "%s of division %s: rights are not known. %s", definition.name, division, refusal
        )
        return None


def _rights_name(definition: StreamDefinition) -> str:
    """Endpoint name as `UserHasRights` expects it: `Logistics/Items`."""
    endpoint = load().endpoints.get(definition.stream.plain or "", definition.endpoint)
    return f"{endpoint.service}/{endpoint.name}" if endpoint.kind == "crud" else endpoint.id


def _boolean(answer: requests.Response) -> bool | None:
    """Boolean in an answer: bare, in an object, or in a list of one object."""
    value = pagination.content(answer.content)
    if value is None:
        raise UnexpectedAnswer("Exact Online does not say whether the user has rights.")
    if isinstance(value, dict):
        value = value.get("results", value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, dict):
        booleans = [value for value in value.values() if isinstance(value, bool)]
        value = booleans[0] if len(booleans) == 1 else None
    return value if isinstance(value, bool) else None
