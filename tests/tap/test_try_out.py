"""`--test`: one record of each selected stream, and an exit code that tells how it went."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tap_exactonline.state import messages
from tap_exactonline.tap import TEST_STREAMS, TapExactOnline
from tests.tap.conftest import Collector, catalog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.tap.conftest import Bench


def try_out(bench: Bench, folder: Path, *streams: str) -> tuple[int, set[str], int]:
    """The exit code, the streams of which records came, and how many calls it took."""
    bench.server.control.reset_calls()
    arguments = ["--test", "--config", str(folder / "config")]
    (folder / "config").write_text(json.dumps(bench.config), encoding="utf-8")
    if streams:
        selected = json.dumps(catalog(streams, None, bench.config))
        (folder / "catalog").write_text(selected, encoding="utf-8")
        arguments += ["--catalog", str(folder / "catalog")]
    result = subprocess.run(
        [sys.executable, "-m", "tap_exactonline", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in result.stderr
    assert result.stderr.count("| ERROR") == (result.returncode != 0)
    messages = [json.loads(line) for line in result.stdout.splitlines()]
    found = {one["stream"] for one in messages if one["type"] == "RECORD"}
    return (
        result.returncode,
        found,
        sum(one["count"] for one in bench.server.control.calls()["calls"]),
    )


def test_only_what_is_selected_is_tried(bench: Bench, tmp_path: Path) -> None:
    code, found, calls = try_out(bench, tmp_path, "items")
    assert (code, found) == (0, {"items"})
    assert calls < 10


def test_lines_come_with_their_headers(bench: Bench, tmp_path: Path) -> None:
    code, found, calls = try_out(bench, tmp_path, "sales_invoice_lines")
    assert (code, found) == (0, {"sales_invoice_lines"})
    assert calls < 10


def test_without_a_catalog_a_few_are_tried(bench: Bench, tmp_path: Path) -> None:
    code, found, calls = try_out(bench, tmp_path)
    assert (code, found) == (0, TEST_STREAMS)
    assert calls < 20


@pytest.mark.parametrize("status", [404])
def test_an_error_has_its_exit_code(bench: Bench, tmp_path: Path, status: int) -> None:
    refusal = {"kind": "status", "status": status, "body": True, "method": "GET"}
    bench.server.control.faults({**refusal, "path": "Logistics/Items"})
    assert try_out(bench, tmp_path, "items")[:2] == (1, set())


@pytest.mark.parametrize("begin", [TapExactOnline.run, TapExactOnline.try_out])
def test_the_last_state_of_many_bookmarks_is_sent(
    begin: Callable[[TapExactOnline], None], bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "SMALL_STATE", 0)
    monkeypatch.setattr(messages, "MAX_TIME_SHARE", 1e-9)
    output = Collector()
    tap = TapExactOnline(
        config=bench.config,
        catalog=catalog(("items", "accounts", "journals"), None, bench.config),
        message_writer=output,
    )
    with closing(tap.connection):
        begin(tap)
    states = [message["value"] for message in output.messages if message["type"] == "STATE"]
    assert states[-1] == tap.state
    assert {"items", "accounts", "journals"} <= tap.state["bookmarks"].keys()
