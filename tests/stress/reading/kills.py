"""Is anything lost when the tap is killed, again and again, at random places?"""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from typing_extensions import override

from exactonline_sandbox import SandboxConfig
from exactonline_sandbox.recorder import Recorder
from tests.stress.reading.books import NO_LIMIT, books, catalog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stress.reading.books import Books

STREAMS = (
    "accounts",
    "bank_entry_lines",
    "contacts",
    "crm_bank_accounts",
    "documents",
    "items",
    "purchase_entries",
    "purchase_entry_lines",
    "purchase_order_lines",
    "purchase_orders",
    "receivables",
    "sales_entries",
    "sales_entry_lines",
    "sales_invoice_lines",
    "sales_invoices",
    "sales_order_lines",
    "sales_orders",
    "transaction_lines",
)
"""Lists of every kind, most of them of several pages."""
KILLS_A_LIFE = 20
KILLED = -9
TIMEOUT = 60


class Watch(Recorder):
    """The sandbox's recorder, which does something at one of the calls to come."""

    def __init__(self) -> None:
        """Watch for no call."""
        super().__init__()
        self._calls_left = 0
        self._then: Callable[[], None] | None = None

    def at(self, call: int, then: Callable[[], None]) -> None:
        """Do `then` before the `call`th call from now is carried out."""
        self._calls_left, self._then = call, then

    @override
    def begin(self, division: int) -> None:
        super().begin(division)
        self._calls_left -= 1
        if self._calls_left == 0 and self._then is not None:
            self._then()


@dataclass
class Life:
    """What one warehouse went through, from its first load on."""

    use_sync_api: bool
    divisions: int
    lines_alone: bool = False
    """Read lines without their headers, and nothing else."""
    compare_keys: bool = False
    """Find by their keys the deletes that Exact does not log."""
    at_calls: int = 0
    """Kills while a call was under way."""
    at_messages: int = 0
    """Kills right after a message."""
    survived: int = 0
    """Runs that ended before they were to be killed, and the last, which was left alone."""
    records: int = 0
    rows: int = 0
    left: int = 0
    """Rows that Exact logs no delete of."""
    wrong: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """All of them."""
        return self.at_calls + self.at_messages


def lives(seed: int, kills: int, invoices: int = 250) -> list[Life]:
    """Warehouses that are loaded, and kept up to date, by taps that are killed."""
    done: list[Life] = []
    while kills > 0:
        chance = random.Random(f"{seed} {len(done)}")
        number = len(done)
        life = Life(
            use_sync_api=number % 2 == 0,
            divisions=1 + number // 2 % 2,
            lines_alone=number % 5 == 4,
            compare_keys=number % 3 == 1,
        )
        _live(life, chance, min(kills, KILLS_A_LIFE), invoices)
        done.append(life)
        kills -= life.kills
        if not life.kills:
            break
    return done


def _live(life: Life, chance: random.Random, kills: int, invoices: int) -> None:
    config = SandboxConfig(
        seed=chance.randrange(10**6),
        invoices=invoices,
        divisions=life.divisions,
        minutely_limit=NO_LIMIT,
        daily_limit=NO_LIMIT,
    )
    settings = {
        "use_sync_api": life.use_sync_api,
        "compare_keys": ["all"] if life.compare_keys else None,
    }
    streams = [name for name in STREAMS if name.endswith("_lines") or not life.lines_alone]
    with TemporaryDirectory() as folder, books(config, streams, **settings) as company:
        watch = company.server.world.recorder = Watch()
        tap = TapRuns(company, watch, Path(folder))
        while life.kills < kills and not life.wrong:
            _one_run(life, tap, chance)
            if chance.random() < 0.5:
                _business(company, chance)
        watch.at(0, lambda: None)
        code = tap.run(chance)
        life.survived += 1
        comparison = company.compare(joined=False)
        life.rows, life.records = comparison.rows, company.warehouse.records
        life.left = sum(comparison.left.values())
        life.wrong += comparison.wrong if code == 0 else [tap.said(code)]
        if life.compare_keys:
            life.wrong += [f"{n} {name} are left" for name, n in (+comparison.left).items()]


def _one_run(life: Life, tap: TapRuns, chance: random.Random) -> None:
    at_call = chance.random() < 0.5
    code = (
        tap.run(chance, kill_at_call=_some(chance, 60))
        if at_call
        else tap.run(chance, kill_at_message=_some(chance, 3000))
    )
    if code == KILLED:
        life.at_calls += at_call
        life.at_messages += not at_call
    elif code == 0:
        life.survived += 1
    else:
        life.wrong.append(tap.said(code))


def _some(chance: random.Random, most: int) -> int:
    """A number up to `most`, as often a small one as a large one."""
    return round(math.pow(most, chance.random()))


def _business(company: Books, chance: random.Random) -> None:
    for division in company.server.divisions:
        company.server.control.changes(
            division,
            seed=chance.randrange(10**9),
            new=chance.randrange(20),
            changed=chance.randrange(20),
            deleted=chance.randrange(12),
        )
    company.wait(chance.choice((1, 100, 4000, 200_000)) * chance.random())


@dataclass
class TapRuns:
    """The tap as a program, and what it is fed and gives."""

    company: Books
    watch: Watch
    folder: Path

    def run(self, chance: random.Random, *, kill_at_call: int = 0, kill_at_message: int = 0) -> int:
        """Run it, perhaps killed on the way; returns its exit code.

        The target dies with it: what it was sent last may be in the warehouse or not, and a state
        that was sent may not be kept although the rows before it, and behind it, are in.
        """
        with (self.folder / "said.txt").open("wb") as said:
            process = subprocess.Popen(self._command(), stdout=subprocess.PIPE, stderr=said)
        if kill_at_call:
            self.watch.at(kill_at_call, process.kill)
        lines: list[bytes] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if len(lines) == kill_at_message:
                process.kill()
        process.stdout.close()
        code = process.wait(TIMEOUT)
        self.watch.at(0, lambda: None)
        if code == KILLED:
            complete = [line for line in lines if line.endswith(b"\n")]
            lost = chance.choice((0, _some(chance, 1000)))
            lines = complete[: max(len(complete) - lost, 0)]
            kept = chance.choice((0, len(lines) // 2, len(lines), len(lines)))
            lines = [
                line
                for place, line in enumerate(lines)
                if place < kept or b'"type":"STATE"' not in line
            ]
        for line in lines:
            self.company.warehouse.apply(line)
        return code

    def said(self, code: int) -> str:
        """How the last run failed, in words."""
        text = (self.folder / "said.txt").read_text(encoding="utf-8")
        return f"exit code {code}: {text[-2000:]}"

    def _command(self) -> list[str]:
        files = {
            "config": self.company.settings,
            "catalog": catalog(tuple(self.company.streams)),
            "state": self.company.warehouse.state,
        }
        arguments = []
        for name, content in files.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                arguments += [f"--{name}", str(path)]
        clock = self.company.clock.dumps()
        return [sys.executable, "-m", "tests.stress.moved", clock, "tap-exactonline", *arguments]
