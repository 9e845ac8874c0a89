"""The `exactonline` command."""

from __future__ import annotations

import sys
from typing import Any

import click
from typing_extensions import override

from exactonline_cli.groups import CommandGroup
from exactonline_cli.lazy import LazyCommand, LazyCommands
from exactonline_cli.variables import warn_of_misspelt_variables
from exactonline_client import redaction
from exactonline_client.errors import ExactOnlineError, OutputError
from exactonline_client.plugin import environment, package_conflict, stdout
from exactonline_client.stopping import INTERRUPTED

COMMANDS = LazyCommands(
    {
        "connect": LazyCommand(
            "connect",
            "Connect an Exact Online account, step by step on a web page of this machine.",
        ),
        "connections": LazyCommand(
            "connections",
            "List, rename and revoke the connections of the store; asks Exact nothing.",
        ),
        "divisions": LazyCommand(
            "divisions", "List the divisions (companies) that the signed-in user may open."
        ),
        "doctor": LazyCommand(
            "doctor", "Check an account: sign-in, rights, limits, and how Exact Online behaves."
        ),
        "import": LazyCommand(
            "import_file", "Import documents of ENTITY from a spreadsheet: FILE is .csv or .xlsx."
        ),
        "init": LazyCommand(
            "init",
            "Make a Meltano project in FOLDER, with the tap, the target, a loader and a schedule.",
        ),
        "invoices": LazyCommand("import_file", "Sales invoices from spreadsheets.", "invoices"),
        "keepalive": LazyCommand(
            "keepalive", "Renew the sign-in of each connection; meant for a weekly schedule."
        ),
        "login": LazyCommand("login", "Connect an Exact Online account in the terminal."),
        "models": LazyCommand(
            "models", "Copy the dbt project, which builds the books from the tap's tables, to PATH."
        ),
        "plan": LazyCommand(
            "plan", "Show what a run of the tap will cost: calls, minutes and days."
        ),
        "replay": LazyCommand(
            "replay",
            "Send the records that were rejected again, after a fix, and those that are in doubt.",
        ),
        "report": LazyCommand(
            "report", "Write a report of the books, in one HTML file, from what dbt has built."
        ),
        "results": LazyCommand(
            "results", "Show what became of the documents that were written, the newest first."
        ),
        "rotate-key": LazyCommand(
            "rotate_key", "Encrypt all that the store keeps secret with a new key."
        ),
        "sandbox": LazyCommand(
            "sandbox", "Run a local Exact Online with made-up data, until Ctrl-C."
        ),
        "status": LazyCommand(
            "status", "Show sign-ins, calls left and last runs; asks Exact nothing."
        ),
        "ui": LazyCommand("ui", "Show a dashboard of the store on a web page of this machine."),
        "webhooks": LazyCommand("webhooks", "Work with the webhooks of Exact Online."),
    }
)


class _Program(CommandGroup):
    """Report an `ExactOnlineError` of any command as one line and its exit code."""

    @override
    def main(self, *args: Any, **options: Any) -> Any:
        try:
            with stdout.flushed():
                return super().main(*args, **options)
        except OutputError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)

    @override
    def invoke(self, ctx: click.Context) -> Any:
        redaction.install()
        redaction.guard_output()
        try:
            package_conflict.refuse()
            environment.load_file()
            warn_of_misspelt_variables()
            return super().invoke(ctx)
        except ExactOnlineError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort) as stop:
            # Click aborts at a question both for Ctrl-C and at the end of input.
            if isinstance(stop, click.Abort) and not isinstance(
                stop.__context__, KeyboardInterrupt
            ):
                raise
            click.echo("Stopped.", err=True)
            ctx.exit(INTERRUPTED)

    @override
    def help_rows(self) -> list[tuple[str, str]]:
        return COMMANDS.help_rows()


@click.group(
    cls=_Program, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="singer-exactonline", prog_name="exactonline")
def main() -> None:
    """Exact Online from the command line."""
