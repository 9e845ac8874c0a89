"""How long programs take to start: `python -m benchmarks.startup [--times 15]`."""

from __future__ import annotations

import argparse
import sys

from benchmarks.arena import TAP, arena, catalog, measured
from benchmarks.report import Table, median
from demo import ending

TARGET = (sys.executable, "-m", "target_exactonline")
COMMAND = (sys.executable, "-m", "exactonline_cli")
SDK = "importing the Singer SDK alone"
ONE_STREAM = "tap-exactonline, one stream of 5 rows"
LIMITS = {
    "exactonline --version": 0.25,
    "exactonline --help": 0.25,
    "exactonline status": 0.5,
    "tap-exactonline --discover": 0.9,
    ONE_STREAM: 0.9,
}
"""Seconds that a start may take with the machine to itself."""
TIMES = 15
"""How often a start is measured."""


def measure() -> Table:
    """One start of each program."""
    with arena(invoices=2) as here:
        config = here.file("config.json", here.settings)
        one = here.file("catalog.json", catalog(["journals"]))
        # The first call signs in, which is not what is measured.
        run = (*TAP, "--config", config, "--catalog", one)
        measured(run)
        programs = {
            "exactonline --version": (*COMMAND, "--version"),
            "exactonline --help": (*COMMAND, "--help"),
            "exactonline status": (*COMMAND, "status", "--store-url", here.settings["store_url"]),
            SDK: (sys.executable, "-c", "import singer_sdk"),
            "tap-exactonline --version": (*TAP, "--version"),
            "target-exactonline --version": (*TARGET, "--version"),
            "tap-exactonline --discover": (*TAP, "--discover"),
            ONE_STREAM: run,
        }
        found = {name: measured(command) for name, command in programs.items()}
    return Table(
        "startup",
        "Discovery and start",
        f"From the start of the program to its end; the median of {TIMES}, in turns with "
        "an earlier version. The limit is what a start may take with the machine to itself. No "
        "tap or target can start faster than the Singer SDK is imported.",
        ("program", "seconds", "limit", "CPU seconds", "peak MB"),
        [
            (name, run.seconds, LIMITS.get(name), run.cpu_seconds, run.megabytes)
            for name, run in found.items()
        ],
        drawn="seconds",
        compared=("seconds",),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES)
    times = parser.parse_args().times
    median([measure() for _ in range(times)]).show()


if __name__ == "__main__":
    ending.run(main)
