"""Full books of three companies as tap-exactonline hands them over, loaded as a loader would.

The tap runs twice, with a day of business between that deletes documents.
"""

from __future__ import annotations

import csv
import json
import os
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psycopg
from singer_sdk.singerlib.encoding import SimpleSingerWriter
from typing_extensions import override

from benchmarks.arena import catalog
from scripts.dbt import MODELS, PROJECT
from tap_exactonline.definitions.names import snake
from tap_exactonline.tap import TapExactOnline
from tests.built import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.singerlib import Message

    from exactonline_sandbox import Server

PYTHON = ROOT / ".venv-dbt" / "bin" / "python"
PROGRAMS = Path(__file__).parent / "programs"
DUCKDB = "duckdb"
STREAMS = tuple(model.stream for model in MODELS)
INVOICES = ("sales_invoices", "sales_invoice_lines")
SCHEMA = "exact"
TYPES = {
    "uuid": "uuid",
    "date": "date",
    "date-time": "timestamp",
    "number": "numeric",
    "integer": "bigint",
    "boolean": "boolean",
    "string": "text",
}
"""Types of PostgreSQL that target-postgres gives, by format or type of JSON schema."""
NULL = "\\N"
"""What is no value in a file, where an empty text is one."""
STARTED_AT = "_sdc_sync_started_at"
DELETED_AT = "_sdc_deleted_at"


@dataclass
class Table:
    """The rows of a stream by key."""

    types: dict[str, str]
    """Types of its columns, in their order."""
    key: tuple[str, ...]
    rows: dict[tuple[Any, ...], dict[str, Any]] = field(default_factory=dict)


@dataclass
class Tables(SimpleSingerWriter):
    """Takes the messages of the tap: a record replaces the row with its key."""

    found: dict[str, Table] = field(default_factory=dict)
    load: int = 0
    """Number of the load, which loaders give as the time that it started at."""
    state: dict[str, Any] | None = None

    @override
    def write_message(self, message: Message) -> None:
        values = message.to_dict()
        if values["type"] == "SCHEMA":
            types = {name: _type(facts) for name, facts in values["schema"]["properties"].items()}
            types[STARTED_AT] = "bigint"
            key = tuple(values["key_properties"])
            self.found.setdefault(values["stream"], Table(types, key))
        elif values["type"] == "RECORD":
            table = self.found[values["stream"]]
            key_values = tuple(values["record"][name] for name in table.key)
            table.rows[key_values] = {**values["record"], STARTED_AT: self.load}
        elif values["type"] == "STATE":
            self.state = values["value"]


def in_snake_case(tables: Tables) -> Tables:
    """The same tables as the tap gives them with `column_names: snake`."""
    return Tables(
        {
            stream: Table(
                {snake(name): kind for name, kind in table.types.items()},
                tuple(map(snake, table.key)),
                {
                    key: {snake(name): value for name, value in row.items()}
                    for key, row in table.rows.items()
                },
            )
            for stream, table in tables.found.items()
        }
    )


def _type(facts: dict[str, Any]) -> str:
    kinds = [facts["type"]] if isinstance(facts["type"], str) else facts["type"]
    kind = next(name for name in kinds if name != "null")
    return TYPES[facts.get("format", kind)]


def read(server: Server, folder: Path) -> Tables:
    """Read all streams that models need, then what a day of business changes."""
    tables, config = Tables(), _connected(server, folder)
    _run(tables, config, STREAMS)
    for number, division in enumerate(server.divisions):
        server.control.changes(division, seed=number, new=8, changed=8, deleted=6)
    server.control.clock(advance_seconds=600)
    _run(tables, config, STREAMS)
    return tables


def read_once(server: Server, folder: Path, streams: tuple[str, ...] = STREAMS) -> Tables:
    """Read streams as they are now: by default all that models need."""
    tables = Tables()
    _run(tables, _connected(server, folder), streams)
    return tables


def _connected(server: Server, folder: Path) -> dict[str, Any]:
    """Settings of the tap with a new sign-in, whose token can be used at once."""
    config = {
        **server.settings(),
        "divisions": list(server.divisions),
        "store_url": f"sqlite:///{folder / 'store' / 'store.db'}",
    }
    server.control.clock(advance_seconds=600)
    return config


def build(target: str, folder: Path, as_of: str, **settings: str) -> Path:
    """Build everything in a database, and return the folder of what dbt writes.

    Args:
        target: of the project's profiles.
        folder: where dbt may write.
        as_of: the day that ages count to.
        settings: variables of the environment that say where the database is.
    """
    environment = {**os.environ, "DO_NOT_TRACK": "1", **settings}
    variables = json.dumps({"exact__as_of": as_of})
    command = program("build", PROJECT, folder / "dbt", variables, target)
    subprocess.run(command, env=environment, cwd=folder, check=True)
    return folder / "dbt" / target


def dump(database: Path, *tables: str) -> dict[str, list[dict[str, Any]]]:
    """The rows of tables of DuckDB, by the name of the table."""
    done = subprocess.run(program("dump", database, *tables), check=True, stdout=subprocess.PIPE)
    return {
        table.rpartition(".")[2]: [
            dict(zip(found["columns"], row, strict=True)) for row in found["rows"]
        ]
        for table, found in json.loads(done.stdout).items()
    }


def program(name: str, *arguments: object) -> list[str]:
    """A program for the environment of dbt."""
    return [str(PYTHON), str(PROGRAMS / f"{name}.py"), *map(str, arguments)]


def _run(tables: Tables, config: dict[str, Any], streams: tuple[str, ...]) -> None:
    tables.load += 1
    tap = TapExactOnline(
        config=config,
        catalog=catalog(streams, **config),
        state=tables.state,
        message_writer=tables,
    )
    tap.sync_all()
    tap.finish()
    tap.connection.close()


def today() -> str:
    """The day in the companies, which the sandbox's reports are of."""
    return datetime.now(ZoneInfo("Europe/Amsterdam")).date().isoformat()


def into_postgres(uri: str, tables: Tables) -> None:
    """Make the tables and fill them."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(f"create schema {SCHEMA}")
        for stream, table in tables.found.items():
            columns = ", ".join(f'"{name}" {kind}' for name, kind in table.types.items())
            connection.execute(f'create table {SCHEMA}."{stream}" ({columns})')
            copy = f'copy {SCHEMA}."{stream}" from stdin'
            with connection.cursor().copy(copy) as into:
                for row in _rows(table):
                    into.write_row(row)


def into_duckdb(path: Path, tables: Tables, folder: Path) -> None:
    """Make the tables in a new file, from files of CSV."""
    described = {}
    for stream, table in tables.found.items():
        with (folder / f"{stream}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(table.types)
            writer.writerows(
                [NULL if value is None else value for value in row] for row in _rows(table)
            )
        described[stream] = table.types
    (folder / "tables.json").write_text(json.dumps(described), encoding="utf-8")
    subprocess.run(program("load", path, folder, SCHEMA, NULL), check=True)


def _rows(table: Table) -> Iterator[list[Any]]:
    for row in table.rows.values():
        yield [row.get(name) for name in table.types]
