"""Deletes that Exact logs, for loads that begin without a state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import time_machine

if TYPE_CHECKING:
    import pytest

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


def test_a_gap_in_the_log_is_told_to_a_load_without_a_state(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.run(STREAM)
    with time_machine.travel(time.time() + 70 * DAY):
        bench.sign_in()
        bench.run(STREAM)
    assert "kept for two months" in caplog.text
