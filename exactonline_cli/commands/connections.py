"""`exactonline connections`: list, rename and revoke the connections of the store."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.groups import CommandGroup
from exactonline_cli.options import open_store, saved_connections, store_option
from exactonline_cli.output import json_option, print_json, print_table
from exactonline_client import connections as saved
from exactonline_client.store.clock import server_clock

if TYPE_CHECKING:
    from exactonline_client.connections import SavedConnection

COLUMNS = {
    "connection": "Connection",
    "region": "Region",
    "user": "User",
    "divisions": "Divisions",
    "days_left": "Days left",
}
WITHDRAW = (
    "Exact is not informed: to end the sign-in there as well, withdraw the app in Exact Online, "
    "or register a new client secret in the Exact App Centre."
)


@click.group(cls=CommandGroup)
def connections() -> None:
    """List, rename and revoke the connections of the store; asks Exact nothing."""


@connections.command(name="list")
@store_option
@json_option
def list_(store_url: str | None, *, as_json: bool) -> None:
    """List the connections of the store."""
    with closing(open_store(store_url)) as store:
        now = server_clock(store)()
        rows = [_facts(one, now) for one in saved.load(store)]
    if as_json:
        print_json({"connections": rows})
    elif rows:
        shown = [
            {**row, "divisions": ", ".join(map(str, row["divisions"] or ())) or "all"}
            for row in rows
        ]
        print_table(COLUMNS, shown, right=["days_left"])
    else:
        click.echo(f"No connections. {saved.CONNECT}")


def _facts(one: SavedConnection, now: float) -> dict[str, Any]:
    left = one.days_left(now)
    return {
        "connection": one.name,
        "region": one.region,
        "base_url": one.base_url,
        "client_id": one.client_id,
        "user": one.user_name,
        "divisions": one.divisions,
        "days_left": None if left is None else round(left, 1),
        "ended": one.ended,
    }


@connections.command()
@click.argument("old")
@click.argument("new")
@store_option
@json_option
def rename(old: str, new: str, store_url: str | None, *, as_json: bool) -> None:
    """Rename the connection OLD to NEW; its runs, limits and journal are kept."""
    with closing(open_store(store_url)) as store:
        saved_connections(store, old)
        saved.rename(store, old, new)
    if as_json:
        print_json({"connection": new, "renamed_from": old})
    else:
        click.echo(f"Renamed {old} to {new}. Set connection to {new} where a plugin names {old}.")


@connections.command()
@click.argument("name")
@click.option("--yes", "-y", is_flag=True, help="Revoke without asking.")
@store_option
@json_option
def revoke(name: str, store_url: str | None, *, yes: bool, as_json: bool) -> None:
    """Delete the tokens and the client secret of the connection NAME from the store.

    The journal of writes stays, so no document is created twice after signing in again.
    """
    with closing(open_store(store_url)) as store:
        saved_connections(store, name)
        if not yes:
            click.confirm(f"Delete the sign-in of {name} from {store.name}?", abort=True, err=True)
        saved.forget(store, name)
    if as_json:
        print_json({"connection": name, "revoked": True, "at_exact": False})
    else:
        click.echo(f"Revoked {name} on this machine. {WITHDRAW}")
