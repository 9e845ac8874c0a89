"""Deletes that Exact logs, for loads that begin without a state."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
import time_machine

from exactonline_client.errors import Incomplete

if TYPE_CHECKING:
    from tests.tap.conftest import Bench, Outcome

STREAM = "contacts"
DAY = 86_400


def sent(outcome: Outcome) -> set[str]:
    return {row["ID"] for row in outcome.records(STREAM) if "_sdc_deleted_at" not in row}


def told(outcome: Outcome) -> set[str]:
    return {row["ID"] for row in outcome.records(STREAM) if "_sdc_deleted_at" in row}


def delete(bench: Bench, seed: int = 2) -> None:
    bench.server.control.changes(bench.divisions[0], seed=seed, new=0, changed=0, deleted=12)


def living(bench: Bench) -> set[str]:
    return {row["ID"] for row in bench.truth(STREAM)}


def test_a_table_that_is_new_gets_no_tombstones(bench: Bench) -> None:
    delete(bench)
    assert not told(bench.run(STREAM))


def test_a_table_that_outlives_its_state_learns_what_is_gone(bench: Bench) -> None:
    first = bench.run(STREAM)
    delete(bench)
    second = bench.run(STREAM, state=first.state)
    before = living(bench)
    bench.run(STREAM, state=second.state)
    delete(bench, seed=3)
    refreshed = bench.run(STREAM)
    assert told(second) == sent(first) - before
    assert told(refreshed) == before - living(bench) != set()
    assert sent(refreshed) == living(bench)


def test_a_load_that_did_not_arrive_learns_what_is_gone_beside_one_that_did(bench: Bench) -> None:
    arrived = bench.run(STREAM)
    lost = bench.run(STREAM)
    bench.run(STREAM, state=arrived.state)
    delete(bench)
    again = bench.run(STREAM)
    assert told(again) == sent(lost) - living(bench) != set()


def test_a_place_in_the_log_of_another_database_is_not_gone_on_from(bench: Bench) -> None:
    delete(bench, seed=1)
    lost = bench.run(STREAM)
    bench.server.control.move_division(bench.divisions[0])
    delete(bench)
    again = bench.run(STREAM)
    assert told(again) >= sent(lost) - living(bench) != set()
    gone = living(bench)
    delete(bench, seed=3)
    later = bench.run(STREAM, state=again.state)
    assert told(later) == gone - living(bench) != set()


def test_a_moved_company_is_told_from_the_beginning_of_its_new_log(bench: Bench) -> None:
    first = bench.run(STREAM)
    bench.server.control.changes(bench.divisions[0], seed=9, new=200, changed=200, deleted=20)
    delete(bench)
    second = bench.run(STREAM, state=first.state)
    before = living(bench)
    bench.server.control.move_division(bench.divisions[0])
    delete(bench, seed=3)
    third = bench.run(STREAM, state=second.state)
    assert told(third) >= before - living(bench) != set()
    gone = living(bench)
    delete(bench, seed=4)
    fourth = bench.run(STREAM, state=third.state)
    assert told(fourth) == gone - living(bench) != set()


def test_a_second_move_on_one_day_is_made_up_for_once_the_day_is_over(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    control, division = bench.server.control, bench.divisions[0]
    control.move_division(division)
    control.changes(division, seed=9, new=200, changed=200, deleted=20)
    first = bench.run(STREAM)
    before = living(bench)
    delete(bench)
    control.move_division(division)
    second = bench.run(STREAM, state=first.state)
    with time_machine.travel(time.time() + 2 * DAY):
        third = bench.run(STREAM, state=second.state)
        fourth = bench.run(STREAM, state=third.state)
    gone = before - living(bench)
    assert told(second) | told(third) >= gone != set()
    assert sent(third) == living(bench)
    assert "was not over" in caplog.text
    assert not sent(fourth)
    assert not told(fourth)


def test_a_move_is_noticed_though_the_divisions_were_not_listed_before(bench: Bench) -> None:
    control, division = bench.server.control, bench.divisions[0]
    control.changes(division, seed=9, new=200, changed=200, deleted=20)
    control.faults({"kind": "status", "status": 404, "path": "system/Divisions"})
    first = bench.run(STREAM)
    control.faults()
    before = living(bench)
    control.changes(division, seed=3, new=50, changed=0, deleted=50)
    # What was changed just now is read again by the next run.
    control.clock(advance_seconds=600)
    control.move_division(division)
    second = bench.run(STREAM, state=first.state)
    assert sent(second) == living(bench) != before
    assert told(second) >= before - living(bench) != set()
    third = bench.run(STREAM, state=second.state)
    assert not sent(third)


def test_a_gap_in_the_log_is_told_to_a_load_without_a_state(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.run(STREAM)
    with time_machine.travel(time.time() + 70 * DAY):
        bench.sign_in()
        bench.run(STREAM)
    assert "kept for two months" in caplog.text


@pytest.mark.parametrize(("status", "times"), [(404, 1), (400, 2)], ids=["missing", "refused"])
def test_a_log_that_is_refused_is_no_run_that_went_well(
    bench: Bench, status: int, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    first = bench.run(STREAM)
    before = living(bench)
    delete(bench)
    rule = {"kind": "status", "status": status, "path": "sync/Deleted", "body": True}
    bench.server.control.faults({**rule, "times": times})
    second = bench.run(STREAM, state=first.state)
    assert isinstance(second.error, Incomplete)
    assert "the deleted log" in str(second.error)
    assert "every run ends like this one. To read without deletes, set deletes: off." in caplog.text
    bench.server.control.faults()
    third = bench.run(STREAM, state=second.state)
    assert third.error is None
    assert told(third) == before - living(bench) != set()


# Streams whose deletes the log does not tell apart


INVOICES, LINES = "sales_invoices", "sales_invoice_lines"
KEYS = {INVOICES: "InvoiceID", LINES: "ID"}


class Warehouse:
    """Tables that are upserted into, as a target with soft deletes does."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, dict[str, Any]]] = {stream: {} for stream in KEYS}

    def load(self, outcome: Outcome) -> None:
        assert outcome.error is None
        for stream, key in KEYS.items():
            for row in outcome.records(stream):
                self.rows[stream].setdefault(row[key], {}).update(row)

    def living(self, stream: str) -> set[str]:
        return {key for key, row in self.rows[stream].items() if not row.get("_sdc_deleted_at")}


def delete_invoices(bench: Bench, seed: int) -> None:
    bench.server.control.changes(bench.divisions[0], seed=seed, new=0, changed=0, deleted=6)


def keys_of(bench: Bench, stream: str) -> set[str]:
    return {row[KEYS[stream]] for row in bench.truth(stream)}


@pytest.mark.parametrize("use_sync_api", [True, False])
@pytest.mark.parametrize("streams", [(INVOICES, LINES), (INVOICES,), (LINES,)])
def test_a_tombstone_goes_to_the_stream_that_had_the_row(
    bench: Bench, streams: tuple[str, ...], *, use_sync_api: bool
) -> None:
    settings: dict[str, Any] = {"use_sync_api": use_sync_api}
    warehouse = Warehouse()
    first = bench.run(*streams, **settings)
    warehouse.load(first)
    sent = {stream: {*warehouse.rows[stream]} for stream in streams}
    for seed in (2, 3):
        delete_invoices(bench, seed)
        # A load that does not arrive is told again.
        bench.run(*streams, state=deepcopy(first.state), **settings)
    second = bench.run(*streams, state=first.state, **settings)
    warehouse.load(second)
    for stream in streams:
        assert {*warehouse.rows[stream]} == sent[stream] | keys_of(bench, stream)
        assert warehouse.living(stream) == keys_of(bench, stream) != sent[stream]
        told = [row for row in second.records(stream) if row.get("_sdc_deleted_at")]
        assert len(told) == len(sent[stream] - keys_of(bench, stream))


def test_where_the_keys_are_not_known_every_stream_is_told(bench: Bench) -> None:
    warehouse = Warehouse()
    first = bench.run(INVOICES, LINES)
    warehouse.load(first)
    bench.config["store_url"] += "x"
    bench.sign_in()
    delete_invoices(bench, 2)
    warehouse.load(bench.run(INVOICES, LINES, state=first.state))
    for stream in KEYS:
        assert warehouse.living(stream) == keys_of(bench, stream)


def test_rows_sent_while_deletes_were_off_are_told_of_later(bench: Bench) -> None:
    warehouse = Warehouse()
    first = bench.run(INVOICES, LINES, deletes="off")
    second = bench.run(INVOICES, LINES, state=first.state)
    for outcome in (first, second):
        warehouse.load(outcome)
    delete_invoices(bench, 2)
    warehouse.load(bench.run(INVOICES, LINES, state=second.state))
    for stream in KEYS:
        assert warehouse.living(stream) == keys_of(bench, stream)
