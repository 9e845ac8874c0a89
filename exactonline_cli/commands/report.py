"""`exactonline report`: the books in one HTML file."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exactonline_cli.calls_left import calls_left
from exactonline_cli.options import open_store, store_option, warn_of_visible_secret
from exactonline_cli.output import json_option, print_json
from exactonline_cli.report import blocks, marts, proofs, warehouse
from exactonline_cli.report.amounts import STYLES
from exactonline_cli.report.render import Report, render
from exactonline_client import connections
from exactonline_client.errors import ConfigurationError
from exactonline_client.printable import counted
from exactonline_client.store.clock import server_clock
from exactonline_client.store.store import default_url

if TYPE_CHECKING:
    from exactonline_cli.calls_left import CallsLeft

FILE_URL = "sqlite:///"


@click.command()
@click.option(
    "--database",
    metavar="URL",
    envvar=["EXACTONLINE_DATABASE"],
    callback=warn_of_visible_secret,
    help="Where dbt builds: postgresql://user@host/name or duckdb:///file. Default: that of the "
    "DBT_EXACT_* variables, as in the profile of the dbt project.",
)
@click.option(
    "--schema",
    metavar="NAME",
    envvar="DBT_EXACT_SCHEMA",
    default="analytics",
    show_default=True,
    help="Schema of the models.",
)
@click.option(
    "--run-results",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The run_results.json of dbt. Default: that of target/ in the dbt project.",
)
@click.option(
    "--division",
    "divisions",
    type=int,
    multiple=True,
    metavar="NUMBER",
    help="Only this division; may be given several times.",
)
@click.option(
    "--numbers",
    type=click.Choice(sorted(STYLES)),
    default="en",
    show_default=True,
    help="How numbers are written: en is 1,234.50 and (1,234.50), nl is 1.234,50 and -1.234,50.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="The file to write.",
)
@store_option
@json_option
def report(  # noqa: PLR0913 - the options of a command
    *,
    database: str | None,
    schema: str,
    run_results: Path | None,
    divisions: tuple[int, ...],
    numbers: str,
    output: Path,
    store_url: str | None,
    as_json: bool,
) -> None:
    """Write a report of the books, in one HTML file, from what dbt has built.

    It has revenue, profit and loss, balance sheet, ages of open items, customers and cash of each
    company, the calls used today, and the verdict of each proof of the last dbt build. The file
    needs nothing else: it has no script and loads nothing.
    """
    if output.is_dir() or not output.parent.is_dir():
        raise ConfigurationError(
            f"--output {output} cannot be written: name a file in a folder that exists."
        )
    now = datetime.now(timezone.utc)
    results = proofs.read(run_results)
    url = warehouse.address(database)
    with warehouse.opened(url) as opened:
        read = marts.read(opened, schema, divisions)
        source = f"{schema} of {opened.name}"
    companies = [blocks.company(division, rows, now.date()) for division, rows in read.items()]
    text = render(Report(now, source, companies, _calls(store_url), results), numbers)
    _write(output, text)
    if as_json:
        print_json(
            {
                "file": str(output),
                "divisions": list(read),
                "proofs": len(results.all) if results else None,
                "broken_proofs": [proof.name for proof in results.broken] if results else None,
            }
        )
        return
    click.echo(f"{output}: {counted(len(companies), 'company', 'companies')}, {_verdict(results)}.")


def _calls(store_url: str | None) -> list[CallsLeft]:
    """Read the counts of calls; none are there before the tap has run, and no store is made."""
    url = store_url or default_url()
    if url.startswith(FILE_URL) and not Path(url.removeprefix(FILE_URL)).is_file():
        return []
    with closing(open_store(store_url)) as store:
        now = server_clock(store)()
        return [
            left
            for account in connections.load(store)
            for left in calls_left(store, account, now)
            if left.used_today is not None
        ]


def _write(output: Path, text: str) -> None:
    """Write the file beside its place first, so that one that is there stays whole."""
    part = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(output)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ConfigurationError(f"--output {output} cannot be written: {error}.") from None


def _verdict(results: proofs.Proofs | None) -> str:
    if results is None:
        return "no results of proofs (run dbt build)"
    if results.broken:
        return f"{len(results.broken)} of {len(results.all)} proofs do not hold"
    return f"all {len(results.all)} proofs hold"
