"""`exactonline plan`: what a run of the tap will cost, before it is started."""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.options import connection_option, given_settings, store_option
from exactonline_cli.output import json_option, print_json, print_table
from exactonline_client.errors import ConfigurationError
from tap_exactonline.settings import FRESH_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_exactonline.estimate import Cost, Estimate
    from tap_exactonline.tap import TapExactOnline

LISTS = {
    "division": "Division",
    "stream": "Streams",
    "endpoint": "Endpoint",
    "scope": "Rows of",
    "rows": "Rows",
    "page_size": "Rows a call",
    "calls": "Calls",
    "last_run": "Last run",
}
DIVISIONS = {
    "division": "Division",
    "calls": "Calls",
    "minutes": "Minutes",
    "days": "Days",
}
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--config", "configs", multiple=True, type=_file, help="Settings of the tap, as it takes them."
)
@click.option("--catalog", type=_file, help="Singer catalog; what it selects is planned.")
@click.option("--state", type=_file, help="Singer state; what has changed since is planned.")
@connection_option
@store_option
@click.option("--no-count", is_flag=True, help="Count nothing, and go by what is known already.")
@click.option(
    "--fresh-days",
    default=FRESH_DAYS,
    show_default=True,
    metavar="N",
    help="How long numbers of rows count as known.",
)
@json_option
def plan(  # noqa: PLR0913 - one for each option
    configs: tuple[Path, ...],
    catalog: Path | None,
    state: Path | None,
    connection: str | None,
    store_url: str | None,
    *,
    no_count: bool,
    fresh_days: float,
    as_json: bool,
) -> None:
    """Tell what a run of the tap will cost: calls, minutes and days.

    The rows of a list that no run has read lately are counted, which costs a call each; how many
    that will be is said first. All settings of the tap can be given as environment variables too.
    """
    from tap_exactonline import estimate as estimates  # noqa: PLC0415 - takes long to import
    from tap_exactonline import sources  # noqa: PLC0415
    from tap_exactonline.advice import advice  # noqa: PLC0415

    settings = given_settings(connection=connection, store_url=store_url)
    for path in configs:
        settings.update(_read(path))
    tap = _tap(settings, catalog or _of_meltano(), state)
    with closing(tap.connection):
        lists = sources.of(tap)
        uncounted = [] if no_count else estimates.uncounted(tap, lists, fresh_days)
        calls = sum(len(estimates.queries(tap, source)) for source in uncounted)
        if calls:
            click.echo(
                f"Counting rows: {calls} calls in {len({one.division for one in uncounted})} "
                "divisions. --no-count saves them.",
                err=True,
            )
        for what, reason in estimates.count(tap, uncounted).items():
            click.echo(f"{what} could not be counted: {reason}", err=True)
        found = estimates.estimate(tap, lists, fresh_days)
        hints = advice(found, has_start_date=tap.start_date is not None)
        if as_json:
            print_json(_facts(tap, found, hints, calls))
        else:
            _print(found, hints)


def _of_meltano() -> Path | None:
    """The catalog that Meltano has written for this command, with what the project selects."""
    project = os.environ.get("MELTANO_PROJECT_ROOT")
    path = Path(project or "", ".meltano", "run", "tap-exactonline", "tap.properties.json")
    return path if project and path.exists() else None


def _tap(settings: dict[str, Any], catalog: Path | None, state: Path | None) -> TapExactOnline:
    from exactonline_client import plugin  # noqa: PLC0415 - takes long to import
    from tap_exactonline.tap import TapExactOnline  # noqa: PLC0415

    with plugin.readable_configuration_errors():
        return TapExactOnline(
            config=settings,
            parse_env_config=True,
            catalog=_read(catalog) if catalog else None,
            state=_read(state) if state else None,
        )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} holds no JSON object.")
    return content


def _facts(tap: TapExactOnline, found: Estimate, hints: list[str], counted: int) -> dict[str, Any]:
    return {
        "connection": tap.connection.name,
        "lists": [asdict(cost) for cost in found.costs],
        "divisions": [asdict(division) for division in found.divisions],
        "calls": found.calls,
        "at_least": found.at_least,
        "minutes": round(found.minutes, 2),
        "days": found.days,
        "advice": hints,
        "calls_spent_on_counting": counted,
    }


def _print(found: Estimate, hints: Iterable[str]) -> None:
    print_table(LISTS, [_row(cost) for cost in found.costs])
    click.echo("\nDivisions")
    rows = [
        {**asdict(division), "calls": _calls(division.calls, at_least=division.at_least)}
        for division in found.divisions
    ]
    print_table(DIVISIONS, rows)
    calls = _calls(found.calls, at_least=found.at_least)
    click.echo(f"\nTogether: {calls} calls, {_duration(found)}.")
    for hint in hints:
        click.echo(f"- {hint}")


def _row(cost: Cost) -> dict[str, Any]:
    known = cost.rows is not None or not cost.streams
    return {
        **asdict(cost),
        "stream": ", ".join(cost.streams) or "(the run itself)",
        "scope": cost.scope if cost.streams else None,
        "rows": None if cost.rows is None else f"{cost.rows:,} ({cost.known_from})",
        "calls": _calls(cost.calls, at_least=not known),
        "last_run": _last_run(cost),
    }


def _last_run(cost: Cost) -> str | None:
    """The calls of the last run, for which rows, and how many were expected."""
    last = cost.last_run
    if last is None:
        return None
    expected = "" if last.expected is None else f", {last.expected:,} expected"
    return f"{last.calls:,} ({last.scope}{expected})"


def _calls(number: int, *, at_least: bool) -> str:
    return f"{'at least ' if at_least else ''}{number:,}"


def _duration(found: Estimate) -> str:
    if found.days > 1:
        return f"{found.days} days at the daily limit"
    if found.minutes < 1:
        return "less than a minute at the limit of calls a minute"
    return f"{found.minutes:.0f} minutes at the limit of calls a minute"
