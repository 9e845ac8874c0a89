"""How a plugin ends: one line for the user, and a code for the machine."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from singer_sdk import Tap
from typing_extensions import override

from exactonline_client import errors, plugin
from exactonline_client.settings import REQUIRED, SHARED

if TYPE_CHECKING:
    from pathlib import Path

    from singer_sdk import Stream

# A tap that fails, as its setting says, when it looks for its streams.
PROGRAM = """
    import sys
    from singer_sdk import Tap
    from exactonline_client import errors, plugin

    class TinyTap(Tap):
        name = "tap-tiny"
        config_jsonschema = {
            "type": "object",
            "properties": {"wanted": {"type": "string"}},
        }

        def discover_streams(self):
            raise getattr(errors, self.config["wanted"])("Say what to do.")

    plugin.run(TinyTap)
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


class PickyTap(Tap):
    """Has the settings that all plugins share, and reads nothing."""

    name = "tap-picky"
    config_jsonschema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": SHARED,
        "required": list(REQUIRED),
    }

    @override
    def discover_streams(self) -> list[Stream]:
        return []


def test_all_wrong_settings_are_named_in_one_error() -> None:
    with (
        pytest.raises(errors.ConfigurationError) as caught,
        plugin.readable_configuration_errors(),
    ):
        PickyTap(config={"client_id": "me", "region": "it"}, validate_config=True)
    assert "'client_secret' is a required property" in str(caught.value)
    assert "'it' is not one of" in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", [name for name, facts in SHARED.items() if facts.get("secret")])
def test_a_wrong_secret_is_not_shown(name: str) -> None:
    config = {"client_id": "me", "client_secret": "mine", name: ["hunter2"]}
    with (
        pytest.raises(errors.ConfigurationError, match=name) as caught,
        plugin.readable_configuration_errors(),
    ):
        PickyTap(config=config, validate_config=True)
    assert "hunter2" not in str(caught.value)


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
