"""Nothing that the input says is an address is gone to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from exactonline_client.errors import ConfigurationError
from target_exactonline.sinks import TEST_STREAM

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from tests.target.conftest import Runner


@pytest.mark.parametrize("stream", [TEST_STREAM, "sales_invoices", "matches"])
@pytest.mark.parametrize("maps", [{}, {"stream_maps": {"*": {"a": "a"}}}])
def test_a_schema_is_read_without_what_it_points_at(
    runner: Runner, httpserver: HTTPServer, tmp_path: Path, stream: str, maps: dict[str, Any]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    for address in (httpserver.url_for("/schema.json"), (tmp_path / "pipe").as_uri()):
        schema = {"properties": {"a": {"$ref": address}}}
        messages = [
            {"type": "SCHEMA", "stream": stream, "schema": schema},
            runner.record({"a": 1}, stream),
        ]
        runner.run(messages, **maps)
    assert httpserver.log == []


def test_no_file_of_a_batch_is_opened(runner: Runner, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    manifest = [(tmp_path / "pipe").as_uri()]
    batch = {"stream": "sales_invoices", "encoding": {"format": "jsonl"}, "manifest": manifest}
    load = runner.run([runner.schema(), {"type": "BATCH", **batch}])
    assert isinstance(load.error, ConfigurationError)
