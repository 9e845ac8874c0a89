"""Connections of the store, opened by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exactonline_cli.variables import from_environment
from exactonline_client.connection import connect

if TYPE_CHECKING:
    from exactonline_client.connection import Connection
    from exactonline_client.store.store import Store


def open_connection(store: Store, name: str) -> Connection:
    """Open a connection of the store by its name; the caller closes it."""
    store_settings = {
        "store_url": store.url.render_as_string(hide_password=False),
        "store_key": from_environment("store_key"),
        "user_agent": from_environment("user_agent"),
    }
    return connect({**store_settings, "connection": name})
