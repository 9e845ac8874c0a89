"""Ctrl-C: one line and code 130, whatever a command is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e
SECRET = "hush-hush"
WAITING = {
    "login": (["login", "--region", "nl", "--client-id", "me"], "Client secret"),
    "login from a script": (["login", "--code-url", "-"], "Sign in at this address"),
    "sandbox": (["sandbox", "--port", "0", "--invoices", "90000"], "Making the data"),
}


@pytest.fixture
def environment(store_url: str) -> dict[str, str]:
    own = {
        "EXACTONLINE_STORE_URL": store_url,
        "EXACTONLINE_CLIENT_ID": "me",
        "EXACTONLINE_CLIENT_SECRET": SECRET,
        "EXACTONLINE_REDIRECT_URI": "https://example.com/callback",
    }
    return {**os.environ, **own}


def said_until(process: subprocess.Popen[bytes], words: str) -> str:
    """What a program says, up to these words; a question ends with no line break."""
    assert process.stderr is not None
    said = b""
    while words.encode() not in said:
        more = os.read(process.stderr.fileno(), 1000)
        assert more, said
        said += more
    return said.decode()


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Any]:
    started: list[subprocess.Popen[bytes]] = []

    def run(arguments: list[str], **changes: str) -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-m", "exactonline_cli", *arguments],
            env={**environment, **changes},
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            # Without a terminal a hidden question comes on standard error.
            start_new_session=True,
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("what", WAITING)
def test_a_command_says_one_line(what: str, start: Any) -> None:
    arguments, words = WAITING[what]
    changes = {"EXACTONLINE_CLIENT_SECRET": ""} if what == "login" else {}
    process = start(arguments, **changes)
    said_until(process, words)
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == 130
    assert rest.decode().endswith("Stopped.\n")
    assert "Traceback" not in rest.decode()
