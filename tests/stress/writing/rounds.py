"""Small loads in random rounds, each a mix of all that may go wrong: is everything there once?"""

from __future__ import annotations

import json
import random
import signal
import threading
import traceback
from collections import Counter, defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from exactonline_client.store.postings import HELD
from exactonline_sandbox import FaultRule, Switches
from exactonline_sandbox.business.invoices import PROCESSED
from tests.stress import databases
from tests.stress.clock import MovedClock
from tests.stress.forks import Forks
from tests.stress.writing.calls import Calls
from tests.stress.writing.company import STREAM, company, messages
from tests.stress.writing.followups import counted_prints
from tests.stress.writing.matches import MATCH_SETS, OpenItems
from tests.stress.writing.stores import FileStore, ServerStore, beside
from tests.stress.writing.storm import SPEED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.stress.forks import Fork
    from tests.stress.writing.company import Company, Record

INVOICES, UPSERTS, FINALISING, ENTRIES, MATCHING = (
    "invoices", "upserts", "finalising", "journal entries", "match sets",
)  # fmt: skip
KINDS = (INVOICES, UPSERTS, FINALISING, ENTRIES, MATCHING)
JOURNAL_ENTRIES = "general_journal_entries"
STREAMS = {ENTRIES: JOURNAL_ENTRIES, MATCHING: MATCH_SETS}
SETTINGS: dict[str, dict[str, Any]] = {
    UPSERTS: {"load_method": "upsert", "hard_delete": True},
    FINALISING: {"finalize": "print"},
    MATCHING: {"batch_size_rows": 2},
}
ON_A_SERVER = 0.2
"""Of the rounds: as many have their store in PostgreSQL."""
TIMED_OUT = "Execution Timeout Expired. The timeout period elapsed prior to completion."
PAGE = "<html><body>Exact Online is being updated. Please come back later.</body></html>"
FAULTS: dict[str, dict[str, Any]] = {
    "lost": {"kind": "lost"},
    "cut": {"kind": "cut"},
    "late": {"kind": "late", "seconds": 6},
    "500 before": {"kind": "status", "status": 500},
    "503 before": {"kind": "status", "status": 503},
    "500 after": {"kind": "status", "status": 500, "handled": True},
    "503 after": {"kind": "status", "status": 503, "handled": True},
    "time-out named, after": {
        "kind": "status",
        "status": 500,
        "handled": True,
        "message": TIMED_OUT,
    },
    "page before": {"kind": "status", "status": 200, "text": PAGE},
    "page after": {"kind": "status", "status": 200, "text": PAGE, "handled": True},
    "refused": {"kind": "status", "status": 500, "body": True, "method": "POST"},
    "half an answer": {"kind": "malformed"},
}
SHOWN = 300
APART = (-26 * 3600, -7200, -700, 700, 7200, 26 * 3600)
"""Seconds by which a clock is off, where it is."""
CODES = {
    0: "well",
    3: "sign-in",
    5: "some rejected",
    6: "forbidden",
    7: "unavailable",
    8: "store",
    -9: "killed",
}
SIGN_IN, REJECTED, FORBIDDEN, UNAVAILABLE, STORE, KILLED = 3, 5, 6, 7, 8, -9
MOST_SECONDS = 0.3
"""For which a program is paused, or a store is busy or away: less than `settle_after`."""
SETTLE_AFTER = 90
"""Seconds of the sandbox's time: longer than anything is on its way, a pause included."""
MOST_ENDINGS = 8
"""Runs without faults after which everything has to be done."""


@dataclass
class Round:
    """What a round was made of, and what came of it."""

    seed: int
    number: int
    kind: str = ""
    struck: Counter[str] = field(default_factory=Counter)
    """How often each ingredient struck."""
    codes: Counter[int] = field(default_factory=Counter)
    documents: int = 0
    calls: int = 0
    settled: int = 0
    """Documents that a person had to settle."""
    wrong: list[str] = field(default_factory=list)


@dataclass
class Place:
    """What the rounds of one process share."""

    forks: Forks
    postgres: Callable[[], str]
    """Gives the address of the server, which is started when it is first asked for."""
    databases: Iterator[int] = field(default_factory=count)


@contextmanager
def place(forks: Forks) -> Iterator[Place]:
    """A place for rounds; its PostgreSQL is started when one of them wants it."""
    with ExitStack() as stack:
        started: list[str] = []

        def address() -> str:
            if not started:
                folder = stack.enter_context(TemporaryDirectory())
                store = databases.store("postgresql", Path(folder))
                started.append(stack.enter_context(store))
            return started[0]

        yield Place(forks, address)


def rounds(seed: int, numbers: Iterable[int]) -> list[Round]:
    """Play the rounds of these numbers."""
    with Forks() as forks, place(forks) as shared:
        return [play(shared, seed, number) for number in numbers]


def play(place: Place, seed: int, number: int) -> Round:
    """Play one round, which depends on its seed and number alone (and on what runs meet when)."""
    chance = random.Random(f"{seed} {number}")
    found = Round(seed, number, chance.choice(KINDS))
    switches = Switches(error_limit=False)
    books_of = company(
        chance.randrange(10**6),
        customers=3,
        items=4,
        speed=SPEED,
        switches=switches,
        store_key=Fernet.generate_key().decode(),
        settle_after=SETTLE_AFTER,
        **SETTINGS.get(found.kind, {}),
    )
    with books_of as books, counted_prints() as printed:
        try:
            game = _Game(found, chance, place, books)
            game.play()
            found.wrong += game.compare(printed)
        except Exception:  # noqa: BLE001 - the other rounds are worth their figures
            found.wrong.append(f"the round itself failed: {traceback.format_exc()}")
    if found.wrong:
        # Whoever waits for hundreds of rounds wants to know now.
        print(f"round {number}: {found.wrong[0][:SHOWN]}", flush=True)
    return found


@dataclass
class _Game:
    """One round at work."""

    round: Round
    chance: random.Random
    place: Place
    books: Company

    def __post_init__(self) -> None:
        self.calls = self.books.server.world.recorder = Calls()
        self.store = self._make_store()
        self.store.create()
        self.books.settings["store_url"] = self.store.url
        self.items = OpenItems(self.books)
        self.versions = 0
        self.number = self.round.documents = self.chance.randint(4, 10)
        self.runs = count()
        self.beside: list[threading.Thread] = []
        self.accounts = [
            row["ID"]
            for row in self.books.server.control.truth(self.books.division, "gl_accounts")
            if row["BalanceType"] == "W"
        ][:2]
        # Open items are made while no call is under way.
        self.records = {
            number: self.items.record(number)
            for number in range(self.number if self.round.kind == MATCHING else 0)
        }

    def _make_store(self) -> FileStore | ServerStore:
        if self.chance.random() < ON_A_SERVER:
            self.round.struck["PostgreSQL"] += 1
            url = make_url(self.place.postgres())
            return ServerStore(url, f"round_{next(self.place.databases)}")
        return FileStore(self.books.folder / "store" / "store.db")

    @property
    def stream(self) -> str:
        return STREAMS.get(self.round.kind, STREAM)

    def record(self, number: int) -> Record:
        """The present version of a record."""
        if self.round.kind == MATCHING:
            return self.records[number]
        if self.round.kind == ENTRIES:
            return self._entry(number)
        record = self.books.invoice(number)
        if self.round.kind == UPSERTS:
            record["Description"] = f"Version {self.versions}"
            wanted = 1 + (number + self.versions) % 3
            line = record["SalesInvoiceLines"][0]
            record["SalesInvoiceLines"] = [
                {**line, "Quantity": 1 + self.versions + place} for place in range(wanted)
            ]
        return record

    def _entry(self, number: int) -> Record:
        """A journal entry, which Exact cannot search by a reference."""
        reference = self.reference(number)
        lines = [
            {"GLAccount": account, "AmountFC": amount, "Description": reference}
            for account, amount in zip(self.accounts, (number + 1, -number - 1), strict=True)
        ]
        day = f"{self.books.server.world.started:%Y-%m-%d}"
        lines = [{**line, "Date": day} for line in lines]
        return {"reference": reference, "JournalCode": "90", "GeneralJournalEntryLines": lines}

    def reference(self, number: int) -> str:
        return str(self.books.invoice(number)["YourRef"])

    def play(self) -> None:
        """Some storms, and then runs that nothing disturbs, as a user would make them."""
        for _ in range(self.chance.randint(1, 3)):
            self.storm()
            self.versions += 1
        self.calls.clear()
        self.books.server.control.faults()
        # What is still on its way arrives before anybody looks.
        self.books.server.control.clock(advance_seconds=SETTLE_AFTER)
        self.finish()
        self.round.calls = self.books.calls().total()

    def storm(self) -> None:
        """One target or two, and what befalls them."""
        self.calls.clear()
        self.books.server.control.faults(*self._rules())
        programs: list[Fork] = []
        two = self.chance.random() < 0.6
        self.round.struck["two at once"] += two
        for _ in range(1 + two):
            programs.append(self._target(range(self.number), other=bool(programs)))
            self._befall(programs[-1])
        for _ in range(self.chance.choice((0, 1, 1, 3))):
            self._trouble()
        self._end(programs)
        while self.beside:
            # A timer may add what it starts.
            self.beside.pop(0).join()

    def _rules(self) -> list[dict[str, Any]]:
        seconds = self.chance.choice((0, 0.01, 0.03))
        slow = vars(FaultRule("latency", seconds=seconds, method="POST"))
        if self.chance.random() < 0.2:
            return [slow]
        chosen = self.chance.sample(sorted(FAULTS), self.chance.randint(1, 4))
        if {"late", "refused"} <= {*chosen}:
            # Both may strike one call, and what was refused is not carried out later.
            chosen.remove("late")
        self.round.struck.update(chosen)
        share = self.chance.choice((0.03, 0.1, 0.3))
        rules = [vars(FaultRule(**FAULTS[name], probability=share)) for name in chosen]
        return [slow, *rules]

    def _target(self, numbers: range, *, other: bool = False) -> Fork:
        """Start a target; the `other` may have another clock and another name for the store."""
        settings = {**self.books.settings}
        if other and self.chance.random() < 0.4:
            settings["store_url"] = self.store.other_url
            self.round.struck["two names"] += isinstance(self.store, FileStore)
        apart = 0
        if not self.calm and self.chance.random() < 0.3:
            apart = self.chance.choice(APART)
            self.round.struck["clock apart"] += 1
        chosen = [*numbers]
        if other and self.chance.random() < 0.5:
            self.chance.shuffle(chosen)
        text = b"".join(messages(((n, self.record(n)) for n in chosen), 3, self.stream))
        return self._start("target-exactonline", "--config", settings, text=text, apart=apart)

    calm = False
    """Whether nothing goes wrong any more."""

    def _start(
        self,
        program: str,
        *arguments: str | dict[str, Any],
        text: bytes = b"",
        apart: float = 0,
    ) -> Fork:
        """Start a program; settings among its arguments are put into a file."""
        files = self.books.folder / f"run-{next(self.runs)}"
        files.with_suffix(".in").write_bytes(text)
        given = []
        for argument in arguments:
            if isinstance(argument, dict):
                config = files.with_suffix(".json")
                results = {"results_path": f"{files}.results"}
                config.write_text(json.dumps({**argument, **results}), encoding="utf-8")
                given.append(str(config))
            else:
                given.append(argument)
        now = self.books.server.world.clock.now() + timedelta(seconds=apart)
        return self.place.forks.start(MovedClock.read(now, SPEED), program, *given, files=files)

    def _befall(self, fork: Fork) -> None:
        """Perhaps kill a program, or pause it."""
        if self.chance.random() < 0.4:
            self._at_a_call("killed", fork.kill)
        if self.chance.random() < 0.3:
            seconds = self.chance.uniform(0.05, MOST_SECONDS)

            def pause() -> None:
                fork.signal(signal.SIGSTOP)
                go_on = threading.Timer(seconds, fork.signal, (signal.SIGCONT,))
                go_on.daemon = True
                go_on.start()

            self._at_a_call("paused", pause)

    def _trouble(self) -> None:
        """Something happens to the store."""
        disturbances = self.store.disturbances
        name = self.chance.choice(sorted(disturbances))
        seconds = self.chance.uniform(0.05, MOST_SECONDS)
        again = self.chance.randint(1, 5) if name == "locks removed" else 1
        for _ in range(again):
            self._at_a_call(name, lambda: self.beside.append(beside(disturbances[name], seconds)))

    def _at_a_call(self, name: str, do: Callable[[], None]) -> None:
        """Do something at one of the next calls: before it, behind it, or a moment later."""
        delay = self.chance.choice((0, 0, self.chance.uniform(0, 0.03)))

        def strike() -> None:
            self.round.struck[name] += 1
            if delay:
                timer = threading.Timer(delay, do)
                self.beside.append(timer)
                timer.start()
            else:
                do()

        after = self.chance.random() < 0.5
        self.calls.at(self.chance.randint(1, 2 * self.number), strike, after=after)

    def _end(self, programs: list[Fork]) -> list[int]:
        """Wait for programs, and judge how they ended."""
        codes = [fork.wait() for fork in programs]
        killed = bool(self.round.struck["killed"])
        for fork, code in zip(programs, codes, strict=True):
            self.round.codes[code] += 1
            said = fork.files.with_suffix(".said").read_text(encoding="utf-8", errors="replace")
            if "Traceback" in said:
                self.round.wrong.append(f"a traceback: {said[-1500:]}")
            right = {0, REJECTED}
            if not self.calm:
                right |= {UNAVAILABLE, STORE, *([KILLED] * killed)}
                # Two runs without a lock may remove one line of an invoice: the second is refused.
                right |= {FORBIDDEN} if self.round.kind == UPSERTS else set()
            if killed:
                right.add(SIGN_IN)
            if code not in right:
                self.round.wrong.append(f"exit code {code}: {said.strip()[-500:]}")
        if SIGN_IN in codes:
            # The only copy of a token may have died with a program that was killed.
            self.books.sign_in()
        return codes

    def finish(self) -> None:
        """Load and replay until all is well, and settle what only a person can."""
        self.calm = True
        for _ in range(MOST_ENDINGS):
            (code,) = self._end([self._target(range(self.number))])
            self._settle()
            replay = self._start("exactonline", "replay", "--config", self.books.settings)
            (again,) = self._end([replay])
            if code == again == 0:
                return
        self.round.wrong.append("it does not come to an end")

    def _settle(self) -> None:
        """Do what a person does who has looked at Exact.

        That is: say of entries in doubt whether they are there, and have the invoices finalised
        that were held back for somebody to look at.
        """
        if self.round.kind == ENTRIES:
            there = self._entries()
            for result in self._results("--outcome", "in_doubt", "--outcome", "posting"):
                reference = result["reference"]
                keys = there.get(reference, [])
                found = ("--created", keys[0]) if keys else ("--not-created",)
                self._by_hand("results", "settle", self.stream, reference, *found, *self._where)
        if self.round.kind == FINALISING:
            for result in self._results():
                if result["finalized"] == HELD:
                    settings = ("--config", self.books.settings)
                    self._by_hand("replay", "--reference", result["reference"], *settings)

    @property
    def _where(self) -> tuple[str, str]:
        return "--store-url", str(self.books.settings["store_url"])

    def _results(self, *options: str) -> list[Record]:
        """What the store says of documents."""
        listing = self._start("exactonline", "results", "--json", *self._where, *options)
        self._end([listing])
        lines = listing.files.with_suffix(".out").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def _by_hand(self, *command: str | Record) -> None:
        self._end([self._start("exactonline", *command)])
        self.round.settled += 1

    def _entries(self) -> dict[str, list[str]]:
        """The keys of the journal entries that are there, by the reference on their lines."""
        found = defaultdict(set)
        truth = self.books.server.control.truth
        for row in truth(self.books.division, "general_journal_entry_lines"):
            found[row["Description"]].add(row["EntryID"])
        return {reference: sorted(keys) for reference, keys in found.items()}

    def compare(self, printed: Counter[str]) -> list[str]:
        """What is not there exactly once, in words."""
        if self.round.kind == MATCHING:
            return self._compare_matches()
        if self.round.kind == ENTRIES:
            entries = self._entries()
            times = {n: len(entries.get(self.reference(n), ())) for n in range(self.number)}
            return [self._times(n, found) for n, found in times.items() if found != 1]
        return self._compare_invoices(printed)

    def _times(self, number: int, times: int) -> str:
        return f"{self.reference(number)} is there {times} times"

    def _compare_matches(self) -> list[str]:
        return [
            f"{record['reference']} is matched {times} times"
            for record in self.records.values()
            for times in (self.items.times_matched(record),)
            if times != 1
        ]

    def _compare_invoices(self, printed: Counter[str]) -> list[str]:
        truth, division = self.books.server.control.truth, self.books.division
        invoices, lines = defaultdict(list), defaultdict(list)
        for row in truth(division, "sales_invoices"):
            invoices[row["YourRef"]].append(row)
        for row in truth(division, "sales_invoice_lines"):
            lines[row["InvoiceID"]].append((row["LineNumber"], row["Quantity"], row["NetPrice"]))
        wrong = []
        for number in range(self.number):
            record, found = self.record(number), invoices[self.reference(number)]
            if len(found) != 1:
                wrong.append(self._times(number, len(found)))
                continue
            (invoice,) = found
            key = invoice["InvoiceID"]
            there = [row[1:] for row in sorted(lines[key])]
            wanted = [(row["Quantity"], row["NetPrice"]) for row in record["SalesInvoiceLines"]]
            if (invoice["Description"], there) != (record["Description"], wanted):
                wrong.append(f"{record['YourRef']} has lines {there}, not {wanted}")
            done = (invoice["Status"], printed[key])
            if self.round.kind == FINALISING and done != (PROCESSED, 1):
                wrong.append(f"{record['YourRef']} has status {done[0]}, printed {done[1]} times")
        return wrong
