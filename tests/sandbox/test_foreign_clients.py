"""Clients that others wrote must work against the sandbox unchanged."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_sandbox import Sandbox, SandboxConfig
from tests.sandbox.conftest import NOON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exactonline_sandbox import Server

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "foreign"
REDIRECT_URI = "https://example.com/callback"
CONFIG = SandboxConfig(invoices=800, only=("sales_invoices",), clock=NOON)
FULL = SandboxConfig(invoices=300, minutely_limit=1000, tls=True)


def uv() -> str:
    own = ROOT / ".tools" / "bin" / "uv"
    found = shutil.which("uv") or (str(own) if own.exists() else None)
    if found is None:
        pytest.fail("uv is needed on PATH or in .tools/bin; `make test` puts it there.")
    return found


def environment(name: str) -> Path:
    """The interpreter of an environment with just this client, made once for its pins."""
    pins = ROOT / "requirements" / f"foreign-{name}.txt"
    home = ROOT / ".tools" / "foreign" / name
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    mark = home / ".made"
    wanted = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        tool = uv()
        shutil.rmtree(home, ignore_errors=True)
        for command in (
            [tool, "venv", "--quiet", "--python", sys.executable, str(home)],
            [
                tool, "pip", "install", "--quiet", "--python", str(python),
                "--require-hashes", "--requirement", str(pins),
            ],
        ):  # fmt: skip
            subprocess.run(command, check=True, cwd=ROOT)
        mark.write_text(wanted)
    return python


def run(
    server: Server, client: str, folder: Path, lists: Sequence[str] = (), **env: str
) -> dict[str, Any]:
    """Run a program in its client's environment; it prints what it did as JSON."""
    accounts = server.control.truth(server.divisions[0], "accounts")
    facts = {
        "base_url": server.base_url,
        "client_id": server.credentials.client_id,
        "client_secret": server.credentials.client_secret,
        "redirect_uri": REDIRECT_URI,
        "folder": str(folder),
        "division": server.divisions[0],
        "access_token": server.control.sign_in()["access_token"],
        "lists": list(lists),
        "customer": next(row["Name"] for row in accounts if row["Status"] == "C"),
    }
    briefing = folder / "facts.json"
    briefing.write_text(json.dumps(facts), encoding="utf-8")
    program = PROGRAMS / f"{client.replace('-', '_')}_client.py"
    answer = subprocess.run(
        [str(environment(client)), str(program), str(briefing)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **env},
    )
    assert answer.returncode == 0, answer.stderr
    told: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    assert told["accounts"] == len(accounts)
    return told


def invoice(server: Server, key: str) -> dict[str, Any]:
    rows = server.control.truth(server.divisions[0], "sales_invoices")
    return next(row for row in rows if row["InvoiceID"] == key)


def test_exactonline(tmp_path: Path) -> None:
    """It speaks https only, so it is given the sandbox's certificate to trust."""
    config = SandboxConfig(**{**vars(CONFIG), "tls": True})
    with Sandbox(config).running() as server:
        told = run(server, "exactonline", tmp_path, **trusting(server))
        assert invoice(server, told["invoice"])["AmountFCExclVat"] == 20
        entries = server.control.truth(server.divisions[0], "sales_entries")
        entry = next(row for row in entries if row["EntryID"] == told["entry"])
    assert told["divisions"] == [server.divisions[0]]
    assert told["accounts"] > 60
    assert told["entry_lines"] == 1
    assert (entry["AmountDC"], entry["EntryDate"]) == (121, "2026-03-04")


def test_exact_online_sdk(tmp_path: Path) -> None:
    with Sandbox(CONFIG).running() as server:
        told = run(
            server,
            "exact-online-sdk",
            tmp_path,
            EXACT_BASE_URL=server.base_url,
            EXACT_CLIENT_ID=server.credentials.client_id,
            EXACT_CLIENT_SECRET=server.credentials.client_secret,
            EXACT_REDIRECT_URI=REDIRECT_URI,
            EXACT_DIVISION=str(server.divisions[0]),
        )
        made = invoice(server, told["invoice"])
    assert told["divisions"] == [server.divisions[0]]
    assert told["pages"] > 1
    assert (made["YourRef"], made["AmountFCExclVat"]) == ("SDK-1", 20)


def test_exactpy(tmp_path: Path) -> None:
    """Its typed models take the sandbox's rows; it measures limits by the real clock."""
    lists = {
        "aging_overviews": 4,
        "exchange_rates": 100,
        "financial_periods": 60,
        "gl_accounts": 60,
        "gl_accounts_classification_mappings": 100,
        "gl_schemes": 2,
        "outstanding_invoices_overviews": 1,
        "profit_loss_overviews": 1,
        "reporting_balances": 1000,
        "revenue_lists": 12,
    }
    with Sandbox(FULL).running() as server:
        told = run(server, "exactpy", tmp_path, list(lists), **trusting(server))
        lines = server.control.truth(server.divisions[0], "transaction_lines")
    assert told["divisions"] == [server.divisions[0]]
    assert told["lines"] == len(lines) > 2000
    few = {name: rows for name, rows in told["lists"].items() if rows < lists[name]}
    assert not few


def test_python_exact_online(tmp_path: Path) -> None:
    with Sandbox(FULL).running() as server:
        told = run(server, "python-exact-online", tmp_path, **trusting(server))
        entries = server.control.truth(server.divisions[0], "sales_entries")
        lines = server.control.truth(server.divisions[0], "transaction_lines")
    entry = next(row for row in entries if row["EntryID"] == told["entry"])
    assert told["divisions"] == [server.divisions[0]]
    assert (entry["YourRef"], entry["AmountDC"]) == ("PEO-1", 121)
    assert told["lines"] == len(lines) > 2000


def trusting(server: Server) -> dict[str, str]:
    """The environment of a client that speaks https only."""
    ca_file = str(server.ca_file)
    return {"SSL_CERT_FILE": ca_file, "REQUESTS_CA_BUNDLE": ca_file}


def test_pyodata(tmp_path: Path) -> None:
    """A client of OData in general, which learns of the API by `$metadata` alone."""
    with Sandbox(CONFIG).running() as server:
        told = run(server, "pyodata", tmp_path)
        lines = server.control.truth(server.divisions[0], "sales_invoice_lines")
    assert told["accounts"] > 60
    assert told["name"]
    assert told["created"]
    assert told["lines"] == sum(line["InvoiceID"] == told["invoice"] for line in lines) > 0
    assert told["types"] > 200
