"""Completion in shells."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click
import pytest

from exactonline_cli.main import main
from exactonline_client.store.store import Store
from exactonline_client.store.tables import connections

if TYPE_CHECKING:
    from collections.abc import Iterator


def completed(words: str, **more: str) -> str:
    program = "from exactonline_cli.main import main; main(prog_name='exactonline')"
    number = str(len(words.split()) - (0 if words.endswith(" ") else 1))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "COMP_WORDS": words, "COMP_CWORD": number, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script(shell: str) -> None:
    script = completed("exactonline", _EXACTONLINE_COMPLETE=f"{shell}_source")
    assert f"_EXACTONLINE_COMPLETE={shell}_complete" in script


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("exactonline doc", "plain,doctor"),
        ("exactonline doctor --rep", "plain,--report"),
        ("exactonline init --loader d", "plain,duckdb"),
    ],
)
def test_commands_options_and_choices_are_completed(words: str, expected: str) -> None:
    assert expected in completed(words, _EXACTONLINE_COMPLETE="bash_complete").splitlines()


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """All commands with their paths, but for groups that do nothing by themselves."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{path}{name}", command


def test_every_command_whose_output_a_script_may_read_prints_json() -> None:
    without = {
        path
        for path, command in commands(main)
        if not any("--json" in option.opts for option in command.params)
    }
    # Two pages, a server with a --ready-file of JSON, a table of CSV.
    assert without == {"connect", "ui", "sandbox", "invoices template"}


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_without_colours_gets_none(variables: dict[str, str], store_url: str) -> None:
    with closing(Store(store_url)) as store, store.transaction() as transaction:
        transaction.execute(
            connections.insert().values(
                name="books", app="nl/app", region="nl", base_url="https://start.exactonline.nl",
                client_id="app", client_secret=b"sealed",
                refresh_token=b"sealed", received_at=0.0,
            )
        )  # fmt: skip
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "exactonline_cli", "connections", "list"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={
            **os.environ,
            "EXACTONLINE_STORE_URL": store_url,
            "TERM": "xterm-256color",
            **variables,
        },
    ):
        os.close(terminal)
        said = b""
        with suppress(OSError):
            while more := os.read(keyboard, 4096):
                said += more
    os.close(keyboard)
    assert b"books" in said
    assert not re.search(rb"\x1b\[[0-9;]*3[0-9]", said)
