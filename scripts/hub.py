"""The Meltano Hub definitions in `hub/`, from what the plugins say of themselves.

That of the models is made from `meltano.yml`, where all of it is written by hand.
"""

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

MODELS = "dbt-exactonline"
REQUIREMENTS = ROOT / "requirements" / "dbt.in"
MODELS_TEXTS = {
    "description": "Models of the books of Exact Online, and proofs of the accounts",
    "next_steps": """\
Copy the project out of the package of the tap into the folder `dbt` of yours, and build:

```bash
meltano invoke tap-exactonline:models
meltano run tap-exactonline target-postgres dbt-exactonline:build
```

The models read the schema `exact` (`default_target_schema` of target-postgres); another is named by
the variable `exact_schema` in `dbt/dbt_project.yml`.
""",
    "prereq": """\
The tap `tap-exactonline` in the same project, and tables that it has loaded into PostgreSQL or
DuckDB; `gl_accounts` and `transaction_lines` are needed.
""",
    "usage": """\
`build` ends with an error when a proof does not hold. `meltano invoke tap-exactonline:report`
writes the figures and the verdicts into one HTML file, if the tap was installed with its extra
`postgres` or `duckdb`.
""",
}


class _Text(yaml.SafeDumper):
    """Writes texts of several lines as such, as the Hub does."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Text.add_representer(str, _represent)


def definition(entry: Entry) -> dict[str, Any]:
    """A plugin's whole definition."""
    about = describe(entry.name)
    ours = _in_meltano_file(entry.name, entry.kind)
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


def models_definition() -> dict[str, Any]:
    """The definition of the utility that runs dbt."""
    ours = _in_meltano_file(MODELS, "utilities")
    found: dict[str, Any] = {
        **{key: ours[key] for key in ("commands", "executable", "label", "name", "namespace")},
        **MODELS_TEXTS,
        "domain_url": "https://www.exact.com/",
        "keywords": ["dbt"],
        "logo_url": "/assets/logos/utilities/exactonline.svg",
        "maintenance_status": MAINTENANCE,
        "pip_url": " ".join(_requirements()),
        "quality": QUALITY,
        "settings": [_hidden(item) for item in ours["settings"]],
        "variant": DISTRIBUTION,
    }
    return found | _addresses()


def _requirements() -> list[str]:
    """What is installed for it, with the limits of the pins."""
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _hidden(found: dict[str, Any]) -> dict[str, Any]:
    return {**found, "kind": "password"} if found.get("sensitive") else found


def _in_meltano_file(name: str, kind: str) -> dict[str, Any]:
    """A plugin's entry in `meltano.yml`, where what is written by hand stands once."""
    file = yaml.safe_load(MELTANO_FILE.read_text(encoding="utf-8"))
    return next(item for item in file["plugins"][kind] if item["name"] == name)


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


def render(found: dict[str, Any]) -> str:
    """A definition's file; the Hub wants all keys in the order of the alphabet."""
    return yaml.dump(found, Dumper=_Text, sort_keys=True, allow_unicode=True, width=100)


def build() -> Files:
    """The files of both plugins and of the models."""
    found = [*(definition(entry) for entry in ENTRIES), models_definition()]
    return {FOLDER / f"{each['name']}.yml": render(each) for each in found}
