"""Random rounds of runs that go wrong: is the warehouse equal to Exact once all goes well again?"""

from __future__ import annotations

import fcntl
import json
import os
import random
import re
import signal
import time
import traceback
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from exactonline_client import catalogue
from exactonline_sandbox import FaultRule, SandboxConfig, Switches
from exactonline_sandbox.web import app
from tests.stress.forks import Forks
from tests.stress.reading.books import NO_LIMIT, Books, books, catalog
from tests.stress.reading.kills import STREAMS
from tests.stress.reading.warehouse import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from exactonline_sandbox.odata.answer import Answer
    from tests.stress.forks import Fork

SPEED = 60.0
HOUR = 3600
DAY = 24 * HOUR
MOST_STREAMS = 6
ENDINGS = 6
"""Ordinary runs after the faults, over an hour apart, within which all has to be well."""
CODES = {0: "well", 1: "failed", 3: "sign-in", 5: "incomplete", 6: "forbidden", 7: "unavailable"}
CODES |= {-9: "killed", 130: "interrupted", 143: "terminated"}
SIGN_IN, KILLED = 3, -9
SMALL_PIPE = 4096
SHOWN = 300


PAGE = "<html><body>Exact Online is being updated. Please come back later.</body></html>"
FAULTS: dict[str, dict[str, Any]] = {
    "401": {"kind": "unauthorized"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
    "cut": {"kind": "cut"},
    "lost": {"kind": "lost"},
    "half an answer": {"kind": "malformed"},
    "page": {"kind": "status", "status": 200, "text": PAGE},
    "page with 503": {"kind": "status", "status": 503, "text": PAGE},
    "null": {"kind": "status", "status": 200, "text": "null"},
    "empty": {"kind": "status", "status": 200, "text": " "},
    "no rows in it": {"kind": "status", "status": 200, "text": '{"d": {"results": 5}}'},
}
COLUMN_NAMED = "400 that names a column"
REFUSALS = ("400", "403", "404", COLUMN_NAMED)
WORDINGS = (
    "Could not find a property named '{column}' on type 'Exact.Web.Api.Models.{name}'.",
    "The column '{column}' is locked. Please try again.",
    "Conversion failed for the property {column}.",
)
BAD_VALUES = {
    r'"(Description|Notes|YourRef|Name)":"[^"]*"': r'"\1":"half \\ud83d"',
    r'"(AmountDC|AmountFC|Quantity)":[^,}]+': r'"\1":1e400',
    r'"(DueDate|OrderDate|EndDate|PaymentDate)":"/Date\([^"]*"': r'"\1":"/Date(999999999999999)/"',
    r'"(Status|Type|StatusDescription)":[^,}]+': r'"\1":99999999999999999999',
}
"""Columns of rows, and what stands in them once."""
BENT = {name for pattern in BAD_VALUES for name in re.findall(r"\w{4,}", pattern.split(")")[0])}


@dataclass
class Round:
    """What a round was made of, and what came of it."""

    seed: int
    number: int
    struck: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    runs: int = 0
    endings: int = 0
    """Ordinary runs that it took in the end."""
    calls: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)


def storms(seed: int, numbers: Iterable[int]) -> list[Round]:
    """Play the rounds of these numbers."""
    with Forks() as forks:
        return [play(forks, seed, number) for number in numbers]


def play(forks: Forks, seed: int, number: int) -> Round:
    """Play one round, which depends on its seed and number alone (and on what a stop meets)."""
    chance, found = random.Random(f"{seed} {number}"), Round(seed, number)
    config = SandboxConfig(
        seed=chance.randrange(10**6),
        invoices=chance.choice((10, 40)),
        divisions=chance.choice((1, 1, 2)),
        speed=SPEED,
        minutely_limit=NO_LIMIT,
        daily_limit=NO_LIMIT,
        switches=Switches(error_limit=False),
    )
    streams = sorted(chance.sample(STREAMS, chance.randint(2, MOST_STREAMS)))
    settings = {"use_sync_api": chance.random() < 0.6}
    with (
        TemporaryDirectory() as folder,
        books(config, streams, **settings) as company,
        _bad_values(chance) as bad_values,
    ):
        try:
            _Game(found, chance, forks, company, Path(folder), bad_values).play()
        except Exception:  # noqa: BLE001 - the other rounds are worth their figures
            found.wrong.append(f"the round itself failed: {traceback.format_exc()}")
    if found.wrong:
        # Whoever waits for hundreds of rounds wants to know now.
        print(f"round {number}: {found.wrong[0][:SHOWN]}", flush=True)
    return found


@contextmanager
def _bad_values(chance: random.Random) -> Iterator[Counter[str]]:
    """So many of the answers to come, by what is bent in them, have a bad value in a row."""
    left: Counter[str] = Counter()
    sound = app._response

    def bent(answer: Answer) -> Any:
        for pattern in +left:
            text = answer.body.decode("utf-8", "replace")
            found = [*re.finditer(pattern, text)]
            if found and '"results"' in text:
                one = chance.choice(found)
                text = text[: one.start()] + one.expand(BAD_VALUES[pattern]) + text[one.end() :]
                answer = replace(answer, body=text.encode())
                left[pattern] -= 1
                left["struck"] -= 1
        return sound(answer)

    with patch.object(app, "_response", bent):
        yield left


@dataclass
class _Game:
    """One round at work."""

    round: Round
    chance: random.Random
    forks: Forks
    company: Books
    folder: Path
    bad_values: Counter[str]
    bent: bool = False
    killed: bool = False
    days: set[tuple[int, str]] = field(default_factory=set)
    """Divisions that were moved, and on which days."""
    hidden: bool = False
    """Whether a division was moved twice on one day, which Exact does not show."""

    def play(self) -> None:
        """Runs that go wrong, between changes, and then ordinary ones."""
        control = self.company.server.control
        self.company.calls  # noqa: B018 - counted from here on
        if self.chance.random() < 0.5:
            self._run()
        for _ in range(self.chance.randint(1, 4)):
            self._business()
            control.faults(*self._rules())
            self._bend_values()
            how = self.chance.choice((self._run, self._run, self._run_slowly))
            how()
            self.bad_values.clear()
            control.faults()
            if self.chance.random() < 0.3:
                self._run()
        self._business()
        self._finish()
        self.round.calls = self.company.calls

    def _business(self) -> None:
        control = self.company.server.control
        for division in self.company.server.divisions:
            control.changes(
                division,
                seed=self.chance.randrange(10**9),
                new=self.chance.randrange(8),
                changed=self.chance.randrange(8),
                deleted=self.chance.randrange(6),
            )
            if self.chance.random() < 0.1:
                day = (division, control.move_division(division)["moved"])
                self.hidden |= day in self.days
                self.days.add(day)
                self.round.struck["moved"] += 1
        self.company.wait(self.chance.choice((10, 600, 4000, 100_000)) * self.chance.random())

    def _rules(self) -> list[dict[str, Any]]:
        """Faults that pass: each strikes a few of the calls to come."""
        rules = []
        chosen = self.chance.sample([*FAULTS], self.chance.randint(0, 3))
        if self.chance.random() < 0.5:
            chosen.append(self.chance.choice(REFUSALS))
        for name in chosen:
            rule = self._refusal(name) if name in REFUSALS else FAULTS[name]
            self.round.struck[name] += 1
            # A refusal that comes twice is not a stray one.
            times = 1 if name in REFUSALS else self.chance.choice((1, 1, 1, 2, 4))
            share = self.chance.choice((0.1, 0.3, 1))
            rules.append(vars(FaultRule(**rule, method="GET", times=times, probability=share)))
        return rules

    def _refusal(self, name: str) -> dict[str, Any]:
        """A refusal, which may name a column of one of the streams."""
        if name != COLUMN_NAMED:
            return {"kind": "status", "status": int(name), "body": True}
        facts = catalogue.load()
        stream = facts.streams[self.chance.choice([*self.company.streams])]
        endpoint = facts.endpoints[self.chance.choice([e for e in _endpoints(stream) if e])]
        column = self.chance.choice(sorted(endpoint.columns))
        words = self.chance.choice(WORDINGS).format(column=column, name=endpoint.name)
        return {"kind": "status", "status": 400, "message": words, "path": endpoint.id}

    def _bend_values(self) -> None:
        if self.chance.random() < 0.3:
            self.bad_values[self.chance.choice([*BAD_VALUES])] = self.chance.randint(1, 2)
            self.round.struck["bad value"] += 1
            self.bent = True

    def _start(self) -> Fork:
        files = self.folder / f"run-{self.round.runs}"
        files.with_suffix(".in").touch()
        given = []
        for name, content in {
            "config": self.company.settings,
            "catalog": catalog(tuple(self.company.streams)),
            "state": self.company.warehouse.state,
        }.items():
            if content is not None:
                path = self.folder / f"{name}.json"
                path.write_text(json.dumps(content), encoding="utf-8")
                given += [f"--{name}", str(path)]
        self.round.runs += 1
        return self.forks.start(self.company.clock, "tap-exactonline", *given, files=files)

    def _run(self) -> int:
        """One run to its end."""
        fork = self._start()
        code = fork.wait()
        self._take(fork.files.with_suffix(".out").read_bytes(), code)
        return self._judge(fork, code)

    def _run_slowly(self) -> int:
        """One run whose output is read slowly, and which is stopped or killed meanwhile."""
        number = self.chance.choice((signal.SIGTERM, signal.SIGINT, signal.SIGKILL))
        self.round.struck[f"stopped by {number.name}"] += 1
        self.killed |= number == signal.SIGKILL
        pipe = (self.folder / f"run-{self.round.runs}").with_suffix(".out")
        os.mkfifo(pipe)
        fork = self._start()
        with pipe.open("rb", buffering=0) as output:
            fcntl.fcntl(output, fcntl.F_SETPIPE_SZ, SMALL_PIPE)
            text = self._read_slowly(output, lambda: fork.signal(number))
        code = fork.wait()
        if code == KILLED:
            # The target dies with it: what was sent last may be lost on the way.
            text = text[: len(text) - self.chance.choice((0, self.chance.randint(0, len(text))))]
        self._take(text, code)
        return self._judge(fork, code, stopped=True)

    def _read_slowly(self, output: Any, stop: Callable[[], None]) -> bytes:
        """Read all of it, `stop` on the way, and let the pipe be full for a while before that."""
        until = round(10 ** self.chance.uniform(2, 5.5))
        text = b""
        while piece := output.read(self.chance.choice((1000, 4096, 20_000))):
            text += piece
            if len(text) >= until:
                until = 1 << 60
                time.sleep(self.chance.choice((0, 0.05, 0.2)))
                stop()
                time.sleep(self.chance.choice((0, 0.05, 0.2)))
        return text

    def _take(self, text: bytes, code: int) -> None:
        """Feed the warehouse as a target does: line by line, up to one that is none."""
        *lines, rest = text.split(b"\n")
        for line in lines:
            if not _is_message(line):
                self.round.wrong.append(f"something behind a line that was cut: {line[-300:]!r}")
                return
            self.company.warehouse.apply(line)
        if rest and code != KILLED:
            self.round.wrong.append(f"half a line at the end, code {code}: {rest[-200:]!r}")

    def _judge(self, fork: Fork, code: int, *, stopped: bool = False) -> int:
        """Look at how a run ended; one that was `stopped` in good order has code 0 as well."""
        self.round.codes[code] += 1
        said = fork.files.with_suffix(".said").read_text(encoding="utf-8", errors="replace")
        if "Traceback" in said:
            self.round.wrong.append(f"a traceback: {said[-1500:]}")
        if code not in CODES or (code == SIGN_IN and not self.killed):
            self.round.wrong.append(f"exit code {code}: {said.strip()[-500:]}")
        if code == 0 and not stopped and not self.hidden and (lacking := self._lacking()):
            self.round.wrong.append(f"code 0, but: {'; '.join(lacking[:3])} ({len(lacking)})")
        if code == SIGN_IN:
            # The only copy of a token may have died with a program that was killed.
            settings = self.company.settings
            settings["refresh_token"] = self.company.server.control.sign_in()["refresh_token"]
            self.company.wait(600)
        return code

    def _lacking(self) -> list[str]:
        """What differs from Exact; not what a bad value stood in once."""
        comparison = self.company.compare(joined=False)
        self.round.rows = comparison.rows
        return [
            line
            for line in comparison.wrong
            if not (self.bent and any(f".{name} is " in line for name in BENT))
        ]

    def _finish(self) -> None:
        """Ordinary runs, until the warehouse is equal to Exact."""
        said, code = [""], 0
        if self.hidden:
            # What was read on the day of a move is read again once the day is over.
            self.company.wait(DAY + HOUR)
            self.hidden = False
        for self.round.endings in range(1, ENDINGS + 1):
            self.company.wait(1.1 * HOUR)
            code = self._run()
            said = [*self._lacking(), *self._incomplete()]
            if code == 0 and not said:
                return
        self.round.wrong.append(f"in the end, code {code}: {'; '.join(said[:3])} ({len(said)})")

    def _incomplete(self) -> list[str]:
        """Rows that lack a column which others of their stream have."""
        wrong = []
        for stream in self.company.streams:
            rows = self.company.warehouse.living(stream)
            columns = {name for row in rows for name in row} - {DELETED_AT}
            lacking: Counter[str] = Counter()
            for row in rows:
                for name in columns - row.keys():
                    lacking[name] += 1
            wrong += [f"{n} rows of {stream} lack {name}" for name, n in lacking.items()]
        return wrong


def _is_message(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _endpoints(stream: Any) -> tuple[str | None, ...]:
    return stream.plain, stream.bulk, stream.sync
