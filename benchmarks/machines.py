"""What programs that share a store in PostgreSQL ask of its server.

Usage: python -m benchmarks.machines [--divisions 64] [--streams 40]
"""

from __future__ import annotations

import argparse
import subprocess
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]
import psycopg
from cryptography.fernet import Fernet

from benchmarks.arena import TAP, arena, catalog, clean_environment, now
from benchmarks.divisions import chosen_streams
from benchmarks.report import Table
from demo import ending
from tests.stress import databases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from benchmarks.arena import Arena

DONE = """
    select xact_commit + xact_rollback, sessions from pg_stat_database
    where datname = current_database()
"""
CONNECTED = """
    select count(*) from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend'
        and pid <> pg_backend_pid()
"""
A_MOMENT = 0.2
"""Seconds between two counts of the connections."""
OK = 200


@dataclass(frozen=True)
class Load:
    """What the server of the store has done so far."""

    transactions: int
    sessions: int
    cpu_seconds: float


@dataclass(frozen=True)
class Watcher:
    """Watches the server of the store."""

    connection: psycopg.Connection[Any]

    def load(self) -> Load:
        """Return what it has done."""
        transactions, sessions = self.connection.execute(DONE).fetchone() or (0, 0)
        return Load(transactions, sessions, self._cpu_seconds())

    def connected(self) -> int:
        """Return the number of connections but for our own."""
        (number,) = self.connection.execute(CONNECTED).fetchone() or (0,)
        return int(number)

    def _cpu_seconds(self) -> float:
        server = psutil.Process(self.connection.info.backend_pid).parent()
        running = [ended := server.cpu_times()]
        for child in server.children():
            with suppress(psutil.NoSuchProcess):
                running.append(child.cpu_times())
        return float(
            sum(times.user + times.system for times in running)
            + ended.children_user
            + ended.children_system
        )


def measure(divisions: int = 64, streams: int = 40, programs: Sequence[int] = (1, 4, 16)) -> Table:
    """Calls and what they cost the store, by how many programs share it."""
    names = chosen_streams(streams)
    selection = catalog(names)
    rows = []
    for number in programs:
        with (
            arena(divisions=divisions, invoices=2) as here,
            databases.server() as server,
            closing(psycopg.connect(server.uri, autocommit=True)) as connection,
        ):
            here.settings |= {
                "store_url": server.url,
                "store_key": Fernet.generate_key().decode(),
                "all_divisions": True,
            }
            rows.append((number, *_run(here, Watcher(connection), selection, number)))
    return Table(
        "machines",
        "Programs that share a store",
        f"{divisions} divisions with {len(names)} streams each. Each tap has its share of them "
        "(`divisions_share`) and reads 8 at a time at most. The store is a PostgreSQL with its "
        "defaults on the same machine as the taps and the sandbox: the calls a second are what all "
        "of them do together, and not the most that the store bears.",
        (
            "programs",
            "calls",
            "refused",
            "seconds",
            "calls a second",
            "transactions a call",
            "the store's CPU ms a call",
            "connections at most",
            "connections made",
        ),
        rows,
    )


def _run(
    here: Arena, watcher: Watcher, selection: dict[str, Any], number: int
) -> tuple[int, int, float, float, float, float, int, int]:
    chosen = here.file("catalog.json", selection)
    configs = [
        here.file(f"config-{share}.json", {**here.settings, "divisions_share": f"{share}/{number}"})
        for share in range(1, number + 1)
    ]
    here.server.control.reset_calls()
    before, began = watcher.load(), now()
    with ExitStack() as outputs:
        started = [
            subprocess.Popen(
                (*TAP, "--config", config, "--catalog", chosen),
                stdout=subprocess.DEVNULL,
                stderr=outputs.enter_context((here.folder / f"said-{place}").open("wb")),
                env=clean_environment(),
            )
            for place, config in enumerate(configs)
        ]
    polls = connected = 0
    try:
        while any(process.poll() is None for process in started):
            connected = max(connected, watcher.connected())
            polls += 1
            time.sleep(A_MOMENT)
    finally:
        for process in started:
            process.kill()
    seconds, after = now() - began, watcher.load()
    for place, process in enumerate(started):
        if process.returncode:
            raise SystemExit((here.folder / f"said-{place}").read_text(encoding="utf-8"))
    counts = here.server.control.calls()["calls"]
    made = sum(each["count"] for each in counts)
    refused = sum(each["count"] for each in counts if each["status"] != OK)
    return (
        made,
        refused,
        seconds,
        made / seconds,
        (after.transactions - before.transactions - polls) / made,
        (after.cpu_seconds - before.cpu_seconds) / made * 1000,
        connected,
        after.sessions - before.sessions,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machines", description=__doc__)
    parser.add_argument("--divisions", type=int, default=64)
    parser.add_argument("--streams", type=int, default=40)
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
