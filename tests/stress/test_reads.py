"""The tap reads everything, and misses nothing: a short version of each program."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from exactonline_sandbox import SandboxConfig, Switches
from tests.stress.reading import quota
from tests.stress.reading.books import NO_LIMIT, books
from tests.stress.reading.entries import STREAMS as ENTRIES
from tests.stress.reading.entries import entries
from tests.stress.reading.kills import lives
from tests.stress.reading.rounds import Case, rounds
from tests.stress.reading.storms import storms
from tests.stress.reading.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stress.reading.books import Books

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]

HOUR = 3600
NOON = datetime(2026, 9, 14, 12, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "case",
    [
        Case(use_sync_api=True, divisions=1),
        Case(use_sync_api=False, divisions=1, compare_keys=True),
        Case(use_sync_api=True, divisions=1, line_touches_header=False),
    ],
    ids=["sync", "bulk, all deletes", "sync, lines that do not touch their headers"],
)
def test_the_warehouse_equals_exact_after_every_round(case: Case) -> None:
    figures = rounds(case, seed=3, number=2, invoices=20)
    assert figures.wrong == []
    assert figures.loads == 3
    assert figures.compared > 1500
    assert figures.changes["deleted"] > 0


def test_a_first_load_of_four_days_costs_few_calls_more() -> None:
    figures = quota.quota(seed=2, purchases=600)
    assert figures.wrong == []
    assert figures.stopped == 3
    # The list of divisions, the deleted log, and one call for each list that was complete.
    assert sum(figures.days) <= figures.unlimited_calls + 3 * (2 + 3)
    # Each day but the first reads the last moment of the day before again: an entry and its line.
    assert figures.rows <= figures.records <= figures.rows + 3 * 2


def test_entries_bring_their_lines_along() -> None:
    together, apart = entries(seed=2, number=300)
    assert together.wrong == apart.wrong == []
    assert together.rows == apart.rows == 6 * 300
    assert together.calls == 5
    # A refusal is asked for twice.
    assert apart.calls == 2 + 5 + 25


def test_nothing_is_lost_when_the_tap_is_killed() -> None:
    (life,) = lives(seed=4, kills=4, invoices=60)
    assert life.wrong == []
    assert life.kills == 4
    assert life.rows > 1000


class CutOff(Warehouse):
    """Gets no more than the messages up to a run's tenth record."""

    @override
    def apply(self, line: bytes) -> None:
        if self.records < 10:
            super().apply(line)


def test_rows_of_a_first_load_that_was_cut_off_can_be_deleted() -> None:
    config = SandboxConfig(invoices=20, clock=NOON, speed=0)
    with books(config, ["contacts"]) as company:
        company.warehouse = CutOff()
        assert company.load() is None
        sent = company.warehouse
        company.warehouse = Warehouse(rows=sent.rows, state=sent.state)
        for seed in range(4):
            company.server.control.changes(
                company.server.divisions[0], seed=seed, new=0, changed=0, deleted=12
            )
        gone = company.compare(joined=True).wrong
        assert any("should not be there" in line for line in gone)
        assert company.load() is None
        assert company.compare(joined=True).wrong == []


@pytest.fixture
def unexpanding() -> Iterator[Books]:
    """The entries of three companies, on a server that does not bring lines along."""
    config = SandboxConfig(
        invoices=20,
        divisions=3,
        clock=NOON,
        speed=0,
        minutely_limit=NO_LIMIT,
        switches=Switches(expand=False),
    )
    with books(config, ENTRIES) as company:
        yield company


def test_what_a_server_refuses_is_not_asked_again(unexpanding: Books) -> None:
    control = unexpanding.server.control
    for _ in range(13):
        assert unexpanding.load() is None
        unexpanding.wait(HOUR / 12)
    refused = [call for call in control.calls()["calls"] if call["status"] == 400]
    # Each division asks twice, and never again.
    assert {call["count"] for call in refused} == {2}
    assert unexpanding.compare(joined=True).wrong == []


def test_runs_that_go_wrong_leave_nothing_out() -> None:
    played = storms(seed=2, numbers=range(4))
    assert [(one.number, one.wrong) for one in played if one.wrong] == []
    assert sum(one.rows for one in played) > 100
    assert sum((one.struck for one in played), Counter[str]()).total() > 8
