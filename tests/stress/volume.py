"""Build and prove the models on a million transaction lines: do all proofs hold, and how fast?

The books of three companies are repeated under other numbers of divisions, in the database itself.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import psycopg

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.dbt import books
from tests.stress import databases
from tests.stress.program import Program, hide_warnings, numeric

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterator

INVOICES = 2000
LEDGER = "transaction_lines"
APART = 1_000_000
"""Between the number of a division and that of its copy."""
LIMITS = {"duckdb": 20, "postgres": 60}
"""Seconds that a build with its tests may take, on two processors with nothing beside it."""
PASSED = ("success", "pass")


def copies(tables: books.Tables, lines: int) -> int:
    """How often the books have to be repeated for so many transaction lines."""
    return max(0, -(-lines // len(tables.found[LEDGER].rows)) - 1)


def statements(tables: books.Tables, times: int) -> Iterator[str]:
    """Statements that repeat all rows of companies."""
    for stream, table in tables.found.items():
        number = "Code" if stream == "system_divisions" else "Division"
        if number not in table.types:
            continue
        columns = ", ".join(f'"{name}"' for name in table.types)
        values = ", ".join(
            f'"{name}" + copy * {APART}' if name in (number, "Division") else f'"{name}"'
            for name in table.types
        )
        copied = f'{books.SCHEMA}."{stream}", generate_series(1, {times}) as copies(copy)'
        into = f'{books.SCHEMA}."{stream}" ({columns})'
        yield f"insert into {into} select {values} from {copied}"  # noqa: S608 - of this file


def in_duckdb(tables: books.Tables, times: int, folder: Path) -> dict[str, str]:
    """The environment for dbt, once the books are there so often."""
    database, listed, files = folder / "books.duckdb", folder / "statements.json", folder / "files"
    files.mkdir()
    books.into_duckdb(database, tables, files)
    listed.write_text(json.dumps(list(statements(tables, times))), encoding="utf-8")
    subprocess.run(books.program("execute", database, listed), check=True)
    return {"DBT_EXACT_PATH": str(database)}


def in_postgres(server: databases.Server, tables: books.Tables, times: int) -> dict[str, str]:
    """The same for PostgreSQL."""
    books.into_postgres(server.uri, tables)
    with psycopg.connect(server.uri, autocommit=True) as connection:
        for statement in statements(tables, times):
            connection.execute(statement.encode())
        connection.execute("vacuum analyze")
    return {"DBT_EXACT_HOST": server.host}


def build(target: str, folder: Path, settings: dict[str, str]) -> list[str]:
    """Build everything and print how long it took; returns what is wrong."""
    began = time.perf_counter()
    written = books.build(target, folder, books.today(), **settings)
    seconds = time.perf_counter() - began
    results = json.loads((written / "run_results.json").read_text(encoding="utf-8"))
    outcomes = Counter(item["status"] for item in results["results"])
    print(
        f"{target:10} {seconds:6.1f} s with the start of dbt, {results['elapsed_time']:6.1f} s "
        f"without (aimed at {LIMITS[target]}), {sum(outcomes[name] for name in PASSED)} passed"
    )
    return [
        f"{target}: {item['unique_id']}: {item['message']}"
        for item in results["results"]
        if item["status"] not in PASSED
    ]


def run(given: Namespace) -> list[str]:
    """Print the figures; returns what is wrong."""
    hide_warnings()
    config = SandboxConfig(
        seed=given.seed, invoices=INVOICES, divisions=3, minutely_limit=10**6, daily_limit=10**6
    )
    with TemporaryDirectory() as place, databases.server() as postgres:
        folder = Path(place)
        with Sandbox(config).running() as server:
            tables = books.read(server, folder)
        times = copies(tables, given.lines)
        lines = len(tables.found[LEDGER].rows) * (times + 1)
        print(f"{lines:,} transaction lines, {3 * (times + 1)} divisions")
        wrong = build("duckdb", folder, in_duckdb(tables, times, folder))
        return wrong + build("postgres", folder, in_postgres(postgres, tables, times))


PROGRAM = Program(
    "models-volume", __doc__, run, (numeric("--lines", default=1_000_000, help="of the ledger"),)
)
