"""Does the target write everything once, and nothing wrong? Looked up in the sandbox."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.stress.program import ONLY, Program, in_processes, numeric
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

if TYPE_CHECKING:
    import argparse


def run_faults(given: argparse.Namespace) -> list[str]:
    """Print how the runs ended and what became of the invoices; returns what is wrong."""
    found = faults(given.seed, given.invoices, given.kills)
    ended = ", ".join(f"{found.runs[code]} {word}" for code, word in CODES.items())
    print(f"{found.invoices} invoices, {found.runs.total()} runs: {ended}")
    print(f"replays: {found.replays}; calls: {_said(found.calls)}")
    print(f"last said of the invoices: {_said(found.outcomes)}")
    if found.kills < given.kills:
        found.wrong.append(f"killed {found.kills} times only")
    return found.wrong


def run_followups(given: argparse.Namespace) -> list[str]:
    """Print what came of each follow-up; returns what is wrong."""
    done = followups(given.seed, given.kills)
    for one in done:
        ended = ", ".join(f"{one.runs[code]} {word}" for code, word in CODES.items())
        print(f"{one.name}: {one.records} records, {one.runs.total()} runs: {ended}")
        print(f"  replays: {one.replays}; calls: {_said(one.calls)}")
        print(f"  last said: {_said(one.outcomes)}; at Exact: {_said(one.found)}")
    wrong = [f"{one.name}: {line}" for one in done for line in one.wrong + one.unsaid]
    kills = sum(one.kills for one in done)
    return wrong if kills >= given.kills else [*wrong, f"killed {kills} times only"]


def run_rounds(given: argparse.Namespace) -> list[str]:
    """Print how often each ingredient struck; returns what is wrong, with the number to repeat."""
    found = in_processes(rounds, given.seed, given.rounds, given.only)
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


def run_locks(given: argparse.Namespace) -> list[str]:
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


def run_costs(given: argparse.Namespace) -> list[str]:
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


def run_malformed(given: argparse.Namespace) -> list[str]:
    """Print what became of the records; returns what is wrong."""
    found = malformed(given.seed, given.records)
    print(
        f"{found.records} records, {found.sound} of them sound: {_said(found.outcomes)}; "
        f"{found.reasons} kinds of reasons, calls: {_said(found.calls)}, exit code {found.code}, "
        f"{found.seconds:.0f} s"
    )
    return found.wrong


def run_forms(given: argparse.Namespace) -> list[str]:
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


PROGRAMS = (
    Program(
        "writes-costs",
        "What do new invoices cost in calls, and what does it cost to load them again?",
        run_costs,
        (
            numeric("--invoices", default=1000),
            numeric("--again", default=10_000),
            numeric("--customers", default=200),
            numeric("--items", default=500),
        ),
    ),
    Program(
        "writes-faults",
        "Is each invoice there once after lost answers, cut connections, failures and kills?",
        run_faults,
        (numeric("--invoices", default=1000), numeric("--kills", default=100)),
    ),
    Program(
        "writes-followups",
        """Is all else that has to be done once done once?

Invoices are finalised, files attached, lines changed and payments matched.""",
        run_followups,
        (numeric("--kills", default=60),),
    ),
    Program(
        "writes-rounds",
        """Is everything there once after small loads in random rounds?

Each is a mix of all that may go wrong: two targets at once, faults, kills, pauses, clocks apart,
and a store that loses its locks, is busy, away, or reached by two names.""",
        run_rounds,
        (numeric("--rounds", default=500), ONLY),
    ),
    Program(
        "writes-locks",
        """Is each invoice there once after two loads at once that lose their lock?

Lock files are removed, sessions in PostgreSQL ended, PostgreSQL is started anew, or the store has
two names.""",
        run_locks,
        (numeric("--rounds", default=50),),
    ),
    Program(
        "writes-malformed",
        """Does every broken record end with a reason, and do the sound ones between them arrive?

No file is read that lies outside the folder for files.""",
        run_malformed,
        (numeric("--records", default=100_000),),
    ),
    Program(
        "writes-forms",
        """Is nothing deleted but by a moment, and does no line disappear?

Records hold marks of deletion, empty keys, empty texts and values in other forms.""",
        run_forms,
        (numeric("--records", default=100_000),),
    ),
)
