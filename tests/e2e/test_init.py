"""The project that `exactonline init` makes, installed by Meltano from the source and run."""

from __future__ import annotations

import csv
import subprocess
from typing import TYPE_CHECKING

import pytest

from exactonline_sandbox import Sandbox, SandboxConfig
from tests import pages
from tests.built import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
BIN = ROOT / ".venv-demo" / "bin"


def test_the_project_installs_and_reads(tmp_path: Path) -> None:
    folder = tmp_path / "books"
    source = pages.source(tmp_path / "source")
    environment = pages.environment("http://127.0.0.1:1", pages.pins(tmp_path / "pins.txt"))

    def run(*command: str, **more: str) -> str:
        done = subprocess.run(
            command,
            cwd=folder if folder.exists() else tmp_path,
            env={**environment, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:]
        return done.stdout

    run(
        *(str(BIN / "exactonline"), "init", str(folder), "--no-input", "--loader", "csv"),
        *("--purpose", "receivables", "--source", f"file://{source}"),
    )
    meltano = str(BIN / "meltano")
    run(meltano, "install", "extractor", "tap-exactonline")
    run(meltano, "install", "loader", "target-csv")
    assert "column_names" in run(meltano, "config", "list", "tap-exactonline")
    assert "0." in run(meltano, "invoke", "tap-exactonline", "--version")
    with Sandbox(SandboxConfig(seed=2, invoices=10)).running() as server:
        settings = server.settings()
        server.control.clock(advance_seconds=600)
        names = ("base_url", "client_id", "client_secret", "refresh_token")
        given = {f"TAP_EXACTONLINE_{name.upper()}": str(settings[name]) for name in names}
        run(meltano, "run", "read-exact", **given)
    with (folder / "output" / "sales_invoices.csv").open(encoding="utf-8") as text:
        assert len(list(csv.DictReader(text))) == 10
