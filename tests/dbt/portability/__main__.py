"""Compile the models for Snowflake and BigQuery, and parse each as that dialect.

Usage, in an environment with dbt for both and sqlglot: `python tests/dbt/portability PROJECT`. It
needs no network: nothing is asked of a database, so a model is compiled as if every column were
there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlglot
from dbt.cli.main import dbtRunner
from sqlglot.errors import SqlglotError

PROFILES = Path(__file__).parent
DIALECTS = ("snowflake", "bigquery")


def main() -> None:
    """Compile and parse; exit code 1 where anything is not as it should be."""
    (project,) = sys.argv[1:]
    wrong = [line for dialect in DIALECTS for line in check(project, dialect)]
    print("\n".join(wrong) or "All are compiled and parsed.")
    sys.exit(bool(wrong))


def check(project: str, dialect: str) -> list[str]:
    """Compile and parse the models and tests for a dialect; returns what is wrong."""
    with TemporaryDirectory() as folder:
        outcome = dbtRunner().invoke(
            [
                *("--no-use-colors", "--quiet", "--log-level-file", "none", "--no-populate-cache"),
                *("compile", "--no-introspect", "--project-dir", project),
                *("--profiles-dir", str(PROFILES), "--target", dialect, "--target-path", folder),
            ]
        )
        files = sorted(Path(folder, "compiled").rglob("*.sql"))
        wrong = [
            f"{dialect}: {path.name}: {error}"
            for path in files
            if (error := unreadable(path.read_text(encoding="utf-8"), dialect))
        ]
    print(f"{dialect}: {len(files)} compiled, {len(files) - len(wrong)} parsed")
    if not outcome.success:
        wrong.append(f"{dialect}: dbt compile has failed")
    return wrong


def unreadable(sql: str, dialect: str) -> str:
    """Why a statement is not one of its dialect; empty where it is."""
    try:
        sqlglot.parse_one(sql, dialect=dialect)
    except SqlglotError as error:
        return str(error).partition("\n")[0]
    return ""


if __name__ == "__main__":
    main()
