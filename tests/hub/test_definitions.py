"""The Meltano Hub definitions: in the Hub's form, and true of the plugins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # brings no types

from tests.built import ROOT

HUB = ROOT / "hub"
PLUGINS = {"tap-exactonline": "extractors", "target-exactonline": "loaders"}
CAPABILITIES = {
    "extractors": {
        *("properties", "catalog", "discover", "state", "about", "stream-maps"),
        *("schema-flattening", "activate-version", "batch", "test", "log-based"),
        "structured-logging",
    },
    "loaders": {
        *("about", "stream-maps", "activate-version", "batch", "soft-delete", "hard-delete"),
        *("datatype-failsafe", "schema-flattening", "target-schema", "validate-records"),
        "structured-logging",
    },
}
KINDS = [
    *("oauth", "hidden", "password", "date_iso8601", "file", "email", "integer", "options"),
    *("object", "array", "boolean", "string", "decimal"),
]
TEXT = {"type": "string", "minLength": 1}
SETTING = {
    "type": "object",
    "required": ["name", "label", "kind", "description"],
    "additionalProperties": False,
    "properties": {
        "name": TEXT,
        "label": TEXT,
        "description": TEXT,
        "kind": {"enum": KINDS},
        "value": {},
        "sensitive": {"const": True},
        "options": {
            "type": "array",
            "items": {"type": "object", "required": ["label", "value"]},
        },
    },
}
DEFINITION = {
    "type": "object",
    "required": [
        *("name", "namespace", "variant", "quality", "maintenance_status", "label", "logo_url"),
        *("pip_url", "executable", "description", "capabilities", "settings", "keywords"),
        *("domain_url", "supported_python_versions", "settings_group_validation"),
    ],
    "additionalProperties": False,
    "properties": {
        "capabilities": {"type": "array", "uniqueItems": True},
        "commands": {"type": "object"},
        "description": TEXT,
        "docs": {"type": "string", "format": "uri"},
        "domain_url": {"type": "string", "format": "uri"},
        "executable": TEXT,
        "keywords": {"const": ["meltano_sdk"]},
        "label": TEXT,
        "log_parser": {"const": "singer-sdk"},
        "logo_url": {"type": "string", "pattern": r"^/assets/logos/.+\.(svg|png)$"},
        "maintenance_status": {"enum": ["active", "beta", "development", "inactive", "unknown"]},
        "name": TEXT,
        "namespace": TEXT,
        "next_steps": TEXT,
        "pip_url": {"const": "singer-exactonline@${SINGER_EXACTONLINE_URL}"},
        "prereq": TEXT,
        "quality": {"enum": ["gold", "silver", "bronze", "unknown"]},
        "repo": {"type": "string", "format": "uri"},
        "settings": {"type": "array", "items": SETTING},
        "settings_group_validation": {"type": "array", "items": {"type": "array", "items": TEXT}},
        "supported_python_versions": {
            "type": "array",
            "items": {"type": "string", "pattern": r"^3\.\d+$"},
        },
        "usage": TEXT,
        "variant": {"type": "string", "pattern": "^[a-z0-9-]+$"},
    },
}
# The Hub takes a text for a secret where its setting has such a name.
TAKEN_FOR_SECRET = re.compile("password|id|token|key|secret")


def text(name: str) -> str:
    return (HUB / f"{name}.yml").read_text(encoding="utf-8")


def definition(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text(name))
    return found


def test_they_are_what_the_plugins_say() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scripts", "hub", "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "kind"), PLUGINS.items())
def test_the_form_is_that_of_the_hub(name: str, kind: str) -> None:
    found = definition(name)
    problems = [error.message for error in Draft7Validator(DEFINITION).iter_errors(found)]
    assert not problems
    assert found["name"] == name
    assert found["namespace"] == name.replace("-", "_")
    assert set(found["capabilities"]) <= CAPABILITIES[kind]
    assert found["logo_url"].startswith(f"/assets/logos/{kind}/")


def test_the_models_are_a_utility_with_settings_of_dbts_profile() -> None:
    found = definition("dbt-exactonline")
    assert (found["executable"], found["logo_url"]) == (
        "dbt",
        "/assets/logos/utilities/exactonline.svg",
    )
    assert set(found["commands"]) == {"build", "test"}
    assert "dbt-core>=1.11,<1.12" in found["pip_url"].split()
    profile = (ROOT / "dbt" / "profiles.yml").read_text(encoding="utf-8")
    variables = set(re.findall(r"env_var\('(\w+)'", profile))
    given = {setting["env"]: setting for setting in found["settings"]}
    assert set(given) == variables | {"DBT_PROJECT_DIR", "DBT_PROFILES_DIR"}
    hidden = [name for name, setting in given.items() if setting["kind"] == "password"]
    assert hidden == ["DBT_EXACT_PASSWORD"]
    # What the definition tells users to run is a command of the tap.
    commands = definition("tap-exactonline")["commands"]
    told = re.findall(r"tap-exactonline:(\w+)", found["next_steps"] + found["usage"])
    assert set(told) == {"models", "report"} <= set(commands)


@pytest.mark.parametrize("name", [*PLUGINS, "dbt-exactonline"])
def test_keys_are_sorted_and_lists_are_blocks(name: str) -> None:
    def check(node: yaml.Node | None) -> None:
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            assert keys == sorted(keys)
            assert not node.flow_style
            for _, value in node.value:
                check(value)
        elif isinstance(node, yaml.SequenceNode):
            assert not node.flow_style
            for value in node.value:
                check(value)

    assert not text(name).startswith("---")
    check(yaml.compose(text(name)))


@pytest.mark.parametrize("name", PLUGINS)
def test_groups_hold_settings_that_there_are(name: str) -> None:
    found = definition(name)
    names = [setting["name"] for setting in found["settings"]]
    assert len(names) == len(set(names))
    assert found["settings_group_validation"]
    for group in found["settings_group_validation"]:
        assert group
        assert set(group) <= set(names)


@pytest.mark.parametrize("name", PLUGINS)
def test_secrets_are_hidden_and_nothing_else(name: str) -> None:
    for setting in definition(name)["settings"]:
        secret = setting["name"] in {"client_secret", "refresh_token", "store_key", "store_url"}
        assert (setting["kind"] == "password") is secret
        assert setting.get("sensitive", False) is secret
        assert not (secret and "value" in setting)


@pytest.mark.parametrize("name", PLUGINS)
def test_no_setting_will_be_taken_for_a_secret_by_its_name(name: str) -> None:
    for setting in definition(name)["settings"]:
        if setting["kind"] == "string" and setting["name"] != "client_id":
            assert not TAKEN_FOR_SECRET.search(setting["name"]), setting["name"]


@pytest.mark.parametrize("name", PLUGINS)
def test_defaults_are_those_of_the_plugin(name: str) -> None:
    run = subprocess.run(
        [Path(sys.executable).parent / name, "--about", "--format=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    schema = json.loads(run.stdout)["settings"]["properties"]
    for setting in definition(name)["settings"]:
        default = schema[setting["name"]].get("default")
        assert setting.get("value") == (None if default == [] else default)


@pytest.mark.parametrize(("name", "kind"), [*PLUGINS.items(), ("dbt-exactonline", "utilities")])
def test_the_logo_is_a_small_square_drawing(name: str, kind: str) -> None:
    file = HUB / "logos" / kind / Path(definition(name)["logo_url"]).name
    assert file.stat().st_size < 20_000
    drawing = ET.parse(file).getroot()  # noqa: S314 - our own file
    assert drawing.tag.endswith("svg")
    assert drawing.get("width") == drawing.get("height")
    assert drawing.get("viewBox") == f"0 0 {drawing.get('width')} {drawing.get('height')}"
    for element in drawing.iter():
        assert not any("href" in name for name in element.attrib)
