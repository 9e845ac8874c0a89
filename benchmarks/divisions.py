"""An incremental run over many divisions, by how many are read side by side.

Usage: python -m benchmarks.divisions [--divisions 100] [--streams 20] [--latency 0.15]
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmarks.arena import TAP, arena, catalog, measured
from benchmarks.report import Table
from demo import ending
from exactonline_client.catalogue import load as load_catalogue
from tap_exactonline.definitions.definition import stream_definitions
from tap_exactonline.settings import CONFIG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SETTING = "max_parallel_divisions"
A_MINUTE = 60


def chosen_streams(number: int) -> list[str]:
    """The first so many streams that have a bookmark and a list of their own."""
    found = stream_definitions(load_catalogue(), use_sync=True)
    return [one.name for one in found if one.bookmark and not one.headers][:number]


def workers(wanted: Sequence[int]) -> list[int]:
    """What can be compared: one division at a time where the tap knows no other way."""
    return [*wanted] if SETTING in CONFIG["properties"] else [1]


def measure(
    divisions: int = 100,
    streams: int = 20,
    latency: float = 0.15,
    side_by_side: Sequence[int] = (1, 8, 16),
) -> Table:
    """The seconds of an incremental run in which little has changed."""
    names = chosen_streams(streams)
    selection = catalog(names)
    rows = []
    with arena(divisions=divisions, invoices=2) as here:
        settings = {**here.settings, "divisions": [*here.server.divisions]}
        if SETTING in CONFIG["properties"]:
            settings[SETTING] = max(side_by_side)
        chosen = here.file("catalog.json", selection)
        output = here.folder / "first.jsonl"
        measured(
            (*TAP, "--config", here.file("config.json", settings), "--catalog", chosen), output
        )
        state = here.folder / "state.json"
        _last_state(output, state)
        here.server.control.faults({"kind": "latency", "seconds": latency})
        for number in workers(side_by_side):
            if SETTING in CONFIG["properties"]:
                settings[SETTING] = number
            config = here.file("config.json", settings)
            here.server.control.reset_calls()
            run = measured(
                (*TAP, "--config", config, "--catalog", chosen, "--state", str(state)), output
            )
            made = here.data_calls()
            full_minutes = (made / divisions - 1) // A_MINUTE
            floor = max(made * latency / number, full_minutes * 60)
            rows.append((str(number), run.seconds, made, floor))
    slowest = rows[0][1]
    return Table(
        "divisions",
        "An incremental run over many divisions",
        f"{divisions} divisions, {len(names)} streams, {latency * 1000:.0f} ms for each call, "
        "little has changed. The floor is what latency and limits demand: the calls one after the "
        "other in so many lines, since a division takes one call at a time, and 60 a minute in "
        "each. The sandbox answers from one process, which shares the machine with the tap.",
        ("divisions at a time", "seconds", "calls", "floor in seconds", "times faster"),
        [(*row, slowest / row[1]) for row in rows],
        drawn="seconds",
        compared=("seconds", "calls"),
    )


def _last_state(output: Path, state: Path) -> None:
    found = [
        line for line in output.read_bytes().splitlines() if line.startswith(b'{"type":"STATE')
    ]
    state.write_bytes(found[-1].partition(b'"value":')[2].removesuffix(b"}"))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.divisions", description=__doc__)
    parser.add_argument("--divisions", type=int, default=100)
    parser.add_argument("--streams", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.15, help="seconds")
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
