"""The target writes everything once, and nothing wrong: a short version of each program."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.stress.writing import storm
from tests.stress.writing.company import company
from tests.stress.writing.costs import costs
from tests.stress.writing.faults import faults
from tests.stress.writing.followups import attaching, changing, finalising, matching
from tests.stress.writing.forms import forms
from tests.stress.writing.locks import WAYS
from tests.stress.writing.locks import rounds as lock_rounds
from tests.stress.writing.malformed import malformed
from tests.stress.writing.rounds import rounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.stress.writing.followups import FollowUp

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]


def test_every_invoice_is_made_once_through_faults_and_kills() -> None:
    figures = faults(seed=5, invoices=20, kills=3)
    assert figures.wrong == []
    assert figures.kills == 3


def test_a_target_that_never_gets_anywhere_is_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(storm, "MOST_RUNS", 3)
    with company(seed=5, customers=2, items=3) as books:
        without_progress = storm.Storm(books, random.Random(5), {"dry_run": True})
        without_progress.load(books.invoice, records=4, kills=0)
    (wrong,) = without_progress.wrong
    assert wrong.startswith("3 runs, and 0 of 4 records are through and 0 of 0 kills have struck")


@pytest.mark.parametrize("do", [finalising, attaching, changing, matching])
def test_what_follows_is_done_once_as_well(do: Callable[[int, int], FollowUp]) -> None:
    done = do(5, 1)
    assert done.wrong == []
    assert done.kills == 1


def test_new_invoices_cost_few_calls_and_known_ones_none() -> None:
    figures = costs(seed=5, invoices=150, again=170, customers=10, items=30)
    new, _, *again, lost = figures.loads
    assert figures.wrong == []
    assert new.calls["POST"] == 150
    assert new.calls["GET"] <= 6
    assert [load.calls.total() for load in again] == [0, 0]
    assert {*lost.calls} == {"GET"}


def test_broken_records_end_with_a_reason() -> None:
    figures = malformed(seed=5, records=1000)
    assert figures.wrong == []
    assert figures.sound == figures.outcomes["created"] == 2
    assert figures.outcomes["rejected"] == 998


def test_records_in_other_forms_delete_nothing_and_lose_no_line() -> None:
    figures = forms(seed=5, records=600)
    assert figures.wrong == []
    assert figures.outcomes["deleted"] == figures.deleted == 20
    assert 20 < figures.outcomes["rejected"] <= figures.marks["unclear"]
    assert figures.lines > 100


def test_a_few_rounds_of_all_that_may_go_wrong() -> None:
    played = rounds(seed=2, numbers=range(6))
    assert [(one.number, one.wrong) for one in played if one.wrong] == []
    assert len({one.kind for one in played}) > 2
    struck = sum((one.struck for one in played), Counter[str]())
    assert struck["two at once"] > 2
    assert +struck >= Counter({"killed": 1, "locks removed": 1})


def test_two_loads_that_lose_their_lock_make_every_invoice_once() -> None:
    played = lock_rounds(seed=3, numbers=range(4))
    assert {one.way for one in played} == {*WAYS}
    assert [(one.number, one.wrong) for one in played if one.wrong] == []
    assert sum(one.struck for one in played) > 4
