"""A group of commands whose help has their first sentences whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

WHOLE = 1000
"""Characters of a first sentence: more than any has, as click cuts those that are longer."""


class CommandGroup(click.Group):
    """Lists its commands with sentences that are wrapped, where click's own are cut."""

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self.help_rows()))

    def help_rows(self) -> Iterable[tuple[str, str]]:
        """Return the names of the commands with the first sentences of their help."""
        return [(name, each.get_short_help_str(WHOLE)) for name, each in self.commands.items()]
