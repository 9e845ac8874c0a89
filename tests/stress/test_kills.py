"""A process that is killed in the middle of a refresh; the long version is `tests.stress.kills`."""

from __future__ import annotations

import pytest

from tests.stress.kills import FIRST, LATER, PHASES, RENEWAL, SIGN_IN, WORKED, Plan, kills, report

pytestmark = [pytest.mark.stress, pytest.mark.timeout(400)]

BEFORE, UNDER_WAY, ANSWERED, WRITTEN = PHASES


@pytest.mark.parametrize(("grace", "scenario"), [(False, RENEWAL), (True, FIRST)])
def test_the_next_start_works_or_asks_for_a_sign_in(grace: bool, scenario: str) -> None:  # noqa: FBT001
    plan = Plan(points=4, seed=11, grace=grace, scenarios=(scenario,))
    done = kills(plan)
    outcomes = {kill.phase: kill.outcome for kill in done}
    assert set(outcomes) == set(PHASES)
    assert outcomes[BEFORE] == outcomes[WRITTEN] == WORKED, report(plan, done)
    # What the server handed out died with the process: only its grace can help.
    assert outcomes[ANSWERED] == (LATER if grace else SIGN_IN), report(plan, done)
    assert outcomes[UNDER_WAY] in {WORKED, outcomes[ANSWERED]}, report(plan, done)
