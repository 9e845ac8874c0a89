"""How a plugin ends: one line for the user, and a code for the machine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import Tap
from typing_extensions import override

from exactonline_cli.commands.status import ALARM
from exactonline_client import errors
from exactonline_client.plugin import start
from exactonline_client.plugin.settings import SHARED

if TYPE_CHECKING:
    from singer_sdk import Stream

# A tap that fails, as its setting says, when it looks for its streams.
PROGRAM = """
    import sys
    from singer_sdk import Tap
    from exactonline_client import errors
    from exactonline_client.plugin import start

    class TinyTap(Tap):
        name = "tap-tiny"
        config_jsonschema = {
            "type": "object",
            "properties": {"wanted": {"type": "string"}},
        }

        def discover_streams(self):
            raise getattr(errors, self.config["wanted"])("Say what to do.")

    start.run(TinyTap)
"""


@pytest.mark.parametrize(("name", "code"), [("SignInNeeded", 3), ("Unavailable", 7)])
def test_an_error_is_one_line_and_its_code(name: str, code: int, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"wanted": name}))
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), "--discover", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code
    assert done.stderr.count("Say what to do.") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def settings_file(folder: Path, content: bytes | None) -> Path:
    file = folder / "config.json"
    if content is not None:
        file.write_bytes(content)
    return file


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(None, id="missing"),
        pytest.param(b"", id="empty"),
        pytest.param(b'{"client_secret": "hunter2",', id="cut off"),
        pytest.param(b"\xff\xfe", id="binary"),
    ],
)
def test_settings_that_cannot_be_read_are_no_crash(content: bytes | None, tmp_path: Path) -> None:
    file = settings_file(tmp_path, content)
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("| ERROR") == 1
    assert f"{file} cannot be read" in done.stderr
    assert ".. " not in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("text", [b"{", b"\xff"])
def test_a_state_that_cannot_be_parsed_is_no_crash(text: bytes) -> None:
    with (
        pytest.raises(errors.ConfigurationError, match="not JSON") as caught,
        start.readable_configuration_errors(),
    ):
        json.loads(text)
    assert caught.value.exit_code == 2


class PickyTap(Tap):
    """Has the settings that all plugins share, and reads nothing."""

    name = "tap-picky"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": SHARED,
    }

    @override
    def discover_streams(self) -> list[Stream]:
        return []


def test_all_wrong_settings_are_named_in_one_error() -> None:
    with (
        pytest.raises(errors.ConfigurationError) as caught,
        start.readable_configuration_errors(),
    ):
        PickyTap(config={"request_timeout": 0, "region": "it"}, validate_config=True)
    assert "0 is less than or equal to the minimum of 0" in str(caught.value)
    assert "'it' is not one of" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", [name for name, facts in SHARED.items() if facts.get("secret")])
def test_a_wrong_secret_is_not_shown(name: str) -> None:
    config = {"client_id": "me", "client_secret": "mine", name: ["hunter2"]}
    with (
        pytest.raises(errors.ConfigurationError, match=name) as caught,
        start.readable_configuration_errors(),
    ):
        PickyTap(config=config, validate_config=True)
    assert f"Setting {name} is not of the kind it should be. An example:" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(("-c", textwrap.dedent(PROGRAM), "--version"), id="plugin"),
        pytest.param(("-m", "exactonline_cli", "status"), id="command"),
    ],
)
def test_the_other_project_in_the_same_environment_is_refused(
    program: tuple[str, ...], tmp_path: Path
) -> None:
    facts = tmp_path / "tap_exactonline-0.2.24.dist-info" / "METADATA"
    facts.parent.mkdir()
    facts.write_text("Metadata-Version: 2.1\nName: tap-exactonline\nVersion: 0.2.24\n")
    done = subprocess.run(
        [sys.executable, *program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 2
    assert "tap-exactonline 0.2.24 is installed" in done.stderr
    assert "pip uninstall tap-exactonline singer-exactonline" in done.stderr
    assert "Traceback" not in done.stderr


def test_codes_tell_errors_apart() -> None:
    named = (
        errors.ConfigurationError,
        errors.SignInNeeded,
        errors.DailyLimitReached,
        errors.RecordsRejected,
        errors.AccessDenied,
        errors.Unavailable,
        errors.StoreError,
    )
    assert [error.exit_code for error in named] == [2, 3, 4, 5, 6, 7, 8]
    assert errors.ExactOnlineError.exit_code == 1
    assert all(issubclass(error, errors.ExactOnlineError) for error in named)


def test_the_documented_exit_codes_are_those_of_the_errors() -> None:
    text = (Path(__file__).parents[3] / "docs" / "errors.md").read_text("utf-8")
    documented = {int(code) for code in re.findall(r"^\| (\d{1,2}) \|", text, re.MULTILINE)}
    own = {
        kind.exit_code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ExactOnlineError)
    }
    assert documented == {0, ALARM} | own
