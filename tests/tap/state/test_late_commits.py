"""Rows that are seen behind a rowversion which was read already, since their commit came late."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tap_exactonline.state.bookmarks import SETTLED

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

STREAMS = ("accounts", "contacts", "sales_invoices", "sales_invoice_lines", "transaction_lines")
KEY = {"sales_invoices": "InvoiceID"}
LATE = SETTLED.total_seconds() - 60
SOME_TIME = 2 * SETTLED.total_seconds()


class Table:
    """What a target that updates by key has of each stream."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], int] = {}

    def load(self, outcome: Outcome) -> None:
        for stream in STREAMS:
            for row in outcome.records(stream):
                key = (stream, row[KEY.get(stream, "ID")])
                if row.get("_sdc_deleted_at"):
                    self.rows.pop(key, None)
                else:
                    self.rows[key] = row["Timestamp"]


def truth(bench: Bench) -> dict[tuple[str, str], int]:
    """The rows that there are, with their rowversions."""
    table = Table()
    table.load(bench.run(*STREAMS))
    there = {(s, row[KEY.get(s, "ID")]) for s in STREAMS for row in bench.truth(s)}
    assert table.rows.keys() == there
    return table.rows


def business(bench: Bench, seed: int, *, late: bool) -> None:
    control = bench.server.control
    control.switches(late_commits=LATE if late else 0)
    control.changes(bench.divisions[0], seed=seed, new=8, changed=10, deleted=0 if late else 4)


def wait(bench: Bench, seconds: float) -> None:
    bench.server.control.clock(advance_seconds=seconds)


@pytest.mark.parametrize("line_touches_header", [True, False])
@pytest.mark.parametrize("pause", [1, LATE + 1, SOME_TIME])
@pytest.mark.parametrize("is_first", [True, False], ids=["a first load", "a later load"])
def test_rows_behind_a_rowversion_that_was_read_come(
    bench: Bench, pause: float, *, is_first: bool, line_touches_header: bool
) -> None:
    bench.server.control.switches(line_touches_header=line_touches_header)
    table = Table()
    state: Any = {}
    if not is_first:
        outcome = bench.run(*STREAMS)
        table.load(outcome)
        state = outcome.state
        wait(bench, SOME_TIME)
    business(bench, 1, late=True)
    business(bench, 2, late=False)
    for seconds in (pause, LATE, SOME_TIME):
        outcome = bench.run(*STREAMS, state=deepcopy(state))
        assert outcome.error is None
        table.load(outcome)
        state = outcome.state
        wait(bench, seconds)
    assert truth(bench) == table.rows


def position(state: Any) -> int:
    (partition,) = state["bookmarks"]["accounts"]["partitions"]
    return int(partition["replication_key_value"])


def test_a_quiet_company_is_read_again_once_and_never_more(bench: Bench) -> None:
    state = bench.run("accounts").state
    wait(bench, SOME_TIME)
    business(bench, 3, late=False)
    rows, calls = [], []
    for _ in range(4):
        outcome = bench.run("accounts", state=deepcopy(state))
        state = outcome.state
        rows.append(len(outcome.records("accounts")))
        calls.append(outcome.calls["sync/CRM/Accounts"])
        wait(bench, SOME_TIME)
    assert rows[0] == rows[1] > 0 == rows[2] == rows[3]
    assert calls == [1, 1, 1, 1]


def test_what_changed_some_time_before_a_run_comes_once(bench: Bench) -> None:
    state = bench.run("accounts").state
    business(bench, 3, late=False)
    wait(bench, SOME_TIME)
    second = bench.run("accounts", state=deepcopy(state))
    assert second.records("accounts")
    assert not bench.run("accounts", state=deepcopy(second.state)).records("accounts")


def test_runs_that_come_often_go_back_no_further_than_they_must(bench: Bench) -> None:
    state = bench.run("accounts").state
    ends = []
    for seed in range(9):
        wait(bench, SETTLED.total_seconds() / 3)
        business(bench, seed, late=False)
        state = bench.run("accounts", state=deepcopy(state)).state
        ends.append(position(state))
    assert ends == sorted(ends)
    assert len(set(ends)) >= 5


def test_a_page_in_no_order_keeps_the_bookmark_below_what_changed_just_now(bench: Bench) -> None:
    bench.server.control.switches(shuffle_sync_pages=True)
    state = bench.run("accounts").state
    wait(bench, SOME_TIME)
    business(bench, 1, late=True)
    business(bench, 2, late=False)
    first = bench.run("accounts", state=deepcopy(state))
    wait(bench, LATE)
    second = bench.run("accounts", state=deepcopy(first.state))
    stamps = {row["Timestamp"] for row in second.records("accounts")}
    assert min(stamps) > position(first.state)
    changed = {row["Timestamp"] for row in bench.run("accounts").records("accounts")}
    assert {stamp for stamp in changed if stamp > position(state)} <= stamps


def test_a_delete_that_is_committed_late_comes_in_the_log(bench: Bench) -> None:
    control, (division, *_) = bench.server.control, bench.divisions
    state = bench.run("deleted").state
    wait(bench, SOME_TIME)
    control.switches(late_commits=LATE)
    control.changes(division, seed=1, new=0, changed=0, deleted=6)
    control.switches(late_commits=0)
    control.changes(division, seed=2, new=0, changed=0, deleted=6)
    first = bench.run("deleted", state=deepcopy(state))
    wait(bench, LATE)
    second = bench.run("deleted", state=deepcopy(first.state))
    found = {row["Timestamp"] for run in (first, second) for row in run.records("deleted")}
    known = {row["Timestamp"] for row in bench.run("deleted").records("deleted")}
    assert len(first.records("deleted")) < len(second.records("deleted"))
    assert found >= {stamp for stamp in known if stamp >= min(found)}
