"""What the preview of a spreadsheet costs: seconds, memory and calls by the number of its rows.

Usage: python -m benchmarks.importing [ROWS ...]
"""

from __future__ import annotations

import argparse
import csv
import sys
from itertools import islice
from typing import TYPE_CHECKING

from benchmarks.arena import arena, measured
from benchmarks.report import Table
from demo import ending

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.arena import Arena

HEADERS = ("Factuurnummer", "Klantcode", "Factuurdatum", "Artikelcode", "Aantal", "Prijs", "Btw %")
ROWS = (1_000, 10_000)
LINES = 5
"""Of an invoice, where each row is a line."""
SHAPES = {"one row an invoice": 1, "one row a line": LINES}
IMPORT = (sys.executable, "-m", "exactonline_cli", "invoices", "import")


def rows_of(
    customers: Sequence[str], items: Sequence[str], lines: int
) -> Iterator[tuple[str, ...]]:
    """Rows without an end, as a Dutch spreadsheet has them."""
    number = 0
    while True:
        customer = customers[number % len(customers)]
        for line in range(lines):
            item = items[(number + line) % len(items)]
            yield f"2026-{number}", customer, "28-11-2026", item, f"{1 + line},5", "12,50", "21"
        number += 1


def save(path: Path, rows: Iterable[Sequence[str]]) -> Path:
    """Write a table as CSV, or as a workbook where its name says so."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=";").writerows([HEADERS, *rows])
        return path
    import openpyxl  # noqa: PLC0415 - an extra

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Facturen")
    sheet.append(HEADERS)
    for row in rows:
        sheet.append([*row[:4], *(float(cell.replace(",", ".")) for cell in row[4:])])
    book.save(path)
    return path


def _sign_in(here: Arena) -> list[str]:
    """Options by which the command is signed in: tokens are renewed once in the life of a store."""
    return ["--config", here.file("config.json", here.settings), "--dry-run"]


def measure(sizes: Sequence[int] = ROWS) -> Table:
    """Each kind of file in some sizes; the preview alone, nothing is sent."""
    rows = []
    with arena(invoices=20) as here:
        truth, division = here.server.control.truth, here.server.divisions[0]
        customers = [row["Code"] for row in truth(division, "accounts") if row["Status"] == "C"]
        items = [row["Code"] for row in truth(division, "items") if row["IsSalesItem"]]
        options = _sign_in(here)
        for suffix in ("csv", "xlsx"):
            for shape, lines in SHAPES.items():
                first = 0.0
                for size in sizes:
                    found = islice(rows_of(customers, items, lines), size)
                    path = save(here.folder / f"table.{suffix}", found)
                    here.server.control.reset_calls()
                    run = measured((*IMPORT, str(path), *options))
                    first = first or run.megabytes
                    rows.append((f"{suffix}, {shape}", size, run.seconds, run.cpu_seconds,
                                 run.megabytes, run.megabytes / first,
                                 here.data_calls()))  # fmt: skip
    return Table(
        "importing",
        "Preview of a spreadsheet",
        "`exactonline invoices import --dry-run` on files of so many rows; where a row is a line, "
        f"an invoice has {LINES}. The command is a program of its own, start included; its memory "
        "is the peak that the operating system accounts for, and *to the first* compares it with "
        f"that of {sizes[0]:,} rows.",
        ("file", "rows", "seconds", "CPU seconds", "peak MB", "to the first", "calls"),
        rows,
        compared=("CPU seconds",),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("rows", type=int, nargs="*", default=ROWS)
    measure(parser.parse_args().rows).show()


if __name__ == "__main__":
    ending.run(main)
