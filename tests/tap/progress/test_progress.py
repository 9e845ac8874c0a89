"""What a run tells of itself: in the log, as metrics, and on a terminal."""

from __future__ import annotations

import json
import logging
import os
import pty
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from singer_sdk.logging import StructuredFormatter

from exactonline_client.http.rate_limit import Budget
from exactonline_client.http.session import Usage
from exactonline_client.store.store import Store
from tap_exactonline.progress.progress import Progress, log_metrics
from tap_exactonline.progress.screen import table
from tap_exactonline.progress.status import DivisionStatus
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.tap.conftest import Bench


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(tmp_path: Path) -> Iterator[Budget]:
    store = Store(f"sqlite:///{tmp_path / 'store.db'}")
    yield Budget(store, "app")
    store.close()


@pytest.fixture
def progress(budget: Budget, clock: Clock) -> Progress:
    """A run that has made 12 calls in division 7, waited for 30 seconds, and has 4,988 left."""
    usage = Usage()
    usage.calls[7] = 12
    budget.learn(7, {"X-RateLimit-Remaining": "4988", "X-RateLimit-Limit": "5000"})
    budget.waits[7] = 30.0
    progress = Progress(usage, budget, clock)
    progress.begin("items")
    return progress


def test_a_line_a_minute(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for second in range(0, 150, 5):
        clock.now = float(second)
        progress.add(7, 10)
        progress.tick([7])
    first, second_line = caplog.records
    assert first.getMessage() == (
        "Division 7: items, 130 rows, 12 calls, 4988 left today, waited 30 s"
    )
    assert "250 rows" in second_line.getMessage()


def test_the_line_has_its_figures_as_fields(
    progress: Progress, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    progress.expected = {(7, "items"): 400}
    progress.add(7, 100)
    clock.now = 60.0
    progress.tick([7])
    (record,) = caplog.records
    found = json.loads(StructuredFormatter().format(record))
    assert found["stream_name"] == "items"
    assert found["extra"] == {
        "message": record.getMessage(),
        "division": 7,
        "rows": 100,
        "calls": 12,
        "calls_left": 4988,
        "waited_seconds": 30.0,
        "seconds_to_go": 180,
    }


def test_the_time_to_go_counts_from_where_the_division_was_begun(
    progress: Progress, clock: Clock
) -> None:
    shown: list[DivisionStatus] = []
    progress.draw = shown.extend
    progress.expected = {(9, "items"): 1000}
    clock.now = 600.0
    progress.tick([9])
    progress.add(9, 500)
    clock.now = 610.0
    progress.tick([9])
    assert shown[-1].to_go == 10


def test_a_new_stream_counts_from_nothing(progress: Progress, clock: Clock) -> None:
    shown: list[DivisionStatus] = []
    progress.draw = shown.extend
    progress.add(7, 100)
    progress.begin("accounts")
    progress.add(7, 3)
    clock.now = 1.0
    progress.tick([7, 8])
    mine, other = shown
    assert (mine.stream, mine.rows, mine.left) == ("accounts", 3, 4988)
    assert (other.division, other.rows, other.calls, other.left) == (8, 0, 0, None)


def test_metrics_of_calls_waits_and_retries(
    budget: Budget, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    usage = Usage(retries=2)
    usage.calls_by_endpoint.update(
        {(7, "crm/Accounts"): 2, (8, "crm/Accounts"): 4, (8, "logistics/Items"): 1}
    )
    budget.waits[8] = 1.5
    log_metrics(usage, budget)
    points = [json.loads(record.getMessage().removeprefix("METRIC: ")) for record in caplog.records]
    values = {point["metric"]: point["value"] for point in points}
    assert values == {"http_request_count": 7, "http_retry_count": 2, "call_limit_wait": 1.5}
    assert len(points) == len(values), "Meltano shows no tags: two of a name look the same"
    assert points[0]["tags"] == {"endpoints": {"crm/Accounts": 6, "logistics/Items": 1}}


def test_the_table() -> None:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table([DivisionStatus(7, "items", 12_345, 17, 4_983, 61.0, 3_700.0)]))
    heading, row = capture.get().splitlines()
    assert heading.split() == [
        *("division", "stream", "rows", "calls", "left", "today", "waited", "to", "go")
    ]
    assert row.split() == ["7", "items", "12,345", "17", "4,983", "1:01", "1:01:40"]


@pytest.mark.parametrize("bench", [{"divisions": 2, "invoices": 5}], indirect=True)
def test_on_a_terminal_the_table_is_drawn_and_the_records_are_left_alone(
    bench: Bench, tmp_path: Path
) -> None:
    config: dict[str, Any] = {**bench.config, "all_divisions": True}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    text = json.dumps(catalog(("items",), None, config))
    (tmp_path / "catalog.json").write_text(text, encoding="utf-8")
    bench.server.control.faults({"kind": "latency", "seconds": 1.0, "path": "Items"})
    files = ("--config", tmp_path / "config.json", "--catalog", tmp_path / "catalog.json")
    ours, theirs = pty.openpty()
    with (tmp_path / "out.jsonl").open("wb") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", "tap_exactonline", *files],
            stdout=output,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
        )
        os.close(theirs)
        seen = b""
        with suppress(OSError):  # the other side is closed
            while True:
                seen += os.read(ours, 4096)
        assert program.wait(timeout=30) == 0
    os.close(ours)
    assert b"left today" in seen
    assert b"API calls" in seen
    lines = (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["type"] for line in lines} == {"SCHEMA", "RECORD", "STATE"}
