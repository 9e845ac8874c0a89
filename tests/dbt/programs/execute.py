"""Run statements on a file of DuckDB: `execute.py DATABASE STATEMENTS`.

Runs in the environment of dbt, which has DuckDB.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb


def main() -> None:
    """Run them one by one."""
    database, statements = sys.argv[1:]
    with duckdb.connect(database) as connection:
        for statement in json.loads(Path(statements).read_text(encoding="utf-8")):
            connection.execute(statement)


if __name__ == "__main__":
    main()
