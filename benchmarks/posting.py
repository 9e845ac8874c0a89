"""What the target itself takes for an invoice, where neither limits nor the server keep it waiting.

Usage: python -m benchmarks.posting [--invoices 1000]
"""

from __future__ import annotations

import argparse
import sys

from benchmarks.arena import arena, measured
from benchmarks.report import Table
from benchmarks.writing import messages
from demo import ending

TARGET = (sys.executable, "-m", "target_exactonline")
LIMIT = 40
"""Invoices a second that one processor must be able to write."""


def measure(invoices: int = 1000) -> Table:
    """Invoices for each second of a processor, first time and again."""
    rows = []
    with arena(invoices=20) as here:
        given = here.folder / "in.jsonl"
        given.write_text(messages(here.server, invoices, "Code"), encoding="utf-8")
        config = here.file("config.json", here.settings)
        for what, limit in (("new", LIMIT), ("the same again", None)):
            run = measured((*TARGET, "--config", config), source=given)
            per_second = invoices / run.cpu_seconds
            rows.append((what, run.seconds, run.cpu_seconds, per_second, limit, run.megabytes))
    return Table(
        "posting",
        "The target's own time",
        f"{invoices:,} sales invoices of two lines, whose customers and items are codes that are "
        "looked up, to a sandbox without limits. What the target takes of one processor, start "
        "included, does not depend on how fast the other side answers; seconds do.",
        ("invoices", "seconds", "CPU seconds", "invoices a CPU second", "at least", "peak MB"),
        rows,
        compared=("CPU seconds",),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.posting", description=__doc__)
    parser.add_argument("--invoices", type=int, default=1000)
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
