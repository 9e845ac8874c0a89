"""Programs import what they use: most libraries take longer to import than the rest to run."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass

import click
import pytest
from click.testing import CliRunner

import exactonline_client
import tap_exactonline
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
        (("exactonline_cli", "--version"), HEAVY),
        (("exactonline_cli", "--help"), HEAVY),
        (("exactonline_cli", "no-command"), HEAVY),
        (("exactonline_cli", "status"), {"msgspec", "requests", "singer_sdk", "starlette"}),
        (("exactonline_cli", "sandbox", "--help"), {"requests", "singer_sdk", "sqlalchemy"}),
        (("tap_exactonline", "--version"), {"cryptography", "rich", "sqlalchemy"}),
        (("tap_exactonline", "--discover"), {"cryptography", "rich", "sqlalchemy"}),
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


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    helps = [(name, each.get_short_help_str(1000)) for name, each in sorted(COMMANDS.items())]
    assert COMMANDS.help_rows() == helps


@pytest.mark.parametrize("group", [(), ("connections",), ("results",), ("invoices",)])
def test_sentences_in_a_list_of_commands_are_not_cut(group: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*group, "--help"], terminal_width=60).output
    assert "Commands:" in shown
    assert "..." not in shown.partition("Commands:")[2]


def test_each_command_is_under_its_own_name() -> None:
    assert isinstance(main, click.Group)
    assert {name: command.name for name, command in main.commands.items()} == {
        name: name for name in COMMANDS
    }


def test_servers_have_ports_of_their_own() -> None:
    assert isinstance(main, click.Group)
    options = [option for command in main.commands.values() for option in command.params]
    ports = [option.default for option in options if option.name == "port" and option.default]
    assert len(ports) == len(set(ports)) > 1


def test_a_value_of_client_or_tap_is_no_frozen_dataclass_unless_it_hides_a_field() -> None:
    plain = [
        f"{kind.__module__}.{kind.__name__}"
        for package in (exactonline_client, tap_exactonline)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for kind in vars(importlib.import_module(found.name)).values()
        if isinstance(kind, type) and kind.__module__ == found.name and is_dataclass(kind)
        if kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        if all(field.repr and field.init and field.compare for field in fields(kind))
    ]
    assert plain == []
