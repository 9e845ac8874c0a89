"""Run one stress program: `python -m tests.stress NAME [options]`; `--list` names them all."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from demo import ending
from tests.stress import (
    fuzz,
    kills,
    planted,
    reads,
    secrets,
    soak,
    tokens,
    unified,
    volume,
    writes,
)

if TYPE_CHECKING:
    from tests.stress.program import Program

PROGRAMS = (
    tokens.PROGRAM,
    kills.PROGRAM,
    secrets.PROGRAM,
    *reads.PROGRAMS,
    *writes.PROGRAMS,
    fuzz.PROGRAM,
    soak.PROGRAM,
    planted.PROGRAM,
    unified.PROGRAM,
    volume.PROGRAM,
)
SHOWN = 20
"""Lines of what is wrong that are printed at most."""


def listing() -> str:
    """All names, each with what the program asks."""
    width = max(len(program.name) for program in PROGRAMS)
    return "\n".join(f"{one.name:{width}}  {one.about.splitlines()[0]}" for one in PROGRAMS)


def parser() -> argparse.ArgumentParser:
    """The command line: a subcommand for each program."""
    found = argparse.ArgumentParser(
        prog="python -m tests.stress",
        description="Try to break what must hold, and print figures.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument(
        "--list", action="version", version=listing(), help="list the programs and exit"
    )
    names = found.add_subparsers(metavar="NAME", required=True)
    for program in PROGRAMS:
        program.add_options(
            names.add_parser(
                program.name,
                help=program.about.splitlines()[0],
                description=program.about,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )
    return found


def carry_out(program: Program, given: argparse.Namespace) -> int:
    """Run a program and print what is wrong; the exit code is 1 where anything is."""
    begin = time.monotonic()
    wrong = program.run(given)
    for line in wrong[:SHOWN]:
        print("wrong:", line)
    seconds = time.monotonic() - begin
    print(f"{program.name}, seed {given.seed}: {len(wrong)} wrong, {seconds:.0f} s")
    print("BROKEN" if wrong else "HELD")
    return 1 if wrong else 0


def main() -> int:
    """Run the program that the command line names."""
    given = parser().parse_args()
    return carry_out(given.program, given)


if __name__ == "__main__":
    ending.run(main)
