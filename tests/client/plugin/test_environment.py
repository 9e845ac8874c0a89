"""Settings in environment variables: as whoever writes them means them, or a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from exactonline_client.errors import ConfigurationError
from exactonline_client.plugin import environment

SCHEMA: dict[str, Any] = {
    "properties": {
        "whole": {"type": "integer", "examples": [500]},
        "number": {"type": "number", "examples": [2.5]},
        "switch": {"type": "boolean"},
        "numbers": {"type": ["array", "null"], "items": {"type": "integer"}},
        "names": {"type": "array", "items": {"type": "string"}},
        "things": {"type": ["null", "array"], "items": {"type": "object"}},
        "thing": {"type": "object"},
        "text": {"type": ["string", "null"]},
        "anything": {},
    }
}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("whole", "7", 7),
        ("number", "30", 30),
        ("number", " 2.5 ", 2.5),
        ("switch", "True", True),
        ("switch", "off", False),
        ("numbers", "[1, 2]", [1, 2]),
        ("numbers", "1, 2", [1, 2]),
        ("numbers", "1", [1]),
        ("names", "a,b", ["a", "b"]),
        ("names", '["a,b"]', ["a,b"]),
        ("things", '[{"a": 1}]', [{"a": 1}]),
        ("thing", '{"a": 1}', {"a": 1}),
        ("text", "[1", "[1"),
        ("anything", "7", "7"),
    ],
)
def test_a_text_becomes_what_the_setting_is_of(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    name: str,
    text: str,
    value: object,
) -> None:
    monkeypatch.setenv(f"SOME_TAP_{name.upper()}", text)
    with caplog.at_level("INFO"):
        found = environment.settings(SCHEMA, "SOME_TAP_")
    assert caplog.messages == [f"Setting {name} is read from SOME_TAP_{name.upper()}."]
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("whole", "2.5", "a whole number. An example: 500."),
        ("number", "much", "a number. An example: 2.5."),
        ("number", "nan", "a number"),
        ("number", "1e999", "a number"),
        ("switch", "maybe", "true or false"),
        ("numbers", "abc", "a list"),
        ("numbers", "[1", "a list"),
        ("names", '["a"', "a list"),
        ("things", "a,b", "a list"),
        ("things", "{}", "a list"),
        ("things", "[" * 100_000, "a list"),
        ("thing", "[]", "a JSON object"),
    ],
)
def test_any_other_text_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, kind: str
) -> None:
    variable = f"SOME_TAP_{name.upper()}"
    monkeypatch.setenv(variable, text)
    sentence = f"Environment variable {variable} should be {kind}"
    with pytest.raises(ConfigurationError, match=re.escape(sentence)) as caught:
        environment.settings(SCHEMA, "SOME_TAP_")
    assert text not in str(caught.value).removeprefix(sentence)


def test_objects_are_nested_again_that_meltano_has_made_flat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = r'{"a.entity": "x", "a.rows": "lines", "public\\.b": "y", "c": {"entity": "z"}}'
    monkeypatch.setenv("SOME_TAP_THING", text)
    flat = environment.settings(SCHEMA, "SOME_TAP_")["thing"]
    assert {*flat} == {"a.entity", "a.rows", r"public\.b", "c"}
    monkeypatch.setenv("MELTANO_PROJECT_ROOT", "/project")
    nested = environment.settings(SCHEMA, "SOME_TAP_")["thing"]
    assert nested == {
        "a": {"entity": "x", "rows": "lines"},
        "public.b": "y",
        "c": {"entity": "z"},
    }
    monkeypatch.setenv("SOME_TAP_THING", '{"a": 1, "a.b": 2}')
    with pytest.raises(ConfigurationError, match="a JSON object"):
        environment.settings(SCHEMA, "SOME_TAP_")


@pytest.mark.parametrize("name", ["whole", "number", "switch", "numbers", "thing", "text"])
def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"SOME_TAP_{name.upper()}", " ")
    assert environment.settings(SCHEMA, "SOME_TAP_") == {}


def test_a_file_env_in_the_folder_counts_where_nothing_else_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    # Set first, so that what the file adds goes with it.
    for name in ("WHOLE", "NAMES"):
        monkeypatch.setenv(f"SOME_TAP_{name}", "")
        monkeypatch.delenv(f"SOME_TAP_{name}")
    monkeypatch.setenv("SOME_TAP_NUMBER", "2")
    Path(".env").write_text("SOME_TAP_WHOLE=7\nSOME_TAP_NUMBER=3\nSOME_TAP_NAMES='a, b'\n")
    found = environment.settings(SCHEMA, "SOME_TAP_")
    assert found == {"whole": 7, "number": 2, "names": ["a", "b"]}


def test_a_file_env_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(b"\xff\xfe=1")
    with pytest.raises(ConfigurationError, match=r"The file \.env cannot be read"):
        environment.settings(SCHEMA, "SOME_TAP_")


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("SWICH", "SWITCH"),
        ("SWITCHES", "SWITCH"),
        ("WHOLE_NUMBERS", None),
        ("BE_SWITCH", None),
        ("_SWITCH", None),
        ("LOGLEVEL", None),
        ("SWITCH", None),
    ],
)
def test_a_misspelt_variable_is_one_that_is_nearly_right(
    monkeypatch: pytest.MonkeyPatch, variable: str, near: str | None
) -> None:
    monkeypatch.setenv(f"SOME_TAP_{variable}", "x")
    found = environment.misspelt(SCHEMA["properties"], "SOME_TAP_")
    assert found == ({f"SOME_TAP_{variable}": f"SOME_TAP_{near}"} if near else {})
