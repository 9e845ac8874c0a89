"""From nothing to invoices and back: `make demo`.

1. A first load of a trading company's books into PostgreSQL, with the API calls it took.
2. A day of business at the company, and a second load that fetches only what changed.
3. Invoices from a table in PostgreSQL, created in Exact Online; and again, creating none.
4. Both systems compared.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo import CORE_STREAMS, ending
from demo.billing import table_of_invoices
from demo.comparison import Count, count, warehouse_columns
from demo.stack import ROOT, WAREHOUSE, Failed, Stack, install, running

INVOICES = 400
LINES = 5
CALLS_A_MINUTE = 600
"""Exact allows 60; the demo does not let you wait for the minute to turn."""
NEW_INVOICES = 25
DAY = 86_400
EXIT_DIFFERENT = 1
ABOUT_DELETES = (
    "Exact's log of deleted rows does not tell an invoice from its lines, so both tables mark each."
)


class Story:
    """Prints what happens, in short lines and small tables."""

    def __init__(self, stack: Stack, console: Console) -> None:
        """Print about `stack` on `console`."""
        self.stack = stack
        self.console = console
        self.division = int(stack.sandbox.facts["divisions"][0])

    def load(self, title: str, log: str) -> None:
        """Run the tap into PostgreSQL and print what it took."""
        self.console.rule(title)
        self.console.print("[dim]$ meltano run tap-exactonline target-postgres")
        self.stack.sandbox.post("calls/reset")
        began, moment = time.monotonic(), self._now()
        selection = json.dumps([f"{stream}.*" for stream in CORE_STREAMS])
        self.stack.meltano(
            "run", "tap-exactonline", "target-postgres", log=log, TAP_EXACTONLINE__SELECT=selection
        )
        written = {stream: self._written_since(stream, moment) for stream in CORE_STREAMS}
        table = Table("stream", "rows sent", "of them deleted")
        for stream, (rows, deleted) in written.items():
            if rows:
                table.add_row(stream, f"{rows:,}", f"{deleted:,}" if deleted else "")
        self.console.print(table)
        total = sum(rows for rows, _ in written.values())
        self.console.print(
            f"{total:,} rows in {self.stack.sandbox.data_calls()} API calls "
            f"and {time.monotonic() - began:.0f} s."
        )
        if any(deleted for _, deleted in written.values()):
            self.console.print(f"[dim]{ABOUT_DELETES}")
        self.console.print()

    def business(self) -> None:
        """Simulate a day of business at the company."""
        self.console.rule("A day of business at Exact Online")
        self.stack.sandbox.post("clock", advance_seconds=DAY)
        done = self.stack.sandbox.post(
            "changes", division=self.division, seed=1, new=12, changed=9, deleted=5
        )
        table = Table("stream", "new", "changed", "deleted")
        kinds = [done[kind] for kind in ("created", "updated", "deleted")]
        for stream in sorted({stream for kind in kinds for stream in kind}):
            table.add_row(stream, *(str(kind.get(stream, "")) for kind in kinds))
        self.console.print(table)

    def invoice(self, title: str, log: str) -> int:
        """Create the invoices of a table in Exact Online; returns how many were created."""
        self.console.rule(title)
        self.console.print("[dim]$ meltano run tap-postgres target-exactonline")
        before = self._invoices()
        self.stack.sandbox.post("calls/reset")
        self.stack.meltano("run", "tap-postgres", "target-exactonline", log=log)
        created = self._invoices() - before
        self.console.print(
            f"{created} invoices created at Exact Online, "
            f"in {self.stack.sandbox.data_calls()} API calls.\n"
        )
        return created

    def compare(self) -> bool:
        """Compare both systems; returns whether they are equal."""
        self.console.rule("Both systems compared")
        counts = [count(self.stack, self.division, stream) for stream in CORE_STREAMS]
        table = Table("stream", "in Exact Online", "in PostgreSQL", "")
        for item in counts:
            table.add_row(
                item.stream, f"{item.in_exact:,}", f"{item.in_warehouse:,}", _verdict(item)
            )
        self.console.print(table)
        return not any(item.different for item in counts)

    def _invoices(self) -> int:
        return len(self.stack.sandbox.truth(self.division, "sales_invoices"))

    def _now(self) -> str:
        return str(self.stack.sql("select (now() at time zone 'utc')::text")[0][0])

    def _written_since(self, stream: str, moment: str) -> tuple[int, int]:
        columns = warehouse_columns(self.stack, stream)
        if not columns:
            return 0, 0
        deleted = 'count("_sdc_deleted_at")' if "_sdc_deleted_at" in columns else "0"
        query = (
            f'select count(*), {deleted} from "{WAREHOUSE}"."{stream}" '  # noqa: S608
            f"where \"_sdc_received_at\" >= '{moment}'"
        )
        rows, deletions = self.stack.sql(query)[0]
        return int(rows), int(deletions)


def _verdict(item: Count) -> str:
    return f"[red]{item.different} differ" if item.different else "[green]equal"


def run_demo(stack: Stack, console: Console) -> bool:
    """The whole story; returns whether it ended well."""
    story = Story(stack, console)
    story.load("First load: everything", "1-first-load")
    story.business()
    story.load("Second load: only what changed", "2-second-load")
    stack.sql(table_of_invoices(story.division, NEW_INVOICES))
    created = story.invoice(f"{NEW_INVOICES} invoices from a table in PostgreSQL", "3-invoices")
    again = story.invoice("The same once more", "4-invoices-again")
    story.load("Third load: the new invoices come back", "5-third-load")
    equal = story.compare()
    if created != NEW_INVOICES or again:
        console.print(f"[red]{created} invoices were created, then {again}; expected 25, then 0.")
        return False
    return equal


def main() -> int:
    """Run the demo; returns its exit code."""
    console = Console(highlight=False)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".demo"
    began = time.monotonic()
    try:
        console.print("Installing the plugins with Meltano (the first time takes a minute) ...")
        install()
        console.print(f"Starting a sandbox of Exact Online ({INVOICES:,} invoices) and PostgreSQL")
        options = ["--invoices", str(INVOICES), "--lines-per-invoice", str(LINES), "--seed", "1"]
        options += ["--minutely-limit", str(CALLS_A_MINUTE)]
        with running(folder, options) as stack:
            ended_well = run_demo(stack, console)
    except Failed as error:
        console.print(f"[red]{error}")
        return EXIT_DIFFERENT
    verdict = "[green]Both systems are equal." if ended_well else "[red]The systems differ."
    console.print(f"{verdict} {time.monotonic() - began:.0f} s; the logs are in {folder}.")
    return 0 if ended_well else EXIT_DIFFERENT


if __name__ == "__main__":
    ending.run(main)
