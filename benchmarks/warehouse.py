"""A first load into PostgreSQL, by the settings of target-postgres.

Usage: python -m benchmarks.warehouse [--rows 30000] [--divisions 1 8]
"""

from __future__ import annotations

import argparse
import shlex
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from benchmarks.arena import TAP, arena, catalog, measured, records
from benchmarks.report import Table
from demo import ending
from demo.stack import ROOT, alone_in_checkout, install, postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.arena import Arena

LOADER = ROOT / ".meltano" / "loaders" / "target-postgres" / "venv" / "bin" / "target-postgres"
STREAM = "sales_invoice_lines"
FEW = ("ID", "InvoiceID", "Item", "Quantity", "NetPrice", "AmountDC", "Timestamp", "Division")
LINES = 5
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "as installed": {},
    "use_copy": {"use_copy": True},
    "validate_records off": {"validate_records": False},
    "both": {"validate_records": False, "use_copy": True},
    "both, 50,000 rows a batch": {
        "validate_records": False, "use_copy": True, "batch_size_rows": 50_000,
    },
}  # fmt: skip
"""Settings of target-postgres, by what they are called here."""
WAIT = 900


@dataclass
class Warehouse:
    """A PostgreSQL to load into, a schema for each load."""

    uri: str
    loads: int = 0

    def config(self, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - as the loader takes them
        """Settings of target-postgres, for a schema that is new."""
        self.loads += 1
        return {
            "sqlalchemy_url": self.uri.replace("postgresql://", "postgresql+psycopg://"),
            "default_target_schema": self.schema,
            "load_method": "upsert",
            **settings,
        }

    @property
    def schema(self) -> str:
        """The schema of the last load."""
        return f"load_{self.loads}"

    def rows(self) -> int:
        """How many rows the last load has written."""
        with psycopg.connect(self.uri) as connection:
            query = f'select count(*) from "{self.schema}"."{STREAM}"'  # noqa: S608 - of this file
            return int(connection.execute(query).fetchall()[0][0])


@contextmanager
def warehouse(folder: Path) -> Iterator[Warehouse]:
    """Install target-postgres and start PostgreSQL."""
    with alone_in_checkout(WAIT):
        install()
        with postgres(folder) as uri:
            yield Warehouse(uri)


def measure(
    rows: int = 30_000,
    divisions: Sequence[int] = (1, 8),
    settings: Mapping[str, Mapping[str, Any]] = SETTINGS,
) -> Table:
    """Rows a second of the loader alone, and from Exact Online into the table."""
    found: list[tuple[str | int | float | None, ...]] = []
    for number in divisions:
        invoices = max(1, rows // LINES // number)
        sizes = {"divisions": number, "invoices": invoices, "lines_per_invoice": LINES}
        with (
            arena(**sizes, only=("sales_invoices",)) as here,
            warehouse(here.folder / "postgres") as there,
        ):
            here.settings["divisions"] = [*here.server.divisions]
            for name, columns in (("few", FEW), ("all", None)):
                selection = catalog([STREAM], columns)
                found += _loads(here, there, selection, settings, (name, number))
    return Table(
        "warehouse",
        "A first load into PostgreSQL",
        f"About {rows:,} rows of `{STREAM}`, {len(FEW)} columns or all, by the settings of "
        "target-postgres (meltanolabs), each into a schema that is new. *The loader alone* reads "
        "the tap's output from a file; *end to end* is the tap, the loader, PostgreSQL and the "
        "sandbox, which makes the pages on the same processors.",
        ("columns", "divisions", "target-postgres", "the loader alone, rows a second",
         "end to end, rows a second", "times as fast"),
        found,
    )  # fmt: skip


def _loads(
    here: Arena,
    there: Warehouse,
    selection: Mapping[str, Any],
    settings: Mapping[str, Mapping[str, Any]],
    about: tuple[str, int],
) -> Iterator[tuple[str | int | float | None, ...]]:
    """A load for each of the settings: alone from a file, then in a pipe."""
    chosen = here.file("catalog.json", selection)
    output = here.folder / "out.jsonl"
    here.sign_in()
    config = here.file("config.json", here.settings)
    tap = (*TAP, "--config", config, "--catalog", chosen)
    measured(tap, output)
    expected = records(output)
    first = 0.0
    for name, chosen_settings in settings.items():
        loader = (
            str(LOADER),
            "--config",
            here.file("loader.json", there.config(**chosen_settings)),
        )
        alone = measured(loader, source=output)
        _check(there, expected)
        here.sign_in()
        here.file("config.json", here.settings)
        loader = (
            str(LOADER),
            "--config",
            here.file("loader.json", there.config(**chosen_settings)),
        )
        pipe = f"set -o pipefail; {shlex.join(tap)} | {shlex.join(loader)}"
        whole = measured(("bash", "-c", pipe))
        _check(there, expected)
        first = first or whole.seconds
        yield (
            *about, name, expected / alone.seconds, expected / whole.seconds, first / whole.seconds
        )  # fmt: skip


def _check(there: Warehouse, expected: int) -> None:
    if (found := there.rows()) != expected:
        sys.exit(f"{there.schema} has {found} rows of {expected}.")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.warehouse", description=__doc__)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--divisions", type=int, nargs="*", default=[1, 8])
    measure(**vars(parser.parse_args())).show()


if __name__ == "__main__":
    ending.run(main)
