"""Run a Singer plugin: redacted output, errors as one line and an exit code."""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeVar

from singer_sdk.exceptions import ConfigValidationError, MappingError

from exactonline_client import redaction
from exactonline_client.errors import ConfigurationError, ExactOnlineError
from exactonline_client.plugin import configuration, package_conflict, stdout
from exactonline_client.plugin.configuration import GivenSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import click
    from singer_sdk.plugin_base import PluginBase


Plugin = TypeVar("Plugin", bound="PluginBase")

_SETTING_ERROR = re.compile(r"(?P<wrong>.*) in config\['(?P<name>\w+)'\]", re.DOTALL)


@contextmanager
def readable_configuration_errors() -> Iterator[None]:
    """Convert the SDK's configuration errors to `ConfigurationError`, which has an exit code.

    Also those of a Singer state or catalog that cannot be parsed.
    """
    try:
        yield
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The Singer state or catalog is not JSON: {error}. Check the files given with "
            "--state and --catalog."
        ) from None
    except MappingError as error:
        raise ConfigurationError(f"Setting stream_maps: {error}") from None
    except ConfigValidationError as error:
        settings = (error.schema or {}).get("properties", {})
        problems = " ".join(_reworded(problem, settings) for problem in error.errors)
        raise ConfigurationError(f"The configuration is not valid. {problems}") from None


def _reworded(problem: str, settings: Mapping[str, Any]) -> str:
    """Reword a validation error of the SDK: setting, problem and an example.

    The SDK quotes the value; that of a secret is left out. No colon follows the name of a secret,
    because the text after it would be redacted.
    """
    match = _SETTING_ERROR.match(problem)
    if not match:
        return f"{problem}."
    setting = settings.get(match["name"], {})
    wrong = " is not of the kind it should be" if setting.get("secret") else f": {match['wrong']}"
    examples = setting.get("examples", [])[:1]
    example = "".join(f" An example: {json.dumps(value)}." for value in examples)
    return f"Setting {match['name']}{wrong}.{example}"


def _with_our_settings(command: click.Command) -> click.Command:
    """Let a command read `--config` with `read_files`."""
    for option in command.params:
        if option.name == "config":
            option.callback = lambda _context, _option, names: configuration.read_files(names)
    return command


def start(plugin: type[Plugin], given: GivenSettings | None, **inputs: IO[str] | None) -> Plugin:
    """Create a plugin from its command line.

    Args:
        plugin: class of the tap or the target.
        given: its settings.
        inputs: open JSON files of its other options, by option.

    Raises:
        ConfigurationError: a setting or a file is wrong.
    """
    with readable_configuration_errors():
        parsed: dict[str, Any] = {
            name: json.load(file) if file else None for name, file in inputs.items()
        }
        for name, content in parsed.items():
            if inputs[name] and not isinstance(content, dict):
                raise ConfigurationError(
                    f"The Singer {name} should be a JSON object. Check what --{name} names."
                )
        return plugin(config=configuration.settings(plugin, given or GivenSettings()), **parsed)


def run(plugin: type[PluginBase]) -> None:
    """Run a plugin as a console script."""
    # Before the SDK sets up logging, which keeps a reference to standard error.
    redaction.install()
    try:
        package_conflict.refuse()
        with stdout.flushed(), readable_configuration_errors():
            _with_our_settings(plugin.cli)()
    except ExactOnlineError as error:
        plugin.logger.error("%s", error)  # noqa: TRY400 - one line, no traceback
        sys.exit(error.exit_code)
