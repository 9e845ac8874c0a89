"""Programs import what they use: most libraries take longer to import than the rest to run."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from exactonline_cli.main import COMMANDS, main

HEAVY = {"cryptography", "msgspec", "requests", "rich", "singer_sdk", "sqlalchemy", "starlette"}


def imported(*arguments: str) -> set[str]:
    """Top-level packages that a program imports until its end."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return set(re.findall(r"^import time: .*\| +(\w+)", done.stderr, re.MULTILINE))


@pytest.mark.parametrize(
    ("arguments", "unused"),
    [
        (("exactonline_cli.main", "--version"), HEAVY),
        (("exactonline_cli.main", "--help"), HEAVY),
        (("exactonline_cli.main", "no-command"), HEAVY),
        (("exactonline_cli.main", "status"), {"requests", "singer_sdk", "starlette"}),
        (("exactonline_cli.main", "sandbox", "--help"), {"requests", "singer_sdk", "sqlalchemy"}),
        (("tap_exactonline.tap", "--version"), {"cryptography", "rich", "sqlalchemy"}),
        (("tap_exactonline.tap", "--discover"), {"cryptography", "rich", "sqlalchemy"}),
        (("target_exactonline", "--version"), {"cryptography", "rich", "sqlalchemy"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_program_leaves_out_libraries_that_it_does_not_use(
    arguments: tuple[str, ...], unused: set[str]
) -> None:
    found = imported(*arguments)
    assert "click" in found
    assert not found & unused


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_list_of_commands_says_what_their_own_help_says(width: int) -> None:
    limit = width - 6 - max(map(len, COMMANDS))
    helps = [(name, each.get_short_help_str(limit)) for name, each in sorted(COMMANDS.items())]
    assert COMMANDS.help_rows(width) == helps


def test_each_command_is_under_its_own_name() -> None:
    assert isinstance(main, click.Group)
    assert {name: command.name for name, command in main.commands.items()} == {
        name: name for name in COMMANDS
    }
