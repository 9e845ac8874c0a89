"""`exactonline login`: the same sign-in in a terminal, and from a script."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from exactonline_client import connections
from exactonline_client.store.store import Store
from tests.cli.conftest import consent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from exactonline_sandbox import Server

NOWHERE = "https://example.com/callback"


def variables(server: Server, prefix: str = "EXACTONLINE", **others: str) -> dict[str, str]:
    app = server.credentials
    named = {
        "BASE_URL": server.base_url,
        "CLIENT_ID": app.client_id,
        "CLIENT_SECRET": app.client_secret,
        "REDIRECT_URI": app.redirect_uris[0],
        **others,
    }
    return {f"{prefix}_{name}": value for name, value in named.items()}


def kept(store_url: str) -> list[connections.SavedConnection]:
    with closing(Store(store_url)) as store:
        return connections.load(store)


class Person(io.BufferedIOBase):
    """Types an answer whenever the command reads its input; the input ends after the last.

    An answer that is a function gets the address that the command has shown.
    """

    def __init__(self, *answers: str | Callable[[str], str]) -> None:
        super().__init__()
        self.answers = list(answers)
        self.screen = io.BytesIO()
        """What the command prints; see `command`."""

    @override
    def readable(self) -> bool:
        return True

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        return self.read1() if size else b""

    @override
    def read1(self, size: int = -1, /) -> bytes:
        if not self.answers:
            return b""
        answer = self.answers.pop(0)
        return f"{answer(self._address()) if callable(answer) else answer}\n".encode()

    def _address(self) -> str:
        """The last address that was printed."""
        lines = self.screen.getvalue().decode().splitlines()
        return next(line for line in reversed(lines) if line.startswith("http"))


class TestAsking:
    def test_all_is_asked_for(
        self,
        command: Callable[..., Result],
        server: Server,
        store_url: str,
    ) -> None:
        app = server.credentials
        answers = ("nl", app.client_id, app.client_secret, NOWHERE, consent, "1700001, 1700003")
        person = Person(*answers)
        result = command("login", text=person, EXACTONLINE_BASE_URL=server.base_url)
        assert result.exit_code == 0, result.output
        assert not person.answers
        assert app.client_id in result.output
        assert app.client_secret not in result.output
        assert "1700002  Van Dijk & Zonen Groothandel B.V. (BE EUR)" in result.stderr
        assert "as Sanne de Vries" in result.stderr
        assert "divisions '[1700001, 1700003]'" in result.stdout
        assert kept(store_url)[0].divisions == (1_700_001, 1_700_003)

    def test_what_the_environment_says_is_not_asked_for(
        self, command: Callable[..., Result], server: Server
    ) -> None:
        person = Person(consent, "")
        environment = variables(server, "TAP_EXACTONLINE")
        environment["EXACTONLINE_REDIRECT_URI"] = NOWHERE
        result = command("login", "--region", "nl", text=person, **environment)
        assert result.exit_code == 0, result.output
        assert not person.answers
        assert "The address your browser ended at:" in result.stderr
        assert "Divisions, with commas between, or all [1700001]:" in result.stderr
        assert "target-exactonline division 1700001" in result.stdout

    def test_mistakes_are_told_and_asked_again(
        self, command: Callable[..., Result], server: Server
    ) -> None:
        def expired(address: str) -> str:
            landed = consent(address)
            server.control.clock(advance_seconds=181)
            return landed

        app = server.credentials
        person = Person(
            *("nl", app.client_id, "wrong", "http://example.com/", NOWHERE),
            consent,
            *(app.client_id, app.client_secret),
            *(lambda address: consent(address, "deny"), expired, "nothing", consent),
            *("x", "12", "all"),
        )
        result = command("login", text=person, EXACTONLINE_BASE_URL=server.base_url)
        assert result.exit_code == 0, result.output
        assert not person.answers
        for told in (
            "not an https address",
            "does not accept this client ID with this client secret",
            "Access was refused",
            "three minutes",
            "Paste the whole address",
            "'x' is not the code of a division",
            "no division 12",
        ):
            assert told in result.stderr
        assert "all_divisions true" in result.stdout

    def test_a_name_of_another_app_is_asked_again(
        self, command: Callable[..., Result], server: Server
    ) -> None:
        environment = variables(server, REGION="nl")
        options = ("login", "--name", "a", "--divisions", "all")
        assert not command(*options, text=Person(consent), **environment).exit_code
        other = {**environment, "EXACTONLINE_BASE_URL": server.base_url + "/"}
        other["EXACTONLINE_CLIENT_ID"] = "another"
        result = command(*options, text=Person("b"), **other)
        assert result.exit_code == 1
        assert "belongs to another app" in result.stderr
        assert "The address your browser ended at:" in result.stderr


class TestScript:
    """The program as a script runs it: a process, with the address on its standard input."""

    @pytest.fixture
    def start(self, store_url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
        running: list[subprocess.Popen[str]] = []

        def started(*arguments: str, **environment: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "exactonline_cli", "login", *arguments],
                env={**os.environ, "EXACTONLINE_STORE_URL": store_url, **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.append(process)
            return process

        yield started
        for process in running:
            process.kill()
            process.communicate()

    def test_it_reads_the_address_it_is_given(
        self, start: Callable[..., subprocess.Popen[str]], server: Server, store_url: str
    ) -> None:
        process = start("--code-url", "-", "--name", "books", **variables(server))
        assert process.stdout is not None
        landed = consent(process.stdout.readline().strip())
        told, said = process.communicate(landed + "\n", timeout=30)
        assert process.returncode == 0, said
        assert "meltano config set tap-exactonline connection books" in told
        assert "divisions '[1700001]'" in told
        assert [account.name for account in kept(store_url)] == ["books"]

    def test_json_has_what_the_lines_for_meltano_say(
        self, start: Callable[..., subprocess.Popen[str]], server: Server
    ) -> None:
        options = ("--code-url", "-", "--name", "books", "--json")
        process = start(*options, **variables(server))
        assert process.stdout is not None
        landed = consent(process.stdout.readline().strip())
        told, said = process.communicate(landed + "\n", timeout=30)
        assert process.returncode == 0, said
        made = json.loads(told)
        assert (made["connection"], made["divisions"]) == ("books", [1_700_001])
        named = {"plugin": "tap-exactonline", "name": "connection", "value": "books"}
        assert named in made["settings"]

    @pytest.mark.parametrize(
        ("fault", "code", "said"),
        [
            ("denied", 3, "Error: Access was refused"),
            ("expired", 3, "three minutes"),
            ("secret", 2, "does not accept this client ID"),
            ("nothing", 3, "Error: Paste the whole address"),
        ],
    )
    def test_what_goes_wrong_has_its_code(
        self,
        fault: str,
        code: int,
        said: str,
        start: Callable[..., subprocess.Popen[str]],
        server: Server,
    ) -> None:
        secret = {"CLIENT_SECRET": "wrong"} if fault == "secret" else {}
        process = start("--code-url", "-", **variables(server, **secret))
        assert process.stdout is not None
        landed = consent(
            process.stdout.readline().strip(), "deny" if fault == "denied" else "allow"
        )
        if fault == "expired":
            server.control.clock(advance_seconds=181)
        _, told = process.communicate("" if fault == "nothing" else landed, timeout=30)
        assert process.returncode == code
        assert said in told
        assert "[hidden]" not in told
        assert "Traceback" not in told


@pytest.mark.parametrize("missing", ["CLIENT_ID", "CLIENT_SECRET", "REDIRECT_URI"])
def test_a_script_is_told_what_is_missing(
    missing: str, command: Callable[..., Result], server: Server
) -> None:
    environment = variables(server)
    del environment[f"EXACTONLINE_{missing}"]
    result = command("login", "--code-url", "-", **environment)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: Enter the ")
    assert f"Settings: {missing.lower()}." in result.stderr


@pytest.mark.parametrize(
    "variable",
    [
        {"EXACTONLINE_STORE_KEY": "nonsense"},
        {"EXACTONLINE_STORE_URL": "nonsense"},
        {"EXACTONLINE_BASE_URL": "http://exact.example"},
    ],
)
@pytest.mark.parametrize(
    "words", [("login",), ("login", "--code-url", "-"), ("connect", "--no-browser", "--port", "0")]
)
def test_what_no_answer_can_correct_is_said_before_anything_is_asked(
    variable: dict[str, str], words: tuple[str, ...], command: Callable[..., Result], server: Server
) -> None:
    result = command(*words, **{**variables(server), **variable})
    assert result.exit_code == 2
    (setting,) = variable
    assert f"Setting {setting.removeprefix('EXACTONLINE_').lower()}" in result.stderr
    assert result.stdout == ""
