"""`exactonline import` and `exactonline invoices`: documents from a spreadsheet."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exactonline_cli.commands import importing
from exactonline_cli.groups import CommandGroup
from exactonline_cli.options import (
    config_option,
    connection_option,
    plugin_settings,
    store_option,
)
from exactonline_cli.output import json_option
from exactonline_cli.spreadsheet import books, loading, template
from exactonline_cli.spreadsheet.choices import (
    CODES,
    EXCLUDING,
    FRACTION,
    INCLUDING,
    PER_CENT,
    RATES,
    Choices,
)
from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin.configuration import read_files
from target_exactonline.schema import dates, entities, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

DECIDED = ("columns", "constants", "decimal", "dates", "prices", "discounts", "vat")
"""Options that decide what a file leaves open."""
NOT_FOR_FILES = ("stream_maps", "stream_map_config", "streams", "reference_field", "on_error",
                 "max_errors", "results_path", "decimal", "dates")  # fmt: skip
"""Settings of the target that are for streams of a tap: the columns of a file are mapped here."""

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def _pairs(
    context: click.Context, option: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Parse NAME=VALUE; the last sign of equality parts them, for a header may hold one."""
    del context
    found = {}
    for value in values:
        name, sign, rest = value.rpartition("=") if option.name == "columns" else value.partition(
            "="
        )  # fmt: skip
        if not sign or not name.strip():
            raise ConfigurationError(f"{option.opts[0]}: {value!r} has no = with a name before it.")
        found[name.strip()] = rest.strip()
    return found


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of an import."""
    for option in reversed(
        (
            click.option("--yes", "-y", is_flag=True, help="Import without a question."),
            click.option("--dry-run", is_flag=True, help="Only show what would be done."),
            click.option("--all", "everything", is_flag=True, help="Show all documents."),
            click.option(
                "--column",
                "columns",
                multiple=True,
                metavar="HEADER=FIELD",
                callback=_pairs,
                help="What a column contains, or ignore; may be given several times.",
            ),
            click.option(
                "--set",
                "constants",
                multiple=True,
                metavar="FIELD=VALUE",
                callback=_pairs,
                help="A value for all documents; may be given several times.",
            ),
            click.option(
                "--decimal",
                type=click.Choice((numbers.AUTO, *numbers.MARKS)),
                default=numbers.AUTO,
                help="The decimal mark, if a column leaves it open.",
            ),
            click.option(
                "--dates",
                type=click.Choice((dates.AUTO, dates.ISO, *dates.ORDERS)),
                default=dates.AUTO,
                help="The order of day and month, if a column leaves it open.",
            ),
            click.option(
                "--prices", type=click.Choice((INCLUDING, EXCLUDING)), help="With VAT or without."
            ),
            click.option(
                "--discounts",
                type=click.Choice((PER_CENT, FRACTION)),
                help="What a discount of 0.5 is: half a per cent, or the half.",
            ),
            click.option(
                "--vat", type=click.Choice((CODES, RATES)), help="What the VAT column contains."
            ),
            click.option("--encoding", metavar="NAME", help="Of a CSV file, such as cp1252."),
            click.option("--sheet", metavar="NAME", help="Of a workbook with several."),
            click.option(
                "--new-headers",
                is_flag=True,
                help="Take a file whose headers have changed as a new one.",
            ),
            click.option(
                "--division", type=int, metavar="NUMBER", help="The division to write to."
            ),
            click.option(
                "--update",
                is_flag=True,
                help="Change documents that exist and differ; without it they stay as they are.",
            ),
            config_option,
            connection_option,
            store_option,
            json_option,
        )
    ):
        command = option(command)
    return command


@click.command("import")
@click.argument("entity")
@click.argument("path", metavar="FILE", type=_file)
@_options
def import_file(entity: str, path: Path, **options: Any) -> None:  # noqa: ANN401 - as click has them
    """Import documents of ENTITY from a spreadsheet: FILE is .csv or .xlsx.

    ENTITY is accounts, items, sales_invoices, general_journal_entries ... Shows what it will do
    before it does it, and asks.
    """
    _import(entity, path, options)


@click.group(cls=CommandGroup)
def invoices() -> None:
    """Sales invoices from spreadsheets."""


@invoices.command("import")
@click.argument("path", metavar="FILE", type=_file)
@_options
@click.option(
    "--finalize",
    type=click.Choice(("none", "print", "email", "peppol")),
    help="What to do with the invoices once they are created. It cannot be taken back.",
)
def import_invoices(path: Path, **options: Any) -> None:  # noqa: ANN401 - as click has them
    """Import sales invoices from a spreadsheet: FILE is .csv or .xlsx.

    Shows each invoice with its lines, VAT and total as Exact will calculate them, and asks
    before anything is sent. Each invoice is created once, even if the file is imported again.
    """
    _import(importing.INVOICES, path, options)


@invoices.command("template")
@click.option(
    "--language", type=click.Choice(template.LANGUAGES), default="nl", show_default=True,
    help="Of the headers.",
)  # fmt: skip
@click.option("--division", type=int, metavar="NUMBER", help="The division, if not that set.")
@config_option
@connection_option
@store_option
def print_template(
    language: str,
    division: int | None,
    files: tuple[str, ...],
    connection: str | None,
    store_url: str | None,
) -> None:
    """Print a table to fill in, as CSV, with a customer and items of the division."""
    config = _settings(
        {"files": files, "connection": connection, "store_url": store_url, "division": division}
    )
    with loading.opened(config) as target:
        run = target.run
        customers, items = books.some(run.connection, run.division)
        if not customers or not items:
            raise ConfigurationError(
                f"Division {run.division} has no customer or no item to show in the table."
            )
        today = datetime.fromtimestamp(run.connection.clock(), run.connection.zone)
        text = template.csv_text(
            language, customers[0].code, items, f"{today:%Y-%m-%d}", f"{today:%Y}-001"
        )
    click.echo(text, nl=False)


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    """The settings of the target: options hold over the environment, and that over files."""
    from target_exactonline.target import TargetExactOnline  # noqa: PLC0415 - takes long to import

    own = {
        "connection": options.get("connection"),
        "store_url": options.get("store_url"),
        "division": options.get("division"),
        "finalize": options.get("finalize"),
        "load_method": "upsert" if options.get("update") else None,
    }
    settings = plugin_settings(TargetExactOnline, read_files(options["files"]).config, **own)
    return {name: value for name, value in settings.items() if name not in NOT_FOR_FILES}


def _import(name: str, path: Path, options: dict[str, Any]) -> None:
    asked = importing.Asked(
        path=path,
        entity=entities.find(name),
        encoding=options["encoding"],
        sheet=options["sheet"],
        is_agreed=options["yes"],
        is_interactive=sys.stdin.isatty() and not options["yes"] and not options["as_json"],
        dry_run=options["dry_run"],
        everything=options["everything"],
        as_json=options["as_json"],
        new_headers=options["new_headers"],
    )
    if asked.as_json and not (asked.is_agreed or asked.dry_run):
        raise ConfigurationError("--json asks nothing: give --yes or --dry-run with it.")
    given = Choices(**{each: options[each] for each in DECIDED})
    importing.run(asked, given, _settings(options))
