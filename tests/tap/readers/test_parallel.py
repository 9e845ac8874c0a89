"""Divisions side by side: everything is read, and whatever goes wrong, the run ends well."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import requests

from exactonline_client.errors import SignInNeeded, Unavailable
from tap_exactonline.extract import workers as parallel
from tap_exactonline.extract.workers import Finished, WorkerPool
from tap_exactonline.state import messages
from tap_exactonline.state.messages import StateMessages
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.tap.conftest import Bench

FOUR = pytest.mark.parametrize("bench", [{"divisions": 4, "invoices": 8}], indirect=True)
WORKERS = 3
PATIENCE = 20.0
"""Seconds after which what has not happened never will."""
STREAMS = ("sales_invoices", "sales_invoice_lines", "sales_entries", "sales_entry_lines", "items")


def numbers(most: int) -> Callable[[], Iterator[int]]:
    return lambda: iter(range(most))


def results(crew: WorkerPool[str, int]) -> list[tuple[str, int | Finished]]:
    return [given for given in crew.results() if given is not None]


def test_each_generator_keeps_its_order() -> None:
    found = results(WorkerPool({name: numbers(50) for name in "abcde"}, 3))
    for name in "abcde":
        assert [item for key, item in found if key == name] == [*range(50), Finished()]


def test_an_error_is_handed_over_and_leaves_the_others_alone() -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    found = results(WorkerPool({"bad": fails, "good": numbers(5)}, 2))
    (ended,) = [item for key, item in found if key == "bad" and isinstance(item, Finished)]
    with pytest.raises(ValueError, match="no more"):
        ended.check()
    assert [item for key, item in found if key == "good"] == [*range(5), Finished()]


def test_a_generator_runs_ahead_by_one_and_has_one_in_hand() -> None:
    wanted = 0
    ahead: list[int] = []
    made = [threading.Event() for _ in range(20)]

    def counts() -> Iterator[int]:
        for number in range(20):
            ahead.append(number - wanted)
            made[number].set()
            yield number

    crew = WorkerPool({"one": counts}, 1)
    given = crew.results()
    for number in range(18):
        wanted = number + 1
        assert next(given) == ("one", number)
        assert made[number + 2].wait(PATIENCE)
    crew.close()
    assert max(ahead) == 1


def test_threads_that_wait_end_at_once() -> None:
    def waits() -> Iterator[int]:
        yield 0
        parallel.pause(600)
        yield 1

    before = threading.active_count()
    crew = WorkerPool(dict.fromkeys("abc", waits), 3)
    given = crew.results()
    next(given)
    began = time.monotonic()
    crew.close()
    assert time.monotonic() - began < 2
    assert threading.active_count() == before


def test_a_large_state_takes_little_of_the_time() -> None:
    now = 0.0
    sent: list[float] = []

    def write(_: object) -> None:
        nonlocal now
        sent.append(now)
        now += 0.1

    state: dict[str, Any] = {"bookmarks": {"items": {"partitions": [{}] * 100}}}
    states = StateMessages(state, write, lambda: now)
    for _ in range(10):
        states.changed()
    assert len(sent) == 10
    state["bookmarks"]["accounts"] = {"partitions": [{}]}
    while now < 10:
        states.changed()
        now += 0.01
    assert len(sent) - 10 == 4
    states.flush()
    states.flush()
    assert len(sent) - 10 == 5


@FOUR
def test_as_many_side_by_side_as_one_after_the_other(bench: Bench, tmp_path: Path) -> None:
    def run(workers: int) -> tuple[dict[str, list[str]], dict[str, Any]]:
        store = {"store_url": f"sqlite:///{tmp_path}/{workers}.db"}
        seed = bench.server.control.sign_in()["refresh_token"]
        bench.server.control.clock(advance_seconds=600)
        options: dict[str, Any] = {
            "all_divisions": True,
            "max_parallel_divisions": workers,
            **store,
        }
        outcome = bench.run(*STREAMS, refresh_token=seed, **options)
        assert outcome.error is None
        rows = {
            name: sorted(json.dumps(row, sort_keys=True) for row in outcome.records(name))
            for name in STREAMS
        }
        return rows, outcome.state

    (rows, state), (others, other_state) = run(1), run(4)
    assert rows == others
    assert all(rows.values())
    for name in STREAMS:
        partitions = state["bookmarks"][name].pop("partitions")
        assert [part["context"]["division"] for part in partitions] == [*bench.divisions]
        assert not state["bookmarks"][name]
        found = other_state["bookmarks"][name]["partitions"]
        for one, other in zip(partitions, found, strict=True):
            assert one["context"] == other["context"]
            assert one["replication_key_value"] == other["replication_key_value"]


@FOUR
def test_a_large_state_is_not_sent_after_each_stream(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = bench.run(*STREAMS, all_divisions=True)
    bench.sign_in()
    monkeypatch.setattr(messages, "SMALL_STATE", 0)
    monkeypatch.setattr(messages, "MAX_TIME_SHARE", 1e-9)
    large = bench.run(*STREAMS, all_divisions=True)
    assert large.error is None
    assert large.state["bookmarks"].keys() == small.state["bookmarks"].keys()
    sent = Counter(message["type"] for message in large.messages)
    assert sent["STATE"] == 2, "the first, and the last"


@FOUR
def test_no_state_is_ahead_of_the_rows(bench: Bench) -> None:
    outcome = bench.run(
        "gl_accounts", "items", all_divisions=True, max_parallel_divisions=4, deletes="off"
    )
    highest: dict[tuple[str, int], int] = {}
    seen = 0
    for message in outcome.messages:
        if message["type"] == "RECORD":
            key = message["stream"], message["record"]["Division"]
            highest[key] = max(highest.get(key, 0), message["record"]["Timestamp"])
        elif message["type"] == "STATE":
            for stream, found in message["value"].get("bookmarks", {}).items():
                for part in found.get("partitions", ()):
                    bookmark = part.get("replication_key_value", 0)
                    assert bookmark <= highest.get((stream, part["context"]["division"]), 0)
                    seen += bookmark > 0
    assert seen > len(bench.divisions)


@FOUR
def test_they_are_called_side_by_side_but_each_division_once_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = requests.Session.request
    under_way: Counter[str] = Counter()
    most: Counter[str] = Counter()
    lock = threading.Lock()
    together = threading.Event()

    def watched(self: requests.Session, method: str, url: str, **options: Any) -> Any:
        names = ("all", url.partition("/api/v1/")[2].partition("/")[0])
        with lock:
            under_way.update(names)
            for name in names:
                most[name] = max(most[name], under_way[name])
            if under_way["all"] == WORKERS:
                together.set()
        if "Items" in url:
            together.wait(PATIENCE)
        try:
            return request(self, method, url, **options)
        finally:
            with lock:
                under_way.subtract(names)

    monkeypatch.setattr(requests.Session, "request", watched)
    outcome = bench.run("items", all_divisions=True, max_parallel_divisions=WORKERS)
    assert outcome.error is None
    assert most["all"] == WORKERS
    assert [most[str(division)] for division in bench.divisions] == [1, 1, 1, 1]


@FOUR
def test_a_used_up_day_ends_one_division(bench: Bench) -> None:
    first, *others = bench.divisions
    bench.server.control.limits(division=first, leave_today=1)
    outcome = bench.run("items", "gl_accounts", all_divisions=True, max_parallel_divisions=4)
    assert outcome.error is None
    for division in others:
        found = [row for row in outcome.records("gl_accounts") if row["Division"] == division]
        assert len(found) == len(bench.truth("gl_accounts", division))
    assert all(row["Division"] != first for row in outcome.records("gl_accounts"))


@FOUR
def test_a_broken_sign_in_ends_all(bench: Bench) -> None:
    before = threading.active_count()
    bench.server.control.revoke()
    outcome = bench.run("items", all_divisions=True, max_parallel_divisions=4)
    assert isinstance(outcome.error, SignInNeeded)
    assert threading.active_count() <= before


@FOUR
def test_an_error_that_ends_one_reader_in_the_middle_ends_all_of_them(
    bench: Bench,
) -> None:
    before = threading.active_count()
    *others, broken = bench.divisions
    bench.server.control.faults(
        {"kind": "unauthorized", "path": "sync/Logistics/Items", "division": broken}
    )
    outcome = bench.run("gl_accounts", "items", divisions=[*bench.divisions])
    assert isinstance(outcome.error, Unavailable)
    assert threading.active_count() <= before
    assert not [row for row in outcome.records("items") if row["Division"] == broken]
    # What is noted as read is out.
    for partition in outcome.state["bookmarks"].get("items", {}).get("partitions", ()):
        division = partition["context"]["division"]
        assert division in others or "replication_key_value" not in partition
        if "replication_key_value" in partition:
            sent = [row for row in outcome.records("items") if row["Division"] == division]
            assert max(row["Timestamp"] for row in sent) >= partition["replication_key_value"]


def start(bench: Bench, tmp_path: Path, **config: Any) -> subprocess.Popen[bytes]:
    """The program, reading four divisions."""
    settings = {**bench.config, "all_divisions": True, "max_parallel_divisions": 4, **config}
    (tmp_path / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    text = json.dumps(catalog(STREAMS, None, settings))
    (tmp_path / "catalog.json").write_text(text, encoding="utf-8")
    files = ("--config", tmp_path / "config.json", "--catalog", tmp_path / "catalog.json")
    return subprocess.Popen(
        [sys.executable, "-m", "tap_exactonline", *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


@FOUR
def test_a_reader_that_goes_away_does_not_leave_it_hanging(bench: Bench, tmp_path: Path) -> None:
    with start(bench, tmp_path) as program:
        assert program.stdout
        assert program.stdout.readline()
        program.stdout.close()
        assert program.wait(timeout=30) != 0


@FOUR
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_state(bench: Bench, tmp_path: Path, number: int) -> None:
    with start(bench, tmp_path) as program:
        assert program.stdout
        lines = [program.stdout.readline()]
        while b'"stream":"sales_entries"' not in lines[-1]:
            lines.append(program.stdout.readline())
        program.send_signal(number)
        lines += program.stdout.readlines()
        assert program.wait(timeout=30) == 0
    states = [line for line in lines if b'"type":"STATE"' in line]
    bookmarks = json.loads(states[-1])["value"]["bookmarks"]
    assert all(found.keys() == {"partitions"} for found in bookmarks.values())
    (partition, *_) = bookmarks["items"]["partitions"]
    assert partition["replication_key_value"] > 0
