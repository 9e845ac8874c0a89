"""Read settings from environment variables, converted to the types of the settings."""

from __future__ import annotations

import difflib
import json
import logging
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv import load_dotenv

from exactonline_client.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

logger = logging.getLogger(__name__)

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
FILE = ".env"
SIMILARITY = 0.8
"""Similarity from which a name is taken for a misspelling (0 to 1)."""


def load_file() -> None:
    """Load variables that are not set yet from a file `.env`.

    Uses the file in the current folder, else the nearest one from the folder of this package
    upwards, as programs of the Singer SDK do.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        load_dotenv(FILE if Path(FILE).is_file() else None)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The file {FILE} cannot be read: {error}.") from None


def settings(schema: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Read the settings of a schema from the environment and the file `.env`.

    A list may be JSON or, for scalars, separated by commas: `123456,234567`. Empty variables are
    ignored.

    Raises:
        ConfigurationError: a value of the wrong type; not quoted, since it may be a secret.
    """
    load_file()
    values: dict[str, Any] = {}
    for name, facts in schema["properties"].items():
        text, kind = os.environ.get(variable(prefix, name), ""), _kind(facts)
        if not text.strip():
            continue
        logger.info("Setting %s is read from %s.", name, variable(prefix, name))
        if kind not in KINDS:
            values[name] = text
            continue
        try:
            values[name] = _CONVERTERS[kind](text.strip(), facts)
        except (KeyError, TypeError, ValueError, RecursionError):
            raise ConfigurationError(_type_error(prefix, name, facts, kind)) from None
    return values


def given(names: Collection[str], prefix: str) -> set[str]:
    """Return the settings that have a variable which is not empty."""
    return {name for name in names if os.environ.get(variable(prefix, name), "").strip()}


def misspelt(names: Collection[str], prefix: str) -> dict[str, str]:
    """Find misspelt variables; return the right name by the wrong one.

    A setting's name with a prefix or suffix of whole words is none: Meltano sets such variables for
    a plugin `tap-exactonline-be`, for fields of settings, and for its own extras.
    """
    known = {variable(prefix, name): name for name in names}
    right_names = {}
    for text in sorted(os.environ):
        name = text.removeprefix(prefix).lower()
        longer = any(name.endswith(f"_{each}") or name.startswith(f"{each}_") for each in names)
        if not text.startswith(prefix) or text in known or name.startswith("_") or longer:
            continue
        similar = difflib.get_close_matches(name, names, 1, SIMILARITY)
        if similar:
            right_names[text] = variable(prefix, similar[0])
    return right_names


def variable(prefix: str, name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{prefix}{name.upper()}"


def _kind(facts: Mapping[str, Any]) -> str:
    kinds = facts.get("type", "string")
    named = [kinds] if isinstance(kinds, str) else kinds
    return next((kind for kind in named if kind != "null"), "string")


def _type_error(prefix: str, name: str, facts: Mapping[str, Any], kind: str) -> str:
    examples = facts.get("examples", [])[:1]
    example = "".join(f" An example: {json.dumps(value)}." for value in examples)
    return f"Environment variable {variable(prefix, name)} should be {KINDS[kind]}.{example}"


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
    return _nested(value) if "MELTANO_PROJECT_ROOT" in os.environ else value


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Undo Meltano's flattening of objects: `{"a.b": 1}` becomes `{"a": {"b": 1}}`."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *above, last = (part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", path))
        place = nested
        for name in above:
            place = place.setdefault(name, {})
            if not isinstance(place, dict):
                raise TypeError
        place[last] = value
    return nested


_CONVERTERS: dict[str, Callable[[str, Any], Any]] = {
    "integer": lambda text, _: int(text),
    "number": _number,
    "boolean": lambda text, _: TRUTH[text.lower()],
    "array": _list,
    "object": _object,
}
