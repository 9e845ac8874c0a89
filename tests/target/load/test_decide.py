"""What is done with a document: the tables of rules, case by case."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from exactonline_client.store.outcomes import Status
from target_exactonline.load.decide import (
    BY_JOURNAL,
    BY_SEARCH,
    Action,
    Doubt,
    Facts,
    Found,
    Known,
    first,
)

KNOWN = {"known": True, "before": Status.CREATED}
SAME = {**KNOWN, "same": True}
DELETED = {"deleted": True}
FIXED = {"upsert": True, "can_change": False}
LOST = {"doubt": Doubt.CREATION}
HALF = {"doubt": Doubt.CHANGE, "found": Found.ONE, "upsert": True}
NO_SEARCH, ONE, SEVERAL = ({"found": each} for each in (Found.NO_SEARCH, Found.ONE, Found.SEVERAL))
BOTH = (False, True)


@pytest.mark.parametrize(
    ("facts", "known"),
    [
        ({}, Known.LOOK),
        ({"before": Status.REJECTED, "same": True}, Known.LOOK),
        (SAME, Known.AS_BEFORE),
        (KNOWN, Known.CHANGED),
        ({**SAME, "before": Status.EXISTS}, Known.AS_BEFORE),
        ({**SAME, "before": Status.REJECTED}, Known.EXISTS),
        ({**SAME, "before": Status.SKIPPED, "upsert": True}, Known.AS_BEFORE),
        ({**SAME, "upsert": True}, Known.AS_BEFORE),
        ({**SAME, "before": Status.UPDATED, "upsert": True}, Known.AS_BEFORE),
        ({**SAME, "before": Status.EXISTS, "upsert": True}, Known.LOOK),
        ({**SAME, "before": Status.IN_DOUBT, "upsert": True}, Known.LOOK),
        ({**KNOWN, "upsert": True}, Known.LOOK),
        ({**KNOWN, **FIXED}, Known.FIXED),
        ({**SAME, **FIXED}, Known.AS_BEFORE),
        ({**SAME, **FIXED, "before": Status.EXISTS}, Known.AS_BEFORE),
        ({**SAME, **FIXED, "before": Status.REJECTED}, Known.LOOK),
        (DELETED, Known.KEPT),
        ({**DELETED, **SAME}, Known.KEPT),
        ({**DELETED, **SAME, "hard_delete": True}, Known.LOOK),
        ({**DELETED, "before": Status.DELETED, "hard_delete": True}, Known.DELETED_BEFORE),
    ],
)
def test_what_the_journal_settles(facts: dict[str, Any], known: Known) -> None:
    assert first(BY_JOURNAL, Facts(**facts)) is known


@pytest.mark.parametrize(
    ("facts", "action"),
    [
        ({}, Action.CREATE),
        ({"complete": False}, Action.INCOMPLETE),
        (NO_SEARCH, Action.COMPARE_CONTENT),
        ({**NO_SEARCH, "sent_nowhere": False}, Action.CREATE),
        ({**NO_SEARCH, "complete": False}, Action.INCOMPLETE),
        (ONE, Action.KEEP),
        ({**ONE, "upsert": True}, Action.CHANGE),
        ({**SEVERAL, "upsert": True}, Action.CHANGE),
        ({**ONE, **FIXED}, Action.KEEP),
        ({**LOST, **NO_SEARCH}, Action.ASK_USER),
        ({**LOST, **NO_SEARCH, "over": True}, Action.ASK_USER),
        (LOST, Action.WAIT),
        ({**LOST, "over": True}, Action.CREATE),
        ({**LOST, **ONE, "same": True}, Action.ADOPT),
        ({**LOST, **SEVERAL, "same": True, "upsert": True}, Action.ADOPT),
        ({**LOST, **ONE, "same": True, "dry_run": True}, Action.KEEP),
        ({**LOST, **ONE, "upsert": True}, Action.CHANGE),
        ({**LOST, **ONE}, Action.KEEP),
        ({**LOST, **DELETED}, Action.WAIT),
        ({**LOST, **DELETED, "over": True}, Action.GONE),
        ({**LOST, **DELETED, **ONE, "same": True}, Action.DELETE),
        (HALF, Action.WAIT),
        ({**HALF, "over": True}, Action.CHANGE),
        ({**HALF, **DELETED}, Action.WAIT),
        (DELETED, Action.GONE),
        ({**DELETED, **NO_SEARCH}, Action.UNKNOWN_KEY),
        ({**DELETED, **ONE}, Action.DELETE),
        ({**DELETED, **SEVERAL}, Action.SEVERAL),
    ],
)
def test_what_is_done_after_a_look(facts: dict[str, Any], action: Action) -> None:
    assert first(BY_SEARCH, Facts(**facts)) is action


def every_case() -> list[Facts]:
    names = ("deleted", "same", "over", "upsert", "dry_run", "can_change", "complete")
    switches: list[dict[str, Any]] = [
        dict(zip(names, values, strict=True)) for values in product(BOTH, repeat=len(names))
    ]
    return [
        Facts(**switch, doubt=doubt, found=found, sent_nowhere=new)
        for switch in switches
        for doubt, found, new in product(Doubt, Found, BOTH)
    ]


def test_nothing_is_created_that_is_there_or_may_still_come() -> None:
    creating = {Action.CREATE, Action.COMPARE_CONTENT}
    for facts in every_case():
        if first(BY_SEARCH, facts) in creating:
            assert facts.found in {Found.NOTHING, Found.NO_SEARCH}, facts
            assert facts.doubt is Doubt.NOTHING or facts.over, facts
            assert not facts.deleted, facts


def test_every_action_is_taken_in_some_case() -> None:
    assert {first(BY_SEARCH, facts) for facts in every_case()} == {*Action}
