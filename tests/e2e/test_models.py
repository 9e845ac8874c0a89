"""From Exact to proven books in one command of Meltano, and the report of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from demo.stack import run
from scripts.dbt import MODELS

if TYPE_CHECKING:
    from pathlib import Path

    from demo.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(1300)]

LEFT_OUT = ("document_attachments",)
"""A call for each file, and no figures."""
ENOUGH = 150


@pytest.fixture
def dbt_installed(stack: Stack) -> None:
    done = run(["meltano", "install", "dbt-exactonline"], stack.environment)
    assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("dbt_installed")
def test_one_command_loads_builds_and_proves(stack: Stack, tmp_path: Path) -> None:
    streams = [model.stream for model in MODELS if model.stream not in LEFT_OUT]
    written = stack.folder / "dbt"
    database = {
        "DBT_EXACT_HOST": stack.postgres_uri.rpartition("host=")[2],
        "DBT_TARGET_PATH": str(written),
        "DBT_LOG_PATH": str(written),
    }
    stack.meltano(
        *("run", "--state-id-suffix=models"),
        *("tap-exactonline", "target-postgres", "dbt-exactonline:build"),
        log="models",
        TAP_EXACTONLINE__SELECT=json.dumps([f"{stream}.*" for stream in streams]),
        **database,
    )
    results = json.loads((written / "run_results.json").read_text(encoding="utf-8"))["results"]
    outcomes = [each["status"] for each in results]
    assert set(outcomes) == {"success", "pass"}
    assert outcomes.count("pass") >= ENOUGH
    lines = "select count(*) from analytics.exact__general_ledger"
    ((loaded,),) = stack.sql(lines)
    assert loaded > 300

    page = tmp_path / "report.html"
    # Meltano's environment of the tap has no driver of PostgreSQL; that of the demo has.
    done = run(["exactonline", "report", "--output", str(page)], {**stack.environment, **database})
    assert done.returncode == 0, done.stdout
    text = page.read_text(encoding="utf-8")
    assert f"All {outcomes.count('pass')} proofs hold." in text
    assert text.count('<section class="company"') == 1
