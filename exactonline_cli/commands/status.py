"""`exactonline status`: sign-ins, calls left and last runs, from the store alone."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli import repository
from exactonline_cli.calls_left import calls_left
from exactonline_cli.options import connection_option, open_store, saved_connections, store_option
from exactonline_cli.output import for_table, format_time, json_option, print_json, print_table
from exactonline_client.store import runs
from exactonline_client.store.clock import server_clock

if TYPE_CHECKING:
    from exactonline_client.connections import SavedConnection
    from exactonline_client.store.store import Store

ALARM = 9
"""Exit code if a sign-in has ended or is about to end."""
RUNS_SHOWN = 5
NOT_ENDED = "running, or killed"
"""Shown for a run without an end, which a killed run cannot record."""
CONNECTIONS = {
    "connection": "Connection",
    "region": "Region",
    "user": "User",
    "token_age_minutes": "Token age (min)",
    "days_left": "Days left",
    "last_run": "Last run (UTC)",
}
BUDGETS = {
    "connection": "Connection",
    "division": "Division",
    "minute": "Calls left this minute",
    "day": "Calls left today",
}
RUNS = {
    "connection": "Connection",
    "program": "Program",
    "started_at": "Started (UTC)",
    "ended_at": "Ended (UTC)",
    "exit_code": "Exit code",
    "calls": "Calls",
}


@click.command()
@connection_option
@store_option
@click.option(
    "--warn-days",
    type=click.FloatRange(min=0),
    default=7.0,
    show_default=True,
    metavar="N",
    help=f"Exit with {ALARM} if a sign-in ends within N days unless it is used.",
)
@json_option
def status(
    connection: str | None, store_url: str | None, warn_days: float, *, as_json: bool
) -> None:
    """Show sign-ins, calls left and last runs; asks Exact nothing.

    Exact ends a sign-in that was not used for 30 days.
    """
    with closing(open_store(store_url)) as store:
        accounts = [_facts(store, account) for account in saved_connections(store, connection)]
        exposed = repository.warning(store)
    if as_json:
        print_json({"connections": accounts})
    else:
        _print_tables(accounts)
    if exposed:
        click.echo(exposed, err=True)
    ending = [facts for facts in accounts if _ends_soon(facts, warn_days)]
    for facts in ending:
        click.echo(_alarm(facts), err=True)
    if ending:
        sys.exit(ALARM)


def _facts(store: Store, account: SavedConnection) -> dict[str, Any]:
    now = server_clock(store)()
    received = account.received_at
    left = account.days_left(now)
    return {
        "connection": account.name,
        "region": account.region,
        "base_url": account.base_url,
        "client_id": account.client_id,
        "user": account.user_name,
        "divisions": account.divisions,
        "token_received_at": format_time(received),
        "token_age_minutes": None if received is None else round((now - received) / 60, 1),
        "days_left": None if left is None else round(left, 1),
        "ended": account.ended,
        "budgets": _budgets(store, account, now),
        "runs": [
            {
                **run._asdict(),
                "started_at": format_time(run.started_at),
                "ended_at": format_time(run.ended_at),
            }
            for run in runs.last(store, account.name, RUNS_SHOWN)
        ],
    }


def _budgets(store: Store, account: SavedConnection, now: float) -> list[dict[str, Any]]:
    return [
        {
            "division": left.division,
            "minute_remaining": left.minute_remaining,
            "minute_limit": left.minute_limit,
            "day_remaining": left.day_remaining,
            "day_limit": left.day_limit,
            "day_reset": format_time(left.day_reset),
        }
        for left in calls_left(store, account, now)
    ]


def _print_tables(accounts: list[dict[str, Any]]) -> None:
    print_table(CONNECTIONS, [{**facts, "last_run": _last_run(facts)} for facts in accounts])
    for title, columns, key, cells in (
        ("Calls", BUDGETS, "budgets", _calls),
        ("Runs", RUNS, "runs", _times),
    ):
        shown = [
            {**row, **cells(row), "connection": facts["connection"]}
            for facts in accounts
            for row in facts[key]
        ]
        if shown:
            click.echo(f"\n{title}")
            print_table(columns, shown)


def _calls(row: dict[str, Any]) -> dict[str, str | None]:
    return {"minute": _left(row, "minute"), "day": _left(row, "day")}


def _times(row: dict[str, Any]) -> dict[str, str | None]:
    ended = row["ended_at"]
    return {
        "started_at": for_table(row["started_at"]),
        "ended_at": for_table(ended) if ended else NOT_ENDED,
    }


def _left(row: dict[str, Any], window: str) -> str | None:
    remaining = row.get(f"{window}_remaining")
    return None if remaining is None else f"{remaining} of {row[f'{window}_limit']}"


def _last_run(facts: dict[str, Any]) -> str | None:
    return for_table(facts["runs"][0]["started_at"]) if facts["runs"] else None


def _ends_soon(facts: dict[str, Any], days: float) -> bool:
    return bool(facts["ended"]) or (facts["days_left"] is not None and facts["days_left"] <= days)


def _alarm(facts: dict[str, Any]) -> str:
    if facts["ended"]:
        return f"Connection {facts['connection']} has ended. {facts['ended']}"
    if facts["days_left"] <= 0:
        return (
            f"Connection {facts['connection']} was not used for 30 days and has ended. "
            "Sign in again: exactonline connect."
        )
    days = "1 day" if facts["days_left"] == 1 else f"{facts['days_left']} days"
    return (
        f"Connection {facts['connection']} ends in {days} unless it is used. "
        "Run it, or exactonline keepalive."
    )
