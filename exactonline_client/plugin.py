"""How both Singer plugins run, telling no secrets, and end: one line and an exit code."""

from __future__ import annotations

import difflib
import json
import re
import sys
from contextlib import contextmanager
from functools import partial
from typing import IO, TYPE_CHECKING, Any, TypeVar

from singer_sdk.exceptions import ConfigValidationError, MappingError

from exactonline_client import environment, foreign, redaction, stdout
from exactonline_client.errors import ConfigurationError, ExactOnlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import click
    from singer_sdk.plugin_base import PluginBase


Plugin = TypeVar("Plugin", bound="PluginBase")

_OF_A_SETTING = re.compile(r"(?P<wrong>.*) in config\['(?P<name>\w+)'\]", re.DOTALL)


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
    except MappingError as error:
        raise ConfigurationError(f"Setting stream_maps: {error}") from None
    except ConfigValidationError as error:
        settings = (error.schema or {}).get("properties", {})
        problems = " ".join(_in_our_words(problem, settings) for problem in error.errors)
        raise ConfigurationError(f"The configuration is not valid. {problems}") from None


def _in_our_words(problem: str, settings: Mapping[str, Any]) -> str:
    """What the SDK says of a setting: its name, what is wrong with its value, and a right one.

    The SDK quotes the value; that of a secret is left out. No colon follows the name of a secret,
    for what comes after it would be taken for the secret and hidden.
    """
    told = _OF_A_SETTING.match(problem)
    if not told:
        return f"{problem}."
    setting = settings.get(told["name"], {})
    wrong = " is not of the kind it should be" if setting.get("secret") else f": {told['wrong']}"
    examples = setting.get("examples", [])[:1]
    example = "".join(f" An example: {json.dumps(value)}." for value in examples)
    return f"Setting {told['name']}{wrong}.{example}"


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
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigurationError(
            f"The settings cannot be read from {', '.join(files)}: {reason.rstrip('.')}. Give "
            "--config the path of a JSON file, or ENV for settings in environment variables."
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
        for name, content in parsed.items():
            if inputs[name] and not isinstance(content, dict):
                raise ConfigurationError(
                    f"The Singer {name} should be a JSON object. Check what --{name} names."
                )
        given = dict(config.config) if config else {}
        plugin.append_builtin_config(plugin.config_jsonschema)
        if config and config.parse_env:
            prefix = f"{plugin.name.upper().replace('-', '_')}_"
            given |= environment.settings(plugin.config_jsonschema, prefix)
        # The SDK honours settings that it does not announce for a plugin, such as batch_config.
        known = plugin.config_jsonschema["properties"]
        settings = {name: value for name, value in given.items() if name in known}
        made = plugin(config=settings, **parsed)
    _tell_unknown(made, given.keys() - settings.keys())
    return made


def _tell_unknown(plugin: PluginBase, names: Iterable[str]) -> None:
    """Warn of settings that there are not, and that may be misspelt ones."""
    for name in sorted(names):
        near = difflib.get_close_matches(name, plugin.config_jsonschema["properties"], n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        plugin.logger.warning("There is no setting %s; it has no effect.%s", name, hint)


def run(plugin: type[PluginBase]) -> None:
    """Run a plugin as a console script."""
    # Before the SDK sets up its logging, which keeps hold of standard error as it finds it.
    redaction.install()
    try:
        foreign.refuse()
        with stdout.written(), readable_configuration_errors():
            _readable_files(plugin.cli)()
    except ExactOnlineError as error:
        plugin.logger.error("%s", error)  # noqa: TRY400 - one line, no traceback
        sys.exit(error.exit_code)
