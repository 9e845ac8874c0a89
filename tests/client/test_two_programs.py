"""Two programs of one app at work in one division: they share its calls and never overdraw them."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.built import ROOT
from tests.stress.clock import MovedClock

if TYPE_CHECKING:
    from exactonline_sandbox import Server

pytestmark = pytest.mark.e2e
START = datetime(2026, 3, 4, 12, 0, 30, tzinfo=timezone.utc)
SPEED = 60
"""A minute of the sandbox, and of the programs, is a second."""
TOKEN_AGE = 600
RENEWED_AFTER = 570
"""Seconds."""
MINUTELY = 8
CALLS = 3 * MINUTELY
"""Of each program."""

# Reads as often as it is told, as soon as it may, by the clock that it is told.
PROGRAM = """
import json, sys
from exactonline_client.connection import connect
from tests.stress.clock import MovedClock
clock, division, calls = MovedClock.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
connection = connect(json.load(sys.stdin), clock=clock, sleep=clock.sleep)
for _ in range(calls):
    connection.session.get(f"/api/v1/{division}/crm/Accounts?$top=1&$select=ID", division)
connection.close()
"""


def run_side_by_side(server: Server, store_url: str, key: str, programs: int) -> None:
    """Run the program several times at once, each in a process of its own."""
    settings = {
        **server.settings(),
        "store_url": store_url,
        "store_key": key,
    }
    server.control.clock(advance_seconds=TOKEN_AGE)
    server.control.clock(speed=SPEED)
    server.control.reset_calls()
    clock = MovedClock.read(server.world.clock.now(), SPEED)
    command = [
        *(sys.executable, "-c", PROGRAM),
        *(clock.dumps(), str(server.divisions[0]), str(CALLS)),
    ]
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(command, stdin=pipe, stderr=pipe, text=True, cwd=ROOT)
        for _ in range(programs)
    ]
    # Each is given its settings before any is waited for: they are to work at the same time.
    for process in started:
        assert process.stdin is not None
        process.stdin.write(json.dumps(settings))
        process.stdin.close()
        process.stdin = None
    for process in started:
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors


def test_no_call_is_refused(store_url: str, key: str) -> None:
    config = SandboxConfig(invoices=2, clock=START, speed=0.0, minutely_limit=MINUTELY)
    with Sandbox(config).running() as server:
        run_side_by_side(server, store_url, key, programs=2)
        report = server.control.calls()
        passed = (server.world.clock.now() - START).total_seconds() - TOKEN_AGE
    assert {call["status"] for call in report["calls"]} == {200}
    assert report["data_calls"] == 2 * CALLS
    # A busy machine may take longer than a token is good for.
    assert 1 <= report["token_calls"] <= 1 + passed // RENEWED_AFTER
    assert report["most_at_once"] == {str(server.divisions[0]): 1}
