"""Runs of the target while answers are lost and calls fail, many of them killed on the way."""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.config import FaultRule
from tests.stress.reading.kills import Watch
from tests.stress.writing.company import STREAM, TIMEOUT, messages, states

if TYPE_CHECKING:
    import random
    import subprocess
    from collections.abc import Callable

    from tests.stress.writing.company import Company, Record

SHARE = 0.05
"""Of all calls: as many answers are lost, as many calls are cut, as many fail."""
RULES = (
    FaultRule("lost", SHARE),
    FaultRule("cut", SHARE),
    FaultRule("status", SHARE / 2, status=500),
    FaultRule("status", SHARE / 2, status=503),
)
SPEED = 60.0
"""Waiting a minute for a lost document takes a second."""
CODES = {0: "well", 3: "sign-in", 5: "some rejected", 7: "unavailable", -9: "killed"}
"""How a run may end here; all else is wrong."""
MOST_REPLAYS = 20
MOST_RUNS = 50
"""Besides those that are to be killed."""
MOST_RUNS_A_KILL = 5
FEWEST = 3
"""Records that no run brought before, in each that is to be killed."""
LOST = 0.2
"""Of the runs that are to be killed: as many begin at an earlier state."""
SOON = 0.05
"""Seconds between a call and a kill behind it."""
KILLED, SIGN_IN = -9, 3


@dataclass
class Storm:
    """What one company's target goes through."""

    books: Company
    chance: random.Random
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the target, besides those of the company."""
    stream: str = STREAM
    state_every: int = 50
    runs: Counter[int] = field(default_factory=Counter)
    """By exit code."""
    replays: int = 0
    wrong: list[str] = field(default_factory=list)
    _watch: Watch = field(default_factory=Watch)

    @property
    def kills(self) -> int:
        """How often the target was killed."""
        return self.runs[KILLED]

    def begin(self, *more: FaultRule) -> None:
        """Let calls go wrong from now on."""
        self.books.server.world.recorder = self._watch
        self.books.server.control.faults(*(vars(rule) for rule in (*RULES, *more)))

    def end(self) -> Counter[str]:
        """Let all go well again; returns the calls by method."""
        self.books.server.control.faults()
        return self.books.calls()

    def load(self, record: Callable[[int], Record], records: int, kills: int) -> int:
        """Feed records until they are all through, as a tap does: again from the last state.

        Each run that is to be killed brings records that were never sent, so that there are calls
        to be killed at. Now and then a state is lost before it, and records come again.

        Args:
            record: makes the record of a number.
            records: how many there are at least; more are added while kills are left.
            kills: how often the target is killed at least.

        Returns:
            How many records there were in the end.
        """
        position = brought = 0
        most = self.runs.total() + MOST_RUNS + MOST_RUNS_A_KILL * kills
        while self.kills < kills or position < records:
            if self.runs.total() >= most:
                self.wrong.append(
                    f"{self.runs.total()} runs, and {position} of {records} records are through "
                    f"and {self.kills} of {kills} kills have struck: {self._said()}"
                )
                break
            left = kills - self.kills
            if left > 0:
                fresh = max(math.ceil((records - brought) / (left + 1)), FEWEST)
                until = brought + fresh
                begin = (
                    self.chance.randint(0, position) if self.chance.random() < LOST else position
                )
            else:
                fresh, until, begin = 0, max(records, brought), position
            records, brought = max(records, until), until
            numbered = ((number, record(number)) for number in range(begin, until))
            text = b"".join(messages(numbered, self.state_every, self.stream))
            code, position = self._run(text, position, fresh)
            self.runs[code] += 1
            if code == SIGN_IN:
                # Killed between the server's answer and its writing down, the only copy of a
                # token is lost: somebody has to sign in again.
                self.books.sign_in()
            if code not in CODES:
                self.wrong.append(f"exit code {code}: {self._said()}")
                break
        return records

    def _said(self) -> str:
        return (self.books.folder / "said.txt").read_text(encoding="utf-8")[-1000:]

    def _run(self, text: bytes, position: int, fresh: int) -> tuple[int, int]:
        """One run; returns its exit code and how far its states came.

        It is killed at one of the calls that it has to make for `fresh` records, if there are any.
        """
        process, _ = self.books.target(**self.settings)
        if fresh:
            self._watch.at(self.chance.randint(1, fresh), self._killer(process))
        output, _ = process.communicate(text, timeout=TIMEOUT)
        self._watch.at(0, lambda: None)
        return process.returncode, max([position, *states(output)])

    def _killer(self, process: subprocess.Popen[bytes]) -> Callable[[], None]:
        """Kills just before Exact carries out a call, which it does all the same; or soon after."""
        if self.chance.random() < 0.5:
            return process.kill
        timer = threading.Timer(self.chance.uniform(0, SOON), process.kill)
        timer.daemon = True
        return timer.start

    def replay(self) -> None:
        """Send what was rejected once more, until nothing is left."""
        for _ in range(MOST_REPLAYS):
            process, said = self.books.program("exactonline", "replay", **self.settings)
            process.communicate(timeout=TIMEOUT)
            self.replays += 1
            if process.returncode == 0:
                return
            if process.returncode == SIGN_IN:
                self.books.sign_in()
        self.wrong.append(f"replay: {said.read_text(encoding='utf-8')[-1000:]}")
