"""Settings in environment variables, whose texts become the values that the settings are of."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from singer_sdk.configuration._dict_config import parse_environment_config

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a JSON object",
}
TRUTH = {"true": True, "1": True, "yes": True, "on": True} | dict.fromkeys(
    ("false", "0", "no", "off"), False
)


def settings(schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """What the environment, or a file `.env`, says of the settings of a schema.

    A list may be JSON or, for plain values, written with commas: `123456,234567`. An empty
    variable says nothing, unless the setting is a text.

    Raises:
        ConfigurationError: a text that is no such value; it is not quoted, for it may be a secret.
    """
    properties = schema["properties"]
    # The SDK would convert some kinds itself, and crash where it cannot: it is asked for texts.
    as_texts = {"properties": {name: {"type": "string"} for name in properties}}
    found = {}
    for name, text in parse_environment_config(as_texts, prefix).items():
        facts = properties[name]
        kind = _kind(facts)
        if kind not in KINDS:
            found[name] = text
        elif text.strip():
            try:
                found[name] = _CONVERTERS[kind](text.strip(), facts)
            except (KeyError, TypeError, ValueError, RecursionError):
                raise ConfigurationError(_sentence(prefix, name, facts, kind)) from None
    return found


def _kind(facts: Mapping[str, Any]) -> str:
    kinds = facts.get("type", "string")
    named = [kinds] if isinstance(kinds, str) else kinds
    return next((kind for kind in named if kind != "null"), "string")


def _sentence(prefix: str, name: str, facts: Mapping[str, Any], kind: str) -> str:
    examples = facts.get("examples", [])[:1]
    example = "".join(f" An example: {json.dumps(value)}." for value in examples)
    return f"Environment variable {prefix}{name.upper()} should be {KINDS[kind]}.{example}"


def _number(text: str, _facts: object) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return int(number) if number.is_integer() else number


def _list(text: str, facts: Mapping[str, Any]) -> list[Any]:
    kind = _kind(facts.get("items", {}))
    if not text.startswith("[") and kind in ("string", "integer"):
        parts = [part.strip() for part in text.split(",")]
        return [int(part) for part in parts] if kind == "integer" else list(parts)
    value = json.loads(text)
    if not isinstance(value, list):
        raise TypeError
    return value


def _object(text: str, _facts: object) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError
    return value


_CONVERTERS: dict[str, Callable[[str, Any], Any]] = {
    "integer": lambda text, _: int(text),
    "number": _number,
    "boolean": lambda text, _: TRUTH[text.lower()],
    "array": _list,
    "object": _object,
}
