"""Plant an error in the tables that models are built from: do the proofs of the accounts see it?

Each error is one that a loader, a bug in a model or a gap in reading could make. It is planted in
full books of three companies in DuckDB, from which all models are made anew: a test of the dbt
project has to fail.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.dbt import books
from tests.stress.program import Program, hide_warnings

if TYPE_CHECKING:
    from argparse import Namespace

NO_ERROR = "no error"


def errors() -> dict[str, str]:
    """Statements that plant an error, by what it is."""
    text = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    parts = (part.partition("\n") for part in text.split("-- ")[1:])
    return {name: statement.strip().rstrip(";") for name, _, statement in parts}


def planted(
    database: Path, manifest: Path, chosen: dict[str, str], folder: Path
) -> dict[str, dict[str, Any]]:
    """Plant errors, each in a copy of a database in which everything is built.

    Returns:
        By the name of the error, how many `rows` it changed, and the tests by which it was `seen`.
    """
    place = folder / "planted"
    place.mkdir()
    listed = place / "errors.json"
    listed.write_text(json.dumps(chosen), encoding="utf-8")
    command = books.program("plant", database, manifest, listed, place)
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found


def build(folder: Path, seed: int) -> tuple[Path, Path]:
    """Full books in a database with everything built, and dbt's manifest of it."""
    config = SandboxConfig(
        seed=seed, invoices=40, divisions=3, books="full", minutely_limit=100_000
    )
    database, files = folder / "books.duckdb", folder / "files"
    files.mkdir()
    with Sandbox(config).running() as server:
        tables = books.read(server, folder)
    books.into_duckdb(database, tables, files)
    written = books.build(books.DUCKDB, folder, books.today(), DBT_EXACT_PATH=str(database))
    return database, written / "manifest.json"


def missed(found: dict[str, dict[str, Any]]) -> list[str]:
    """The errors that changed nothing, or that no test saw."""
    return [
        f"{name}: {'no proof saw it' if outcome['rows'] else 'nothing was planted'}"
        for name, outcome in found.items()
        if not outcome["rows"] or not outcome["seen"]
    ]


def run(given: Namespace) -> list[str]:
    """Print the errors, with the first proof that saw each; returns those that none saw."""
    hide_warnings()
    with TemporaryDirectory() as place:
        database, manifest = build(Path(place), given.seed)
        chosen = {NO_ERROR: "select 0", **errors()}
        found = planted(database, manifest, chosen, Path(place))
    false_alarms = found.pop(NO_ERROR)["seen"]
    for name, outcome in found.items():
        seen = outcome["seen"]
        print(f"{name:42} {outcome['rows']:5} rows, {len(seen):3} proofs: {', '.join(seen[:1])}")
    wrong = [*(f"without an error: {name}" for name in false_alarms), *missed(found)]
    print(f"errors planted      {len(found):12,}")
    print(f"not seen            {len(missed(found)):12,}   (must be 0)")
    return wrong


PROGRAM = Program("models-planted", __doc__, run)
