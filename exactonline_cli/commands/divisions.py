"""`exactonline divisions`: which companies can be read and written."""

from __future__ import annotations

from contextlib import closing

import click

from exactonline_cli.options import (
    connection_option,
    may_spend,
    store_option,
    yes_option,
)
from exactonline_cli.output import json_option, print_json, print_table
from exactonline_cli.variables import given_settings
from exactonline_client.connection import connect
from exactonline_client.divisions import probe

COLUMNS = {
    "code": "Code",
    "name": "Name",
    "country": "Country",
    "currency": "Currency",
    "status": "Status",
    "current": "Current",
    "reachable": "Reachable",
    "reason": "Why not",
}


@click.command()
@connection_option
@store_option
@click.option(
    "--no-probe", is_flag=True, help="Only list them; save the one call that each probe costs."
)
@yes_option
@json_option
def divisions(
    connection: str | None, store_url: str | None, *, no_probe: bool, yes: bool, as_json: bool
) -> None:
    """List the divisions (companies) that the signed-in user may open.

    One call in each division finds out whether this app can reach it; more than a few are only
    made when you say so.
    """
    settings = given_settings(connection=connection, store_url=store_url)
    with closing(connect(settings)) as opened:
        rows = []
        listed = sorted(opened.divisions, key=lambda row: int(row["Code"]))
        what = f"Finding out which of {len(listed)} divisions can be reached"
        probing = not no_probe and may_spend(len(listed), what, "--no-probe", yes=yes)
        for row in listed:
            reason = probe(opened.session, int(row["Code"])) if probing else None
            rows.append(
                {
                    "code": row["Code"],
                    "name": row["Description"],
                    "country": row["Country"],
                    "currency": row["Currency"],
                    "status": row["Status"],
                    "blocking_status": row["BlockingStatus"],
                    "current": row["Code"] == opened.me["CurrentDivision"],
                    "reachable": reason is None if probing else None,
                    "reason": reason,
                }
            )
    if as_json:
        print_json({"connection": opened.name, "divisions": rows})
    else:
        shown = [
            {**row, **{name: _yes_or_no(row[name]) for name in ("current", "reachable")}}
            for row in rows
        ]
        print_table(COLUMNS, shown)


def _yes_or_no(value: object) -> str | None:
    return None if value is None else ("yes" if value else "no")
