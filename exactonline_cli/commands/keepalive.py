"""`exactonline keepalive`: renew the sign-ins, so that none of them ends for want of use."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.opening import open_connection
from exactonline_cli.options import (
    connection_option,
    open_store,
    saved_connections,
    store_option,
)
from exactonline_cli.output import json_option, print_json
from exactonline_client.errors import ExactOnlineError

if TYPE_CHECKING:
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.store import Store


@click.command()
@connection_option
@store_option
@json_option
def keepalive(connection: str | None, store_url: str | None, *, as_json: bool) -> None:
    """Renew the sign-in of each connection; meant for a weekly schedule.

    If the present tokens are younger than ten minutes, Exact issues no new ones and none are
    needed. The exit code is that of the first connection that failed.
    """
    with closing(open_store(store_url)) as store:
        results = [_renew(store, account) for account in saved_connections(store, connection)]
    if as_json:
        print_json({"connections": results})
    else:
        for facts in results:
            click.echo(f"{facts['connection']}: {facts['told']}", err=facts["exit_code"] != 0)
    code = next((facts["exit_code"] for facts in results if facts["exit_code"]), 0)
    if code:
        sys.exit(code)


def _renew(store: Store, account: SavedConnection) -> dict[str, Any]:
    try:
        with (
            closing(open_connection(store, account.name)) as opened,
            opened.noted_run("exactonline keepalive"),
        ):
            name = opened.me["FullName"]
    except ExactOnlineError as error:
        return {
            "connection": account.name,
            "outcome": "failed",
            "told": str(error),
            "exit_code": error.exit_code,
        }
    (after,) = saved_connections(store, account.name)
    outcome = "fresh" if after.received_at == account.received_at else "renewed"
    told = f"{outcome}, signed in as {name}"
    return {"connection": account.name, "outcome": outcome, "told": told, "exit_code": 0}
