"""Match sets that were sent without an answer: looked for, taken over, and never sent blindly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exactonline_client.errors import RecordsRejected
from tests.target.books import DOWNLOAD, UPLOAD, Books, load
from tests.target.conftest import noted_a_day_ahead, sent_by_another

if TYPE_CHECKING:
    from pathlib import Path

    from tests.target.conftest import Runner


@pytest.mark.parametrize("kind", ["lost", "cut", "status", "handled"])
def test_an_upload_without_an_answer_is_looked_for(kind: str, books: Books, runner: Runner) -> None:
    record = books.item()
    if kind == "handled":
        books.fault("status", status=503, handled=True)
    else:
        books.fault(kind, status=500)
    loaded = load(runner, record, settle_after=0)
    assert loaded.outcomes == [(record["reference"], "created")]
    assert books.is_paid(record)
    assert books.calls(UPLOAD) == (1 if kind in ("lost", "handled") else 2)
    assert load(runner, record).outcomes == [(record["reference"], "unchanged")]


def test_a_part_is_not_matched_twice_after_a_lost_answer(books: Books, runner: Runner) -> None:
    record = books.item()
    for row in record["lines"]:
        row["amount"] = row["amount"] / 4
    books.fault("lost")
    assert load(runner, record, settle_after=0).outcomes == [(record["reference"], "created")]
    assert books.calls(UPLOAD) == 1


def test_what_may_still_be_carried_out_is_waited_for(books: Books, patient: Runner) -> None:
    record = books.item()
    books.fault("late", seconds=30)
    loaded = load(patient, record, settle_after=60)
    assert loaded.outcomes == [(record["reference"], "created")]
    assert books.calls(UPLOAD) == 1


def test_a_moment_that_a_clock_ahead_has_noted_is_not_waited_for(
    books: Books, runner: Runner
) -> None:
    record = books.item()
    books.fault("cut", times=2)
    assert load(runner, record, settle_after=0).outcomes == [(record["reference"], "in_doubt")]
    noted_a_day_ahead(runner)
    assert load(runner, record, settle_after=0).outcomes == [(record["reference"], "created")]
    assert books.is_paid(record)


def test_what_another_run_has_sent_meanwhile_is_not_sent_at_once(
    books: Books, patient: Runner
) -> None:
    record = books.item()
    books.fault("cut", times=2)
    load(patient, record, settle_after=60)
    sent_by_another(patient)
    before = books.calls(UPLOAD)
    # It is taken over from the journal: with no record, nothing is looked at before the wait.
    assert load(patient, settle_after=60).outcomes == [(record["reference"], "in_doubt")]
    assert books.calls(UPLOAD) == before
    assert load(patient, record, settle_after=60).outcomes == [(record["reference"], "created")]


def test_a_run_that_died_is_taken_up_again(books: Books, runner: Runner) -> None:
    record = books.item()
    # Every look at what is there fails too, so that the run ends in the middle.
    books.company.server.control.faults(
        {"kind": "lost", "path": UPLOAD, "times": 1},
        {"kind": "status", "status": 400, "body": True, "path": DOWNLOAD},
    )
    assert load(runner, record, settle_after=0).error is not None
    books.company.server.control.faults()
    loaded = load(runner, record, settle_after=0)
    assert loaded.outcomes == [(record["reference"], "created")]
    assert books.calls(UPLOAD) == 1


def test_without_its_store_a_match_is_found_to_be_there(
    books: Books, runner: Runner, tmp_path: Path
) -> None:
    record = books.item()
    load(runner, record)
    runner.settings |= {
        "store_url": f"sqlite:///{tmp_path / 'new' / 'store.db'}",
        "refresh_token": books.company.sign_in(),
    }
    assert load(runner, record).outcomes == [(record["reference"], "exists")]
    assert load(runner, record).outcomes == [(record["reference"], "exists")]


def test_a_dry_run_sends_nothing(books: Books, runner: Runner) -> None:
    record = books.item()
    bad = {**record, "reference": "dry", "lines": []}
    loaded = load(runner, record, bad, dry_run=True)
    assert sorted(outcome for _, outcome in loaded.outcomes) == ["would_create", "would_reject"]
    assert books.calls(UPLOAD) == 0
    assert load(runner, record).outcomes == [(record["reference"], "created")]


def test_what_an_earlier_run_left_in_doubt_is_taken_over(books: Books, runner: Runner) -> None:
    left, other = books.item(), books.item()
    books.fault("cut", times=5)
    assert load(runner, left, settle_after=0).outcomes == [(left["reference"], "in_doubt")]
    books.company.server.control.faults()
    outcomes = dict(load(runner, other, settle_after=0).outcomes)
    assert outcomes == {other["reference"]: "created", left["reference"]: "created"}
    assert books.is_paid(left)
    assert books.is_paid(other)


def test_what_an_earlier_run_left_in_doubt_is_settled_though_no_record_comes(
    books: Books, runner: Runner
) -> None:
    left = books.item()
    books.fault("cut", times=2)
    assert load(runner, left, settle_after=0).outcomes == [(left["reference"], "in_doubt")]
    assert load(runner, settle_after=0).outcomes == [(left["reference"], "created")]
    assert books.is_paid(left)


def test_an_api_that_ends_leaves_the_doubt_and_takes_the_others_to_the_file(
    books: Books, runner: Runner, tmp_path: Path
) -> None:
    doubtful, other = books.item(), books.item()
    books.fault("cut", times=5)
    load(runner, doubtful, settle_after=0)
    books.company.server.control.faults()
    books.company.server.control.switches(xml_api=False)
    file = tmp_path / "matches.xml"
    again = load(runner, doubtful, other, settle_after=0, match_sets_path=str(file))
    assert isinstance(again.error, RecordsRejected)
    outcomes = dict(again.outcomes)
    assert outcomes == {doubtful["reference"]: "in_doubt", other["reference"]: "skipped"}
    assert again.states == [2]
    text = file.read_text(encoding="utf-8")
    assert f'entry="{other["lines"][0]["entry"]}"' in text
    assert f'entry="{doubtful["lines"][0]["entry"]}"' not in text


def test_a_wrong_version_leaves_the_doubt(books: Books, runner: Runner) -> None:
    item = books.item()
    books.fault("cut", times=5)
    load(runner, item, settle_after=0)
    outcomes = load(runner, {**item, "colour": "red"}, settle_after=0).outcomes
    assert (item["reference"], "rejected") in outcomes
    assert (item["reference"], "in_doubt") in outcomes
