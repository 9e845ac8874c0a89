"""What a first load of sales invoices with their lines costs: calls, time and memory.

Usage: python -m benchmarks.first_load [INVOICES ...] [--lines 5]

For each number of invoices a sandbox without latency or limits is started, and the tap reads
`sales_invoices` and `sales_invoice_lines` from it as a program of its own. The memory is the peak
of that program, as the operating system accounts for it.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from exactonline_sandbox import Sandbox, SandboxConfig

if TYPE_CHECKING:
    from exactonline_sandbox import Server

STREAMS = ("sales_invoices", "sales_invoice_lines")
TAP = (sys.executable, "-m", "tap_exactonline.tap")
# A small program in between: what a process starts with is counted as memory of its child, and
# this one holds the sandbox.
MEASURE = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode; "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(code)"
)
TOKEN_AGE = 600
MANY = 10_000_000


def catalog() -> dict[str, Any]:
    """The discovered catalog with the two streams selected."""
    found = subprocess.run([*TAP, "--discover"], capture_output=True, check=True)
    content: dict[str, Any] = json.loads(found.stdout)
    for stream in content["streams"]:
        for item in stream["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = stream["tap_stream_id"] in STREAMS
    return content


def run(server: Server, folder: Path, selection: dict[str, Any]) -> tuple[int, float, float]:
    """One load; returns records, seconds and peak memory in MB."""
    config = {
        "base_url": server.base_url,
        "client_id": server.credentials.client_id,
        "client_secret": server.credentials.client_secret,
        "refresh_token": server.control.sign_in()["refresh_token"],
        "store_url": f"sqlite:///{folder / 'store' / 'store.db'}",
    }
    server.control.clock(advance_seconds=TOKEN_AGE)
    server.control.reset_calls()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "catalog.json").write_text(json.dumps(selection), encoding="utf-8")
    files = ("--config", str(folder / "config.json"), "--catalog", str(folder / "catalog.json"))
    with (folder / "out.jsonl").open("wb") as output:
        began = time.perf_counter()
        result = subprocess.run(
            [sys.executable, "-c", MEASURE, *TAP, *files],
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - began
    if result.returncode:
        raise SystemExit(result.stderr)
    peak = int(result.stderr.splitlines()[-1])
    with (folder / "out.jsonl").open("rb") as lines:
        records = sum(line.startswith(b'{"type":"RECORD"') for line in lines)
    return records, seconds, peak / 1024


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("invoices", type=int, nargs="*", default=[10_000])
    parser.add_argument("--lines", type=int, default=5)
    arguments = parser.parse_args()
    table = Table("invoices", "lines", "records", "data calls", "one by one", "s", "peak MB")
    selection = catalog()
    for invoices in arguments.invoices:
        settings = SandboxConfig(
            invoices=invoices,
            lines_per_invoice=arguments.lines,
            only=("sales_invoices",),
            minutely_limit=MANY,
            daily_limit=MANY,
        )
        sandbox = Sandbox(settings)
        sandbox.prepare()
        with sandbox.running() as server, tempfile.TemporaryDirectory() as folder:
            records, seconds, memory = run(server, Path(folder), selection)
            made = server.control.calls()["calls"]
        calls = sum(call["count"] for call in made if call["division"])
        naive = invoices + math.ceil(invoices / 60)
        figures = (invoices, invoices * arguments.lines, records, calls, naive)
        table.add_row(*(f"{figure:,}" for figure in figures), f"{seconds:.1f}", f"{memory:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
