"""All streams of an office with many companies, from nothing and when nothing has changed.

Usage: python -m benchmarks.office [--divisions 60]
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmarks.arena import TAP, arena, catalog, measured, records
from benchmarks.report import Table
from demo import ending
from exactonline_client.catalogue import load as load_catalogue
from tap_exactonline.definitions.definition import stream_definitions

if TYPE_CHECKING:
    from pathlib import Path

STATE = b'{"type":"STATE'
MEGABYTE = 1_000_000
A_MINUTE = 60


def measure(divisions: int = 60) -> Table:
    """Calls, seconds, memory and states of both runs."""
    names = [each.name for each in stream_definitions(load_catalogue(), use_sync=True)]
    rows = []
    with arena(divisions=divisions, invoices=2) as here:
        chosen = here.file("catalog.json", catalog(names))
        known: tuple[str, ...] = ()
        for name in ("first load", "nothing has changed"):
            here.sign_in()
            here.server.control.reset_calls()
            config = here.file("config.json", {**here.settings, "all_divisions": True})
            output = here.folder / "out.jsonl"
            run = measured((*TAP, "--config", config, "--catalog", chosen, *known), output)
            made = here.data_calls()
            states, last = _states(output)
            rows.append(
                (
                    name,
                    records(output),
                    made,
                    made / divisions / A_MINUTE,
                    run.seconds,
                    run.cpu_seconds,
                    run.cpu_seconds / made * 1000,
                    run.megabytes,
                    states,
                    len(last) / MEGABYTE,
                )
            )
            state = here.folder / "state.json"
            state.write_bytes(last.partition(b'"value":')[2].removesuffix(b"}"))
            known = ("--state", str(state))
    return Table(
        "office",
        "All streams of an office",
        f"{divisions} divisions and all {len(names)} streams, from a sandbox without latency or "
        "limits that shares the machine with the tap. No run is shorter than its minutes at "
        f"Exact: the calls of one division at {A_MINUTE} a minute, the limit in each.",
        (
            "run",
            "records",
            "calls",
            "minutes at Exact",
            "seconds",
            "CPU seconds",
            "CPU ms a call",
            "peak MB",
            "states",
            "MB of the last",
        ),
        rows,
        compared=("calls", "CPU ms a call", "states"),
    )


def _states(output: Path) -> tuple[int, bytes]:
    """How many states were sent, and the last."""
    number, last = 0, b""
    with output.open("rb") as lines:
        for line in lines:
            if line.startswith(STATE):
                number, last = number + 1, line.rstrip()
    return number, last


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.office", description=__doc__)
    parser.add_argument("--divisions", type=int, default=60)
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
