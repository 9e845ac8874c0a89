"""The file of results: whose it is."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exactonline_client.errors import ConfigurationError, OutputError, RecordsRejected
from exactonline_client.store.outcomes import Status
from target_exactonline.results.outcome import Outcome, Result
from target_exactonline.results.results import Results

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.target.conftest import Company, Runner

FULL = "/dev/full"
ON_LINUX = pytest.mark.skipif(not Path(FULL).exists(), reason="there is no full disk here")


@pytest.fixture
def _open_to_all() -> Iterator[None]:
    """What a user allows whose new files everybody may read."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_open_to_all")
@pytest.mark.parametrize(("present", "after"), [(None, 0o600), (0o640, 0o640)])
def test_a_new_file_is_its_owners_only(tmp_path: Path, present: int | None, after: int) -> None:
    file = tmp_path / "results.jsonl"
    if present is not None:
        file.touch(mode=present)
    with closing(Results(1, str(file))) as results:
        results.note(Result("orders", "salesorder/SalesOrders", "A-1", Outcome(Status.CREATED)))
    assert file.stat().st_mode & 0o777 == after
    assert file.read_text().count("A-1") == 1


@ON_LINUX
def test_a_full_disk_ends_in_one_line_and_loses_nothing(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    records = [company.invoice(f"full-{number}") for number in range(3)]
    load = runner.load(*records, results_path=FULL)
    assert isinstance(load.error, ConfigurationError)
    assert f"{FULL} cannot be written any further (No space left on device)" in str(load.error)
    assert "exactonline results" in str(load.error)
    assert caplog.text.count("No space left on device") == 1
    assert load.states == [3]
    assert [len(company.invoices(record["YourRef"])) for record in records] == [1, 1, 1]
    assert {outcome for _, outcome in runner.load(*records).outcomes} == {"unchanged"}


@ON_LINUX
def test_rejected_records_count_more_than_a_full_disk(company: Company, runner: Runner) -> None:
    load = runner.load(company.invoice("full-bad", Colour="red"), results_path=FULL)
    assert isinstance(load.error, RecordsRejected)


@ON_LINUX
def test_a_state_that_cannot_be_written_ends_the_run(
    company: Company, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = company.invoice("full-state")
    with Path(FULL).open("w", encoding="utf-8") as full, monkeypatch.context() as patched:
        patched.setattr("sys.stdout", full)
        load = runner.load(record)
    assert isinstance(load.error, OutputError)
    assert load.states == []
    assert runner.load(record).outcomes == [("full-state", "unchanged")]


def test_the_summary_tells_what_was_found_from_what_was_not_asked_about() -> None:
    results = Results(1)
    for number, outcome in enumerate(
        (Status.CREATED, Status.EXISTS, Status.UNCHANGED, Status.UNCHANGED)
    ):
        results.note(Result("orders", "salesorder/SalesOrders", str(number), Outcome(outcome)))
    told = "Division 1: 1 created, 1 already there, 2 unchanged, 0 rejected, 0 in doubt."
    assert results.summary() == told


def test_the_log_holds_no_values_of_a_record(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    names = {"OrderedBy": {"Name": "Jansen en Zonen"}, "Description": "for Jansen en Zonen"}
    load = runner.load(company.invoice("discreet", **names))
    assert load.outcomes == [("discreet", "rejected")]
    assert "no row of Accounts has Name 'Jansen en Zonen'" in str(load.reasons[0])
    assert "record discreet was rejected: OrderedBy: no row of Accounts has Name '...'" in (
        caplog.text
    )
    assert "Jansen" not in caplog.text


def test_the_log_names_no_row_that_looks_like_what_was_asked_for(
    company: Company, runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = company.server.control.truth(company.division, "accounts")
    (code,) = (row["Code"].strip() for row in accounts if row["ID"] == company.customer)
    load = runner.load(company.invoice("near", OrderedBy={"Code": f"{code}9"}))
    assert code in str(load.reasons[0]).partition("(similar: ")[2]
    assert "no row of Accounts has Code '...' (similar: ..., ..., ...)" in caplog.text


def test_a_line_that_was_cut_off_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    file.write_text('{"at": "2026')
    for reference in ("A-1", "A-2"):
        with closing(Results(1, str(file))) as results:
            results.note(
                Result("orders", "salesorder/SalesOrders", reference, Outcome(Status.CREATED))
            )
    cut_off, first, second = file.read_text().splitlines()
    assert cut_off == '{"at": "2026'
    assert json.loads(first)["reference"] == "A-1"
    assert json.loads(second)["reference"] == "A-2"
