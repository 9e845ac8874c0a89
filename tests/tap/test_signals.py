"""A tap that is asked to stop while its reader is slow: whole lines, and a state that is true."""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.stopping import KILLED, Stop
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tap.conftest import Bench

pytestmark = pytest.mark.e2e
STREAMS = ("items", "sales_entries", "sales_entry_lines")
KEYS = {"items": "ID", "sales_entries": "EntryID", "sales_entry_lines": "ID"}
ROOM = 4096
"""Bytes that the pipe holds: a piece of records does not fit."""
PATIENCE = 30.0
"""Seconds after which what has not happened never will."""
SET_PIPE_SIZE = 1031
MUCH = pytest.mark.parametrize("bench", [{"invoices": 400}], indirect=True)


@dataclass
class Program:
    """The tap in a process of its own, and a pipe that only the test empties."""

    process: subprocess.Popen[bytes]
    pipe: int
    other_end: int
    log: Path

    def read(self, size: int) -> bytes:
        """So many bytes, waiting for them."""
        found = b""
        while len(found) < size and (piece := os.read(self.pipe, size - len(found))):
            found += piece
        return found

    def read_all(self) -> bytes:
        found = b""
        while piece := os.read(self.pipe, 997):
            found += piece
        return found

    def fill(self) -> None:
        """Wait until nothing more can be written, and leave the other end to the tap alone."""
        latest = time.monotonic() + PATIENCE
        while select.select([], [self.other_end], [], 0)[1]:
            assert time.monotonic() < latest
            time.sleep(0.01)
        os.close(self.other_end)

    def end(self) -> str:
        """Its log, once it has ended."""
        self.process.wait(PATIENCE)
        return self.log.read_text(encoding="utf-8")


def start(
    bench: Bench, folder: Path, state: dict[str, Any] | None = None, *, buffered: bool = True
) -> Program:
    given = {
        "config": bench.config,
        "catalog": catalog(STREAMS, None, bench.config),
        "state": state or {},
    }
    arguments = []
    for name, value in given.items():
        (folder / f"{name}.json").write_text(json.dumps(value), encoding="utf-8")
        arguments += [f"--{name}", str(folder / f"{name}.json")]
    pipe, other_end = os.pipe()
    fcntl.fcntl(pipe, SET_PIPE_SIZE, ROOM)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tap_exactonline", *arguments],
            stdout=other_end,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "" if buffered else "1"},
        )
    return Program(process, pipe, other_end, folder / "log")


def rows(messages: list[dict[str, Any]]) -> set[tuple[str, str]]:
    records = [message for message in messages if message["type"] == "RECORD"]
    return {(one["stream"], one["record"][KEYS[one["stream"]]]) for one in records}


@MUCH
def test_a_slow_reader_gets_whole_lines_and_every_row_in_the_end(
    bench: Bench, tmp_path: Path
) -> None:
    expected = {
        (stream, str(row[KEYS[stream]])) for stream in STREAMS for row in bench.truth(stream)
    }
    state: dict[str, Any] = {}
    found: set[tuple[str, str]] = set()
    for number, size in enumerate((0, 300_001, 270_123, 40_000)):
        program = start(bench, tmp_path, state, buffered=number == 1)
        text = program.read(size)
        program.fill()
        if number < 3:
            program.process.send_signal((signal.SIGTERM, signal.SIGINT)[number % 2])
        text += program.read_all()
        log = program.end()
        assert program.process.returncode == 0, log
        assert "Traceback" not in log
        messages = [json.loads(line) for line in text.splitlines()]
        found |= rows(messages)
        states = [message["value"] for message in messages if message["type"] == "STATE"]
        state = [state, *states][-1]
        if number < 3:
            assert found < expected
    assert found == expected


@MUCH
def test_the_same_signal_again_ends_it_at_once_and_writes_nothing_more(
    bench: Bench, tmp_path: Path
) -> None:
    program = start(bench, tmp_path)
    text = program.read(50_001)
    program.fill()
    while program.process.poll() is None:
        program.process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    text += program.read_all()
    assert program.process.returncode == KILLED + signal.SIGINT
    *lines, cut = text.split(b"\n")
    assert all(json.loads(line) for line in lines)
    assert cut
    assert b"STATE" not in cut


@MUCH
def test_a_reader_that_goes_away_is_told_in_one_line(bench: Bench, tmp_path: Path) -> None:
    program = start(bench, tmp_path)
    program.read(50_001)
    program.fill()
    os.close(program.pipe)
    log = program.end()
    assert program.process.returncode == 1
    assert log.count("| ERROR") == 1
    assert "Standard output cannot be written (" in log
    assert "Traceback" not in log
    assert "BrokenPipe" not in log


def test_a_wait_ends_soon_after_the_signal() -> None:
    stop = Stop()
    stop.ask(signal.SIGTERM)
    with pytest.raises(SystemExit):
        stop.sleep(3600)
    with pytest.raises(SystemExit):
        stop.check()


def test_a_signal_ends_what_can_be_left_in_the_middle_and_nothing_else() -> None:
    stop = Stop()
    stop.ask(signal.SIGTERM)
    other = Stop()
    with pytest.raises(SystemExit), other.waiting():
        other.ask(signal.SIGTERM)
