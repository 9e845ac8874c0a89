"""Records leave in pieces, in order, and none is kept back for good."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.singerlib import RecordMessage, StateMessage

from exactonline_client.errors import OutputError
from tap_exactonline.message_writer import BUFFER_SIZE, BufferedWriter
from tap_exactonline.tap import TapExactOnline
from tests.tap.conftest import catalog

if TYPE_CHECKING:
    from singer_sdk.singerlib import Message

    from tests.tap.conftest import Bench


def written(standard_output: pytest.CaptureFixture[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in standard_output.readouterr().out.splitlines()]


def record(number: int, text: str = "") -> Message:
    return RecordMessage(stream="accounts", record={"Number": number, "Text": text})


def test_a_state_takes_the_records_before_it_along(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer = BufferedWriter()
    writer.write_message(record(1))
    writer.write_message(record(2))
    assert written(capsysbinary) == []
    writer.write_message(StateMessage(value={}))
    first, second, last = written(capsysbinary)
    assert [first["record"]["Number"], second["record"]["Number"]] == [1, 2]
    assert last["type"] == "STATE"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk here")
def test_output_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = BufferedWriter()
    with Path("/dev/full").open("w", encoding="utf-8") as full, monkeypatch.context() as patched:
        patched.setattr("sys.stdout", full)
        writer.write_message(record(1))
        with pytest.raises(OutputError, match="No space left on device"):
            writer.write_message(StateMessage(value={}))


def test_many_records_do_not_wait_for_a_state(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    writer = BufferedWriter()
    for number in range(9):
        writer.write_message(record(number, "x" * (BUFFER_SIZE // 4)))
    early = written(capsysbinary)
    assert len(early) >= 5
    writer.flush()
    numbers = [message["record"]["Number"] for message in [*early, *written(capsysbinary)]]
    assert numbers == [*range(9)]


def test_rows_go_out_behind_which_the_state_is_as_it_was(
    bench: Bench, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    tap = TapExactOnline(config=bench.config, catalog=catalog(("hrm_divisions",), None, {}))
    tap.sync_all()
    first = written(capsysbinary)
    tap.sync_all()
    second = written(capsysbinary)
    tap.connection.close()
    assert [message["type"] for message in first] == ["SCHEMA", "RECORD", "STATE"]
    assert [message["type"] for message in second] == ["SCHEMA", "RECORD"]
