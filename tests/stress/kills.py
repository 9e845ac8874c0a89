"""`kill -9` at many points of a refresh: does the next start work, or say that a sign-in is needed?

A process that asks for a token is killed at a chosen line: before the request, while it is under
way, between its answer and the moment the new pair is in the store, and after. Then the real tap
is started by the same clock. It must work, or end with exit code 3 and one line that asks for a
sign-in, after which it must work.
"""

from __future__ import annotations

import json
import logging
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from exactonline_sandbox import Switches
from tests.stress.databases import KINDS, store
from tests.stress.program import Option, Program, numeric
from tests.stress.stage import TIMEOUT, clean_environment, stage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tests.stress.stage import Ended, Stage

PHASES = ("before the request", "request under way", "answered, not written", "written")
RENEWAL, FIRST = "renewal", "first start"
WORKED, LATER, SIGN_IN, BROKEN = "worked", "worked in ten minutes", "sign-in", "BROKEN"
OUTCOMES = (WORKED, LATER, SIGN_IN, BROKEN)
SIGN_IN_NEEDED, UNAVAILABLE = 3, 7


@dataclass(frozen=True)
class Kill:
    """One kill, and what the next start made of it."""

    scenario: str
    phase: str
    place: str
    time: int
    """How often the line at that place was reached when it struck."""
    outcome: str = ""
    words: str = ""
    """What the next start said, where it did not just work."""


@dataclass(frozen=True)
class Plan:
    """What to try."""

    points: int = 60
    seed: int = 1
    grace: bool = False
    """Whether the server keeps a refresh token alive until its successor is used."""
    store: str = "sqlite"
    scenarios: tuple[str, ...] = (FIRST, RENEWAL)


def kills(plan: Plan) -> list[Kill]:
    """Kill at `points` different lines, shared out among the scenarios and their phases."""
    chance = random.Random(plan.seed)
    switches = Switches(refresh_grace=plan.grace)
    with (
        TemporaryDirectory() as folder,
        store(plan.store, Path(folder)) as url,
        stage(Path(folder), url, seed=plan.seed, switches=switches) as setting,
    ):
        # A caller that is gone in the middle of its request is what this is about, no news.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        done = []
        for scenario, points in zip(plan.scenarios, _shares(plan), strict=True):
            setting.settings["connection"] = "counted"
            setting.sign_in()
            setting.tap()
            _prepare(setting, scenario)
            for kill in _choose(scenario, _lines(setting), points, chance):
                _prepare(setting, scenario)
                done.append(_carry_out(setting, kill))
        return done


def _shares(plan: Plan) -> list[int]:
    """The points of each scenario."""
    many, rest = divmod(plan.points, len(plan.scenarios))
    return [many + (number < rest) for number in range(len(plan.scenarios))]


def _prepare(setting: Stage, scenario: str) -> None:
    """Make a refresh due: of a chain in the store, or of one that starts with a new sign-in."""
    if scenario == FIRST:
        setting.settings["connection"] = f"stress-{len(setting.token_server.handed_out)}"
        setting.sign_in()
    else:
        setting.due()


def _victim(setting: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.stress.victim", setting.clock.dumps(), *arguments],
        input=json.dumps(setting.settings),
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT,
        env=clean_environment(),
    )


def _lines(setting: Stage) -> list[str]:
    """The lines that a refresh runs, in their order."""
    done = _victim(setting)
    if done.returncode:
        raise RuntimeError(f"A refresh that nobody disturbs fails: {done.stderr}")
    return done.stdout.splitlines()


def _choose(scenario: str, lines: Sequence[str], points: int, chance: random.Random) -> list[Kill]:
    """Equally many points of each phase, half of them in this project's own lines."""
    phases = _phases(lines)
    chosen = []
    for number, phase in enumerate(PHASES):
        wanted = points // len(PHASES) + (number < points % len(PHASES))
        events = [event for event, found in enumerate(phases) if found == phase]
        own = [event for event in events if lines[event].startswith("exactonline_client/")]
        first = chance.sample(own, min(wanted // 2, len(own)))
        rest = [event for event in events if event not in first]
        picked = sorted(first + chance.sample(rest, wanted - len(first)))
        chosen += [
            Kill(scenario, phase, lines[event], lines[: event + 1].count(lines[event]))
            for event in picked
        ]
    return chosen


def _phases(lines: Sequence[str]) -> list[str]:
    """The phase of each line."""
    sent = _numbers(lines, "http/client.py", "send")[0]
    answered = _numbers(lines, "http/client.py", "getresponse")[-1]
    commits = _numbers(lines, "engine/default.py", "do_commit")
    ends = (sent, answered + 1, next(commit for commit in commits if commit > answered) + 1)
    return [PHASES[sum(number >= end for end in ends)] for number in range(len(lines))]


def _numbers(lines: Sequence[str], file: str, function: str) -> list[int]:
    """Where a function of a file runs."""
    return [
        number
        for number, line in enumerate(lines)
        if line.startswith(f"{file}:") and line.endswith(f" {function}")
    ]


def _carry_out(setting: Stage, kill: Kill) -> Kill:
    victim = _victim(setting, kill.place, str(kill.time))
    if victim.returncode != -signal.SIGKILL:
        raise RuntimeError(f"It should have been killed at {kill.place}: {victim.stderr}")
    outcome, words = _next_start(setting)
    return replace(kill, outcome=outcome, words=words)


def _next_start(setting: Stage) -> tuple[str, str]:
    """Start the tap as a scheduler would: now, again after ten minutes, and after a sign-in."""
    ended = setting.tap()
    if _works(ended):
        return WORKED, ""
    worked, words = WORKED, ended.last_words
    if ended.code == UNAVAILABLE and _is_one_line(ended):
        setting.due()
        ended, worked = setting.tap(), LATER
    if _works(ended):
        return worked, words
    if ended.code == SIGN_IN_NEEDED and _is_one_line(ended):
        setting.sign_in()
        if _works(setting.tap()):
            return SIGN_IN, ended.last_words
    return BROKEN, f"exit code {ended.code}: {ended.stderr[-2000:]}"


def _works(ended: Ended) -> bool:
    return ended.code == 0 and '"RECORD"' in ended.stdout


def _is_one_line(ended: Ended) -> bool:
    errors = [line for line in ended.stderr.splitlines() if "| ERROR" in line]
    return not ended.crashed and errors == [ended.last_words]


def report(plan: Plan, done: Sequence[Kill]) -> str:
    """What the kills came to, as text."""
    lines = [f"{plan}: killed at {len(done)} points"]
    for scenario in (RENEWAL, FIRST):
        for phase in PHASES:
            found = Counter(
                kill.outcome for kill in done if (kill.scenario, kill.phase) == (scenario, phase)
            )
            counts = ", ".join(f"{found[name]} {name}" for name in OUTCOMES if found[name])
            lines.append(f"  {scenario:12} {phase:22} {counts or 'none'}")
    said = Counter(
        (kill.outcome, kill.words.partition(" | ERROR")[2]) for kill in done if kill.words
    )
    lines += [f"  {number:3} x {outcome}: {words}" for (outcome, words), number in said.items()]
    lines += [
        f"  BROKEN at {kill.place} ({kill.scenario}, time {kill.time}): {kill.words}"
        for kill in done
        if kill.outcome == BROKEN
    ]
    total = Counter(kill.outcome for kill in done)
    lines.append("  " + ", ".join(f"{total[name]} {name}" for name in OUTCOMES))
    return "\n".join(lines)


def run(given: argparse.Namespace) -> list[str]:
    """Print the figures without and with the grace; returns the kills that broke something."""
    wrong = []
    for grace in (False, True):
        plan = Plan(given.points, given.seed, grace, given.store)
        done = kills(plan)
        wrong += [f"{kill.scenario}, {kill.place}" for kill in done if kill.outcome == BROKEN]
        print(report(plan, done), flush=True)
    return wrong


PROGRAM = Program(
    "kills",
    __doc__,
    run,
    (
        numeric("--points", default=Plan.points, help="for each kind of server"),
        Option(("--store",), {"choices": KINDS, "default": Plan.store}),
    ),
)
