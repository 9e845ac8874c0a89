"""The page `docs/commands.md`: what each command of `exactonline` says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exactonline_cli.main import COMMANDS
from scripts.pages import Files, filled

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH = 96
HELP = {"help_option_names": ["-h", "--help"]}


def build() -> Files:
    """The page with the help of all commands."""
    parent = click.Context(click.Command("exactonline"), info_name="exactonline")
    sections = (
        section for name in sorted(COMMANDS) for section in _sections(COMMANDS[name], name, parent)
    )
    return filled("commands.md", commands="\n\n".join(sections))


def _sections(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    """Yield the section of a command, then those of its subcommands."""
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **HELP,  # type: ignore[arg-type]
    )
    text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"### {context.command_path}\n\n```text\n{text}\n```"
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            if inner is not None:
                yield from _sections(inner, each, context)
