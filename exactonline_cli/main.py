"""The `exactonline` command."""

from __future__ import annotations

from typing import Any

import click
from typing_extensions import override

from exactonline_cli.sandbox import sandbox
from exactonline_client.errors import ExactOnlineError


class _OneLineErrors(click.Group):
    """A group of commands in which an error of ours is one line and an exit code."""

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ExactOnlineError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=_OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="singer-exactonline", prog_name="exactonline")
def main() -> None:
    """Exact Online from the command line."""


main.add_command(sandbox)


if __name__ == "__main__":
    main()
