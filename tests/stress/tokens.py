"""Many programs, one chain of tokens: is it ever refreshed twice, too early or with a spent token?

Long-lived readers, taps, targets and commands share one store and one sandbox while the clock of
all of them runs fast. The sandbox refuses what the real service refuses: a refresh before 570 s,
and a refresh token that was used before.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tests.stress.databases import KINDS, store
from tests.stress.program import Option, Program, numeric
from tests.stress.stage import TIMEOUT, Ended, clean_environment, sales_invoice, stage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from tests.stress.stage import Asked, Stage

NOT_BEFORE = 570.0
COMMANDS = (("status", "--json"), ("keepalive",), ("divisions", "--json"))
ROLES = ("reader", "tap", "target", "command")


@dataclass(frozen=True)
class Load:
    """Size of the load."""

    processes: int = 16
    minutes: float = 60
    """By the moved clock."""
    store: str = "sqlite"
    speed: float = 20
    """Of that clock."""
    seed: int = 1
    roles: tuple[str, ...] = ROLES


@dataclass(frozen=True)
class Figures:
    """What came of it; moments are in seconds by the moved clock."""

    minutes: float
    runs: Mapping[tuple[str, int], int]
    """Programs that ended, by name and exit code."""
    crashed: int
    refreshes: list[Asked]
    refusals: list[Asked]

    @property
    def closest(self) -> float | None:
        """Seconds between the two refreshes that were closest to each other."""
        gaps = [later.at - earlier.at for earlier, later in pairwise(self.refreshes)]
        return min(gaps, default=None)

    @property
    def spent(self) -> int:
        """Refreshes with a token that was used before."""
        return sum("Old refresh token" in asked.refusal for asked in self.refusals)

    @property
    def most(self) -> int:
        """How many refreshes the time has room for."""
        return int(self.minutes * 60 // NOT_BEFORE) + 1

    @property
    def wrong(self) -> list[str]:
        """What was not as it should be with the chain."""
        closest = self.closest
        found = [f"refused: {asked.refusal}" for asked in self.refusals]
        if self.crashed:
            found.append(f"{self.crashed} stack traces")
        if len(self.refreshes) > self.most:
            found.append(f"{len(self.refreshes)} refreshes, at most {self.most} are right")
        if closest is not None and closest < NOT_BEFORE:
            found.append(f"two refreshes within {closest:.1f} s")
        return found + [
            f"{program} ended with {code}, {times} times"
            for (program, code), times in self.runs.items()
            if code
        ]

    @property
    def held(self) -> bool:
        """Whether the chain was kept as it should be."""
        return not self.wrong


def hammer(load: Load) -> Figures:
    """Run programs against one chain of tokens until the time is up."""
    with (
        TemporaryDirectory() as folder,
        store(load.store, Path(folder)) as url,
        stage(Path(folder), url, seed=load.seed, speed=load.speed) as setting,
    ):
        setting.sign_in()
        setting.catalog()
        begin = setting.clock()
        until = begin + load.minutes * 60
        with ThreadPoolExecutor(load.processes) as pool:
            slots = [
                pool.submit(_slot, setting, role, until, random.Random(f"{load.seed} {number}"))
                for number, role in enumerate(islice(cycle(load.roles), load.processes))
            ]
            ended = [done for slot in slots for done in slot.result()]
        return Figures(
            minutes=(setting.clock() - begin) / 60,
            runs=Counter((done.program, done.code) for done in ended),
            crashed=sum(done.crashed for done in ended),
            refreshes=setting.token_server.refreshes,
            refusals=setting.token_server.refusals,
        )


def _slot(setting: Stage, role: str, until: float, chance: random.Random) -> list[Ended]:
    """One program after the other, of one kind."""
    start: dict[str, Callable[[], Ended]] = {
        "reader": lambda: _reader(setting, until),
        "tap": setting.tap,
        "target": lambda: setting.target(
            sales_invoice(setting.server, f"stress-{chance.getrandbits(64):x}")
        ),
        "command": lambda: _command(setting, chance),
    }
    ended = []
    while role == "command" and not setting.token_server.refreshes:
        # Before the first sign-in a command has nothing to show.
        time.sleep(0.1)
    while setting.clock() < until:
        ended.append(start[role]())
        time.sleep(chance.random())
    return ended


def _reader(setting: Stage, until: float) -> Ended:
    command = [sys.executable, "-m", "tests.stress.reader", setting.clock.dumps(), str(until)]
    done = subprocess.run(
        command,
        input=json.dumps(setting.settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT + (until - setting.clock()) / setting.clock.speed,
        env=clean_environment(),
    )
    return Ended("reader", done.returncode, done.stdout, done.stderr)


def _command(setting: Stage, chance: random.Random) -> Ended:
    return setting.run("exactonline", *chance.choice(COMMANDS))


def run(given: argparse.Namespace) -> list[str]:
    """Print the figures; returns what did not hold."""
    load = Load(given.processes, given.minutes, given.store, given.speed, given.seed)
    figures = hammer(load)
    print(load)
    print(f"minutes of moved clock    {figures.minutes:8.1f}")
    for (program, code), number in sorted(figures.runs.items()):
        print(f"ended with {code}: {program:15}{number:8}")
    print(f"stack traces              {figures.crashed:8}")
    print(f"refreshes granted         {len(figures.refreshes):8}   (at most {figures.most})")
    print(f"closest to each other     {figures.closest or 0:8.1f} s (at least {NOT_BEFORE:.0f})")
    print(f"refreshes refused         {len(figures.refusals):8}   (must be 0)")
    for refusal, number in Counter(asked.refusal for asked in figures.refusals).items():
        print(f"    {number} x {refusal}")
    print(f"spent tokens used         {figures.spent:8}   (must be 0)")
    return figures.wrong


PROGRAM = Program(
    "tokens",
    __doc__,
    run,
    (
        numeric("--processes", default=Load.processes, help="at any time"),
        numeric("--minutes", default=float(Load.minutes), help="of moved clock"),
        Option(("--store",), {"choices": KINDS, "default": Load.store}),
        numeric("--speed", default=float(Load.speed), help="of that clock"),
    ),
)
