"""Does the tap read everything, and miss nothing? Compared with the sandbox's own rows."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from tests.stress.program import ONLY, PROCESSES, Program, hide_warnings, in_processes, numeric
from tests.stress.reading.entries import LINES_EACH, entries
from tests.stress.reading.kills import lives
from tests.stress.reading.quota import quota
from tests.stress.reading.rounds import CASES, KINDS, rounds
from tests.stress.reading.storms import CODES, storms

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from tests.stress.reading.rounds import Case, Figures

MOST_MORE = 0.02
"""Calls that ends of the day may cost, as a share of a load without any."""
PAGE = 60


def run_rounds(given: argparse.Namespace) -> list[str]:
    """Print a line for each way of reading; returns what is wrong."""
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), hide_warnings) as pool:
        found = list(pool.map(partial(_rounds, given.seed, given.rounds), CASES))
    changes = ("created", "updated", "deleted")
    _print(
        ["sync", "divisions", "keys", "loads", "calls", "records", *changes, "compared", "left",
         "wrong"],
        (
            [
                _yes(one.case.use_sync_api),
                one.case.divisions,
                _yes(one.case.compare_keys),
                one.loads,
                one.calls,
                one.records,
                *(one.changes[change] for change in changes),
                one.compared,
                sum(one.left.values()),
                len(one.wrong),
            ]
            for one in found
        ),
    )  # fmt: skip
    spans = sum((one.spans for one in found), Counter[str]())
    print("spans between runs:", ", ".join(f"{spans[kind]} x {kind}" for kind in KINDS))
    left = +sum((one.left for one in found), Counter[str]())
    if left:
        print("left, since Exact logs no such deletes:", dict(left))
    return [f"{one.case}: {line}" for one in found for line in one.wrong]


def _rounds(seed: int, number: int, case: Case) -> Figures:
    return rounds(case, seed, number)


def run_quota(given: argparse.Namespace) -> list[str]:
    """Print what ends of the day cost; returns what is wrong."""
    hide_warnings()
    found = quota(given.seed)
    days = " + ".join(map(str, found.days))
    _print(
        ["load", "ended early", "calls", "more", "records", "rows"],
        [
            ["without a limit", 0, found.unlimited_calls, "", found.unlimited_records, found.rows],
            [
                "with a limit",
                found.stopped,
                f"{days} = {sum(found.days)}",
                f"{found.more:.2%}",
                found.records,
                found.rows,
            ],
        ],
    )
    wrong = list(found.wrong)
    if found.stopped != len(found.days) - 1:
        wrong.append(f"the day ended {found.stopped} loads, not {len(found.days) - 1}")
    if found.more > MOST_MORE:
        wrong.append(f"{found.more:.2%} more calls; at most {MOST_MORE:.0%} are right")
    return wrong


def run_entries(given: argparse.Namespace) -> list[str]:
    """Print what a load of entries costs; returns what is wrong."""
    hide_warnings()
    found = entries(given.seed, given.entries)
    _print(
        ["$expand", "calls", "records", "rows", "wrong"],
        ([_yes(one.expand), one.calls, one.records, one.rows, len(one.wrong)] for one in found),
    )
    wrong = [line for one in found for line in one.wrong]
    most = given.entries / PAGE * 1.1
    if found[0].calls > most:
        wrong.append(f"{found[0].calls} calls with $expand; at most {most:.0f} are right")
    minimum = given.entries * (1 + LINES_EACH)
    wrong += [f"only {one.rows} rows were made" for one in found if one.rows < minimum]
    return wrong


def run_kills(given: argparse.Namespace) -> list[str]:
    """Print what each warehouse went through; returns what is wrong."""
    hide_warnings()
    found = lives(given.seed, given.kills)
    _print(
        ["sync", "divisions", "keys", "lines alone", "at calls", "at messages", "survived",
         "records", "rows", "left", "wrong"],
        (
            [
                _yes(one.use_sync_api),
                one.divisions,
                _yes(one.compare_keys),
                _yes(one.lines_alone),
                one.at_calls,
                one.at_messages,
                one.survived,
                one.records,
                one.rows,
                one.left,
                len(one.wrong),
            ]
            for one in found
        ),
    )  # fmt: skip
    killed = sum(one.kills for one in found)
    print(f"killed {killed} times")
    wrong = [line for one in found for line in one.wrong]
    return wrong if killed >= given.kills else [*wrong, f"killed {killed} times only"]


def run_storms(given: argparse.Namespace) -> list[str]:
    """Print how often each ingredient struck; returns what is wrong, with the number to repeat."""
    found = in_processes(storms, given.seed, given.storms, given.only)
    struck = sum((one.struck for one in found), Counter[str]())
    codes = sum((one.codes for one in found), Counter[int]())
    endings = Counter(one.endings for one in found)
    calls, rows = (sum(getattr(one, name) for one in found) for name in ("calls", "rows"))
    print("struck:", ", ".join(f"{times} {name}" for name, times in struck.most_common()))
    print("runs:", ", ".join(f"{codes[code]} {CODES.get(code, code)}" for code in sorted(codes)))
    print(f"{len(found)} rounds, {calls} calls, {rows} rows compared in the end")
    print("ordinary runs needed:", ", ".join(f"{n} in {endings[n]}" for n in sorted(endings)))
    broken = [one for one in found if one.wrong]
    if broken:
        print(f"{len(broken)} rounds broken; repeat one with --seed {given.seed} --only NUMBER")
    return [f"round {one.number}: {line}" for one in broken for line in one.wrong]


def _yes(value: bool) -> str:  # noqa: FBT001 - a column of a table
    return "yes" if value else "no"


def _print(headers: list[str], rows: Iterable[list[Any]]) -> None:
    table = Table(*headers)
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=120).print(table)


PROGRAMS = (
    Program(
        "reads-rounds",
        "Does the warehouse equal Exact after a first load, and after each round of changes?",
        run_rounds,
        (numeric("--rounds", default=20),),
    ),
    Program(
        "reads-quota",
        "Does a first load that meets the end of the day go on at its page?",
        run_quota,
    ),
    Program(
        "reads-entries",
        "Do entries come with their lines in few calls?",
        run_entries,
        (numeric("--entries", default=6000),),
    ),
    Program(
        "reads-kills",
        "Is anything lost when the tap is killed at random places?",
        run_kills,
        (numeric("--kills", default=200),),
    ),
    Program(
        "reads-storms",
        """Is the warehouse equal to Exact once all goes well again?

Before that, runs in random rounds meet stray refusals, garbage, bad values, stops and moved
companies.""",
        run_storms,
        (numeric("--storms", "--rounds", default=500), ONLY),
    ),
)
