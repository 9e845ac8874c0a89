"""What a first load of sales invoices with their lines costs: calls, time and memory.

Usage: python -m benchmarks.loads [INVOICES ...] [--lines 5]
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from benchmarks.arena import arena, catalog, load, measured, pages, records
from benchmarks.report import Table
from demo import ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.arena import Arena

STREAMS = ("sales_invoices", "sales_invoice_lines")
BIG_PAGE = 1000
LINES = 5


def calls(invoices: int = 10_000, lines: int = LINES) -> Table:
    """Calls of one load: ours, the fewest possible, and those of a tap that asks by parent."""
    with arena(invoices=invoices, lines_per_invoice=lines, only=("sales_invoices",)) as here:
        load(here, catalog(STREAMS))
        ours = here.data_calls()
        by_parent = _by_parent(here, invoices * (1 + lines))
    rows = invoices * (1 + lines)
    floor = pages(rows, BIG_PAGE)
    return Table(
        "calls",
        "Calls for a first load",
        f"{invoices:,} sales invoices with {lines} lines each, {rows:,} rows. *Fewest possible* is "
        "the number of full pages of 1,000 rows. Ours adds the log of deleted rows and the list of "
        "divisions. *One call a parent* is a tap of the SDK's parent and child streams, which "
        "reads the invoices in pages of 60 and asks for the lines of each.",
        ("tap", "calls", "minutes at 60 a minute", "days at 5,000 a day"),
        [
            (name, number, number / 60, number / 5000)
            for name, number in (
                ("fewest possible", floor),
                ("this tap", ours),
                ("one call a parent", by_parent),
            )
        ],
        drawn="calls",
        compared=("calls",),
    )


def _by_parent(here: Arena, rows: int) -> int:
    """Calls of a tap that asks for the lines of each invoice, on the same sandbox."""
    signed_in = here.server.control.sign_in()
    here.server.control.reset_calls()
    facts = {
        "base_url": here.server.base_url,
        "division": here.server.divisions[0],
        "token": signed_in["access_token"],
    }
    output = here.folder / "by-parent.jsonl"
    measured(
        (sys.executable, "-m", "benchmarks.plain_tap", here.file("parent.json", facts)), output
    )
    if (found := records(output)) != rows:
        raise SystemExit(f"The tap that asks by parent has read {found} rows of {rows}.")
    return here.data_calls()


def memory(invoices: Sequence[int] = (1_700, 17_000, 170_000), lines: int = LINES) -> Table:
    """Peak memory and time of loads of growing size."""
    selection = catalog(STREAMS)
    rows = []
    for number in invoices:
        with arena(invoices=number, lines_per_invoice=lines, only=("sales_invoices",)) as here:
            found, run = load(here, selection)
        rows.append((f"{found:,}", run.seconds, run.megabytes))
    return Table(
        "memory",
        "Memory and time by size",
        "First loads of sales invoices with their lines, from a sandbox without latency or limits. "
        "The tap is a program of its own, start included; its memory is the peak that the "
        "operating system accounts for. Much of the time is the sandbox making pages.",
        ("records", "seconds", "peak MB"),
        rows,
        drawn="peak MB",
        compared=("seconds", "peak MB"),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loads", description=__doc__)
    parser.add_argument("invoices", type=int, nargs="*", default=[10_000])
    parser.add_argument("--lines", type=int, default=LINES)
    arguments = parser.parse_args()
    for number in arguments.invoices:
        calls(number, arguments.lines).show()
    memory(arguments.invoices, arguments.lines).show()


if __name__ == "__main__":
    ending.run(main)
