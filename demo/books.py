"""The books that dbt builds from the demo's tables, their proofs, and a report of them."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.stack import Failed, run, socket_folder

if TYPE_CHECKING:
    from pathlib import Path

    from demo.stack import Stack

MODELS = "dbt-exactonline"
"""The plugin of Meltano that builds them."""
PASSED = "pass"


@dataclass(frozen=True)
class Books:
    """What was built."""

    proofs: int
    """Tests of dbt that hold; where one does not, the build fails."""
    report: Path


def build(stack: Stack) -> Books:
    """Build the models, and write the report.

    Raises:
        Failed: a model cannot be built, a proof does not hold, or the report cannot be written.
    """
    written = stack.folder / "dbt"
    settings = {
        "DBT_EXACT_HOST": socket_folder(stack.postgres_uri),
        "DBT_TARGET_PATH": str(written),
        "DBT_LOG_PATH": str(written),
        "DO_NOT_TRACK": "1",
    }
    stack.meltano("run", f"{MODELS}:build", log="8-books", **settings)
    results = written / "run_results.json"
    found = json.loads(results.read_text(encoding="utf-8"))["results"]
    report = stack.folder / "report.html"
    command = [
        *(sys.executable, "-m", "exactonline_cli", "report", "--output", str(report)),
        *("--database", stack.postgres_uri, "--run-results", str(results)),
        *("--store-url", stack.environment["TAP_EXACTONLINE_STORE_URL"]),
    ]
    done = run(command, stack.environment)
    if done.returncode:
        raise Failed(f"The report cannot be written:\n{done.stdout}")
    return Books(sum(item["status"] == PASSED for item in found), report)
