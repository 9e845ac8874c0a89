"""A state or catalog of a wrong shape: one line, and nothing of it reaches Exact."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tap_exactonline.state import inputs
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tap.conftest import Bench

DIVISION = 1_700_001


def run(bench: Bench, folder: Path, **given: Any) -> tuple[int, list[str], str]:
    """The tap with a state or catalog; its exit code, its errors, and its output."""
    bench.server.control.reset_calls()
    files = {"config": bench.config, "catalog": catalog(("items",), None, bench.config), **given}
    arguments = []
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value), encoding="utf-8")
        arguments += [f"--{name}", str(folder / name)]
    result = subprocess.run(
        [sys.executable, "-m", "tap_exactonline", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if "| ERROR" in line]
    return result.returncode, errors, result.stdout


def partition(**marks: Any) -> dict[str, Any]:
    return {"bookmarks": {"items": {"partitions": [{"context": {"division": DIVISION}, **marks}]}}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("catalog", None),
        ("catalog", []),
        ("catalog", {"streams": None}),
        ("catalog", {"streams": []}),
        ("catalog", {"streams": [{"stream": "items"}]}),
        ("catalog", {"streams": [{"tap_stream_id": "items", "metadata": {}, "schema": []}]}),
        ("catalog", {"streams": [{"tap_stream_id": "items", "metadata": [{"breadcrumb": 3}]}]}),
        ("state", None),
        ("state", {"bookmarks": None}),
        ("state", {"bookmarks": {"items": []}}),
        ("state", {"bookmarks": {"items": {"partitions": {}}}}),
        ("state", {"bookmarks": {"items": {"partitions": [{"context": {"division": "1"}}]}}}),
        ("state", {"items": {"partitions": []}}),
        ("state", partition(replication_key="Timestamp", replication_key_value="abc")),
        ("state", partition(replication_key="Modified", replication_key_value=5)),
        ("state", partition(deletes_timestamp="abc")),
    ],
)
def test_a_wrong_shape_is_told_before_anything_is_asked(
    bench: Bench, tmp_path: Path, name: str, value: Any
) -> None:
    code, (line,), out = run(bench, tmp_path, **{name: value})
    assert code == 2
    assert name in line
    assert not out
    assert not bench.server.control.calls()["calls"]


def test_a_misspelt_stream_is_told_with_what_is_near(bench: Bench, tmp_path: Path) -> None:
    found = {"streams": [{"tap_stream_id": "itens", "metadata": [], "schema": {}}]}
    code, (line,), _ = run(bench, tmp_path, catalog=found)
    assert code == 2
    assert "There is no stream itens. Did you mean items?" in line


def test_a_state_in_a_wrapper_is_understood() -> None:
    state = partition(replication_key="Timestamp", replication_key_value=7)
    assert inputs.state(state) == state
    assert inputs.state({"type": "STATE", "value": state}) == state
    assert inputs.state({"singer_state": state}) == state
    assert inputs.state({"completed": {"singer_state": state}, "partial": {}}) == state
