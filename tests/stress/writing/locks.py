"""Two loads of the same invoices at once that lose the lock between them: is each there once?"""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from exactonline_sandbox import FaultRule, Switches
from tests.stress import databases
from tests.stress.clock import MovedClock
from tests.stress.forks import Forks
from tests.stress.writing.calls import Calls
from tests.stress.writing.company import STREAM, company, messages
from tests.stress.writing.stores import FileStore, ServerStore
from tests.stress.writing.storm import SPEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.stress.forks import Fork
    from tests.stress.writing.company import Company

FILES_REMOVED, SESSIONS_ENDED, SERVER_RESTARTED, SECOND_NAME = (
    "lock files removed", "sessions ended", "server restarted", "two names",
)  # fmt: skip
WAYS = (FILES_REMOVED, SESSIONS_ENDED, SERVER_RESTARTED, SECOND_NAME)
INVOICES = 20
SECONDS_A_POST = 0.02
"""For which the sandbox thinks about it: so long both may be sending."""
STRIKES = 4
"""In a round."""
DELIVERED = {"created", "exists", "unchanged"}
"""What a load may say of an invoice that is there."""


@dataclass
class Round:
    """How one round ended."""

    number: int
    way: str
    struck: int = 0
    invoices: int = INVOICES
    shared: int = 0
    """1 where both loads have created some of the invoices: they were at work at once."""
    missing: int = 0
    doubled: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def rounds(seed: int, numbers: Iterable[int]) -> list[Round]:
    """Play the rounds of these numbers; each way of losing a lock comes in its turn."""
    with Forks() as forks, databases.server() as server:
        return [_play(forks, server, seed, number) for number in numbers]


def _play(forks: Forks, server: databases.Server, seed: int, number: int) -> Round:
    chance = random.Random(f"{seed} {number}")
    found = Round(number, WAYS[number % len(WAYS)])
    with (
        company(
            chance.randrange(10**6),
            customers=3,
            items=4,
            speed=SPEED,
            switches=Switches(error_limit=False),
            store_key=Fernet.generate_key().decode(),
            new_store=True,
        ) as books,
        ExitStack() as stack,
    ):
        calls = books.server.world.recorder = Calls()
        rule = FaultRule("latency", seconds=SECONDS_A_POST, method="POST")
        books.server.control.faults(vars(rule))
        store, strike = _store(found.way, books, server, chance, number)
        store.create()
        loads = [
            _start(forks, books, f"load-{place}", url)
            for place, url in enumerate((store.url, store.other_url))
        ]
        if strike:
            beside = _Beside(found, strike)
            stack.callback(beside.join)
            for call in chance.sample(range(1, 2 * INVOICES), STRIKES):
                calls.at(call, beside.start, after=chance.random() < 0.5)
        found.codes = Counter(load.wait() for load in loads)
        _compare(found, books, loads)
    return found


def _store(
    way: str, books: Company, server: databases.Server, chance: random.Random, number: int
) -> tuple[FileStore | ServerStore, Callable[[], None] | None]:
    """The store of a round, and what takes its locks away."""
    if way in {FILES_REMOVED, SECOND_NAME}:
        file = FileStore(books.folder / "store" / "store.db")
        remove = partial(file.disturbances["locks removed"], 0)
        return file, remove if way == FILES_REMOVED else None
    database = ServerStore(make_url(server.url), f"locks_{number}")
    end = partial(database.disturbances["sessions ended"], 0)
    restart = partial(server.restart, chance.choice(("fast", "immediate")))
    return database, end if way == SESSIONS_ENDED else restart


class _Beside:
    """What strikes while the sandbox answers, once at a time."""

    def __init__(self, found: Round, strike: Callable[[], None]) -> None:
        self._found, self._strike = found, strike
        self._one = threading.Lock()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        self._threads.append(threading.Thread(target=self._run))
        self._threads[-1].start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with self._one:
            self._strike()
            self._found.struck += 1


def _start(forks: Forks, books: Company, name: str, store_url: str) -> Fork:
    files = books.folder / name
    numbered = ((number, books.invoice(number)) for number in range(INVOICES))
    files.with_suffix(".in").write_bytes(b"".join(messages(numbered, 3)))
    config = files.with_suffix(".json")
    settings = {"store_url": store_url, "results_path": f"{files}.results"}
    config.write_text(json.dumps({**books.settings, **settings}), encoding="utf-8")
    now = MovedClock.read(books.server.world.clock.now(), SPEED)
    return forks.start(now, "target-exactonline", "--config", str(config), files=files)


def _compare(found: Round, books: Company, loads: list[Fork]) -> None:
    """Every invoice is there once, both loads ended well, and both say so of each invoice."""
    truth = books.server.control.truth(books.division, STREAM)
    there = Counter(row["YourRef"] for row in truth)
    references = [str(books.invoice(number)["YourRef"]) for number in range(INVOICES)]
    found.missing = sum(there[reference] == 0 for reference in references)
    found.doubled = sum(max(there[reference] - 1, 0) for reference in references)
    if found.missing or found.doubled:
        found.wrong.append(f"{found.missing} missing, {found.doubled} doubled")
    if set(found.codes) != {0}:
        found.wrong += [f"exit codes {dict(found.codes)}: {said}" for said in _said(loads)]
    outcomes = [{row["reference"]: row["outcome"] for row in _results(load)} for load in loads]
    found.shared = int(all("created" in each.values() for each in outcomes))
    found.wrong += [
        f"{reference} ended as {each.get(reference)}"
        for each in outcomes
        for reference in references
        if each.get(reference) not in DELIVERED
    ]


def _said(loads: list[Fork]) -> list[str]:
    files = (load.files.with_suffix(".said") for load in loads)
    return [file.read_text(encoding="utf-8", errors="replace").strip()[-600:] for file in files]


def _results(load: Fork) -> Iterator[dict[str, str]]:
    lines = load.files.with_suffix(".results").read_text(encoding="utf-8").splitlines()
    return map(json.loads, lines)
