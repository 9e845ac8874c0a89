"""Write `docs/settings.md`: every setting of both plugins, from the settings themselves.

Usage: python -m scripts.build_reference [--check]

With `--check` nothing is written: the exit code is 1 where the page lags behind the settings.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exactonline_client.settings import SHARED
from tap_exactonline.settings import OWN as TAP
from target_exactonline.settings import OWN as TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE = Path(__file__).parent.parent / "docs" / "settings.md"

PAGE = """\
# Settings

Made from the settings by `make docs-tables`; do not edit by hand.

Under Meltano a setting is set with `meltano config set tap-exactonline NAME VALUE`, or in the
environment as `TAP_EXACTONLINE_NAME`; of the target with `target-exactonline` and
`TARGET_EXACTONLINE_NAME`. Without Meltano, the plugins read a JSON file (`--config FILE`), or the
same variables (`--config ENV`). A wrong value is refused before anything is read or written.

None is mandatory where the store holds one connection only: see [connect](connect.md).

## Both plugins

{shared}
## The tap

{tap}
## The target

{target}"""

ENTRY = """\
### `{name}`

{description}

| | |
|---|---|
| type | {kind} |
{default}| example | `{example}` |
"""


def page() -> str:
    """The whole page."""
    return PAGE.format(shared=entries(SHARED), tap=entries(TAP), target=entries(TARGET))


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
        found += f" of {facts['items']['type']}s"
    if "minimum" in facts and "maximum" in facts:
        found += f", from {facts['minimum']} to {facts['maximum']}"
    elif "minimum" in facts:
        found += f", {facts['minimum']} or more"
    if "exclusiveMinimum" in facts:
        found += f", more than {facts['exclusiveMinimum']}"
    if "pattern" in facts:
        found += f" of the form `{facts['pattern']}`"
    return f"{found}, secret" if facts.get("secret") else found


def text(value: object) -> str:
    """A value as it is written in JSON, a text without its quotes."""
    return value if isinstance(value, str) else json.dumps(value)


def main() -> None:
    """Bring the page up to date, or say that it is not."""
    parser = argparse.ArgumentParser(description="Write docs/settings.md from the settings.")
    parser.add_argument("--check", action="store_true", help="write nothing, only compare")
    after = page()
    if not parser.parse_args().check:
        FILE.write_text(after, encoding="utf-8")
    elif not FILE.exists() or FILE.read_text(encoding="utf-8") != after:
        sys.exit(f"docs/{FILE.name} is not what the settings say: run make docs-tables.")


if __name__ == "__main__":
    main()
