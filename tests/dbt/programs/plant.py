"""Plant errors in what is built, and print which proofs see each.

`plant.py DATABASE MANIFEST ERRORS FOLDER` copies the database for each error to the folder, under
the name it has, as the queries that dbt compiled name it too. There it changes rows, makes the
tables of models anew in their order and asks the queries of the tests. Runs in the environment of
dbt.
"""

from __future__ import annotations

import json
import shutil
import sys
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb

Nodes = list[dict[str, Any]]


def in_order(manifest: dict[str, Any]) -> Nodes:
    """Models and tests, each behind what it reads."""
    nodes = manifest["nodes"]
    graph = {name: node["depends_on"].get("nodes", ()) for name, node in nodes.items()}
    return [nodes[name] for name in TopologicalSorter(graph).static_order() if name in nodes]


def seen(connection: duckdb.DuckDBPyConnection, nodes: Nodes) -> list[str]:
    """Names of the tests that find rows."""
    found = []
    for node in nodes:
        query = node.get("compiled_code")
        if node["resource_type"] == "model" and node["config"]["materialized"] == "table":
            connection.execute(f"create or replace table {node['relation_name']} as ({query})")
        elif node["resource_type"] == "test":
            counted = connection.execute(f"select count(*) from ({query})").fetchone()  # noqa: S608
            if counted and counted[0]:
                found.append(node["name"])
    return found


def main() -> None:
    """Print how many rows each error changed, and who saw it, as JSON."""
    database, manifest, errors, folder = map(Path, sys.argv[1:])
    nodes = in_order(json.loads(manifest.read_text(encoding="utf-8")))
    copy = folder / database.name
    outcome = {}
    for name, statement in json.loads(errors.read_text(encoding="utf-8")).items():
        shutil.copy(database, copy)
        with duckdb.connect(str(copy)) as connection:
            changed = connection.execute(statement).fetchone()
            outcome[name] = {"rows": changed[0] if changed else 0, "seen": seen(connection, nodes)}
    json.dump(outcome, sys.stdout)


if __name__ == "__main__":
    main()
