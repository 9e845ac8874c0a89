from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exactonline_sandbox import SandboxConfig
from exactonline_sandbox.world import World
from tests.sandbox.books.invariants import INVARIANTS, OF_FULL_BOOKS

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 4, 12, tzinfo=timezone.utc)
DIVISIONS = (1_700_001, 1_700_002, 1_700_003)


def make(seed: int, division: int, now: datetime = NOW, invoices: int = 60) -> Any:
    config = SandboxConfig(seed=seed, invoices=invoices, clock=now, books="full", divisions=3)
    return World(config).company(division)


shared = lru_cache(maxsize=None)(make)


@cache
def simple() -> Any:
    return World(SandboxConfig(invoices=60, clock=NOW, books="simple")).company(DIVISIONS[0])


@pytest.mark.parametrize("division", DIVISIONS)
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("holds", INVARIANTS, ids=lambda check: check.__name__)
def test_holds(holds: Callable[[Any], None], seed: int, division: int) -> None:
    holds(shared(seed, division))


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    division=st.sampled_from(DIVISIONS),
    days=st.integers(0, 1500),
    invoices=st.integers(1, 70),
)
def test_all_hold_for_any_seed_day_and_size(
    seed: int, division: int, days: int, invoices: int
) -> None:
    company = make(seed, division, NOW + timedelta(days=days), invoices)
    for holds in INVARIANTS:
        holds(company)


def test_same_seed_same_books() -> None:
    one, other = make(3, DIVISIONS[1]), make(3, DIVISIONS[1])
    assert {name: table.rows for name, table in one.tables().items()} == {
        name: table.rows for name, table in other.tables().items()
    }


@pytest.mark.parametrize(
    "holds",
    [check for check in INVARIANTS if check not in OF_FULL_BOOKS],
    ids=lambda check: check.__name__,
)
def test_holds_in_simple_books(holds: Callable[[Any], None]) -> None:
    holds(simple())
