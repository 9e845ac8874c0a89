"""Load files of CSV into DuckDB: `load.py DATABASE FOLDER SCHEMA NULL`.

Runs in the environment of dbt, which has DuckDB.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb

TYPES = {"numeric": "decimal(28, 10)", "text": "varchar"}


def main() -> None:
    """Make a table of each file."""
    database, folder, schema, null = sys.argv[1], Path(sys.argv[2]), *sys.argv[3:]
    tables = json.loads((folder / "tables.json").read_text(encoding="utf-8"))
    with duckdb.connect(database) as connection:
        connection.execute(f"create schema {schema}")
        for stream, columns in tables.items():
            types = {name: TYPES.get(kind, kind) for name, kind in columns.items()}
            path = str(folder / f"{stream}.csv")
            connection.execute(
                f'create table {schema}."{stream}" as select * from read_csv('  # noqa: S608
                f"'{path}', auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
                f"new_line='\\n', parallel=false, nullstr='{null}', columns={types})"
            )


if __name__ == "__main__":
    main()
