"""The target writes everything once, and nothing wrong: a short version of each proof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proof.writing.costs import costs
from proof.writing.faults import faults
from proof.writing.followups import attaching, changing, finalising, matching
from proof.writing.malformed import malformed

if TYPE_CHECKING:
    from collections.abc import Callable

    from proof.writing.followups import Chore


def test_every_invoice_is_made_once_through_faults_and_kills() -> None:
    figures = faults(seed=5, invoices=20, kills=3)
    assert figures.wrong == []
    assert figures.kills == 3


@pytest.mark.parametrize("do", [finalising, attaching, changing, matching])
def test_what_follows_is_done_once_as_well(do: Callable[[int, int], Chore]) -> None:
    chore = do(5, 1)
    assert chore.wrong == []
    assert chore.kills == 1


def test_new_invoices_cost_few_calls_and_known_ones_none() -> None:
    figures = costs(seed=5, invoices=60, again=80, customers=10, items=30)
    new, _, *again, lost = figures.loads
    assert figures.wrong == [] or figures.wrong == [
        f"{new.calls.total()} calls for 60 new invoices"
    ]
    assert new.calls["POST"] == 60
    assert new.calls["GET"] <= 6
    assert [load.calls.total() for load in again] == [0, 0]
    assert {*lost.calls} == {"GET"}


def test_broken_records_end_with_a_reason() -> None:
    figures = malformed(seed=5, records=1000)
    assert figures.wrong == []
    assert figures.sound == figures.outcomes["created"] == 2
    assert figures.outcomes["rejected"] == 998
