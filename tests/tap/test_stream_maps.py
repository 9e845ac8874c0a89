"""Stream maps: a tombstone passes each of them, and a wrong one is a wrong setting."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import ConfigurationError
from tests.tap.test_program import program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tap.conftest import Bench, Outcome

MARK = "_sdc_deleted_at"


def after_a_delete(bench: Bench, maps: dict[str, Any]) -> tuple[set[str], Outcome]:
    """Load, let rows be deleted at Exact, and load again; their keys, and the second run."""
    before = {row["ID"] for row in bench.truth("contacts")}
    first = bench.run("contacts", "journals", stream_maps=maps)
    assert first.error is None
    bench.server.control.changes(bench.divisions[0], seed=2, new=0, changed=0, deleted=12)
    second = bench.run("contacts", "journals", state=first.state, stream_maps=maps)
    assert second.error is None
    gone = before - {row["ID"] for row in bench.truth("contacts")}
    assert gone
    return gone, second


def tombstones(outcome: Outcome, stream: str) -> list[dict[str, Any]]:
    return [row for row in outcome.records(stream) if MARK in row]


@pytest.mark.parametrize(
    ("rules", "name", "expected"),
    [
        ({"__filter__": "LastName == 'Nobody' or FirstName"}, "contacts", {}),
        ({"upper": "FirstName.upper()", "kind": "'item'"}, "contacts", {"kind": "item"}),
        ({"__alias__": "goods", "LastName": "md5(LastName)"}, "goods", {}),
        (
            {"__else__": None, "ID": "ID", "Division": "Division", "LastName": "LastName"},
            "contacts",
            {},
        ),
        (
            {"all": "json.dumps(record)", "name": "str(record.get('LastName'))"},
            "contacts",
            {},
        ),
    ],
)
def test_a_tombstone_passes_with_what_it_has(
    bench: Bench, rules: dict[str, Any], name: str, expected: dict[str, Any]
) -> None:
    gone, outcome = after_a_delete(bench, {"contacts": rules})
    found = {row["ID"]: row for row in tombstones(outcome, name)}
    assert found.keys() >= gone
    for key, row in found.items():
        assert row.pop(MARK)
        assert row == {"ID": key, "Division": bench.divisions[0], **expected}
    schemas = [one for one in outcome.messages if one["type"] == "SCHEMA"]
    (schema,) = [one["schema"] for one in schemas if one["stream"] == name]
    assert MARK in schema["properties"]


def test_a_key_made_of_the_key_is_made_of_the_tombstones_too(bench: Bench) -> None:
    rules = {"id": "md5(ID)", "__key_properties__": ["id"], "__filter__": "LastName"}
    _, outcome = after_a_delete(
        bench, {"contacts": rules, "copy": {"__source__": "contacts", **rules}}
    )
    for name in ("contacts", "copy"):
        found = tombstones(outcome, name)
        assert found
        assert all(len(row["id"]) == 32 for row in found)


def test_a_stream_that_a_map_drops_sends_no_tombstones(bench: Bench) -> None:
    _, outcome = after_a_delete(bench, {"contacts": None})
    assert not outcome.records("contacts")


def test_a_tombstone_without_the_key_asked_for_is_told_and_not_sent(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    _, outcome = after_a_delete(bench, {"contacts": {"__key_properties__": ["LastName"]}})
    assert not tombstones(outcome, "contacts")
    assert caplog.text.count("contacts: deletes cannot be sent") == 1


@pytest.mark.parametrize(
    "expression", ["LastName +", "nothing(LastName)", "NoSuchColumn", "LastName + 1", "'x' if"]
)
def test_a_wrong_map_is_told_in_one_line(bench: Bench, tmp_path: Path, expression: str) -> None:
    maps = {"contacts": {"LastName": expression}}
    code, told, _ = program(tmp_path, {**bench.config, "stream_maps": maps}, "contacts")
    assert code == ConfigurationError.exit_code
    (line,) = told
    assert "stream_maps, stream contacts" in line
    assert expression in line


def test_a_wrong_map_of_a_stream_that_is_not_selected_does_not_matter(
    bench: Bench, tmp_path: Path
) -> None:
    maps = {"accounts": {"LastName": "LastName +"}}
    code, _, out = program(tmp_path, {**bench.config, "stream_maps": maps}, "contacts")
    assert code == 0
    assert "contacts" in {json.loads(line).get("stream") for line in out.splitlines()}
