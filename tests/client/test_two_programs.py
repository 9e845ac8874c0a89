"""Two programs of one app at work in one division: they share its calls and never overdraw them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from exactonline_client.connection import connect
from exactonline_sandbox import Sandbox, SandboxConfig

if TYPE_CHECKING:
    from pathlib import Path

    from exactonline_client.connection import Connection
    from exactonline_sandbox import Server

START = datetime(2026, 3, 4, 12, 0, 30, tzinfo=timezone.utc)
MINUTELY = 8


class SharedClock:
    """The time of the sandbox and of everybody who calls it; it moves when somebody sleeps."""

    def __init__(self, server: Server) -> None:
        self.now = START.timestamp()
        self._control = server.control
        self._moving = threading.Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._moving:
            self._control.clock(advance_seconds=seconds)
            self.now += seconds


def test_no_call_is_refused(tmp_path: Path) -> None:
    config = SandboxConfig(invoices=2, clock=START, speed=0.0, minutely_limit=MINUTELY)
    with Sandbox(config).running() as server, ExitStack() as stack:
        clock = SharedClock(server)
        settings = {
            "base_url": server.base_url,
            "client_id": server.credentials.client_id,
            "client_secret": server.credentials.client_secret,
            "refresh_token": server.control.sign_in()["refresh_token"],
            "store_url": f"sqlite:///{tmp_path / 'store.db'}",
        }
        clock.sleep(600)
        programs = [
            stack.enter_context(closing(connect(settings, clock=clock, sleep=clock.sleep)))
            for _ in range(2)
        ]
        division = server.divisions[0]

        def work(program: Connection) -> None:
            for _ in range(2 * MINUTELY):
                address = f"/api/v1/{division}/crm/Accounts?$top=1&$select=ID"
                program.session.get(address, division)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, programs))
        report = server.control.calls()
    assert {call["status"] for call in report["calls"]} == {200}
    assert report["data_calls"] == 4 * MINUTELY
    assert report["most_at_once"] == {str(division): 1}
    assert clock.now - START.timestamp() >= 600 + 30 + 2 * 60
