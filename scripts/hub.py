"""The Meltano Hub definitions in `hub/`, from what the plugins say of themselves."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import Any

import yaml

from scripts.meltano import FILE as MELTANO_FILE
from scripts.meltano import LEFT_OUT, describe, setting
from scripts.pages import ROOT, Files

FOLDER = ROOT / "hub"
DISTRIBUTION = "singer-exactonline"
PIP_URL = "singer-exactonline@${SINGER_EXACTONLINE_URL}"
"""Where Meltano takes the package from: an address in the environment or in the project's `.env`.
From the first release on it is the distribution's name."""
MAINTENANCE = "beta"
QUALITY = "silver"
"""What the Hub gives to plugins of its community that are built on the SDK."""

SIGN_IN = """\
An app registration in the [Exact App Centre](https://apps.exactonline.com), and one sign-in:

```bash
meltano invoke {name}:connect
```

opens a page on your own machine that leads through it in four steps.
"""
FOREIGN = """\
`SINGER_EXACTONLINE_URL` is the address that the package is installed from: of a folder
(`file:///home/me/singer-exactonline`) or a repository (`git+https://...`). The package
`tap-exactonline` on PyPI is another project with the same command: install nothing else into the
environment of this plugin.
"""


@dataclass(frozen=True)
class Entry:
    """What the Hub wants to know of a plugin beyond what the plugin says."""

    name: str
    kind: str
    next_steps: str


ENTRIES = (
    Entry(
        "tap-exactonline",
        "extractors",
        """\
Select what to read, and try it:

```bash
meltano select tap-exactonline sales_invoices "*"
meltano select tap-exactonline sales_invoice_lines "*"
meltano config test tap-exactonline
```
""",
    ),
    Entry(
        "target-exactonline",
        "loaders",
        """\
The name of a stream says what is written: send a stream `sales_invoices` with the columns
`YourRef`, `OrderedBy` and `SalesInvoiceLines`. Each record becomes one document, once.
""",
    ),
)


class _Text(yaml.SafeDumper):
    """Writes texts of several lines as such, as the Hub does."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Text.add_representer(str, _represent)


def definition(entry: Entry) -> dict[str, Any]:
    """A plugin's whole definition."""
    about = describe(entry.name)
    ours = _in_meltano_file(entry)
    found: dict[str, Any] = {
        "capabilities": sorted(about["capabilities"]),
        "commands": ours["commands"],
        "description": about["description"],
        "domain_url": "https://www.exact.com/",
        "executable": ours["executable"],
        "keywords": ["meltano_sdk"],
        "label": ours["label"],
        "log_parser": "singer-sdk",
        "logo_url": f"/assets/logos/{entry.kind}/exactonline.svg",
        "maintenance_status": MAINTENANCE,
        "name": entry.name,
        "namespace": ours["namespace"],
        "next_steps": entry.next_steps,
        "pip_url": PIP_URL,
        "prereq": SIGN_IN.format(name=entry.name),
        "quality": QUALITY,
        "settings": [
            _setting(name, schema)
            for name, schema in about["settings"]["properties"].items()
            if name not in LEFT_OUT
        ],
        "settings_group_validation": ours["settings_group_validation"],
        "supported_python_versions": about["supported_python_versions"],
        "usage": FOREIGN,
        "variant": DISTRIBUTION,
    }
    return found | _addresses()


def _in_meltano_file(entry: Entry) -> dict[str, Any]:
    """The plugin's entry in `meltano.yml`, where what is written by hand stands once."""
    file = yaml.safe_load(MELTANO_FILE.read_text(encoding="utf-8"))
    return next(item for item in file["plugins"][entry.kind] if item["name"] == entry.name)


def _setting(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A setting in the Hub's words: secrets have a kind of their own, defaults are given."""
    found = setting(name, schema)
    if found.get("sensitive"):
        found["kind"] = "password"
    if schema.get("default") not in (None, []):
        found["value"] = schema["default"]
    return found


def _addresses() -> dict[str, str]:
    """The addresses that the distribution gives: of its code and of its documentation."""
    names = {"Repository": "repo", "Documentation": "docs"}
    urls = metadata.metadata(DISTRIBUTION).get_all("Project-URL") or []
    split = (url.partition(", ") for url in urls)
    return {names[label]: address for label, _, address in split if label in names}


def render(entry: Entry) -> str:
    """A definition's file; the Hub wants all keys in the order of the alphabet."""
    return yaml.dump(definition(entry), Dumper=_Text, sort_keys=True, allow_unicode=True, width=100)


def build() -> Files:
    """The files of both plugins."""
    return {FOLDER / f"{entry.name}.yml": render(entry) for entry in ENTRIES}
