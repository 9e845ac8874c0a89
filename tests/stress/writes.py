"""Does the target write everything once, and nothing wrong? Proofs against the sandbox.

`faults`: invoices go through lost answers, cut connections, failures and kills, and each is there
once. `followups`: so is what else has to be done once: invoices are finalised, files attached,
lines changed and payments matched. `rounds`: small loads in random rounds, each a mix of all that
may go wrong: two targets at once, faults, kills, pauses, clocks apart, and a store that loses its
locks, is busy, away, or reached by two names. `locks`: two loads of the same invoices at once,
whose lock files are removed, whose sessions in PostgreSQL are ended, whose PostgreSQL is started
anew, or whose store has two names. `costs`: what new invoices cost in calls, and what
it costs to load them again. `malformed`: every record that is broken ends with a reason, the
sound ones between them arrive, and no file is read that lies outside the folder for files.
`forms`: marks of deletion, empty keys, empty texts and values in other forms: nothing is deleted
but by a moment, and no line disappears.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from demo import ending
from tests.stress.writing.costs import costs
from tests.stress.writing.faults import faults
from tests.stress.writing.followups import followups
from tests.stress.writing.forms import forms
from tests.stress.writing.locks import WAYS
from tests.stress.writing.locks import rounds as lock_rounds
from tests.stress.writing.malformed import malformed
from tests.stress.writing.rounds import CODES as WORDS
from tests.stress.writing.rounds import rounds
from tests.stress.writing.storm import CODES

PROCESSES = 2
SHOWN = 20


def prove_faults(given: argparse.Namespace) -> list[str]:
    """Print how the runs ended and what became of the invoices; returns what is wrong."""
    found = faults(given.seed, given.invoices, given.kills)
    ended = ", ".join(f"{found.runs[code]} {word}" for code, word in CODES.items())
    print(f"{found.invoices} invoices, {found.runs.total()} runs: {ended}")
    print(f"replays: {found.replays}; calls: {_said(found.calls)}")
    print(f"last said of the invoices: {_said(found.outcomes)}")
    if found.kills < given.kills:
        found.wrong.append(f"killed {found.kills} times only")
    return found.wrong


def prove_followups(given: argparse.Namespace) -> list[str]:
    """Print what came of each chore; returns what is wrong."""
    done = followups(given.seed, given.kills)
    for chore in done:
        ended = ", ".join(f"{chore.runs[code]} {word}" for code, word in CODES.items())
        print(f"{chore.name}: {chore.records} records, {chore.runs.total()} runs: {ended}")
        print(f"  replays: {chore.replays}; calls: {_said(chore.calls)}")
        print(f"  last said: {_said(chore.outcomes)}; at Exact: {_said(chore.found)}")
    wrong = [f"{chore.name}: {line}" for chore in done for line in chore.wrong + chore.unsaid]
    kills = sum(chore.kills for chore in done)
    return wrong if kills >= given.kills else [*wrong, f"killed {kills} times only"]


def prove_rounds(given: argparse.Namespace) -> list[str]:
    """Print how often each ingredient struck; returns what is wrong, with the number to repeat."""
    numbers = [given.only] if given.only is not None else range(given.rounds)
    shares = [numbers[place::PROCESSES] for place in range(PROCESSES)]
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _quietly) as pool:
        parts = pool.map(partial(rounds, given.seed), [share for share in shares if share])
        found = [one for part in parts for one in part]
    struck = sum((one.struck for one in found), Counter[str]())
    codes = sum((one.codes for one in found), Counter[int]())
    kinds = Counter(one.kind for one in found)
    print(f"{len(found)} rounds: {_said(kinds)}; {sum(one.documents for one in found)} documents")
    print(f"struck: {_said(+struck)}")
    print("runs:", ", ".join(f"{codes[code]} {WORDS.get(code, code)}" for code in sorted(codes)))
    calls, settled = (sum(getattr(one, name) for one in found) for name in ("calls", "settled"))
    print(f"{calls} calls; settled by a person: {settled}")
    broken = [one for one in found if one.wrong]
    if broken:
        print(f"{len(broken)} rounds broken; repeat one with --seed {given.seed} --only NUMBER")
    return [f"round {one.number} ({one.kind}): {line}" for one in broken for line in one.wrong]


def _quietly() -> None:
    # A caller that is gone in the middle of its request is what this is about, no news.
    logging.disable(logging.ERROR)


def prove_locks(given: argparse.Namespace) -> list[str]:
    """Print what each way of losing a lock did; returns what is wrong."""
    found = lock_rounds(given.seed, range(given.rounds))
    for way in WAYS:
        some = [one for one in found if one.way == way]
        sums = {
            name: sum(getattr(one, name) for one in some)
            for name in ("struck", "shared", "invoices", "doubled", "missing")
        }
        said = ", ".join(f"{number} {name}" for name, number in sums.items())
        print(f"{way}: {len(some)} rounds, {said}")
    return [f"round {one.number} ({one.way}): {line}" for one in found for line in one.wrong]


def prove_costs(given: argparse.Namespace) -> list[str]:
    """Print calls by load; returns what is wrong."""
    found = costs(given.seed, given.invoices, given.again, given.customers, given.items)
    for load in found.loads:
        calls = load.calls.total()
        print(
            f"{load.what}: {load.records} records, {_said(load.outcomes)}, {calls} calls "
            f"({_said(load.calls) or 'none'}), {calls / load.records:.3f} a record, "
            f"{load.seconds:.1f} s"
        )
    return found.wrong


def prove_malformed(given: argparse.Namespace) -> list[str]:
    """Print what became of the records; returns what is wrong."""
    found = malformed(given.seed, given.records)
    print(
        f"{found.records} records, {found.sound} of them sound: {_said(found.outcomes)}; "
        f"{found.reasons} kinds of reasons, calls: {_said(found.calls)}, exit code {found.code}, "
        f"{found.seconds:.0f} s"
    )
    return found.wrong


def prove_forms(given: argparse.Namespace) -> list[str]:
    """Print what became of the records; returns what is wrong."""
    found = forms(given.seed, given.records)
    print(
        f"{found.records.total()} records ({_said(found.records)}); marks: {_said(found.marks)}; "
        f"{_said(found.outcomes)}; {found.lines} lines to be there, {found.deleted} documents "
        f"deleted, exit code {found.code}, {found.seconds:.0f} s"
    )
    return found.wrong


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in counts.most_common())


def main() -> int:
    """Print the figures of one proof; the exit code is 1 where something did not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.stress.writes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    proofs = parser.add_subparsers(dest="proof", required=True)
    for name, prove, numbers in (
        ("faults", prove_faults, {"invoices": 1000, "kills": 100}),
        ("followups", prove_followups, {"kills": 60}),
        ("rounds", prove_rounds, {"rounds": 500}),
        ("locks", prove_locks, {"rounds": 50}),
        ("costs", prove_costs, {"invoices": 1000, "again": 10_000, "customers": 200, "items": 500}),
        ("malformed", prove_malformed, {"records": 100_000}),
        ("forms", prove_forms, {"records": 100_000}),
    ):
        proof = proofs.add_parser(name)
        proof.set_defaults(prove=prove)
        if prove is prove_rounds:
            proof.add_argument("--only", type=int, metavar="NUMBER", help="this round alone")
        for option, number in {"seed": 1, **numbers}.items():
            proof.add_argument(f"--{option}", type=int, default=number)
    given = parser.parse_args()
    begin = time.monotonic()
    wrong = given.prove(given)
    for line in wrong[:SHOWN]:
        print("wrong:", line)
    seconds = time.monotonic() - begin
    print(f"{given.proof}, seed {given.seed}: {len(wrong)} wrong, {seconds:.0f} s")
    print("BROKEN" if wrong else "HELD")
    return 1 if wrong else 0


if __name__ == "__main__":
    ending.run(main)
