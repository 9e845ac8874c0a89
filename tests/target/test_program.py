"""The target as a program: what it says about itself, how it ends, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from target_exactonline.target import TargetExactOnline

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Company, Message, Runner


pytestmark = pytest.mark.e2e


def start(
    config: dict[str, Any], folder: Path, text: str, *options: str, **variables: str
) -> subprocess.Popen[str]:
    """The program, about to read `text`."""
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "input.jsonl").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "target_exactonline", "--config", "config.json"]
    return subprocess.Popen(
        [*command, "--input", "input.jsonl", *options],
        cwd=folder,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class Ended:
    """What a program left behind."""

    returncode: int
    stdout: str
    stderr: str


def end(process: subprocess.Popen[str]) -> Ended:
    stdout, stderr = process.communicate(timeout=60)
    return Ended(process.returncode, stdout, stderr)


def program(
    config: dict[str, Any], folder: Path, text: str, *options: str, **variables: str
) -> Ended:
    return end(start(config, folder, text, *options, **variables))


def lines(*messages: Message) -> str:
    return "".join(json.dumps(message) + "\n" for message in messages)


def test_wrong_settings_are_all_named_in_one_line(tmp_path: Path) -> None:
    ended = program({"request_timeout": 0, "on_error": "ignore"}, tmp_path, "")
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    (line,) = [line for line in ended.stderr.splitlines() if "ERROR" in line]
    assert "request_timeout" in line
    assert "'ignore' is not one of ['skip', 'fail']" in line


def test_a_wrong_secret_is_not_quoted(tmp_path: Path) -> None:
    ended = program({"client_id": "id", "client_secret": 98765432}, tmp_path, "")
    assert ended.returncode == 2
    assert "Setting client_secret is not of the kind it should be" in ended.stderr
    assert "98765432" not in ended.stderr


DRY_RUN = "TARGET_EXACTONLINE_DRY_RUN"


@pytest.mark.parametrize(
    ("config", "options", "variables", "told"),
    [
        (
            {"dryrun": True, "colour": "red"},
            (),
            {},
            (
                "Nothing was written. There is no setting dryrun. Did you mean dry_run? There is "
                "no setting colour."
            ),
        ),
        (
            {"streams": {"bills": {"entiti": "sales_invoices"}}},
            (),
            {},
            "Nothing was written. Setting streams.bills has no field entiti. Did you mean entity?",
        ),
        (
            {},
            ("--config=ENV",),
            {"TARGET_EXACTONLINE_DRYRUN": "true"},
            f"variable TARGET_EXACTONLINE_DRYRUN is of no setting. Did you mean {DRY_RUN}?",
        ),
        ({}, (), {DRY_RUN: "true"}, f"variable {DRY_RUN} is set, but not read. Read the"),
    ],
    ids=["setting", "field", "variable", "unread"],
)
def test_what_has_no_effect_ends_it_before_anything_is_written(
    company: Company,
    runner: Runner,
    tmp_path: Path,
    *,
    config: dict[str, Any],
    options: tuple[str, ...],
    variables: dict[str, str],
    told: str,
) -> None:
    reference = str(uuid4())
    text = lines(runner.schema(), runner.record(company.invoice(reference)))
    ended = program({**runner.settings, **config}, tmp_path, text, *options, **variables)
    assert ended.returncode == 2
    (line,) = [line for line in ended.stderr.splitlines() if "ERROR" in line]
    assert told in line
    assert "no effect" not in line
    assert not company.invoices(reference)


def test_what_the_sdk_and_meltano_add_is_let_through(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    reference = str(uuid4())
    text = lines(runner.schema(), runner.record(company.invoice(reference)))
    config = {
        "stream_maps": {},
        "stream_map_config": {},
        "flattening_enabled": False,
        "faker_config": {"locale": "nl"},
        "batch_config": {"encoding": {"format": "jsonl"}},
        "add_record_metadata": True,
        "default_target_schema": "public",
        "_dialect": "exact",
    }
    variables = {
        "TARGET_EXACTONLINE__DIALECT": "exact",
        "TARGET_EXACTONLINE__LOAD_SCHEMA": "public",
        "TARGET_EXACTONLINE_LOGLEVEL": "INFO",
        "TARGET_EXACTONLINE_BE_DRY_RUN": "true",
        "TARGET_EXACTONLINE_STREAMS_BILLS": "sales_invoices",
        "TARGET_EXACTONLINE_FINALIZE": "",
        "TARGET_EXACTONLINE_STORE_URL": runner.settings["store_url"],
    }
    ended = program({**runner.settings, **config}, tmp_path, text, **variables)
    assert ended.returncode == 0, ended.stderr
    assert "There is no setting batch_config; it has no effect." in ended.stderr
    assert "There is no setting stream_maps" not in ended.stderr
    assert len(company.invoices(reference)) == 1


def test_rejected_records_end_in_exit_code_5_after_the_state(
    wire_runner: Runner, tmp_path: Path
) -> None:
    messages = [wire_runner.schema(), wire_runner.record({"YourRef": "x"}), wire_runner.state(1)]
    ended = program(wire_runner.settings, tmp_path, lines(*messages))
    assert ended.returncode == 5
    assert ended.stdout == '{"seen": 1}\n'
    assert "Traceback" not in ended.stderr
    assert "record x was rejected: OrderedBy is missing" in ended.stderr
    assert "1 of 1 record was rejected" in ended.stderr


def test_a_line_that_is_no_message_is_not_repeated(wire_runner: Runner, tmp_path: Path) -> None:
    text = lines(wire_runner.schema()) + "Jan de Vries, Kerkstraat 1\n"
    ended = program(wire_runner.settings, tmp_path, text)
    assert ended.returncode == 1
    assert "Line 2 of the input is not a Singer message." in ended.stderr
    assert "Kerkstraat" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_record_before_its_schema_is_an_error_in_words(
    wire_runner: Runner, tmp_path: Path
) -> None:
    ended = program(wire_runner.settings, tmp_path, lines(wire_runner.record({})))
    assert ended.returncode == 1
    assert "The input cannot be loaded: A record for stream 'sales_invoices'" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ({"type": "RECORD", "record": "Kerkstraat 1"}, "record should be an object"),
        ({"type": "RECORD", "record": ["Kerkstraat 1"]}, "record should be an object"),
        ({"type": "RECORD", "record": None}, "record should be an object"),
        ({"type": "SCHEMA", "schema": None}, "schema should be an object"),
        ({"type": "SCHEMA", "schema": []}, "schema should be an object"),
        (
            {"type": "SCHEMA", "schema": {"properties": None}},
            "schema.properties should be an object",
        ),
        ({"type": "SCHEMA", "stream": 5, "schema": {"properties": {}}}, "stream should be a text"),
        ({"type": "ACTIVATE_VERSION", "stream": None, "version": 1}, "stream should be a text"),
    ],
)
def test_a_message_with_parts_of_a_wrong_kind_is_told_by_its_line(
    wire_runner: Runner, message: dict[str, Any], said: str
) -> None:
    load = wire_runner.run([wire_runner.schema(), {"stream": "sales_invoices", **message}])
    assert f"Line 2 of the input, a {message['type']} message" in str(load.error)
    assert said in str(load.error)
    assert "Kerkstraat" not in str(load.error)


def test_a_new_version_of_a_table_removes_nothing(wire_runner: Runner) -> None:
    version = {"type": "ACTIVATE_VERSION", "stream": "another", "version": 1}
    load = wire_runner.run([wire_runner.schema(), version, wire_runner.state(1)])
    assert load.error is None
    assert load.states == [1]


def test_about_tells_only_what_the_target_does(capsys: pytest.CaptureFixture[str]) -> None:
    TargetExactOnline.print_about("json")
    about = json.loads(capsys.readouterr().out)
    assert about["name"] == "target-exactonline"
    assert about["version"] != "[could not be detected]"
    assert about["capabilities"] == ["about", "stream-maps", "structured-logging"]
    assert "required" not in about["settings"]
    properties = about["settings"]["properties"]
    assert {"division", "reference_field", "results_path", "on_daily_limit"} <= properties.keys()
    assert not {"add_record_metadata", "validate_records", "batch_config"} & properties.keys()
    for name, setting in properties.items():
        assert setting.get("description"), name
        assert setting.get("title"), name


def test_batch_files_are_refused_in_words(wire_runner: Runner) -> None:
    batch = {
        "type": "BATCH",
        "stream": "sales_invoices",
        "encoding": {"format": "jsonl", "compression": "gzip"},
        "manifest": ["file:///tmp/none"],
    }
    load = wire_runner.run([wire_runner.schema(), batch])
    assert "'sales_invoices' comes in files (BATCH messages)" in str(load.error)


def test_two_programs_that_load_the_same_records_create_each_once(
    company: Company, runner: Runner, tmp_path: Path
) -> None:
    references = [f"race-{number}" for number in range(20)]
    records = [runner.record(company.invoice(reference)) for reference in references]
    text = lines(runner.schema(), *records)
    # The store is made by the first of them that comes to it.
    both = [end(process) for process in [start(runner.settings, tmp_path, text) for _ in "ab"]]
    assert [ended.returncode for ended in both] == [0, 0]
    assert [len(company.invoices(reference)) for reference in references] == [1] * 20
