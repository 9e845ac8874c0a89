"""Many processes and one chain of tokens; the long version is `tests.stress.tokens`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stress.databases import KINDS
from tests.stress.stage import Asked
from tests.stress.tokens import Figures, Load, hammer

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]


def test_one_refresh_at_a_time_and_none_too_early() -> None:
    roles = ("reader", "reader", "tap")
    loads = [Load(processes=3, minutes=21, store=store, speed=60, roles=roles) for store in KINDS]
    with ThreadPoolExecutor() as pool:
        for figures in pool.map(hammer, loads):
            assert figures.held, figures
            assert len(figures.refreshes) >= 2, "no token was renewed: nothing was tried"
            assert figures.runs["tap-exactonline", 0] >= 1


GOOD, LATE, EARLY = Asked(0, "", 200), Asked(570, "", 200), Asked(569.9, "", 200)


@pytest.mark.parametrize(
    ("refreshes", "refusals", "held"),
    [
        ([GOOD, LATE], [], True),
        ([GOOD, EARLY], [], False),
        ([GOOD], [Asked(570, "", 401, "Old refresh token used.")], False),
    ],
)
def test_the_figures_tell_what_did_not_hold(
    refreshes: list[Asked],
    refusals: list[Asked],
    held: bool,  # noqa: FBT001
) -> None:
    figures = Figures(10, {("tap", 0): 1}, 0, refreshes, refusals)
    assert figures.held is held
    assert figures.spent == len(refusals)
