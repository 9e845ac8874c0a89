"""Hourly runs with faults stay equal to Exact: a few hours of `tests.stress.soak`."""

from __future__ import annotations

import pytest

from tests.stress.soak import soak

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]


def test_a_day_of_hourly_runs() -> None:
    figures = soak(seed=5, days=1, invoices=10, hours=4)
    assert figures.wrong == []
    assert figures.runs == 5
    assert figures.days[0].memory < 300_000
    assert figures.compared > 1000
    assert len(figures.sent) == 6
    assert {*figures.created.values()} == {1}
