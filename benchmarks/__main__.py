"""Runs all benchmarks and writes docs/benchmarks.md with its pictures: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import os
import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import (
    chart,
    day,
    divisions,
    importing,
    loads,
    machines,
    office,
    posting,
    startup,
    throughput,
    warehouse,
    writing,
)
from benchmarks.arena import programs_of
from benchmarks.report import median
from demo import ending

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.report import Table

DOCS = Path(__file__).parent.parent / "docs"
BENCHMARKS: Mapping[str, Callable[[], Table]] = {
    "calls": loads.calls,
    "throughput": throughput.measure,
    "warehouse": warehouse.measure,
    "divisions": divisions.measure,
    "office": office.measure,
    "machines": machines.measure,
    "writing": writing.measure,
    "posting": posting.measure,
    "day": day.measure,
    "importing": importing.measure,
    "memory": loads.memory,
    "startup": startup.measure,
}
TIMES = {"startup": startup.TIMES}
"""How often those are measured that take less than a second; once is enough for the others."""


@dataclass(frozen=True)
class Machine:
    """What the numbers were measured on."""

    processors: int
    python: str
    system: str

    @classmethod
    def this(cls) -> Machine:
        """The one this runs on."""
        return cls(os.cpu_count() or 1, platform.python_version(), platform.system())


def compared(measure: Callable[[], Table], before: Path | None, times: int = 1) -> Table:
    """Measure some times; an earlier version, in the folder `before`, in turns."""
    ours, theirs = [], []
    for _ in range(times):
        ours.append(measure())
        if before and ours[0].compared:
            with programs_of(before):
                theirs.append(measure())
    table = median(ours)
    return table.beside(median(theirs)) if theirs else table


def page(tables: Sequence[Table], pictures: Mapping[str, str], machine: Machine, day: str) -> str:
    """The page of all results, as Markdown."""
    head = (
        "# Benchmarks\n\n"
        "`make bench` runs these programs and writes this page. All sides of a comparison run "
        "against one sandbox, one after the other; *before* are those of an earlier commit, which "
        "`make bench BEFORE=commit` measures in the same run. The numbers below are from "
        f"{day}, on {machine.system} with {machine.processors} processors and Python "
        f"{machine.python}; on another machine they differ, the calls do not.\n\n"
    )
    return head + "\n".join(table.markdown(pictures.get(table.name)) for table in tables)


def write(tables: Sequence[Table], docs: Path) -> None:
    """Write the page and its pictures."""
    pictures = {}
    for table in tables:
        picture = chart.svg(table)
        if picture:
            pictures[table.name] = f"images/benchmark-{table.name}.svg"
            (docs / pictures[table.name]).write_text(picture, encoding="utf-8")
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    text = page(tables, pictures, Machine.this(), today)
    (docs / "benchmarks.md").write_text(text, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"some of: {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--before",
        type=Path,
        metavar="FOLDER",
        help="checkout of an earlier version, whose programs are measured as well",
    )
    given = parser.parse_args()
    only = given.only
    if unknown := {*only} - {*BENCHMARKS}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    before = given.before.resolve() if given.before else None
    tables = []
    for name, measure in BENCHMARKS.items():
        if not only or name in only:
            table = compared(measure, before, TIMES.get(name, 1))
            table.show()
            tables.append(table)
    if not only:
        write(tables, DOCS)


if __name__ == "__main__":
    ending.run(main)
