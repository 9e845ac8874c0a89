"""Rows of a stream as dicts, and the example that reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client import catalogue
from exactonline_client.connection import connect
from exactonline_client.errors import ConfigurationError
from exactonline_client.rows import read
from exactonline_sandbox import Sandbox, SandboxConfig
from tests.built import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exactonline_client.connection import Connection
    from exactonline_sandbox import Server

PROGRAM = ROOT / "examples" / "read_rows.py"


@pytest.fixture(scope="module")
def books() -> Iterator[Server]:
    with Sandbox(SandboxConfig(seed=4, invoices=20, minutely_limit=10_000)).running() as running:
        yield running


@pytest.fixture
def settings(books: Server, tmp_path: Path) -> dict[str, Any]:
    given = books.settings()
    books.control.clock(advance_seconds=600)
    return {**given, "store_url": f"sqlite:///{tmp_path / 'store' / 'store.db'}"}


@pytest.fixture
def connection(settings: dict[str, Any]) -> Iterator[Connection]:
    with closing(connect(settings)) as opened:
        yield opened


@pytest.mark.parametrize(
    "stream", ["accounts", "journals", "sales_invoices", "payment_terms", "transaction_lines"]
)
def test_rows_are_those_of_the_company(connection: Connection, books: Server, stream: str) -> None:
    division = books.divisions[0]
    key = [name for name in catalogue.load().streams[stream].key if name != "Division"]
    truth = {tuple(row[name] for name in key) for row in books.control.truth(division, stream)}
    rows = list(read(connection, stream, division))
    assert {tuple(row[name] for name in key) for row in rows} == truth
    assert len(rows) == len(truth)


def test_columns_and_conditions(connection: Connection, books: Server) -> None:
    division = books.divisions[0]
    columns = ["Name", "Created"]
    rows = list(read(connection, "accounts", division, columns=columns, where="Status eq 'C'"))
    truth = [row for row in books.control.truth(division, "accounts") if row["Status"] == "C"]
    assert {row["Name"] for row in rows} == {row["Name"] for row in truth}
    assert rows[0].keys() == set(columns)
    assert rows[0]["Created"].endswith("+00:00")


def test_unknown_names_are_refused_before_a_call(connection: Connection, books: Server) -> None:
    division = books.divisions[0]
    with pytest.raises(ConfigurationError, match="no stream 'acounts'"):
        list(read(connection, "acounts", division))
    with pytest.raises(ConfigurationError, match="has no column Nam"):
        list(read(connection, "accounts", division, columns=["Nam"]))
    assert connection.session.usage.total == 0


def test_the_example_runs(settings: dict[str, Any]) -> None:
    names = ("base_url", "client_id", "client_secret", "refresh_token", "store_url")
    given = {f"EXACTONLINE_{name.upper()}": str(settings[name]) for name in names}
    done = subprocess.run(
        [sys.executable, PROGRAM],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "API calls" in done.stdout
    assert len(done.stdout.splitlines()) > 2
