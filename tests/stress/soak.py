"""A month of hourly runs over three companies, with faults: does all stay equal, and small?

Time is moved; the programs are the real ones. Once a day the target writes invoices, some of them
again, and the tap runs as a process of its own, so that its memory can be measured. The store and
the state are measured then too.
"""

from __future__ import annotations

import io
import json
import random
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest import mock

import time_machine

from exactonline_client.errors import ExactOnlineError, RecordsRejected, Unavailable
from exactonline_sandbox import FaultRule, SandboxConfig
from target_exactonline.target import TargetExactOnline
from tests.stress.program import Program, hide_warnings, numeric
from tests.stress.reading.books import NO_LIMIT, STREAMS, books, catalog

if TYPE_CHECKING:
    import argparse

    from tests.stress.reading.books import Books

HOUR = 3600
BEGIN = datetime(2026, 10, 1, 6, tzinfo=timezone.utc)
"""The clock is set back in the course of the month."""
SHARE = 0.01
"""Of all calls that break off, before or after they are carried out, and of those that fail."""
STRUCK = 0.01
"""At least so many of all calls broke off or failed, or the faults were not in force."""
MOST_UNAVAILABLE = 0.05
"""Of all runs, those that faults may end early."""
INVOICES_A_DAY = 6
AGAIN = 6
"""Invoices of the days before that are sent once more each day."""
RESULTS_DAYS = 7
"""How long the target keeps what became of a record."""
SETTINGS = ("base_url", "client_id", "client_secret", "refresh_token", "store_url")
KEY_SIZE = 400
"""Bytes that a key takes in the store at most, its index included."""
MOST_GROWTH = 1.3
"""How many times as large things may be on the last day as they were after the first week."""
WEEK = 7


@dataclass(frozen=True)
class Day:
    """Sizes at the end of a day."""

    memory: int
    """Most kilobytes that the tap has used."""
    state: int
    """Bytes."""
    store: int
    """Bytes of its files."""
    keys: int
    """Keys in it: one for each row of which it may have to attribute the delete."""


@dataclass
class Figures:
    """What a month came to."""

    runs: int = 0
    unavailable: int = 0
    """Runs that ended early since Exact answered with faults five times in a row."""
    calls: int = 0
    struck: int = 0
    """Calls that faults befell."""
    created: Counter[str] = field(default_factory=Counter)
    """By reference, how often an invoice was reported as created."""
    sent: list[str] = field(default_factory=list)
    """The references of all invoices."""
    compared: int = 0
    changes: Counter[str] = field(default_factory=Counter)
    days: list[Day] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def soak(seed: int, days: int, invoices: int = 40, hours: int = 24) -> Figures:
    """Run the tap every hour, for so many days of so many hours."""
    chance, figures = random.Random(seed), Figures()
    config = SandboxConfig(
        seed=seed,
        invoices=invoices,
        divisions=3,
        clock=BEGIN,
        speed=0,
        minutely_limit=NO_LIMIT,
        faults=tuple(FaultRule(kind, SHARE) for kind in ("lost", "cut", "status")),
    )
    with (
        TemporaryDirectory() as folder,
        books(config, STREAMS) as company,
        # The pauses between tries of a call pass on the moved clock alone.
        mock.patch("backoff._sync.time.sleep", company.wait),
    ):
        for hour in range(days * hours):
            _business(company, chance, figures)
            company.wait(HOUR)
            if hour % hours == hours - 1:
                _write(company, Path(folder), figures)
                figures.days.append(_measured(company, Path(folder), figures))
            else:
                _run(company, figures)
        company.server.control.faults()
        company.wait(HOUR)
        _write(company, Path(folder), figures, last=True)
        _run(company, figures)
        made = company.server.control.calls()["calls"]
        figures.struck = sum(call["count"] for call in made if call["status"] in {0, 503})
        figures.calls = company.calls
        comparison = company.compare(joined=False)
        figures.compared, figures.left = comparison.rows, comparison.left
        figures.wrong += [*comparison.wrong, *_twice(company, figures)]
    _judge(figures)
    return figures


def _business(company: Books, chance: random.Random, figures: Figures) -> None:
    for division in company.server.divisions:
        figures.changes.update(
            company.do_business(
                division,
                seed=chance.randrange(10**9),
                new=chance.randrange(2),
                changed=chance.randrange(3),
                deleted=chance.randrange(2),
            )
        )


def _run(company: Books, figures: Figures) -> None:
    figures.runs += 1
    error = company.load()
    if error is not None and error.exit_code == Unavailable.exit_code:
        figures.unavailable += 1
    elif error is not None:
        figures.wrong.append(f"{company.now:%Y-%m-%d %H:%M}: {error}")


def _write(company: Books, folder: Path, figures: Figures, *, last: bool = False) -> None:
    """Send new invoices to one company, and some of the days before again."""
    division = company.server.divisions[0]
    accounts = company.server.control.truth(division, "accounts")
    items = company.server.control.truth(division, "items")
    customers = [row["ID"] for row in accounts if row["Status"] == "C"]
    goods = [row["ID"] for row in items if row["IsSalesItem"]]
    begin = len(figures.sent)
    if not last:
        figures.sent += [f"soak-{begin + number}" for number in range(INVOICES_A_DAY)]
    messages: list[dict[str, object]] = [
        {"type": "SCHEMA", "stream": "sales_invoices", "schema": {"properties": {}}}
    ]
    for reference in figures.sent[max(begin - AGAIN, 0) :]:
        line = {"Item": goods[0], "Quantity": 1, "NetPrice": len(reference)}
        record = {"YourRef": reference, "OrderedBy": customers[0], "SalesInvoiceLines": [line]}
        messages.append({"type": "RECORD", "stream": "sales_invoices", "record": record})
    results = folder / "results.jsonl"
    settings = {name: company.settings[name] for name in SETTINGS}
    with time_machine.travel(company.now):
        target = TargetExactOnline(
            config={
                **settings,
                "division": division,
                "results_path": str(results),
                "results_days": RESULTS_DAYS,
                "settle_after": 0,
            }
        )
        try:
            target.listen(io.StringIO("".join(json.dumps(message) + "\n" for message in messages)))
        except ExactOnlineError as error:
            # What is in doubt now is looked for by the next run.
            if error.exit_code not in {RecordsRejected.exit_code, Unavailable.exit_code}:
                figures.wrong.append(f"{company.now:%Y-%m-%d}, target: {error}")
        finally:
            target.close()
    for result in map(json.loads, results.read_text(encoding="utf-8").splitlines()):
        figures.created[result["reference"]] += result["outcome"] == "created"
        if result["outcome"] == "rejected":
            figures.wrong.append(f"{result['reference']} was rejected: {result['reason']}")
    results.unlink()


def _twice(company: Books, figures: Figures) -> list[str]:
    """The invoices that were not created exactly once."""
    rows = company.server.control.truth(company.server.divisions[0], "sales_invoices")
    there = Counter(str(row["YourRef"]) for row in rows)
    return [
        f"{reference}: reported as created {figures.created[reference]} times, there "
        f"{there[reference]} times"
        for reference in figures.sent
        if figures.created[reference] != 1 or there[reference] > 1
    ]


def _measured(company: Books, folder: Path, figures: Figures) -> Day:
    """Run the tap as a process, and measure."""
    files = {
        "config": company.settings,
        "catalog": catalog(tuple(company.streams)),
        "state": company.warehouse.state or {},
    }
    arguments = []
    for name, content in files.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        arguments += [f"--{name}", str(path)]
    with (folder / "out").open("wb") as out, (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.stress.moved",
                company.clock.dumps(),
                "tap-exactonline",
                *arguments,
            ],
            stdout=out,
            stderr=said,
        )
        memory = _most_memory(process)
    for line in (folder / "out").read_bytes().splitlines():
        company.warehouse.apply(line)
    figures.runs += 1
    if process.returncode == Unavailable.exit_code:
        figures.unavailable += 1
    elif process.returncode:
        figures.wrong.append((folder / "said").read_text(encoding="utf-8")[-1000:])
    database = Path(company.settings["store_url"].removeprefix("sqlite:///"))
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        keys = int(connection.execute("select count(*) from seen_keys").fetchone()[0])
    return Day(
        memory=memory,
        state=len(json.dumps(company.warehouse.state)),
        store=sum(file.stat().st_size for file in database.parent.iterdir()),
        keys=keys,
    )


def _most_memory(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of a process; returns the most kilobytes it was seen to use.

    After its end the system counts the memory of the process that started it as well.
    """
    status, most = Path(f"/proc/{process.pid}/status"), 0
    while process.poll() is None:
        with suppress(OSError):
            found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
            most = max(most, int(found[1])) if found else most
        time.sleep(0.02)
    return most


def _judge(figures: Figures) -> None:
    if figures.unavailable > figures.runs * MOST_UNAVAILABLE:
        figures.wrong.append(f"{figures.unavailable} of {figures.runs} runs ended early")
    if figures.struck < figures.calls * STRUCK:
        figures.wrong.append(f"faults have struck {figures.struck} calls only")
    if len(figures.days) <= WEEK:
        return
    first, last = figures.days[WEEK - 1], figures.days[-1]
    for name in ("memory", "state", "store"):
        before, after = getattr(first, name), getattr(last, name)
        keys = (last.keys - first.keys) * KEY_SIZE if name == "store" else 0
        if after > before * MOST_GROWTH + keys:
            figures.wrong.append(f"{name} grew from {before} to {after}")


def run(given: argparse.Namespace) -> list[str]:
    """Print the figures; returns what is wrong."""
    hide_warnings()
    found = soak(given.seed, given.days)
    changes = ", ".join(f"{number} {change}" for change, number in found.changes.items())
    print(
        f"{found.runs} runs over {given.days} days, {found.calls} calls, "
        f"{found.struck} of them struck by faults; rows {changes}"
    )
    print(f"runs that faults ended early: {found.unavailable}")
    for number, day in enumerate(found.days, start=1):
        if number in {1, WEEK, len(found.days)}:
            print(
                f"day {number}: tap {day.memory / 1024:.0f} MB, state {day.state:,} bytes, "
                f"store {day.store:,} bytes"
            )
    print(f"{len(found.sent)} invoices written, {sum(found.created.values())} reported as created")
    print(f"{found.compared} rows compared at the end")
    if found.left:
        print("left, since Exact logs no such deletes:", dict(+found.left))
    return found.wrong


PROGRAM = Program("soak", __doc__, run, (numeric("--days", default=30),))
