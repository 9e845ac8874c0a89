"""The `exactonline` command."""

from __future__ import annotations

import sys
from typing import Any

import click
from typing_extensions import override

from exactonline_cli.commands.connect import connect
from exactonline_cli.commands.divisions import divisions
from exactonline_cli.commands.import_file import import_file, invoices
from exactonline_cli.commands.keepalive import keepalive
from exactonline_cli.commands.login import login
from exactonline_cli.commands.plan import plan
from exactonline_cli.commands.replay import replay
from exactonline_cli.commands.results import results
from exactonline_cli.commands.rotate_key import rotate_key
from exactonline_cli.commands.sandbox import sandbox
from exactonline_cli.commands.status import status
from exactonline_cli.commands.webhooks import webhooks
from exactonline_cli.options import warn_of_misspelt_variables
from exactonline_client import redaction
from exactonline_client.errors import ExactOnlineError, OutputError
from exactonline_client.plugin import environment, package_conflict, stdout
from exactonline_client.stopping import INTERRUPTED


class _OneLineErrors(click.Group):
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


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="singer-exactonline", prog_name="exactonline")
def main() -> None:
    """Exact Online from the command line."""


for command in (
    connect,
    login,
    divisions,
    status,
    keepalive,
    rotate_key,
    plan,
    invoices,
    import_file,
    results,
    replay,
    sandbox,
    webhooks,
):
    main.add_command(command)


if __name__ == "__main__":
    main()
