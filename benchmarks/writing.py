"""How fast the target writes invoices against the limit of 60 calls a minute, by a moved clock.

Usage: python -m benchmarks.writing [--invoices 180] [--speed 20]
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from benchmarks.arena import arena, measured
from benchmarks.report import Table
from demo import ending
from tests.stress.clock import MovedClock

if TYPE_CHECKING:
    from exactonline_sandbox import Server

A_MINUTE = 60


def messages(server: Server, invoices: int, named_by: str = "ID") -> str:
    """Singer messages that ask for so many sales invoices of two lines.

    Customers and items are named by their `ID` or their `Code`.
    """
    division = server.divisions[0]
    accounts = server.control.truth(division, "accounts")
    customers = [row[named_by].strip() for row in accounts if row["Status"] == "C"]
    all_items = server.control.truth(division, "items")
    items = [row[named_by].strip() for row in all_items if row["IsSalesItem"]]
    names = ("YourRef", "OrderedBy", "SalesInvoiceLines")
    schema = {"type": "object", "properties": {name: {} for name in names}}
    found: list[dict[str, object]] = [
        {"type": "SCHEMA", "stream": "sales_invoices", "schema": schema, "key_properties": []}
    ]
    for number in range(invoices):
        lines = [
            {"Item": items[(number + line) % len(items)], "Quantity": 1 + line, "NetPrice": 10}
            for line in range(2)
        ]
        record = {
            "YourRef": f"bench-{number}",
            "OrderedBy": customers[number % len(customers)],
            "SalesInvoiceLines": lines,
        }
        found.append({"type": "RECORD", "stream": "sales_invoices", "record": record})
    found.append({"type": "STATE", "value": {"written": invoices}})
    return "".join(json.dumps(message) + "\n" for message in found)


def measure(invoices: int = 180, speed: float = 20) -> Table:
    """Invoices a minute and calls for each, first time and again."""
    rows = []
    with arena(invoices=20, minutely_limit=A_MINUTE) as here:
        given = here.folder / "in.jsonl"
        given.write_text(messages(here.server, invoices), encoding="utf-8")
        here.server.control.clock(speed=speed)
        config = here.file("config.json", here.settings)
        for what in ("new", "the same again"):
            here.server.control.reset_calls()
            clock = MovedClock.read(here.server.world.clock.now(), speed)
            command = ("-m", "tests.stress.moved", clock.dumps(), "target-exactonline")
            measured((sys.executable, *command, "--config", config), source=given)
            minutes = (clock() - clock.moved) / 60
            made = here.server.control.calls()["calls"]
            calls = sum(call["count"] for call in made if call["division"])
            refused = sum(call["count"] for call in made if call["status"] == 429)  # noqa: PLR2004
            rows.append((what, invoices / minutes, calls / invoices, refused))
    return Table(
        "writing",
        "Writing invoices",
        f"{invoices} sales invoices of two lines at 60 calls a minute, by a clock that runs "
        f"{speed:g} times as fast, so that the start of the program counts as much longer. Each "
        "new document is looked for before it is posted; what was written before costs no call.",
        ("invoices", "invoices a minute", "calls each", "429 answers"),
        rows,
        drawn="invoices a minute",
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.writing", description=__doc__)
    parser.add_argument("--invoices", type=int, default=180)
    parser.add_argument("--speed", type=float, default=20, help="of the clock")
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
