"""The settings of our plugins in `meltano.yml`, as the plugins themselves describe them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from scripts.pages import ROOT, Files

FILE = ROOT / "meltano.yml"
PLUGINS = ("tap-exactonline", "target-exactonline")
# The SDK offers it to every plugin, but it needs a library that ours do not bring.
LEFT_OUT = {"faker_config"}
KINDS = {
    "array": "array",
    "boolean": "boolean",
    "integer": "integer",
    "number": "decimal",
    "object": "object",
    "string": "string",
}


def describe(plugin: str) -> dict[str, Any]:
    """What a plugin of this environment says of itself."""
    command = Path(sys.executable).parent / plugin
    run = subprocess.run(
        [command, "--about", "--format", "json"], check=True, stdout=subprocess.PIPE, text=True
    )
    about: dict[str, Any] = json.loads(run.stdout)
    return about


def setting(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """One setting in Meltano's words, from its JSON schema."""
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    found: dict[str, Any] = {"name": name, "label": schema["title"]}
    if "enum" in schema:
        found["kind"] = "options"
        found["options"] = [{"label": value, "value": value} for value in schema["enum"]]
    elif schema.get("format") in {"date", "date-time"}:
        found["kind"] = "date_iso8601"
    else:
        found["kind"] = next(KINDS[name] for name in types if name != "null")
    if schema.get("secret"):
        found["sensitive"] = True
    found["description"] = explained(schema)
    return found


def explained(schema: dict[str, Any]) -> str:
    """What a setting is for, with an example where its kind does not say what can be given."""
    description: str = schema["description"]
    if "enum" in schema or schema["type"] == "boolean" or not schema.get("examples"):
        return description
    example = schema["examples"][0]
    return f"{description} Example: {example if isinstance(example, str) else json.dumps(example)}"


def render(about: dict[str, Any]) -> str:
    """The settings of one plugin as they stand in the file."""
    found = [
        setting(name, schema)
        for name, schema in about["settings"]["properties"].items()
        if name not in LEFT_OUT
    ]
    text = yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=94)
    return re.sub(r"^(?=.)", "    ", text, flags=re.MULTILINE)


def replaced(file: str, plugin: str, settings: str) -> str:
    """The file with the settings of one plugin, which are the last of its keys, put in."""
    pattern = rf"(^  - name: {plugin}\n(?:    .*\n)*?    settings:\n)(?:    .*\n)*"
    text, count = re.subn(
        pattern, lambda match: match[1] + settings, file, count=1, flags=re.MULTILINE
    )
    if not count:
        sys.exit(f"{FILE.name} has no settings for {plugin}: add its entry first.")
    return text


def build() -> Files:
    """The file with the settings of both plugins."""
    text = FILE.read_text(encoding="utf-8")
    for plugin in PLUGINS:
        text = replaced(text, plugin, render(describe(plugin)))
    return {FILE: text}
