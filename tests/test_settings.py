"""Every setting of both plugins: explained to those who set it, and refused where it is wrong."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import (  # type: ignore[import-untyped]  # brings no types
    Draft202012Validator,
    FormatChecker,
)

from exactonline_client import connection
from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin import start
from exactonline_client.plugin.configuration import GivenSettings
from exactonline_client.redaction import MASK
from tap_exactonline.tap import TapExactOnline
from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from singer_sdk.plugin_base import PluginBase

SECRET = "hunter2"
PLUGINS: dict[str, tuple[type[PluginBase], dict[str, Any]]] = {
    "tap": (TapExactOnline, TapExactOnline.config_jsonschema),
    "target": (TargetExactOnline, TargetExactOnline.config_jsonschema),
}
# What the SDK adds to both is explained by the SDK.
FROM_SDK = re.compile("stream_map|flattening_|faker_config|batch_config|add_record_metadata")
SETTINGS = [
    pytest.param(owner, name, facts, id=f"{owner}-{name}")
    for owner, (_, schema) in PLUGINS.items()
    for name, facts in schema["properties"].items()
    if not FROM_SDK.match(name)
]
UNITS = re.compile("seconds|hours|bytes|calls|records|rows|days|numbers? of", re.IGNORECASE)
BEYOND: dict[str, Callable[[Any], Any]] = {
    "enum": lambda _: "something",
    "pattern": lambda _: "something",
    "minimum": lambda value: value - 1,
    "exclusiveMinimum": lambda value: value,
    "maximum": lambda value: value + 1,
}
WRONG_TYPE = {"string": 5, "integer": "many", "number": "long", "boolean": "perhaps"}


def kinds(facts: dict[str, Any]) -> set[str]:
    found = facts["type"]
    return set([found] if isinstance(found, str) else found) - {"null"}


def outside(facts: dict[str, Any]) -> list[Any]:
    """Values just beyond what is allowed."""
    return [beyond(facts[name]) for name, beyond in BEYOND.items() if name in facts]


def wrong_values(facts: dict[str, Any]) -> list[Any]:
    """Values that a setting cannot have, by its own schema."""
    found = [WRONG_TYPE[kind] for kind in kinds(facts) if kind in WRONG_TYPE]
    if "string" in kinds(facts) and len(kinds(facts)) > 1:
        found = []
    found += outside(facts)
    found += [[value] for value in outside(facts.get("items", {}))]
    if kinds(facts) == {"array"}:
        found += ["all", [SECRET if facts["items"]["type"] != "string" else 5]]
    if kinds(facts) == {"object"}:
        found.append("all")
    return found


def started(kind: type[PluginBase], config: dict[str, Any]) -> PluginBase:
    return start.start(kind, GivenSettings(config))


@pytest.mark.parametrize(("owner", "name", "facts"), SETTINGS)
def test_a_setting_is_explained(owner: str, name: str, facts: dict[str, Any]) -> None:
    assert owner in PLUGINS
    text = facts["description"]
    assert facts["title"]
    assert facts["title"].lower().replace(" ", "_") == name
    assert text.endswith("."), text
    assert "default" in facts or "Default:" in text, f"{name} does not say what holds without it"
    if kinds(facts) & {"integer", "number"}:
        assert UNITS.search(text), f"{name} has no unit"


@pytest.mark.parametrize(("owner", "name", "facts"), SETTINGS)
def test_the_example_of_a_setting_is_a_right_value(
    owner: str, name: str, facts: dict[str, Any]
) -> None:
    assert owner in PLUGINS
    assert facts["examples"], name
    checker = Draft202012Validator(facts, format_checker=FormatChecker())
    for example in facts["examples"]:
        assert not list(checker.iter_errors(example)), example


@pytest.mark.parametrize(
    ("owner", "name", "facts", "value"),
    [
        pytest.param(*item.values, value, id=f"{item.id}-{value}")
        for item in SETTINGS
        for value in wrong_values(item.values[2])  # type: ignore[arg-type]
    ],
)
def test_a_wrong_value_is_refused_with_name_value_and_example(
    owner: str, name: str, facts: dict[str, Any], value: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        started(PLUGINS[owner][0], {name: value})
    said = str(caught.value)
    assert re.search(rf"Setting {name}(:| is not)", said)
    assert MASK not in said
    shown = value[0] if isinstance(value, list) else value
    assert (repr(shown) in said) is not bool(facts.get("secret"))
    assert json.dumps(facts["examples"][0]) in said
    assert "Traceback" not in said


def test_every_setting_can_be_wrong_but_texts_of_any_kind() -> None:
    tried = {item.values[1] for item in SETTINGS if wrong_values(item.values[2])}  # type: ignore[arg-type]
    assert {item.values[1] for item in SETTINGS} == tried


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"base_url": "http://example.com"}, "base_url"),
        ({"store_url": f"nodatabase://me:{SECRET}@example.com"}, "store_url"),
        ({"store_key": SECRET}, "store_key"),
        ({"connection": "nobody"}, "client_id is missing"),
        ({"client_id": "me"}, "client_secret"),
    ],
)
def test_a_text_that_means_nothing_is_refused_when_it_is_used(
    settings: dict[str, str], name: str, tmp_path: Path
) -> None:
    place = {"store_url": f"sqlite:///{tmp_path / 'store.db'}"}
    app = {} if "connection" in settings or "client_id" in settings else {"client_id": "me"}
    secret = {"client_secret": "mine"} if app else {}
    with pytest.raises(ConfigurationError, match=name) as caught:
        connection.connect({**place, **app, **secret, **settings})
    assert SECRET not in str(caught.value)
