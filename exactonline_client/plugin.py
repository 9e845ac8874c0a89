"""How both Singer plugins run, telling no secrets, and end: one line and an exit code."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeVar

from singer_sdk.exceptions import ConfigValidationError

from exactonline_client import redaction
from exactonline_client.errors import ConfigurationError, ExactOnlineError
from exactonline_client.settings import SHARED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import click
    from singer_sdk.plugin_base import PluginBase


Plugin = TypeVar("Plugin", bound="PluginBase")


@contextmanager
def readable_configuration_errors() -> Iterator[None]:
    """Turn the SDK's list of wrong settings into our error, which has an exit code.

    The same for a Singer state or catalog that cannot be parsed.
    """
    try:
        yield
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The Singer state or catalog is not JSON: {error}. Check the files given with "
            "--state and --catalog."
        ) from None
    except ConfigValidationError as error:
        problems = "; ".join(_without_secret(problem) for problem in error.errors)
        raise ConfigurationError(f"The configuration is not valid: {problems}.") from None


def _without_secret(problem: str) -> str:
    """The SDK's sentence about a setting, which quotes its value, unless that is a secret."""
    for name, setting in SHARED.items():
        if setting.get("secret") and problem.endswith(f" in config[{name!r}]"):
            return f"the value of {name} is not of the kind it should be"
    return problem


def _readable_files(command: click.Command) -> click.Command:
    """The same command, for which a settings file that cannot be read is our error too."""
    for option in command.params:
        if option.name == "config" and option.callback:
            option.callback = partial(_read_settings, option.callback)
    return command


def _read_settings(
    read: Callable[..., Any], context: click.Context, option: click.Parameter, files: Sequence[str]
) -> Any:  # noqa: ANN401 - what the SDK makes of the files
    try:
        return read(context, option, files)
    except (OSError, TypeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigurationError(
            f"The settings cannot be read from {', '.join(files)}: {reason}. Give --config the "
            "path of a JSON file, or ENV for settings in environment variables."
        ) from None


def start(plugin: type[Plugin], config: Any, **inputs: IO[str] | None) -> Plugin:  # noqa: ANN401
    """A plugin as its command line asks for it.

    Args:
        plugin: the tap or the target.
        config: what the SDK makes of `--config`.
        inputs: the files of its other options, each of them JSON.

    Raises:
        ConfigurationError: a setting or a file is wrong.
    """
    with readable_configuration_errors():
        parsed: dict[str, Any] = {
            name: json.load(file) if file else None for name, file in inputs.items()
        }
        return plugin(
            config=config.config if config else None,
            parse_env_config=config.parse_env if config else False,
            **parsed,
        )


def run(plugin: type[PluginBase]) -> None:
    """Run a plugin as a console script."""
    # Before the SDK sets up its logging, which keeps hold of standard error as it finds it.
    redaction.install()
    try:
        with readable_configuration_errors():
            _readable_files(plugin.cli)()
    except ExactOnlineError as error:
        plugin.logger.error("%s", error)  # noqa: TRY400 - one line, no traceback
        sys.exit(error.exit_code)
