"""The example for teams without dbt: what its maps give can be sent back, and changes nothing."""

from __future__ import annotations

import io
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import yaml

from benchmarks.arena import catalog
from exactonline_sandbox import Sandbox, SandboxConfig
from tap_exactonline.tap import TapExactOnline
from target_exactonline.target import TargetExactOnline
from tests.built import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from exactonline_sandbox import Server

EXAMPLE = ROOT / "examples" / "unified_stream_maps.yml"
STREAMS = ("accounts", "items")


def messages(server: Server, folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    maps = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    config = {**server.settings(), "store_url": f"sqlite:///{folder / 'tap.db'}", **maps}
    server.control.clock(advance_seconds=600)
    selected = catalog(STREAMS, **config)
    capsys.readouterr()
    tap = TapExactOnline(config=config, catalog=selected)
    tap.sync_all()
    tap.finish()
    tap.connection.close()
    return capsys.readouterr().out


def test_what_the_maps_give_is_what_the_target_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = SandboxConfig(seed=3, invoices=5, minutely_limit=100_000, daily_limit=100_000)
    with Sandbox(config).running() as server:
        given = messages(server, tmp_path, capsys)
        read: list[dict[str, Any]] = [json.loads(line) for line in given.splitlines()]
        records = Counter(each["stream"] for each in read if each["type"] == "RECORD")
        assert set(records) == {"customers", "suppliers", "invoice_items"}
        results = tmp_path / "results.jsonl"
        target = TargetExactOnline(
            config={
                **server.settings(),
                "store_url": f"sqlite:///{tmp_path / 'target.db'}",
                "results_path": str(results),
                "load_method": "upsert",
            }
        )
        server.control.clock(advance_seconds=600)
        target.listen(io.StringIO(given))
        target.close()
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    found = Counter(line["stream"] for line in lines if line["outcome"] == "unchanged")
    assert found == records
