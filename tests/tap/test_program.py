"""The tap as a program: one line that says what to do, and an exit code, for each mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from tests.tap.conftest import Bench


pytestmark = pytest.mark.e2e


def program(
    tmp_path: Path, config: dict[str, Any], *streams: str, options: tuple[str, ...] = ()
) -> tuple[int, list[str], str]:
    """Run `tap-exactonline`; returns its exit code, its warnings and errors, and its output."""
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ["--config", str(tmp_path / "config.json"), *options]
    if streams:
        from tests.tap.conftest import catalog  # noqa: PLC0415 - it imports the whole sandbox

        text = json.dumps(catalog(streams, None, config))
        (tmp_path / "catalog.json").write_text(text, encoding="utf-8")
        arguments += ["--catalog", str(tmp_path / "catalog.json")]
    result = subprocess.run(
        [sys.executable, "-m", "tap_exactonline", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in result.stderr
    # The SDK has a word about old Pythons, which is for its users.
    lines = [line for line in result.stderr.splitlines() if "PythonEOLWarning" not in line]
    told = [line for line in lines if "| ERROR" in line or "| WARNING" in line]
    return result.returncode, [line.split("|")[-1].strip() for line in told], result.stdout


def test_a_wrong_secret(bench: Bench, tmp_path: Path) -> None:
    code, told, _ = program(tmp_path, {**bench.config, "client_secret": "wrong"}, "accounts")
    assert code == 2
    (line,) = told
    assert "client_secret" in line
    assert "wrong" not in line.split()


def test_a_spent_refresh_token(bench: Bench, tmp_path: Path) -> None:
    bench.run("accounts")
    fresh_store = {"store_url": f"sqlite:///{tmp_path / 'other' / 'store.db'}"}
    code, told, _ = program(tmp_path, {**bench.config, **fresh_store}, "accounts")
    assert code == 3
    (line,) = told
    assert "Sign in again" in line


@pytest.mark.parametrize(
    ("code", "settings", "options"),
    [(0, {}, ()), (0, {}, ("--test",)), (6, {"divisions": [4711]}, ())],
    ids=["run", "test", "failure"],
)
def test_the_store_is_closed_at_the_end(
    bench: Bench, tmp_path: Path, code: int, settings: dict[str, Any], options: tuple[str, ...]
) -> None:
    found, _, _ = program(tmp_path, {**bench.config, **settings}, "accounts", options=options)
    assert found == code
    folder = Path(make_url(bench.config["store_url"]).database or "").parent
    assert {file.name for file in folder.glob("store.db*")} == {"store.db"}


def test_an_unknown_division(bench: Bench, tmp_path: Path) -> None:
    config = {**bench.config, "divisions": [4711, *bench.divisions]}
    code, told, output = program(tmp_path, config, "accounts")
    assert code == 6
    assert "4711" in told[-1]
    assert str(bench.divisions[0]) in told[-1]
    assert output.count('"type":"RECORD"') == len(bench.truth("accounts"))


def test_no_rights(bench: Bench, tmp_path: Path) -> None:
    bench.server.control.switches(denied=["sync/CRM/Accounts"])
    code, told, output = program(tmp_path, bench.config, "accounts", "vat_codes")
    assert code == 0
    (line,) = told
    assert "accounts" in line
    assert "403" in line
    assert output.count('"type":"RECORD"') == len(bench.truth("vat_codes"))


def test_a_server_that_is_not_there(bench: Bench, tmp_path: Path) -> None:
    code, told, _ = program(tmp_path, {**bench.config, "base_url": "http://127.0.0.1:9"}, "me")
    assert code == 7
    assert "127.0.0.1:9" in told[-1]


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"region": "mars"}, "mars"),
        ({"divisions": "all"}, "divisions"),
        ({"start_date": "soon"}, "start_date"),
        ({"base_url": "http://exact.example.com"}, "base_url"),
        ({"store_url": "mysql://nowhere"}, "store_url"),
        ({"daily_call_reserve": -1}, "daily_call_reserve"),
    ],
)
def test_a_wrong_setting(
    bench: Bench, tmp_path: Path, settings: dict[str, Any], named: str
) -> None:
    code, told, _ = program(tmp_path, {**bench.config, **settings}, "accounts")
    assert code == 2
    assert named in told[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("start_date", "yesterday"),
        ("divisions_share", "5/4"),
        ("divisions_from", "nowhere.jsonl"),
        ("base_url", "ftp://example.com"),
        ("divisions", [-1]),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_asked(
    tmp_path: Path, name: str, value: Any
) -> None:
    config = {"client_id": "id", "client_secret": "secret", name: value}
    code, told, out = program(tmp_path, config, "accounts")
    assert code == 2
    (line,) = told
    assert name in line
    assert out == ""


def test_a_misspelt_setting_is_told(tmp_path: Path) -> None:
    _, told, _ = program(tmp_path, {"client_id": "id", "regoin": "be", "start_date": "never"})
    assert "There is no setting regoin; it has no effect. Did you mean region?" in told


def test_a_setting_of_the_sdk_that_is_not_ours_has_no_effect(bench: Bench, tmp_path: Path) -> None:
    files = {"root": f"file://{tmp_path}/files", "prefix": ""}
    batches = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": files}
    code, told, out = program(tmp_path, {**bench.config, "batch_config": batches}, "journals")
    assert code == 0
    assert "There is no setting batch_config; it has no effect." in "\n".join(told)
    assert {json.loads(line)["type"] for line in out.splitlines()} == {"SCHEMA", "RECORD", "STATE"}


def test_discovery_needs_no_settings(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "tap_exactonline", "--discover"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=tmp_path,
    )
    streams = {stream["tap_stream_id"]: stream for stream in json.loads(result.stdout)["streams"]}
    assert len(streams) == 276
    assert "posting_results" in streams
    assert streams["sales_invoices"]["key_properties"] == ["Division", "InvoiceID"]
    assert streams["sales_invoices"]["replication_key"] == "Timestamp"


@pytest.mark.parametrize("option", ["$top=-1", "$skip=-60", "$skiptoken=nonsense"])
def test_a_negative_page_is_refused_in_one_line(bench: Bench, option: str) -> None:
    from exactonline_client.connection import connect  # noqa: PLC0415
    from exactonline_client.errors import RequestRefused  # noqa: PLC0415

    connection = connect(bench.config)
    address = f"/api/v1/{bench.divisions[0]}/crm/Accounts?$select=ID&{option}"
    with pytest.raises(RequestRefused) as caught:
        list(connection.pages(address, bench.divisions[0]))
    connection.close()
    assert caught.value.status == 400
    assert "\n" not in str(caught.value)
    assert "crm/Accounts" in str(caught.value)
