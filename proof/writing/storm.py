"""Runs of the target while answers are lost and calls fail, many of them killed on the way."""

from __future__ import annotations

import math
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exactonline_sandbox.config import FaultRule
from proof.reading.kills import Watch
from proof.writing.company import STREAM, TIMEOUT, messages, states

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from proof.writing.company import Company, Record

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

    def load(self, record: Callable[[int], Record], records: int, kills: int, more: int = 0) -> int:
        """Feed records until they are all through, as a tap does: again from the last state.

        Args:
            record: makes the record of a number.
            records: how many there are.
            kills: how often the target is killed at least.
            more: as many records are added when all are through and kills are left; where 0, a
                state is lost instead, and records come again.

        Returns:
            How many records there were in the end.
        """
        position = 0
        while self.kills < kills or position < records:
            if position >= records:
                position, records = (
                    (position, records + more)
                    if more
                    else (self.chance.randrange(records), records)
                )
            numbered = ((number, record(number)) for number in range(position, records))
            text = b"".join(messages(numbered, self.state_every, self.stream))
            code, position = self._run(text, position, kill=self.kills < kills)
            self.runs[code] += 1
            if code == SIGN_IN:
                # Killed between the server's answer and its writing down, the only copy of a
                # token is lost: somebody has to sign in again.
                self.books.sign_in()
            if code not in CODES:
                said = (self.books.folder / "said.txt").read_text(encoding="utf-8")
                self.wrong.append(f"exit code {code}: {said[-1000:]}")
                break
        return records

    def _run(self, text: bytes, position: int, *, kill: bool) -> tuple[int, int]:
        """One run; returns its exit code and how far its states came."""
        process, _ = self.books.target(**self.settings)
        timer = threading.Timer(math.inf, process.kill)
        if kill and self.chance.random() < 0.5:  # noqa: PLR2004 - as often as not
            # Just before Exact carries out a call: it does so all the same, for nobody.
            self._watch.at(round(math.pow(20, self.chance.random())), process.kill)
        elif kill:
            timer = threading.Timer(self.chance.uniform(0.7, 1.3), process.kill)
            timer.start()
        output, _ = process.communicate(text, timeout=TIMEOUT)
        timer.cancel()
        self._watch.at(0, lambda: None)
        return process.returncode, max([position, *states(output)])

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
