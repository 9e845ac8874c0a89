"""Merge the settings of a plugin from files, environment and options, and check their names."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from singer_sdk import Target
from singer_sdk.helpers import capabilities

from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin import environment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from singer_sdk.plugin_base import PluginBase

ENVIRONMENT = "ENV"
"""Value of `--config` for settings in environment variables."""
SDK_SETTINGS = {
    name
    for schema in vars(capabilities).values()
    if isinstance(schema, dict)
    for name in schema.get("properties", ())
}
"""Settings that any plugin accepts, even if it ignores them."""


class GivenSettings(msgspec.Struct, frozen=True):
    """Settings as given on a command line."""

    config: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Settings from files."""
    parse_env: bool = False
    """Whether environment variables are read too; they override files."""
    options: Mapping[str, Any] = msgspec.field(default_factory=dict)
    """Settings that override all others."""


class _Problem(NamedTuple):
    """A given name that the plugin does not use."""

    error: str
    """For the target, which refuses to run."""
    warning: str
    """For the tap, which ignores it."""


def read_files(names: Iterable[str]) -> GivenSettings:
    """Read the values of `--config`: JSON files, later ones override, and ENV.

    Raises:
        ConfigurationError: a file cannot be read, or holds something else.
    """
    config: dict[str, Any] = {}
    parse_env = False
    for name in names:
        if name == ENVIRONMENT:
            parse_env = True
            continue
        try:
            config |= read_object(Path(name))
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error} Give --config the path of a JSON file, or ENV for settings in "
                "environment variables."
            ) from None
    return GivenSettings(config, parse_env)


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object.

    Raises:
        ConfigurationError: it cannot be read, or holds something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} cannot be read as JSON: {error}.") from None
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path} is not a JSON object ({{...}}).")
    return content


def settings(plugin: type[PluginBase], given: GivenSettings) -> dict[str, Any]:
    """Merge the settings of a plugin, and check for unknown names.

    The tap logs a warning. The target refuses them: a misspelt dry_run would write.

    Raises:
        ConfigurationError: an environment variable has no valid value, or the target has no
            setting of a name.
    """
    plugin.append_builtin_config(plugin.config_jsonschema)
    schema, prefix = plugin.config_jsonschema, f"{plugin.name.upper().replace('-', '_')}_"
    known = schema["properties"]
    values = dict(given.config)
    if given.parse_env:
        values |= environment.settings(schema, prefix)
    values |= given.options
    problems = [
        *_unknown({name: values[name] for name in values if not _is_not_ours(name, known)}, schema),
        *_misspelt(known, prefix),
        *([] if given.parse_env else _unread(known, prefix, values)),
    ]
    if problems and issubclass(plugin, Target):
        errors = " ".join(problem.error for problem in problems)
        raise ConfigurationError(f"Nothing was written. {errors}")
    # The SDK also uses settings that it does not list for a plugin, such as batch_config.
    others = [name for name in sorted(values) if _is_not_ours(name, known)]
    problems += [_unknown_name(f"There is no setting {name}") for name in others]
    for problem in problems:
        plugin.logger.warning("%s", problem.warning)
    return {name: value for name, value in values.items() if name in known}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the known name that is most similar, ignoring case; empty if none is.

    The result is appended to a sentence: ` Did you mean dry_run?`.
    """
    by_lower = {each.lower(): each for each in known}
    similar = difflib.get_close_matches(name.lower(), by_lower, n=1)
    return f" Did you mean {by_lower[similar[0]]}?" if similar else ""


def _is_not_ours(name: str, known: Collection[str]) -> bool:
    """Return whether a setting is one of the SDK or an extra of Meltano, not of the plugin."""
    return name not in known and (name in SDK_SETTINGS or name.startswith("_"))


def _unknown(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[_Problem]:
    for path, name, known in _unknown_names(values, {**schema, "additionalProperties": False}):
        what = f"Setting {path} has no field {name}" if path else f"There is no setting {name}"
        yield _unknown_name(what, did_you_mean(name, known))


def _unknown_name(what: str, hint: str = "") -> _Problem:
    return _Problem(error=f"{what}.{hint}", warning=f"{what}; it has no effect.{hint}")


def _unknown_names(
    value: object, schema: Mapping[str, Any], path: str = ""
) -> Iterator[tuple[str, str, Collection[str]]]:
    """Find names that a schema does not have: the path, the name, and the names it has there."""
    if not isinstance(value, dict):
        return
    # In schemas of the SDK, one of the alternatives may be a boolean.
    shapes = [shape for shape in schema.get("anyOf", [schema]) if isinstance(shape, dict)]
    for shape in shapes:
        known, others = shape.get("properties", {}), shape.get("additionalProperties", True)
        for name, content in value.items():
            inner = known.get(name, others)
            if inner is False:
                yield path, name, known
            elif isinstance(inner, dict):
                yield from _unknown_names(content, inner, f"{path}.{name}" if path else name)


def _misspelt(known: Collection[str], prefix: str) -> Iterator[_Problem]:
    for wrong, right in environment.misspelt(known, prefix).items():
        variable, hint = f"Environment variable {wrong}", f" Did you mean {right}?"
        yield _Problem(
            error=f"{variable} is of no setting.{hint}", warning=f"{variable} has no effect.{hint}"
        )


def _unread(known: Collection[str], prefix: str, values: Collection[str]) -> Iterator[_Problem]:
    """Report variables that are ignored because the environment is not read."""
    for name in sorted(environment.given(known, prefix) - set(values)):
        variable = f"Environment variable {environment.variable(prefix, name)}"
        hint = (
            f" Read the environment too with --config {ENVIRONMENT}; in Meltano, add setting "
            f"{name} to the definition of the plugin."
        )
        yield _Problem(
            error=f"{variable} is set, but not read.{hint}",
            warning=f"{variable} has no effect.{hint}",
        )
