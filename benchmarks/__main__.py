"""Run benchmarks and write their sections of docs/benchmarks.md: `python -m benchmarks --write`."""

from __future__ import annotations

import argparse
import os
import platform
import re
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
HEAD = """# Benchmarks

`make bench` runs these programs and writes this page; `make bench ONLY="calls startup"` some of
them. All sides of a comparison run against one sandbox, one after the other; *before* are those of
an earlier commit, which `make bench BEFORE=commit` measures in the same run. On another machine the
numbers differ, the calls do not.
"""
SECTION = re.compile(r"^## (.*)\n", re.MULTILINE)
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

    @property
    def description(self) -> str:
        """In words."""
        return f"on {self.system} with {self.processors} processors and Python {self.python}"

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


def page(former: str, sections: Mapping[str, str]) -> str:
    """The page with some sections new, as Markdown.

    Args:
        former: the page as it is; may be empty.
        sections: by title. One that is not on the page yet comes last.
    """
    parts = SECTION.split(former)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True)) | dict(sections)
    return HEAD + "".join(f"\n## {title}\n\n{text.strip()}\n" for title, text in found.items())


def write(tables: Sequence[Table], docs: Path, *, keep: bool = False) -> None:
    """Write tables and their pictures; `keep` leaves the other sections on the page."""
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    sections = {}
    for table in tables:
        path, picture = f"images/benchmark-{table.name}.svg", chart.svg(table)
        if picture:
            (docs / path).write_text(picture, encoding="utf-8")
        measured = f"Measured on {today} {Machine.this().description}."
        sections[table.title] = f"{table.markdown(path if picture else None)}\n{measured}"
    file = docs / "benchmarks.md"
    former = file.read_text(encoding="utf-8") if keep else ""
    file.write_text(page(former, sections), encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("only", nargs="*", help=f"some of: {', '.join(BENCHMARKS)}")
    parser.add_argument(
        "--write", action="store_true", help="write them into docs/benchmarks.md, with pictures"
    )
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
    if given.write:
        write(tables, DOCS, keep=bool(only))


if __name__ == "__main__":
    ending.run(main)
