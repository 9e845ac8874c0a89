"""Print the rows of tables in DuckDB as JSON: `dump.py DATABASE SCHEMA.TABLE ...`.

Runs in the environment of dbt, which has DuckDB.
"""

from __future__ import annotations

import json
import sys

import duckdb


def main() -> None:
    """Print an object with columns and rows for each table."""
    database, *tables = sys.argv[1:]
    found = {}
    with duckdb.connect(database, read_only=True) as connection:
        for table in tables:
            result = connection.execute(f"select * from {table}")  # noqa: S608
            names = [column[0] for column in result.description]
            found[table] = {"columns": names, "rows": result.fetchall()}
    json.dump(found, sys.stdout, default=str)


if __name__ == "__main__":
    main()
