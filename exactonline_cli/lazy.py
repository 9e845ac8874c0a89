"""Commands that are imported when they are used: together they take a second to import."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

import click
from typing_extensions import override

from exactonline_cli.groups import WHOLE
from exactonline_client.plugin.imports import uncollected


class LazyCommand(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    """Its module in `exactonline_cli.commands`."""
    help: str
    """The first sentence of its help."""
    function: str = ""
    """Its name in the module, if that is not the module's."""


class LazyCommands(Mapping[str, click.Command]):
    """The commands of a group by name; looking one up imports its module."""

    def __init__(self, table: Mapping[str, LazyCommand]) -> None:
        """`table` has the commands by name."""
        self._table = table

    @override
    def __getitem__(self, name: str) -> click.Command:
        entry = self._table[name]
        with uncollected():
            module = import_module(f"exactonline_cli.commands.{entry.module}")
        command: click.Command = getattr(module, entry.function or entry.module)
        return command

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    @override
    def __len__(self) -> int:
        return len(self._table)

    def help_rows(self) -> list[tuple[str, str]]:
        """Return names and first sentences; imports nothing."""
        return [
            (name, click.Command(name, help=entry.help).get_short_help_str(WHOLE))
            for name, entry in sorted(self._table.items())
        ]
