"""From nothing to invoices and back: `make demo`.

1. A first load of a trading company's books into PostgreSQL, with the API calls it took.
2. A day of business at the company.
3. A second load, which fetches only what changed.
4. Invoices from a table in PostgreSQL, created in Exact Online.
5. The same again, which creates none.
6. A third load, which brings the new invoices back.
7. Both systems compared.
8. The books, built from the tables with dbt and proven, and a report of them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from rich.console import Console

from demo import CORE_STREAMS, books, ending, keep
from demo.billing import table_of_invoices
from demo.comparison import count, warehouse_columns
from demo.screen import Screen
from demo.stack import ROOT, WAREHOUSE, Failed, Stack, alone_in_checkout, install, running

INVOICES = 400
SANDBOX = ("--invoices", str(INVOICES), "--lines-per-invoice", "5", "--seed", "1",
           "--minutely-limit", "600")  # fmt: skip
"""Exact allows 60 calls a minute; the demo does not let you wait for the minute to turn."""
NEW_INVOICES = 25
DAY = 86_400
STEPS = 8
EXIT_DIFFERENT = 1
ABOUT_DELETES = (
    "Exact's log of deleted rows does not tell an invoice from its lines, so both tables mark each."
)


class Story:
    """Prints what happens, in short lines and small tables."""

    def __init__(self, stack: Stack, screen: Screen) -> None:
        """Print about `stack` on `screen`."""
        self.stack = stack
        self.screen = screen
        self.console = screen.console
        self.division = int(stack.sandbox.facts["divisions"][0])

    def load(self, title: str, log: str) -> None:
        """Run the tap into PostgreSQL and print what it took."""
        self.screen.step(title, "meltano run tap-exactonline target-postgres")
        self.stack.sandbox.post("calls/reset")
        began, moment = time.monotonic(), self._now()
        selection = json.dumps([f"{stream}.*" for stream in CORE_STREAMS])
        with self.screen.working("Reading from Exact Online"):
            self.stack.meltano(
                "run",
                "tap-exactonline",
                "target-postgres",
                log=log,
                TAP_EXACTONLINE__SELECT=selection,
            )
        written = {stream: self._written_since(stream, moment) for stream in CORE_STREAMS}
        has_deleted = any(deleted for _, deleted in written.values())
        columns = ("stream", "rows", "of them deleted")[: 2 + has_deleted]
        self.screen.table(
            columns,
            [
                (stream, counts[: 1 + has_deleted])
                for stream, counts in written.items()
                if counts[0]
            ],
        )
        self.console.print(
            f"{self.stack.sandbox.data_calls()} API calls, {time.monotonic() - began:.0f} s."
        )
        if has_deleted:
            self.console.print(f"[dim]{ABOUT_DELETES}")
        self.console.print()

    def business(self) -> None:
        """Simulate a day of business at the company."""
        self.screen.step("A day of business at Exact Online")
        self.stack.sandbox.post("clock", advance_seconds=DAY)
        done = self.stack.sandbox.post(
            "changes", division=self.division, seed=1, new=12, changed=9, deleted=5
        )
        kinds = [done[kind] for kind in ("created", "updated", "deleted")]
        self.screen.table(
            ("stream", "new", "changed", "deleted"),
            [
                (stream, [kind.get(stream, 0) for kind in kinds])
                for stream in sorted({stream for kind in kinds for stream in kind})
            ],
        )

    def invoice(self, title: str, log: str) -> int:
        """Create the invoices of a table in Exact Online; returns how many were created."""
        self.screen.step(title, "meltano run tap-postgres target-exactonline")
        before = self._invoices()
        self.stack.sandbox.post("calls/reset")
        with self.screen.working("Writing to Exact Online"):
            self.stack.meltano("run", "tap-postgres", "target-exactonline", log=log)
        created = self._invoices() - before
        self.console.print(
            f"{created} invoices created at Exact Online, "
            f"in {self.stack.sandbox.data_calls()} API calls.\n"
        )
        return created

    def compare(self) -> bool:
        """Compare both systems; returns whether they are equal."""
        self.screen.step("Both systems compared, by the keys of their rows")
        with self.screen.working("Comparing"):
            counts = [count(self.stack, self.division, stream) for stream in CORE_STREAMS]
        self.screen.table(
            ("stream", "in Exact Online", "in PostgreSQL", "different"),
            [(each.stream, (each.in_exact, each.in_warehouse, each.different)) for each in counts],
        )
        return not any(each.different for each in counts)

    def books(self) -> None:
        """Build the books and prove them, and write a report."""
        self.screen.step(
            "The books, built from the tables and proven", f"meltano run {books.MODELS}:build"
        )
        with self.screen.working("Building with dbt"):
            built = books.build(self.stack)
        self.console.print(
            f"{built.proofs} proofs hold. The report: {built.report}\n", soft_wrap=True
        )

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


def run_demo(stack: Stack, screen: Screen) -> bool:
    """The whole story; returns whether it ended well."""
    story = Story(stack, screen)
    story.load("First load: everything", "1-first-load")
    story.business()
    story.load("Second load: only what changed", "3-second-load")
    stack.sql(table_of_invoices(story.division, NEW_INVOICES))
    created = story.invoice(f"{NEW_INVOICES} invoices from a table in PostgreSQL", "4-invoices")
    again = story.invoice("The same once more", "5-invoices-again")
    story.load("Third load: the new invoices come back", "6-third-load")
    equal = story.compare()
    story.books()
    if (created, again) != (NEW_INVOICES, 0):
        screen.console.print(
            f"[red]{created} invoices were created, then {again}; expected {NEW_INVOICES}, then 0."
        )
        return False
    return equal


def main() -> int:
    """Run the demo; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / ".demo")
    parser.add_argument("--keep", action="store_true", help="leave it all running until Ctrl-C")
    given = parser.parse_args()
    console = Console(highlight=False)
    screen = Screen(console, STEPS)
    began = time.monotonic()
    try:
        with alone_in_checkout():
            with screen.working(
                "Installing the plugins with Meltano (the first time takes a minute)"
            ):
                install(books.MODELS)
            console.print(
                f"Starting a sandbox of Exact Online ({INVOICES} invoices) and PostgreSQL"
            )
            with running(given.folder, SANDBOX) as stack:
                ended_well = run_demo(stack, screen)
                _conclude(console, given.folder, began, ended_well=ended_well)
                if given.keep:
                    keep.wait(stack, int(stack.sandbox.facts["divisions"][0]), console)
    except Failed as error:
        console.print(f"[red]{error}", markup=True)
        return EXIT_DIFFERENT
    if ended_well:
        _next_step(console)
    return 0 if ended_well else EXIT_DIFFERENT


def _conclude(console: Console, folder: Path, began: float, *, ended_well: bool) -> None:
    verdict = "[green]Both systems are equal." if ended_well else "[red]The systems differ."
    seconds = time.monotonic() - began
    console.print(
        f"{verdict}[/] {seconds:.0f} s; the logs are in {folder / 'logs'}.", soft_wrap=True
    )


def _next_step(console: Console) -> None:
    """Say what to do next."""
    console.print(
        "Next: make demo-keep leaves all this running, to look at; docs/tutorial.md does it step "
        "by step, and docs/connect.md with an account of yours."
    )


if __name__ == "__main__":
    ending.run(main)
