"""`exactonline plan`: what a run of the tap will cost, before it is started."""

from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from exactonline_cli import meltano_project
from exactonline_cli.options import (
    config_option,
    connection_option,
    may_spend,
    plugin_settings,
    store_option,
    yes_option,
)
from exactonline_cli.output import json_option, print_json, print_table
from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin import environment
from exactonline_client.plugin.configuration import read_files, read_object
from exactonline_client.plugin.start import readable_configuration_errors
from exactonline_client.printable import counted
from exactonline_client.store.store import project_folder
from tap_exactonline.estimate import cost as estimates
from tap_exactonline.estimate import sources
from tap_exactonline.estimate.advice import advice
from tap_exactonline.settings import FRESH_DAYS
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_exactonline.estimate.cost import Cost, Estimate
    from tap_exactonline.estimate.sources import Source

TAP = "tap-exactonline"
PREFIX = "TAP_EXACTONLINE_"
EXTRAS = {
    "properties": {
        "_catalog": {"type": "string"},
        "_select": {"type": "array", "items": {"type": "string"}},
    }
}
"""Variables in which Meltano passes the selection of a project to a command."""
STEP = 25
"""Number of lists between two lines of progress."""
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
WIDE = 120
"""Width of a terminal from which all columns are shown."""
WIDE_ONLY = ("endpoint", "scope", "page_size", "last_run")
FEW = 3
"""Lists without rows of a division that still have a line each."""
SHOWN = 4
"""Streams without rows that are named."""
_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@config_option
@click.option("--catalog", type=_file, help="Singer catalog; what it selects is planned.")
@click.option("--state", type=_file, help="Singer state; what has changed since is planned.")
@connection_option
@store_option
@click.option("--no-count", is_flag=True, help="Count nothing, and go by what is known already.")
@yes_option
@click.option(
    "--fresh-days",
    default=FRESH_DAYS,
    show_default=True,
    metavar="N",
    help="How long numbers of rows count as known.",
)
@json_option
def plan(  # noqa: PLR0913 - one for each option
    files: tuple[str, ...],
    catalog: Path | None,
    state: Path | None,
    connection: str | None,
    store_url: str | None,
    *,
    no_count: bool,
    yes: bool,
    fresh_days: float,
    as_json: bool,
) -> None:
    """Show what a run of the tap will cost: calls, minutes and days.

    Without --catalog, what the Meltano project selects is planned; without a project, every
    stream. The rows of a list that no run has read lately are counted, which costs a call each;
    more than a few are only made when you say so. All settings of the tap can be given as
    environment variables too.
    """
    config = dict(read_files(files).config)
    extras = environment.settings(EXTRAS, PREFIX)
    selected = read_object(catalog) if catalog else None
    project = project_folder()
    if project and not catalog and not extras:
        of_project, selected = _of_project(project, has_settings=bool(files))
        config = {**of_project, **config}
    settings = plugin_settings(TapExactOnline, config, connection=connection, store_url=store_url)
    with readable_configuration_errors():
        if selected is None and "_catalog" in extras:
            selected = read_object((project or Path()) / extras["_catalog"])
        elif selected is None and extras:
            selected = TapExactOnline(config=dict(settings), setup_mapper=False).catalog_dict
            _select(selected, extras["_select"])
        tap = TapExactOnline(
            config=settings, catalog=selected, state=read_object(state) if state else None
        )
    with closing(tap.connection), tap.stop.ending_as_stopped():
        lists = sources.list_sources(tap.planned)
        uncounted = [] if no_count else estimates.uncounted(tap.planned, lists, fresh_days)
        spent = _count(tap, uncounted, yes=yes)
        estimate = estimates.estimate(tap.planned, lists, fresh_days)
        hints = advice(estimate, has_start_date=tap.shared.context.start_date is not None)
        if as_json:
            print_json(_facts(tap, estimate, hints, spent))
        else:
            _print(estimate, hints)


def _of_project(project: Path, *, has_settings: bool) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Read settings and catalog of a Meltano project; no settings where files give them.

    Raises:
        ConfigurationError: Meltano fails.
    """
    click.echo(f"Asking Meltano what the project {project} selects.", err=True)
    try:
        config = {} if has_settings else meltano_project.dump(project, TAP, "config")
        return config, meltano_project.dump(project, TAP, "catalog")
    except ConfigurationError as error:
        cure = f"Give --catalog, or run meltano invoke {TAP}:plan."
        if not meltano_project.is_installed(project, TAP):
            cure = f"{TAP} is not installed in it yet: run meltano install."
        raise ConfigurationError(
            f"{str(error).rstrip('.')}. What the project selects is not known. {cure}"
        ) from None


def _select(catalog: dict[str, Any], patterns: Sequence[str]) -> None:
    for entry in catalog["streams"]:
        chosen = meltano_project.is_selected(patterns, entry["tap_stream_id"])
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = chosen


def _count(tap: TapExactOnline, lists: list[Source], *, yes: bool) -> int:
    """Count the rows of lists if the user agrees; return the number of calls."""
    calls = sum(len(estimates.queries(tap.planned, source)) for source in lists)
    if not calls:
        return 0
    divisions = len({source.division for source in lists})
    where = counted(divisions, "division")
    what = f"Counting the rows of {counted(len(lists), 'list')} in {where}"
    with tap.stop.waiting():
        if not may_spend(calls, what, "--no-count", yes=yes):
            return 0
    click.echo(
        f"Counting rows: {counted(calls, 'call')} in {where}. --no-count saves them.", err=True
    )
    for number, problem in enumerate(estimates.count(tap.planned, lists), 1):
        if problem:
            click.echo(problem, err=True)
        if number % STEP == 0:
            click.echo(f"{number} of {counted(len(lists), 'list')} counted.", err=True)
    return calls


def _facts(
    tap: TapExactOnline, estimate: Estimate, hints: list[str], counted: int
) -> dict[str, Any]:
    return {
        "connection": tap.connection.name,
        "lists": to_builtins(estimate.costs),
        "divisions": to_builtins(estimate.divisions),
        "calls": estimate.calls,
        "free_calls": estimate.free_calls,
        "at_least": estimate.at_least,
        "minutes": round(estimate.minutes, 2),
        "days": estimate.days,
        "advice": hints,
        "calls_spent_on_counting": counted,
    }


def _print(estimate: Estimate, hints: Iterable[str]) -> None:
    print_table(_columns(), _rows(estimate.costs))
    click.echo("\nDivisions")
    rows = [
        {**to_builtins(division), "calls": _calls(division.calls, at_least=division.at_least)}
        for division in estimate.divisions
    ]
    print_table(DIVISIONS, rows)
    calls = _calls(estimate.calls, at_least=estimate.at_least)
    click.echo(f"\nTogether: {calls} {'call' if calls == '1' else 'calls'}, {_duration(estimate)}.")
    click.echo(
        f"Besides, calls of current/Me, which count against no limit: {estimate.free_calls}."
    )
    for hint in hints:
        click.echo(f"- {hint}")


def _columns() -> dict[str, str]:
    """Return the columns that fit the terminal; a file or a pipe gets all."""
    if not sys.stdout.isatty() or shutil.get_terminal_size().columns >= WIDE:
        return LISTS
    return {name: heading for name, heading in LISTS.items() if name not in WIDE_ONLY}


def _rows(costs: Sequence[Cost]) -> list[dict[str, Any]]:
    """Return a row for each list; those of a division without rows share one if they are many."""
    empty: dict[int, list[Cost]] = {}
    for cost in costs:
        if cost.rows == 0 and cost.streams and cost.last_run is None:
            empty.setdefault(cost.division, []).append(cost)
    grouped = {division: group for division, group in empty.items() if len(group) > FEW}
    hidden = {id(cost) for group in grouped.values() for cost in group}
    return [
        *(_row(cost) for cost in costs if id(cost) not in hidden),
        *(_group(division, group) for division, group in grouped.items()),
    ]


def _group(division: int, costs: Sequence[Cost]) -> dict[str, Any]:
    names = sorted(name for cost in costs for name in cost.streams)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return {
        **dict.fromkeys(LISTS),
        "division": division,
        "stream": f"{counted(len(costs), 'list')} without rows: {', '.join(names[:SHOWN])}{more}",
        "rows": "0",
        "calls": _calls(sum(cost.calls for cost in costs), at_least=False),
    }


def _row(cost: Cost) -> dict[str, Any]:
    known = cost.rows is not None or cost.free_calls or not cost.streams
    calls = _calls(cost.calls, at_least=not known)
    return {
        **to_builtins(cost),
        "stream": ", ".join(cost.streams) or "(the run itself)",
        "scope": cost.scope if cost.streams else None,
        "rows": None if cost.rows is None else f"{cost.rows:,} ({cost.known_from})",
        "calls": f"{cost.free_calls} (no limit)" if cost.free_calls else calls,
        "last_run": _last_run(cost),
    }


def _last_run(cost: Cost) -> str | None:
    """Format the calls of the last run: how many, of which rows, and how many were expected."""
    last = cost.last_run
    if last is None:
        return None
    expected = "" if last.expected is None else f", {last.expected:,} expected"
    return f"{last.calls:,} ({last.scope}{expected})"


def _calls(number: int, *, at_least: bool) -> str:
    return f"{'at least ' if at_least else ''}{number:,}"


def _duration(estimate: Estimate) -> str:
    if estimate.days > 1:
        return f"{estimate.days} days at the daily limit"
    if estimate.minutes < 1:
        return "less than a minute at the limit of calls a minute"
    return f"{counted(round(estimate.minutes), 'minute')} at the limit of calls a minute"
