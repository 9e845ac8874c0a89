"""Completion in shells."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


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
