from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from exactonline_sandbox.config import CHOICES

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "exactonline_cli", "sandbox"]


def started(tmp_path: Path, *options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--invoices", "5", "--ready-file", str(ready), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 30
    while not ready.exists():
        assert process.poll() is None, process.stdout and process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process, json.loads(ready.read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_says_how_to_connect_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process, facts = started(
        tmp_path,
        "--divisions=2",
        "--books=full",
        "--clock=2026-03-04",
        "--redirect-uri=http://127.0.0.1:9/cb",
        "--switch=mandatory-filtering=on",
        '--fault={"kind":"status","path":"logistics"}',
    )
    state = requests.get(f"{facts['control_url']}state", timeout=20).json()
    tokens = requests.post(f"{facts['control_url']}sign-in", timeout=20).json()
    divisions = requests.get(
        f"{facts['base_url']}/api/v1/1700001/system/Divisions?$select=Country",
        headers={
            "Authorization": f"Bearer {tokens['access_token']}",
            "Accept": "application/json",
        },
        timeout=20,
    ).json()["d"]["results"]
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert [row["Country"].strip() for row in divisions] == ["NL", "BE"]
    assert facts["base_url"] in output
    assert facts["client_secret"] in output
    assert "Traceback" not in output
    assert facts["divisions"] == [1_700_001, 1_700_002]
    assert "http://127.0.0.1:9/cb" in facts["redirect_uris"]
    assert state["clock"].startswith("2026-03-04T00:00")
    assert state["switches"]["mandatory_filtering"] is True
    assert state["faults"][0]["path"] == "logistics"


def test_serves_https_with_its_own_certificate(tmp_path: Path) -> None:
    process, facts = started(tmp_path, "--tls")
    try:
        assert facts["base_url"].startswith("https://")
        answer = requests.get(f"{facts['control_url']}state", verify=facts["ca_file"], timeout=20)
        assert answer.status_code == 200
        assert process.stdout is not None
        printed = next(line for line in process.stdout if "sign-in" in line).split()
        assert printed == [
            "curl", "--cacert", facts["ca_file"], "-X", "POST", f"{facts['control_url']}sign-in",
        ]  # fmt: skip
        tokens = requests.post(printed[-1], verify=printed[2], timeout=20).json()
        form = {
            "client_id": facts["client_id"], "client_secret": facts["client_secret"],
            "grant_type": "refresh_token", "refresh_token": tokens["refresh_token"],
        }  # fmt: skip
        address = f"{facts['base_url']}/api/oauth2/token"
        assert requests.post(address, form, verify=printed[2], timeout=20).status_code == 200
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--switch", "nonsense=on"], "There is no switch 'nonsense'"),
        (["--switch", "json-layout=wide"], "takes one of wire, compact; not 'wide'"),
        *((["--switch", f"{name.replace('_', '-')}=wide"], "; not 'wide'") for name in CHOICES),
        (["--switch", "late-commits=soon"], "could not convert"),
        (["--switch", "expand=perhaps"], "takes a bool, not 'perhaps'"),
        (["--clock", "soon"], "is not an ISO date"),
        (["--fault", "{"], "not a fault rule"),
        (["--fault", '{"colour": "red"}'], "not a fault rule"),
    ],
)
def test_wrong_options_are_explained(options: list[str], words: str) -> None:
    answer = subprocess.run([*COMMAND, *options], capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_taken_port_is_explained() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = subprocess.run(
            [*COMMAND, "--port", port, "--invoices", "1"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert "--port" in line
    assert "Traceback" not in answer.stderr
