"""Write `docs/settings.md`: every setting of both plugins, from the settings themselves.

Usage: python -m scripts.build_reference [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the settings.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from exactonline_client.settings import SHARED
from scripts.build_meltano import LEFT_OUT
from scripts.pages import keep_up, table
from tap_exactonline.settings import OWN as TAP
from tap_exactonline.tap import TapExactOnline
from target_exactonline.settings import OWN as TARGET
from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from collections.abc import Mapping


PAGE = """\
# Settings

Made from the settings by `make docs-tables`; do not edit by hand.

Under Meltano a setting is set with `meltano config set tap-exactonline NAME VALUE`, or in the
environment as `TAP_EXACTONLINE_NAME`; of the target with `target-exactonline` and
`TARGET_EXACTONLINE_NAME`. (Meltano 4.4 cannot take `request_timeout` and `attachments_max_mb` from the
environment.) None is mandatory where the store holds one connection only: see [connect](connect.md).

Without Meltano, tap, target and commands read settings in one way. The later wins:

1. for commands alone, variables `EXACTONLINE_NAME`;
2. JSON files, `--config FILE`, several too;
3. variables `TAP_EXACTONLINE_NAME` and `TARGET_EXACTONLINE_NAME`: the plugins with `--config ENV`,
   `exactonline plan` and `exactonline replay` always. A file `.env` in the current folder counts as
   environment; what is set already holds;
4. options of the command.

In variables lists are JSON or have commas (`TAP_EXACTONLINE_DIVISIONS=1700001,1700002`), objects are
JSON, truth is `true/false/1/0/yes/no/on/off`, and an empty one says nothing.

A wrong value ends the program with exit code 2 before anything is read or written. So does a name that
there is not for the **target** and `exactonline replay`, with the near one named: `There is no setting
dryrun; it has no effect. Did you mean dry_run? Nothing was written.` It holds for fields of settings and
for variables too, also for variables that are not read since `--config ENV` is missing. The **tap** and
`exactonline plan` warn.

## Both plugins

{shared}
## The tap

{tap}
## The target

{target}
## From the SDK

The library that both are built on brings settings of its own. How to use them is told in
[its documentation](https://sdk.meltano.com/en/latest/).

{sdk}"""

ENTRY = """\
### `{name}`

{description}

| | |
|---|---|
| type | {kind} |
{default}| example | `{example}` |
"""
PLUGINS = {"tap": TapExactOnline, "target": TargetExactOnline}


def page(_before: str) -> str:
    """The whole page."""
    return PAGE.format(
        shared=entries(SHARED), tap=entries(TAP), target=entries(TARGET), sdk=of_the_sdk()
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
    return found + {"date-time": ", a date or moment of ISO 8601"}.get(facts.get("format", ""), "")


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
    return table(("setting", "of", "what it is for"), rows) + "\n"


def text(value: object) -> str:
    """A value as it is written in JSON, a text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)


if __name__ == "__main__":
    keep_up("settings.md", page, "settings")
