"""Match sets: checked, uploaded once, told apart in the answer, and kept in a file at the end."""

from __future__ import annotations

import errno
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import requests
from defusedxml.ElementTree import fromstring

from exactonline_client.errors import (
    ConfigurationError,
    RecordsRejected,
    Unavailable,
    UnexpectedAnswer,
)
from target_exactonline.match_sets import file as match_file
from target_exactonline.match_sets.model import read
from tests.target.books import DOWNLOAD, UPLOAD, Books, load
from tests.target.load.test_once import noted

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_httpserver import HTTPServer

    from tests.target.conftest import Company, Record, Runner


def test_open_items_are_matched_in_one_upload(books: Books, runner: Runner) -> None:
    records = [books.item(), books.item("20.50"), books.item("0.07")]
    books.company.server.control.reset_calls()
    loaded = load(runner, *records)
    assert loaded.outcomes == [(record["reference"], "created") for record in records]
    assert loaded.states == [3]
    assert loaded.error is None
    assert all(books.is_paid(record) for record in records)
    assert (books.calls(UPLOAD), books.calls(DOWNLOAD)) == (1, 0)


def test_names_of_transaction_lines_and_text_will_do(books: Books, runner: Runner) -> None:
    record = books.item("12.10")
    names = {
        "year": "FinancialYear", "period": "financial_period", "journal": "JournalCode",
        "entry": "entry_number", "amount": "AMOUNT_DC",
    }  # fmt: skip
    lines = [{names[name]: str(value) for name, value in row.items()} for row in record["lines"]]
    loaded = runner.load(
        {
            **record,
            "lines": str(lines).replace("'", '"'),
            "_sdc_batched_at": "x",
            "write_off": None,
        },
        stream="public-match_sets",
    )
    assert [outcome for _, outcome in loaded.outcomes] == ["created"]
    assert books.is_paid(record)


def test_what_is_matched_is_not_sent_again(books: Books, runner: Runner) -> None:
    record = books.item()
    load(runner, record)
    books.company.server.control.reset_calls()
    loaded = load(runner, record, record)
    assert [outcome for _, outcome in loaded.outcomes] == ["unchanged"] * 2
    changed = {**record, "account": "1"}
    loaded = load(runner, changed)
    assert [outcome for _, outcome in loaded.outcomes] == ["skipped"]
    assert "cannot be changed" in str(loaded.reasons[0])
    assert load(runner, record).outcomes == [(record["reference"], "unchanged")]
    assert books.calls(UPLOAD) == 0


def test_a_reference_twice_in_a_batch_is_used_once(books: Books, runner: Runner) -> None:
    record = books.item()
    other = {**books.item(), "reference": record["reference"]}
    loaded = load(runner, record, record, other)
    assert [outcome for _, outcome in loaded.outcomes] == ["created", "unchanged", "rejected"]
    assert not books.is_paid(other)


def test_each_refusal_goes_to_its_own_record(books: Books, runner: Runner) -> None:
    good, wrong, closed = books.item(), books.item(), books.item()
    wrong["lines"][1]["entry"] = 99999999
    closed["gl_account"] = "8000"
    loaded = load(runner, wrong, good, closed)
    assert sorted(loaded.outcomes) == sorted(
        [
            (wrong["reference"], "rejected"),
            (good["reference"], "created"),
            (closed["reference"], "rejected"),
        ]
    )
    reasons = dict(zip((line["reference"] for line in loaded.results), loaded.reasons, strict=True))
    assert "99999999 Not found" in str(reasons[wrong["reference"]])
    assert "debtors or creditors" in str(reasons[closed["reference"]])
    assert isinstance(loaded.error, RecordsRejected)


def test_answers_that_tell_only_errors_are_checked_at_exact(books: Books, runner: Runner) -> None:
    books.company.server.control.switches(xml_tells_successes=False)
    good, wrong, worse = books.item(), books.item(), books.item()
    wrong["lines"][1]["entry"] = 88888888
    worse["lines"][0]["entry"] = 77777777
    loaded = load(runner, good, wrong, worse)
    assert dict(loaded.outcomes) == {
        good["reference"]: "created",
        wrong["reference"]: "rejected",
        worse["reference"]: "rejected",
    }
    reasons = {line["reference"]: line["reason"] for line in loaded.results}
    assert "88888888" in reasons[wrong["reference"]]
    assert "77777777" not in reasons[wrong["reference"]]
    another = books.item()
    assert load(runner, another).outcomes == [(another["reference"], "created")]


def test_a_difference_is_written_off(books: Books, runner: Runner) -> None:
    record = books.item("100.00", paid="99.95")
    loaded = load(runner, record)
    assert [outcome for _, outcome in loaded.outcomes] == ["rejected"]
    assert "no write_off" in str(loaded.reasons[0])
    assert books.calls(UPLOAD) == 0
    record["write_off"] = {"gl_account": "4800", "description": "Rounding", "date": "2026-07-01"}
    assert load(runner, record).outcomes == [(record["reference"], "created")]
    assert books.is_paid(record)


def test_what_was_written_off_is_found_after_a_lost_answer(books: Books, runner: Runner) -> None:
    record = {**books.item("100.00", paid="99.95"), "write_off": {"gl_account": "4800"}}
    books.fault("lost")
    loaded = load(runner, record, settle_after=0)
    assert loaded.outcomes == [(record["reference"], "created")]
    assert books.calls(UPLOAD) == 1


def test_a_write_off_of_nothing_is_left_out(books: Books, runner: Runner) -> None:
    record = {**books.item(), "write_off": {"gl_account": "does not exist"}}
    assert load(runner, record).outcomes == [(record["reference"], "created")]


def test_everything_that_is_wrong_is_told_at_once(runner: Runner, company: Company) -> None:
    company.server.control.reset_calls()
    bad: list[Record] = [
        {"gl_account": "1300", "lines": []},
        {
            "reference": "bad-1",
            "gl_account": 1300,
            "account": "1\n2",
            "colour": "red",
            "lines": [
                {"year": "soon", "period": 1, "journal": "70", "entry": 1, "amount": 0},
                {"year": 2026, "Year": 2026, "period": 1, "journal": "70", "amount": "1,5"},
                7,
            ],
            "write_off": {"date": "tomorrow"},
        },
        {
            "reference": "bad-2",
            "gl_account": "1300",
            "account": "1",
            "lines": [
                {"year": 2026, "period": 1, "journal": "70", "entry": 1, "amount": 1},
                {"year": 2026, "period": 1, "journal": "70", "entry": 2, "amount": 1},
            ],
        },
        {"reference": "x" * 201, "gl_account": "1300", "account": "1", "lines": "no json"},
    ]
    loaded = load(runner, *bad)
    assert [outcome for _, outcome in loaded.outcomes] == ["rejected"] * 4
    first, second, third, fourth = map(str, loaded.reasons)
    for part in ("reference is missing", "account is missing", "at least two lines"):
        assert part in first
    for part in (
        "account should be text",
        "colour is not a field",
        "lines[1].year should be a whole number",
        "lines[1].amount is zero",
        "lines[2].year is given twice",
        "lines[2].entry is missing",
        "lines[2].amount should be a number",
        "lines[3] should be an object",
        "write_off.date should be a date",
        "write_off.gl_account is missing",
    ):
        assert part in second, part
    assert "do not add up to zero" in third
    assert "on one side" in third
    assert "longer than 200" in fourth
    assert company.server.control.calls()["data_calls"] == 1  # who is signed in


MARK = "_sdc_deleted_at"
LINE = {"year": 2026, "period": 6, "journal": "70", "entry": 26700001}
SET: dict[str, Any] = {
    "reference": "M-0", "gl_account": "1300", "account": "10000",
    "lines": [{**LINE, "amount": 10}, {**LINE, "journal": "20", "amount": -10}],
}  # fmt: skip


@pytest.mark.parametrize("mark", [None, "", False, "0"])
def test_a_set_with_an_empty_mark_is_matched(mark: object) -> None:
    lines: list[Any] = [{**line, MARK: mark} for line in SET["lines"]]
    found = read({**SET, "lines": lines, MARK: mark, "write_off": ""})
    assert found.problems == []
    assert found.payload_hash == read(SET).payload_hash


@pytest.mark.parametrize(
    ("mark", "problem"),
    [
        ("2026-06-25T10:00:00Z", "it was deleted at the source"),
        ("yes", f"{MARK} should be empty or the time"),
        (True, f"{MARK} should be empty or the time"),
    ],
)
def test_a_set_that_was_deleted_is_not_matched(mark: object, problem: str) -> None:
    for record in ({**SET, MARK: mark}, {"reference": "M-0", MARK: mark}):
        found = read(record)
        assert found.reference == "M-0"
        assert len(found.problems) == 1
        assert found.problems[0].startswith(problem)
    lines: list[Any] = [{**line, MARK: mark} for line in SET["lines"]]
    assert len(read({**SET, "lines": lines}).problems) == 2


def test_empty_and_ambiguous_values_of_a_set() -> None:
    write_off = {"gl_account": "4000", "date": "", "description": " ", "year": "", "type": None}
    found = read({**SET, "write_off": write_off})
    assert found.problems == []
    assert found.write_off == {"gl_account": "4000"}
    lines = [{**LINE, "amount": "1,234"}, {**LINE, "amount": -10, "entry": ""}]
    write_off["date"] = "2-11-2026"
    problems = read({**SET, "lines": lines, "write_off": write_off}).problems
    assert "may part thousands or decimals" in problems[0]
    assert problems[1] == "lines[2].entry is missing"
    assert "2 November or 11 February" in problems[2]
    assert len(problems) == 3


class TestFile:
    def test_it_takes_what_exact_does_not(
        self, books: Books, runner: Runner, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        books.company.server.control.switches(xml_api=False)
        file = tmp_path / "sets.xml"
        one, two, three = books.item(), books.item("1.23"), books.item()
        loaded = load(runner, one, two, match_sets_path=str(file), batch_size_rows=1)
        assert [outcome for _, outcome in loaded.outcomes] == ["skipped"] * 2
        assert loaded.error is None
        assert "upload that file in Exact Online under Import/Export, XML" in caplog.text
        assert str(file) in caplog.text
        assert books.calls(UPLOAD) == 1
        load(runner, two, three, match_sets_path=str(file))
        root = fromstring(file.read_bytes())
        assert len(root.findall("MatchSets/MatchSet")) == 3
        assert {item.get("amountdc") for item in root.iter("MatchLine")} >= {"1.23", "-1.23"}
        assert file.stat().st_mode & 0o077 == 0
        # It is what the upload takes.
        books.company.server.control.switches(xml_api=True)
        token = books.company.server.control.sign_in()["access_token"]
        url = f"{books.company.server.base_url}/docs/{UPLOAD}"
        where = {"Topic": "MatchSets", "_Division_": str(books.company.division)}
        signed = {"Authorization": f"Bearer {token}"}
        answer = requests.post(url, file.read_bytes(), params=where, headers=signed, timeout=20)
        assert re.findall(rb'Message type="(\d)"', answer.content) == [b"2"] * 3
        assert all(books.is_paid(record) for record in (one, two, three))

    def test_its_usual_place_is_the_folder_of_the_run(
        self, books: Books, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        books.company.server.control.switches(xml_api=False)
        load(runner, books.item())
        assert (tmp_path / f"exactonline-match-sets-{books.company.division}.xml").exists()

    @pytest.mark.parametrize(
        "content", ["<notes/>", '<?xml version="1.0" encoding="foo"?><eExact/>']
    )
    def test_it_is_no_other_file(
        self, books: Books, runner: Runner, tmp_path: Path, content: str
    ) -> None:
        books.company.server.control.switches(xml_api=False)
        file = tmp_path / "notes.xml"
        file.write_text(content)
        loaded = load(runner, books.item(), match_sets_path=str(file))
        assert isinstance(loaded.error, ConfigurationError)
        assert "is not a file of match sets" in str(loaded.error)
        assert file.read_text() == content
        loaded = load(runner, books.item(), match_sets_path=str(tmp_path / "no" / "folder.xml"))
        assert isinstance(loaded.error, ConfigurationError)
        assert "cannot be written" in str(loaded.error)

    def test_what_others_have_put_in_its_place_is_neither_read_nor_written(
        self, tmp_path: Path
    ) -> None:
        file, other, pipe = (tmp_path / name for name in ("sets.xml", "other.txt", "pipe"))
        other.write_text("of somebody else")
        other.chmod(0o644)
        (tmp_path / "sets.xml.partial").symlink_to(other)
        match_file.add(str(file), 1, [])
        assert other.read_text() == "of somebody else"
        assert file.stat().st_mode & 0o777 == 0o600
        os.mkfifo(pipe)
        with pytest.raises(ConfigurationError, match="is not a file of match sets"):
            match_file.add(str(pipe), 1, [])

    def test_a_full_disk_leaves_it_as_it_was(
        self, books: Books, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        books.company.server.control.switches(xml_api=False)
        file = tmp_path / "sets.xml"
        first, second = books.item(), books.item()
        load(runner, first, match_sets_path=str(file))
        before = file.read_text()

        def full(_descriptor: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", full)
            loaded = load(runner, second, match_sets_path=str(file))
        assert isinstance(loaded.error, ConfigurationError)
        assert "No space left on device" in str(loaded.error)
        assert (file.read_text(), [*tmp_path.glob("*.partial")]) == (before, [])
        assert load(runner, second, match_sets_path=str(file)).outcomes[0][1] == "skipped"
        assert file.read_text().count("<MatchSet>") == 2


def test_all_pages_of_what_is_there_are_read(wire_runner: Runner, httpserver: HTTPServer) -> None:
    def page(entry: int, after: str, count: int) -> str:
        return (
            '<eExact><MatchSets><MatchSet><GLAccount code="1300"/><Account code=" 7"/><MatchLines>'
            f'<MatchLine finyear="2026" finperiod="1" journal="70" entry="{entry}" amountdc="1.0"/>'
            f'<MatchLine finyear="2026" finperiod="2" journal="20" entry="{entry}" amountdc="-1"/>'
            "</MatchLines></MatchSet></MatchSets><Topics>"
            f'<Topic code="MatchSets" ts_d="{after}" count="{count}" pagesize="1"/></Topics>'
            "</eExact>"
        )

    where = {"Topic": "MatchSets", "_Division_": "1"}
    httpserver.expect_oneshot_request(f"/docs/{UPLOAD}", "POST").respond_with_data("", 500)
    for query, body in (
        (where, page(1, "0xA", 1)),
        ({**where, "TSPaging": "0xA"}, page(2, "0xB", 1)),
        ({**where, "TSPaging": "0xB"}, page(3, "0xC", 0)),
    ):
        httpserver.expect_request(f"/docs/{DOWNLOAD}", "GET", query_string=query).respond_with_data(
            body
        )

    loaded = load(wire_runner, wire_record(3), wire_record(1))
    assert loaded.outcomes == [("R-3", "created"), ("R-1", "created")]
    httpserver.check_assertions()


@pytest.mark.parametrize("status", [403, 404, 410])
def test_no_access_and_no_api_lead_to_the_file(
    status: int, wire_runner: Runner, httpserver: HTTPServer, tmp_path: Path
) -> None:
    httpserver.expect_request(f"/docs/{UPLOAD}").respond_with_data("", status)
    file = tmp_path / "sets.xml"
    loaded = load(wire_runner, wire_record(1), match_sets_path=str(file))
    assert loaded.outcomes == [("R-1", "skipped")]
    assert f"HTTP {status}" in str(loaded.reasons[0])
    assert file.exists()


def test_an_upload_that_is_refused_as_a_whole_rejects_its_sets(
    wire_runner: Runner, httpserver: HTTPServer
) -> None:
    httpserver.expect_request(f"/docs/{UPLOAD}").respond_with_data("", 400)
    loaded = load(wire_runner, wire_record(1), wire_record(2))
    assert loaded.outcomes == [("R-1", "rejected"), ("R-2", "rejected")]
    assert isinstance(loaded.error, RecordsRejected)


def test_a_message_of_an_upload_that_names_a_fault_leaves_doubt(
    wire_runner: Runner, httpserver: HTTPServer
) -> None:
    message = '<Message type="0"><Description>Timeout expired.</Description></Message>'
    httpserver.expect_request(f"/docs/{UPLOAD}").respond_with_data(
        f"<eExact><Messages>{message}</Messages></eExact>"
    )
    httpserver.expect_request(f"/docs/{DOWNLOAD}").respond_with_data("<eExact/>")
    loaded = load(wire_runner, wire_record(1), settle_after=0)
    assert loaded.outcomes == [("R-1", "in_doubt")]


def test_an_upload_that_was_not_taken_up_is_not_in_doubt(
    wire_runner: Runner, httpserver: HTTPServer
) -> None:
    # No token, so that nothing is sent.
    httpserver.expect_oneshot_request("/api/oauth2/token").respond_with_data("", 400)
    loaded = load(wire_runner, wire_record(1))
    assert isinstance(loaded.error, Unavailable)
    assert (loaded.outcomes, loaded.states) == ([], [])
    created = '<eExact><Messages><Message type="2"/></Messages></eExact>'
    httpserver.expect_oneshot_request(f"/docs/{UPLOAD}").respond_with_data(created)
    assert load(wire_runner, wire_record(1)).outcomes == [("R-1", "created")]
    httpserver.check_assertions()


@pytest.mark.parametrize("status", [302, 429])
def test_an_upload_that_somebody_else_answered_is_in_doubt(
    wire_runner: Runner, httpserver: HTTPServer, status: int
) -> None:
    httpserver.expect_request(f"/docs/{UPLOAD}").respond_with_data("", status)
    loaded = load(wire_runner, wire_record(1))
    assert isinstance(loaded.error, (Unavailable, UnexpectedAnswer))
    (row,) = noted(wire_runner)
    assert row["outcome"] == "in_doubt"


def raising(error: Exception) -> Callable[..., None]:
    def write(*_: Any, **__: Any) -> None:
        raise error

    return write


def wire_record(entry: int) -> Record:
    return {
        "reference": f"R-{entry}",
        "gl_account": "1300",
        "account": "7",
        "lines": [
            {"year": 2026, "period": 1, "journal": "70", "entry": entry, "amount": 1},
            {"year": 2026, "period": 2, "journal": "20", "entry": entry, "amount": -1},
        ],
    }
