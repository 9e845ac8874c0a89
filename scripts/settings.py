"""The settings in `docs/settings.md`, of both plugins, from the settings themselves."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from exactonline_client.plugin.settings import SHARED
from scripts.meltano import LEFT_OUT
from scripts.pages import Files, filled, table
from tap_exactonline.settings import OWN as TAP
from tap_exactonline.tap import TapExactOnline
from target_exactonline.settings import OWN as TARGET
from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from collections.abc import Mapping


ENTRY = """\
### `{name}`

{description}

| | |
|---|---|
| type | {kind} |
{default}| example | `{example}` |
"""
PLUGINS = {"tap": TapExactOnline, "target": TargetExactOnline}


def build() -> Files:
    """The page with its settings filled in."""
    return filled(
        "settings.md",
        settings_of_both=entries(SHARED),
        settings_of_the_tap=entries(TAP),
        settings_of_the_target=entries(TARGET),
        settings_of_the_SDK=of_the_sdk(),
    )


def entries(settings: Mapping[str, Mapping[str, Any]]) -> str:
    """The settings of one owner."""
    return "\n".join(entry(name, facts) for name, facts in settings.items())


def entry(name: str, facts: Mapping[str, Any]) -> str:
    """One setting."""
    default = f"| default | `{text(facts['default'])}` |\n" if "default" in facts else ""
    return ENTRY.format(
        name=name,
        description=facts["description"],
        kind=kind(facts),
        default=default,
        example=text(facts["examples"][0]).replace("|", "\\|"),
    )


def kind(facts: Mapping[str, Any]) -> str:
    """What may be given, in words."""
    if "enum" in facts:
        return "one of " + ", ".join(f"`{value}`" for value in facts["enum"])
    types = [facts["type"]] if isinstance(facts["type"], str) else facts["type"]
    found = " or ".join(name for name in types if name != "null")
    if "items" in facts:
        found += f" of {facts['items']['type']}s{bounds(facts['items'], ', each')}"
    found += bounds(facts)
    return f"{found}, secret" if facts.get("secret") else found


def bounds(facts: Mapping[str, Any], which: str = ",") -> str:
    """Between what a value must lie, and how it must look."""
    found = ""
    if "minimum" in facts and "maximum" in facts:
        found += f"{which} from {facts['minimum']} to {facts['maximum']}"
    elif "minimum" in facts:
        found += f"{which} {facts['minimum']} or more"
    if "exclusiveMinimum" in facts:
        found += f"{which} more than {facts['exclusiveMinimum']}"
    if "pattern" in facts:
        found += f" of the form `{facts['pattern']}`"
    return found + {"date-time": ", a date or time of ISO 8601"}.get(facts.get("format", ""), "")


def of_the_sdk() -> str:
    """The settings that the SDK adds to ours."""
    owners: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for owner, plugin in PLUGINS.items():
        schema: dict[str, Any] = {"properties": {}}
        plugin.append_builtin_config(schema)
        for name, facts in schema["properties"].items():
            if name not in {*TAP, *TARGET, *LEFT_OUT}:
                owners[name, facts["description"]].append(owner)
    rows = [
        (f"`{name}`", " and ".join(those), description)
        for (name, description), those in owners.items()
    ]
    return table(("setting", "of", "what it is for"), rows)


def text(value: object) -> str:
    """A value as it is written in JSON, a text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)
