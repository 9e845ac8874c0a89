"""The division that is written to, and whether the user may open it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_client.errors import ConfigurationError, ExactOnlineError

if TYPE_CHECKING:
    from exactonline_client.connection import Connection
    from exactonline_client.errors import AccessDenied


def name_of(connection: Connection, division: int) -> str:
    """The name of a division.

    Raises:
        ConfigurationError: it is not one of the user's.
        SignInNeeded and the errors of `Session.get`.
    """
    possible = {row["Code"]: row["Description"] for row in connection.divisions}
    if division not in possible:
        names = ", ".join(f"{code} ({name})" for code, name in possible.items())
        raise ConfigurationError(
            f"Setting division: {division} is none that {connection.me['FullName']} may open. "
            f"Choose one of {names}."
        )
    return str(possible[division])


def why_denied(connection: Connection, division: int, denial: AccessDenied) -> ExactOnlineError:
    """Why access was denied: the whole division may not be opened, or what the denial says."""
    try:
        name_of(connection, division)
    except ConfigurationError as error:
        return error
    except ExactOnlineError:
        return denial
    return denial
